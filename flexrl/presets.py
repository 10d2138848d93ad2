"""Defaults that depend on algorithm, environment and profile; whatever is not named here is the dataclass default.

On a CPU, where samples are dear, many small iterations learn more from each of them; on a GPU, where they are cheap,
an iteration takes as many worlds as keep the device busy.
"""

from typing import Any

PRESETS: dict[tuple[str, str, str], dict[str, Any]] = {
    ("ppo", "humanoid-walk", "cpu"): {"total_steps": 5_000_000, "num_envs": 256, "num_evaluations": 5},
    ("ppo", "humanoid-walk", "gpu"): {
        "total_steps": 100_000_000,
        "num_envs": 8192,
        "algorithm": {"unroll_length": 16, "num_minibatches": 32},
    },
}

FALLBACK_PRESET: dict[str, Any] = {"total_steps": 10_000_000, "num_envs": 1024}
