"""Left-right symmetry of what networks read and say."""

from dataclasses import dataclass

from envs.errors import ConfigError
from envs.types import EnvSpec, Mirror, Reflection


@dataclass(frozen=True)
class Symmetry:
    """How what a network reads and says changes when left and right change places."""

    mirror: Mirror
    output: Reflection


def policy_symmetry(spec: EnvSpec, asked_size: int = 0) -> Symmetry:
    """Of a distribution of A actions, (2 A): scales change places and not their sign.

    Args:
      spec: says what is whose mirror image.
      asked_size: numbers in front of the goal that are the same on both sides.

    Raises:
      ConfigError: if the environment has no symmetry.
    """
    mirror = _mirror(spec)
    scales = Reflection(mirror.action.order, (1,) * spec.action_size)
    seen = Mirror(mirror.obs, Reflection.unchanged(asked_size) + mirror.goal, mirror.action)
    return Symmetry(seen, mirror.action + scales)


def value_symmetry(spec: EnvSpec) -> Symmetry:
    """Of a value, which is that of the mirror image.

    Raises:
      ConfigError: if the environment has no symmetry.
    """
    return Symmetry(_mirror(spec), Reflection.unchanged(1))


def _mirror(spec: EnvSpec) -> Mirror:
    if spec.mirror is None:
        raise ConfigError("symmetric: this environment declares no left-right symmetry; use false")
    return spec.mirror
