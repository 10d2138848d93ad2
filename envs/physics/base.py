"""The interface that every physics backend fulfils, for one world at a time."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import mujoco
from flax import struct
from jax import Array

from envs.errors import ConfigError

# A step computes these only for a sensor or a flag, so a copied value could be another world's.
LAZY_FIELDS = ("subtree_linvel", "subtree_angmom", "qfrc_inverse", "energy")
# `mj_rnePostConstraint` gives these after a step, as Gymnasium calls it; after a reset they are zero, as there.
POST_CONSTRAINT_FIELDS = ("cacc", "cfrc_int", "cfrc_ext")
ACCELERATION_FIELDS = ("qacc", "qfrc_constraint", "qfrc_smooth", "qacc_smooth")


@dataclass(frozen=True)
class PhysicsSpec:
    """A model and how a task uses it.

    Attributes:
      model: the compiled model.
      num_substeps: physics steps per control step.
      fields: names of the `MjData` fields that the task reads, besides `qpos` and `qvel`.
      timing: whether derived fields after a step describe the state before the last substep (`lagged`, as
        after `mj_step`) or the new state (`current`, which costs one more kinematics pass, and leaves
        acceleration-dependent sensors to the backend).
      contacts_per_world: Warp's contact buffer, in contacts per world.
      constraints_per_world: Warp's constraint buffer, in rows per world.
    """

    model: mujoco.MjModel
    num_substeps: int
    fields: tuple[str, ...] = ()
    timing: Literal["lagged", "current"] = "lagged"
    contacts_per_world: int = 32
    constraints_per_world: int = 128

    def __post_init__(self) -> None:
        """Refuse what no backend can honour.

        Raises:
          ConfigError: naming the field.
        """
        if not isinstance(self.num_substeps, int) or self.num_substeps < 1:
            raise ConfigError(f"num_substeps: {self.num_substeps} must be a whole number of physics steps, at least 1")
        if self.timing not in ("lagged", "current"):
            raise ConfigError(f"timing: {self.timing!r} must be lagged or current")
        if unknown := [name for name in self.fields if not hasattr(mujoco.MjData, name)]:
            raise ConfigError(f"fields: {unknown} are no fields of MjData")
        if self.timing == "current" and (late := set(self.fields) & set(ACCELERATION_FIELDS)):
            raise ConfigError(f"fields: {sorted(late)} depend on controls not yet known; read them lagged")
        if self.timing == "current" and (late := set(self.fields) & set(POST_CONSTRAINT_FIELDS)):
            raise ConfigError(f"fields: {sorted(late)} belong to the last substep; read them lagged")
        if lazy := set(self.fields) & set(LAZY_FIELDS):
            raise ConfigError(
                f"fields: MuJoCo computes {sorted(lazy)} only for sensors; add a sensor and read sensordata"
            )

    @property
    def needs_post_constraint(self) -> bool:
        """Whether the task reads what only `mj_rnePostConstraint` computes."""
        return bool(set(self.fields) & set(POST_CONSTRAINT_FIELDS))


@struct.dataclass
class PhysicsState:
    """The state of one world, and the fields that its task declared.

    `internal` is complete: restoring it restores the simulation to the bit. It is MuJoCo's integration state, the same
    for all backends, unless another library brings its own physics.
    """

    internal: Any
    fields: dict[str, Array]
    variant: Array  # () int32: which model variant this world runs on
    overflowed: Array | None = None  # () bool: the last step left contacts out; None where nobody knows

    def __getitem__(self, name: str) -> Array:
        """A declared field, in MuJoCo's units and shape."""
        if name not in self.fields:
            raise KeyError(f"physics field {name!r} was not declared; the task declared {sorted(self.fields)}")
        return self.fields[name]


class Physics(Protocol):
    """One world of physics; pure, and vmappable any number of times."""

    spec: PhysicsSpec
    has_host_callback: bool
    num_variants: int

    def reset(self, qpos: Array, qvel: Array, variant: Array | int = 0) -> PhysicsState:
        """The state in time 0 with the given generalised positions (nq,) and velocities (nv,), on a model variant."""
        ...

    def step(self, state: PhysicsState, ctrl: Array) -> PhysicsState:
        """Advance `num_substeps` with constant controls (nu,), in actuator units."""
        ...

    def with_velocity(self, state: PhysicsState, qvel: Array) -> PhysicsState:
        """The state with other generalised velocities (nv,); derived fields follow with the next step."""
        ...

    def where(self, condition: Array, chosen: PhysicsState, other: PhysicsState) -> PhysicsState:
        """`chosen` where condition () holds, else `other`."""
        ...
