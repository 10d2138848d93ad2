"""Default fields of runs that depend on algorithm, environment and profile (`cpu` or `gpu`, the kind of device).

All other fields have the default of their dataclass. The values for `cpu` were found as `benchmarks/README.md`
describes. The values for `gpu` are all unmeasured: they are guesses from what others publish for their trainers, with
the source in a comment.
"""

from envs.built_in import is_model_file
from envs.tasks.humanoid_skills.goals import SKILL_NAMES
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject

OWN_ROBOT = "robot.xml"  # stands for the MJCF files of users

DMC_HUMANOID: JsonObject = {
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
# With an entropy bonus, standing learns to rely on exploration noise, and falls in evaluation, where there is none.
ENTROPY_BONUS: dict[str, JsonObject] = {"stand": {"entropy_weight": 0.0}, "walk": {}, "run": {}}

# Of tasks with one skill of the whole body, in which exploring matters most. The bonus for entropy falls to nothing:
# with it to the end, jumping leant on its noise, and fell in evaluations, where there is none.
SPECIALIST: JsonObject = {
    "num_envs": 256,
    "num_evaluations": 10,
    "algorithm": {
        "learning_rate": 5e-4,
        "final_learning_rate": 5e-5,
        "entropy_weight": 5e-3,
        "final_entropy_weight": 0.0,
        "policy_layers": [128, 128, 128],
        "symmetric": True,
    },
}


def _specialist(total_steps: int, reward_scale: float) -> JsonObject:
    algorithm = SPECIALIST["algorithm"] | {"reward_scale": reward_scale}
    return SPECIALIST | {"total_steps": total_steps, "algorithm": algorithm}


WIDE: JsonObject = {"unroll_length": 16, "num_minibatches": 32}  # for many worlds: short unrolls, many minibatches

PRESETS: dict[tuple[str, str, str], JsonObject] = {
    ("ppo", "humanoid-walk", "cpu"): {
        "total_steps": 5_000_000,
        "num_envs": 128,
        "num_evaluations": 5,
        "algorithm": {"learning_rate": 6e-4, "final_learning_rate": 6e-5, "value_layers": [128, 64, 64]},
    },
    ("ppo", OWN_ROBOT, "cpu"): {
        "total_steps": 5_000_000,
        "num_envs": 128,
        "num_evaluations": 5,
        "algorithm": {"learning_rate": 6e-4, "final_learning_rate": 6e-5, "policy_layers": [128, 128, 128]},
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
        # Without `stand-up`: its episodes go on for seconds on the ground, while those of other skills end at once by a
        # fall, so that it would be most of the data.
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
    # Narrower commands and lower steps than in the robot's own task, to be learnt in 12 million control steps. Without
    # `support` it hardly learns, and with less reward for the feet's heights it stands: benchmarks/README.md.
    ("ppo", "g1-joystick", "cpu"): {
        "total_steps": 12_000_000,
        "num_envs": 256,
        "num_evaluations": 8,
        "algorithm": {
            "learning_rate": 4e-4,
            "final_learning_rate": 1e-4,
            "discount": 0.98,
            "entropy_weight": 6e-3,
            "final_entropy_weight": 1e-3,
            "initial_scale": 0.5,
            "reward_scale": 1.0,
            "policy_layers": [128, 128, 128],
            "symmetric": True,
        },
        "task": {
            "timestep": 0.004,
            "support": 0.6,
            "feet_phase_weight": 4.0,
            "orientation_weight": -5.0,
            "tracking_velocity_weight": 2.0,
            "tracking_yaw_rate_weight": 1.0,
            "reset_pose_noise": 0.2,
            "reset_velocity_noise": 0.2,
            "forward_velocity": [-0.3, 1.0],
            "sideways_velocity": [-0.3, 0.3],
            "yaw_rate": [-0.7, 0.7],
            "foot_height": 0.12,
        },
    },
    ("ppo", "humanoid-getup", "cpu"): _specialist(8_000_000, reward_scale=0.2),
    ("ppo", "humanoid-jump", "cpu"): _specialist(4_000_000, reward_scale=1.0),
    **{
        ("ppo", f"dmc-humanoid-{speed}", "cpu"): DMC_HUMANOID | {"algorithm": DMC_HUMANOID["algorithm"] | bonus}
        for speed, bonus in ENTROPY_BONUS.items()
    },
    # Brax trains this task with 2,048 worlds for 50M steps. There are more worlds here, because MJX's humanoid
    # saturates an H200 only at 32K worlds.
    ("ppo", "humanoid-walk", "gpu"): {"total_steps": 100_000_000, "num_envs": 8192, "algorithm": WIDE},
    # Worlds and steps of Playground's joystick tasks, which are as broad. The skill `stand-up` is included, because
    # data is cheap on a GPU.
    ("ppo", "humanoid-skills", "gpu"): {
        "total_steps": 200_000_000,
        "num_envs": 8192,
        "num_evaluations": 15,
        "algorithm": WIDE | {"reward_scale": 0.2, "policy_layers": [256, 256, 256], "value_layers": [256, 256, 256]},
    },
    # No source: the task is broader than one gait and narrower than the thirteen skills.
    ("ppo", "humanoid-goal", "gpu"): {"total_steps": 100_000_000, "num_envs": 8192, "algorithm": WIDE},
    # The CPU's preset with more worlds: on walk it reaches a return of 926 after 8M steps, REPPO 888 after 47M.
    **{
        ("ppo", f"dmc-humanoid-{speed}", "gpu"): DMC_HUMANOID
        | {
            "total_steps": 50_000_000,
            "num_envs": 4096,
            "algorithm": DMC_HUMANOID["algorithm"] | {"unroll_length": 16, "num_minibatches": 16} | bonus,
        }
        for speed, bonus in ENTROPY_BONUS.items()
    },
    # Playground's hyper-parameters for G1 and T1. There, too, the critic observes more than the policy.
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

DT_STEPS = 64 * 20  # control steps in a minibatch: 64 windows of 20 steps
FALLBACK_PRESETS: dict[tuple[str, str], JsonObject] = {
    ("dt", "cpu"): {"total_steps": 10_000 * DT_STEPS, "num_envs": 64, "algorithm": {"warmup_updates": 1000}},
    ("dt", "gpu"): {"total_steps": 100_000 * DT_STEPS, "num_envs": 128},  # updates as in the paper
    # For tasks of Gymnasium, Brax and Playground. The latter two train most of theirs in 2,048 worlds for 50M to 60M
    # steps.
    ("ppo", "gpu"): {"total_steps": 50_000_000, "num_envs": 4096, "algorithm": WIDE},
}
FALLBACK_PRESET: JsonObject = {"total_steps": 10_000_000, "num_envs": 1024}


# On a GPU, more worlds cost an evaluation no more time, and narrow the interval of the mean to a half.
OF_PROFILE: dict[str, JsonObject] = {"cpu": {}, "gpu": {"evaluation_episodes": 256}}


def preset_of(algo: str, env: str, profile: str) -> JsonObject:
    """Return the default fields of a run by algorithm, environment and profile, nested as in a config file.

    Algorithm and environment are given by name; the profile is `cpu` or `gpu`. A combination without defaults of its
    own gets general ones. Values that a user gives override them.

    Raises:
      ConfigError: if the profile is unknown.
    """
    if profile not in tuple(OF_PROFILE):
        raise ConfigError(f"profile: {profile!r} is unknown; choose one of {', '.join(OF_PROFILE)}")
    env = OWN_ROBOT if is_model_file(env) else env
    preset = PRESETS.get((algo, env, profile)) or FALLBACK_PRESETS.get((algo, profile), FALLBACK_PRESET)
    return OF_PROFILE[profile] | preset
