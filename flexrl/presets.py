"""Defaults that depend on algorithm, environment and profile; whatever is not named here is the dataclass default.

The CPU's were found as `benchmarks/README.md` says. The GPU's are a first guess: no GPU has measured them yet.
"""

from typing import Any

PRESETS: dict[tuple[str, str, str], dict[str, Any]] = {
    ("ppo", "humanoid-walk", "cpu"): {
        "total_steps": 5_000_000,
        "num_envs": 128,
        "num_evaluations": 5,
        "algorithm": {"learning_rate": 6e-4, "final_learning_rate": 6e-5},
    },
    ("ppo", "humanoid-walk", "gpu"): {
        "total_steps": 100_000_000,
        "num_envs": 8192,
        "algorithm": {"unroll_length": 16, "num_minibatches": 32},
    },
}

FALLBACK_PRESET: dict[str, Any] = {"total_steps": 10_000_000, "num_envs": 1024}
