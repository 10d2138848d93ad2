"""Left-right symmetry of the inputs and outputs of networks."""

from dataclasses import dataclass

from envs.errors import ConfigError
from envs.types import EnvSpec, Mirror, Reflection


@dataclass(frozen=True)
class Symmetry:
    """How a network's inputs and outputs change when left and right change places.

    `mirror` reflects observations, goals and actions; `output` reflects the network's outputs.
    """

    mirror: Mirror
    output: Reflection


def policy_symmetry(spec: EnvSpec, asked_size: int = 0) -> Symmetry:
    """Return the symmetry of a policy network, whose outputs (2 A) are locations and scales of A actions.

    In the mirror, a scale changes places with that of the other side's action, and keeps its sign.

    Args:
      spec: sizes and left-right symmetry of the environment.
      asked_size: number of inputs, such as a return to reach, that stand in front of the goal and are the same in the
        mirror.

    Raises:
      ConfigError: if the environment has no symmetry.
    """
    mirror = _mirror(spec)
    scales = Reflection(mirror.action.order, (1,) * spec.action_size)
    seen = Mirror(mirror.obs, Reflection.unchanged(asked_size) + mirror.goal, mirror.action)
    return Symmetry(seen, mirror.action + scales)


def value_symmetry(spec: EnvSpec) -> Symmetry:
    """Return the symmetry of a value network: a state and its mirror image have the same value.

    Raises:
      ConfigError: if the environment has no symmetry.
    """
    return Symmetry(_mirror(spec), Reflection.unchanged(1))


def _mirror(spec: EnvSpec) -> Mirror:
    if spec.mirror is None:
        raise ConfigError("symmetric: this environment declares no left-right symmetry; use false")
    return spec.mirror
