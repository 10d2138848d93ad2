"""Trains brax's PPO for `benchmarks.learning`, and prints a line of JSON after every training step."""

import contextlib
import json
import sys
from typing import Any

from benchmarks.peers import brax_ppo


def main(seed: int) -> None:
    """Train brax's PPO with a seed until the parent process ends this one; print JSON after every training step."""
    lines = sys.stdout

    def progress(num_steps: int, metrics: Any) -> None:
        """Print the mean return of the last episodes as a line of JSON.

        Brax calls this also for evaluations, whose metrics lack that return; then nothing is printed.
        """
        if "episode/sum_reward" in metrics:
            row = {"control_steps": num_steps, "return": float(metrics["episode/sum_reward"])}
            print(json.dumps(row), file=lines, flush=True)

    settings = {**brax_ppo.device_settings(), "backend": brax_ppo.BACKEND}
    print(json.dumps({"settings": settings, "versions": {}}), file=lines, flush=True)
    with contextlib.redirect_stdout(sys.stderr):
        brax_ppo.train(brax_ppo.make_env(), progress, seed=seed, log_training_metrics=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
