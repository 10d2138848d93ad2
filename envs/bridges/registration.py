"""Names our environments to Gymnasium. Imports nothing heavy: an environment is only imported when it is made."""

import re

import gymnasium

from envs.built_in import BUILT_IN, EPISODE_LENGTH

ENTRY_POINT = "envs.bridges.gymnasium_out:GymnasiumEnv"


def gymnasium_name(name: str) -> str:
    """Return the name of a built-in environment in Gymnasium: `flexrl/HumanoidWalk-v0` for `humanoid-walk`."""
    words = name.split("-")
    if words[-1][1:].isdecimal():  # a version, as in Humanoid-v5
        return f"flexrl/{name}"
    return f"flexrl/{''.join(word.capitalize() for word in words)}-v0"


def plain_name(name: str) -> str:
    """Return an environment's name in letters, digits, `_` and `-`, without the library or file before its colon."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name.rpartition(":")[2])


def recorded_spec(name: str, config: dict[str, object], episode_length: int) -> str:
    """Return a JSON record from which Gymnasium makes the environment without `import flexrl.gym`.

    Args:
      name: name of the environment, such as `humanoid-walk`, `brax:ant` or `path/to/robot.xml`.
      config: fields of the task's config, plain values.
      episode_length: control steps until an episode is cut.
    """
    env_id = gymnasium_name(name) if name in BUILT_IN else f"flexrl/{plain_name(name)}-v0"
    arguments = {**config, "name": name, "goal_apart": True}
    return gymnasium.envs.registration.EnvSpec(
        env_id, ENTRY_POINT, max_episode_steps=episode_length, kwargs=arguments
    ).to_json()


def register() -> None:
    """Register our environments in Gymnasium, under the names that `gymnasium_name` returns."""
    for name in BUILT_IN:
        gymnasium.register(
            gymnasium_name(name),
            entry_point=ENTRY_POINT,
            vector_entry_point="envs.bridges.gymnasium_out:GymnasiumVectorEnv",
            max_episode_steps=EPISODE_LENGTH,
            kwargs={"name": name},
        )
