"""`import flexrl.gym` names our environments to Gymnasium: `gymnasium.make("flexrl/HumanoidSkills-v0")`.

Imports nothing heavy: an environment is imported when it is made.
"""

import gymnasium

from envs.built_in import BUILT_IN, EPISODE_LENGTH


def gymnasium_name(name: str) -> str:
    """The name under which Gymnasium knows one of our environments: `humanoid-walk` is `flexrl/HumanoidWalk-v0`."""
    words = name.split("-")
    if words[-1][1:].isdecimal():  # a version, as in Humanoid-v5
        return f"flexrl/{name}"
    return f"flexrl/{''.join(word.capitalize() for word in words)}-v0"


for _name in BUILT_IN:
    gymnasium.register(
        gymnasium_name(_name),
        entry_point="flexrl.gym.environments:GymnasiumEnv",
        vector_entry_point="flexrl.gym.environments:GymnasiumVectorEnv",
        max_episode_steps=EPISODE_LENGTH,
        kwargs={"name": _name},
    )
