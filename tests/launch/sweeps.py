"""Sweep files of tiny runs."""

from pathlib import Path

import yaml

from launch.plan.trials import Trial, load_trials

TINY = {  # the flags of tests/flexrl/runs.py
    "num_envs": 8,
    "total_steps": 960,
    "num_evaluations": 3,
    "evaluation_episodes": 4,
    "checkpoint_interval": 1,
    "video": False,
    "algorithm": {
        "unroll_length": 4,
        "num_minibatches": 2,
        "num_epochs": 2,
        "policy_layers": [8],
        "value_layers": [8],
    },
}


def write(folder: Path, **fields) -> Path:
    """A sweep's file in a folder."""
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({"name": "tiny", "base": TINY, **fields}, sort_keys=False))
    return path


def trials(folder: Path, **fields) -> list[Trial]:
    """The trials of a sweep with these fields."""
    return load_trials(write(folder, **fields), folder / "workspace")[1]
