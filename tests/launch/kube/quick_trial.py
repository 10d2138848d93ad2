"""Runs `launch.trial` with leases that are taken over in seconds instead of minutes."""

import sys

from launch import trial
from tests.launch.kube.forked import quicken

if __name__ == "__main__":
    quicken()
    trial.main(sys.argv[1:])
