"""Names our environments to Gymnasium. Imports nothing heavy: an environment is only imported when it is made."""

import gymnasium

from envs.built_in import BUILT_IN


def gymnasium_name(name: str) -> str:
    """The name under which Gymnasium knows one of our environments: `humanoid-walk` is `flexrl/HumanoidWalk-v0`."""
    words = name.split("-")
    if words[-1][1:].isdecimal():  # a version, as in Humanoid-v5
        return f"flexrl/{name}"
    return f"flexrl/{''.join(word.capitalize() for word in words)}-v0"


def register() -> None:
    """Tell Gymnasium of our environments."""
    for name in BUILT_IN:
        gymnasium.register(
            gymnasium_name(name),
            entry_point="envs.bridges.gymnasium_out:GymnasiumEnv",
            vector_entry_point="envs.bridges.gymnasium_out:GymnasiumVectorEnv",
            kwargs={"name": name},
        )
