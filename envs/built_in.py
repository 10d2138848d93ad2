"""The built-in environments: the module and class of each name. Nothing is imported, so that reading names is fast."""

BUILT_IN = {
    "humanoid-walk": "envs.tasks.humanoid_walk:HumanoidWalk",
    "humanoid-skills": "envs.tasks.humanoid_skills.task:HumanoidSkills",
    "humanoid-goal": "envs.tasks.humanoid_goal:HumanoidGoal",
    "humanoid-getup": "envs.tasks.humanoid_getup:HumanoidGetUp",
    "humanoid-jump": "envs.tasks.humanoid_jump:HumanoidJump",
    "g1-joystick": "envs.tasks.joystick:G1Joystick",
    "h1-joystick": "envs.tasks.joystick:H1Joystick",
    "t1-joystick": "envs.tasks.joystick:T1Joystick",
    "dmc-humanoid-stand": "envs.tasks.dmc_humanoid:DMCHumanoidStand",
    "dmc-humanoid-walk": "envs.tasks.dmc_humanoid:DMCHumanoidWalk",
    "dmc-humanoid-run": "envs.tasks.dmc_humanoid:DMCHumanoidRun",
    "Humanoid-v5": "envs.tasks.gymnasium_v5:HumanoidV5",
    "HumanoidStandup-v5": "envs.tasks.gymnasium_v5:HumanoidStandupV5",
    "Ant-v5": "envs.tasks.gymnasium_v5:AntV5",
    "HalfCheetah-v5": "envs.tasks.gymnasium_v5:HalfCheetahV5",
    "Hopper-v5": "envs.tasks.gymnasium_v5:HopperV5",
    "Walker2d-v5": "envs.tasks.gymnasium_v5:Walker2dV5",
}

DEFAULT = "humanoid-walk"
EPISODE_LENGTH = 1000  # control steps of an episode, in all of them


def is_model_file(name: str) -> bool:
    """Return whether an environment's name is the path of a user's MJCF file."""
    return name.endswith(".xml")
