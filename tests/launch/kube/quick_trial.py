"""Runs `launch.trial` with leases that are taken over in seconds instead of minutes."""

import sys

from launch import trial
from launch.attempt import lease
from tests.launch.kube.forked import quicken

if __name__ == "__main__":
    quicken(lease)
    trial.main(sys.argv[1:])
