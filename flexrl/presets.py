"""Defaults that depend on algorithm, environment and profile; whatever is not named here is the dataclass default.

The CPU's were found as `benchmarks/README.md` says. The GPU's are a first guess: no GPU has measured them yet.
"""

from typing import Any

from envs.humanoid_skills.goals import SKILL_NAMES

DMC_HUMANOID: dict[str, Any] = {
    "total_steps": 10_000_000,
    "num_envs": 1024,
    "algorithm": {
        "num_minibatches": 16,
        "target_kl": 0.01,
        "action_distribution": "clipped_normal",
        "policy_layers": [128, 128, 128],
        "value_layers": [256, 256, 256],
    },
    "task": {"end_below_height": 0.8},
}

PRESETS: dict[tuple[str, str, str], dict[str, Any]] = {
    ("ppo", "humanoid-walk", "cpu"): {
        "total_steps": 5_000_000,
        "num_envs": 128,
        "num_evaluations": 5,
        "algorithm": {"learning_rate": 6e-4, "final_learning_rate": 6e-5},
    },
    ("ppo", "humanoid-skills", "cpu"): {
        "total_steps": 15_000_000,
        "num_envs": 256,
        "num_evaluations": 15,
        "algorithm": {
            "learning_rate": 5e-4,
            "final_learning_rate": 5e-5,
            "reward_scale": 0.2,
            "policy_layers": [128, 128, 128],
            "value_layers": [256, 256, 256],
        },
        # One that learns to stand up lies for seconds while the others fall at once: it would be most of the data.
        "task": {"skills": [name for name in SKILL_NAMES if name != "stand-up"]},
    },
    **{("ppo", f"dmc-humanoid-{speed}", "cpu"): DMC_HUMANOID for speed in ("stand", "walk", "run")},
    ("ppo", "humanoid-walk", "gpu"): {
        "total_steps": 100_000_000,
        "num_envs": 8192,
        "algorithm": {"unroll_length": 16, "num_minibatches": 32},
    },
}

DT_STEPS = 64 * 20  # control steps of a gradient step
FALLBACK_PRESETS: dict[tuple[str, str], dict[str, Any]] = {
    ("dt", "cpu"): {"total_steps": 10_000 * DT_STEPS, "num_envs": 64, "algorithm": {"warmup_updates": 1000}},
    ("dt", "gpu"): {"total_steps": 100_000 * DT_STEPS, "num_envs": 128},  # the paper's
}
FALLBACK_PRESET: dict[str, Any] = {"total_steps": 10_000_000, "num_envs": 1024}


def preset_of(algo: str, env: str, profile: str) -> dict[str, Any]:
    """Defaults for a run for which nothing else was chosen, as a config file would say them."""
    return PRESETS.get((algo, env, profile)) or FALLBACK_PRESETS.get((algo, profile), FALLBACK_PRESET)
