"""Defaults that depend on algorithm, environment and profile; whatever is not named here is the dataclass default.

The CPU's were found as `benchmarks/README.md` says. The GPU's are unmeasured, all of them: guesses from what others
publish for their trainers, each with its source.
"""

from typing import Any

from envs.tasks.humanoid_skills.goals import SKILL_NAMES

DMC_HUMANOID: dict[str, Any] = {
    "total_steps": 10_000_000,
    "num_envs": 256,
    "num_evaluations": 20,
    "algorithm": {
        "learning_rate": 6e-4,
        "final_learning_rate": 6e-5,
        "action_distribution": "clipped_normal",
        "policy_layers": [128, 128, 128],
    },
    "task": {"end_below_height": 0.8},
}
# Standing learns to lean on noise that it is paid for: without the noise, in evaluation, it falls.
ENTROPY_BONUS: dict[str, dict[str, Any]] = {"stand": {"entropy_weight": 0.0}, "walk": {}, "run": {}}

WIDE: dict[str, Any] = {"unroll_length": 16, "num_minibatches": 32}  # short iterations of many worlds

PRESETS: dict[tuple[str, str, str], dict[str, Any]] = {
    ("ppo", "humanoid-walk", "cpu"): {
        "total_steps": 5_000_000,
        "num_envs": 128,
        "num_evaluations": 5,
        "algorithm": {"learning_rate": 6e-4, "final_learning_rate": 6e-5, "value_layers": [128, 64, 64]},
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
    ("ppo", "humanoid-goal", "cpu"): {
        "total_steps": 8_000_000,
        "num_envs": 256,
        "num_evaluations": 16,
        "algorithm": {
            "learning_rate": 5e-4,
            "final_learning_rate": 5e-5,
            "reward_scale": 0.2,
            "policy_layers": [128, 128, 128],
        },
    },
    **{
        ("ppo", f"dmc-humanoid-{speed}", "cpu"): DMC_HUMANOID | {"algorithm": DMC_HUMANOID["algorithm"] | bonus}
        for speed, bonus in ENTROPY_BONUS.items()
    },
    # Brax trains this with 2,048 worlds for 50M steps; more worlds here, as MJX's humanoid saturates an H200 at 32K.
    ("ppo", "humanoid-walk", "gpu"): {"total_steps": 100_000_000, "num_envs": 8192, "algorithm": WIDE},
    # Playground's joystick tasks, as broad: 8,192 worlds, 200M steps. Standing up is learnt too: data is cheap here.
    ("ppo", "humanoid-skills", "gpu"): {
        "total_steps": 200_000_000,
        "num_envs": 8192,
        "num_evaluations": 15,
        "algorithm": WIDE | {"reward_scale": 0.2, "policy_layers": [256, 256, 256], "value_layers": [256, 256, 256]},
    },
    # Between a gait alone and thirteen skills.
    ("ppo", "humanoid-goal", "gpu"): {"total_steps": 100_000_000, "num_envs": 8192, "algorithm": WIDE},
    # REPPO has 888 on walk after 47M steps, our CPU's recipe 926 after 8M: that recipe, with more worlds.
    **{
        ("ppo", f"dmc-humanoid-{speed}", "gpu"): DMC_HUMANOID
        | {
            "total_steps": 50_000_000,
            "num_envs": 4096,
            "algorithm": DMC_HUMANOID["algorithm"] | {"unroll_length": 16, "num_minibatches": 16} | bonus,
        }
        for speed, bonus in ENTROPY_BONUS.items()
    },
    # Playground's own for G1 and T1, whose critics see more than their policies, too.
    **{
        ("ppo", f"{robot}-joystick", "gpu"): {
            "total_steps": 200_000_000,
            "num_envs": 8192,
            "algorithm": {
                "unroll_length": 20,
                "num_minibatches": 32,
                "discount": 0.97,
                "entropy_weight": 5e-3,
                "reward_scale": 1.0,
                "policy_layers": [512, 256, 128],
                "value_layers": [512, 256, 128],
                "privileged_critic": True,
            },
        }
        for robot in ("g1", "h1", "t1")
    },
}

DT_STEPS = 64 * 20  # control steps of a gradient step
FALLBACK_PRESETS: dict[tuple[str, str], dict[str, Any]] = {
    ("dt", "cpu"): {"total_steps": 10_000 * DT_STEPS, "num_envs": 64, "algorithm": {"warmup_updates": 1000}},
    ("dt", "gpu"): {"total_steps": 100_000 * DT_STEPS, "num_envs": 128},  # the paper's
    # Gymnasium's, Brax's and Playground's: most of the latter two have 2,048 worlds and 50M to 60M steps at home.
    ("ppo", "gpu"): {"total_steps": 50_000_000, "num_envs": 4096, "algorithm": WIDE},
}
FALLBACK_PRESET: dict[str, Any] = {"total_steps": 10_000_000, "num_envs": 1024}


def preset_of(algo: str, env: str, profile: str) -> dict[str, Any]:
    """Defaults for a run for which nothing else was chosen, as a config file would say them."""
    return PRESETS.get((algo, env, profile)) or FALLBACK_PRESETS.get((algo, profile), FALLBACK_PRESET)
