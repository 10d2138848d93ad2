"""The interface that every physics backend fulfils, for one world at a time."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import mujoco
from flax import struct
from jax import Array

from envs.errors import ConfigError

# MuJoCo computes these only if a sensor or a flag needs them; otherwise their values could be another world's.
LAZY_FIELDS = ("subtree_linvel", "subtree_angmom", "qfrc_inverse", "energy")
# As in Gymnasium, `mj_rnePostConstraint` computes these after a step, and they are zero after a reset.
POST_CONSTRAINT_FIELDS = ("cacc", "cfrc_int", "cfrc_ext")
ACCELERATION_FIELDS = ("qacc", "qfrc_constraint", "qfrc_smooth", "qacc_smooth")


@dataclass(frozen=True)
class PhysicsSpec:
    """A MuJoCo model, and what a task needs of its simulation.

    Attributes:
      model: the compiled model.
      num_substeps: physics steps per control step.
      fields: names of the `MjData` fields that the task reads, besides `qpos` and `qvel`.
      timing: which state derived fields describe after a step: `lagged` is the state before the last substep, as after
        `mj_step`; `current` is the new state, which costs one more kinematics pass. With `current`, the values of
        sensors that depend on accelerations differ between backends.
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
        """Refuse values that no backend can honour.

        Raises:
          ConfigError: naming the field and its value.
        """
        if not isinstance(self.num_substeps, int) or self.num_substeps < 1:
            raise ConfigError(f"num_substeps: {self.num_substeps} must be a whole number of physics steps, at least 1")
        if self.timing not in ("lagged", "current"):
            raise ConfigError(f"timing: {self.timing!r} must be lagged or current")
        if unknown := [name for name in self.fields if not hasattr(mujoco.MjData, name)]:
            raise ConfigError(f"fields: {unknown} are no fields of MjData")
        if self.timing == "current" and (late := set(self.fields) & set(ACCELERATION_FIELDS)):
            raise ConfigError(f"fields: {sorted(late)} depend on the next step's controls; set timing to lagged")
        if self.timing == "current" and (late := set(self.fields) & set(POST_CONSTRAINT_FIELDS)):
            raise ConfigError(f"fields: {sorted(late)} are those of the last substep; set timing to lagged")
        if lazy := set(self.fields) & set(LAZY_FIELDS):
            raise ConfigError(
                f"fields: MuJoCo computes {sorted(lazy)} only for sensors; add a sensor and read sensordata"
            )

    @property
    def needs_post_constraint(self) -> bool:
        """Whether the task reads fields that only `mj_rnePostConstraint` computes."""
        return bool(set(self.fields) & set(POST_CONSTRAINT_FIELDS))


@struct.dataclass
class PhysicsState:
    """The state of one world, with the `MjData` fields that its task reads: `qpos`, `qvel` and those of `PhysicsSpec`.

    `internal` is complete: restoring it restores the simulation to the bit. It is MuJoCo's integration state, the same
    for all backends; environments of other libraries keep their own state there.
    """

    internal: Any
    fields: dict[str, Array]
    variant: Array  # () int32: which model variant this world runs on
    overflowed: Array | None = None  # () bool: full buffers left contacts out of the last step; None if unknown

    def __getitem__(self, name: str) -> Array:
        """Return an `MjData` field by its name, in MuJoCo's units and shape.

        Raises:
          KeyError: if the field is neither `qpos`, `qvel` nor one that the task listed in `PhysicsSpec.fields`.
        """
        if name not in self.fields:
            raise KeyError(f"physics field {name!r} was not declared; the task declared {sorted(self.fields)}")
        return self.fields[name]


class Physics(Protocol):
    """The physics of one world. Its methods are pure, and can be vmapped any number of times."""

    spec: PhysicsSpec
    has_host_callback: bool
    num_variants: int

    def reset(self, qpos: Array, qvel: Array, variant: Array | int = 0) -> PhysicsState:
        """Return the state at time 0 with generalised positions (nq,) and velocities (nv,).

        `variant` is the number of the model variant to simulate: one of `num_variants`, made for domain randomization.
        """
        ...

    def step(self, state: PhysicsState, ctrl: Array) -> PhysicsState:
        """Advance the world by `num_substeps` physics steps, with constant controls (nu,) in actuator units."""
        ...

    def with_velocity(self, state: PhysicsState, qvel: Array) -> PhysicsState:
        """Return the state with other generalised velocities (nv,). Derived fields change with the next step only."""
        ...

    def with_force(self, state: PhysicsState, force: Array) -> PhysicsState:
        """Return the state with other applied generalised forces (nv,), which act in all later steps."""
        ...

    def where(self, condition: Array, chosen: PhysicsState, other: PhysicsState) -> PhysicsState:
        """Return `chosen` where condition () holds, else `other`."""
        ...
