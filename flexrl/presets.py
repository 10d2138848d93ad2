"""Defaults that depend on algorithm, environment and profile; whatever is not named here is the dataclass default."""

from typing import Any

PRESETS: dict[tuple[str, str, str], dict[str, Any]] = {
    ("ppo", "humanoid-walk", "cpu"): {"total_steps": 8_000_000, "num_envs": 1024},
    ("ppo", "humanoid-walk", "gpu"): {"total_steps": 100_000_000, "num_envs": 8192},
}

FALLBACK_PRESET: dict[str, Any] = {"total_steps": 10_000_000, "num_envs": 1024}
