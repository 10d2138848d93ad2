"""One body in one world, stepped a control step at a time, whose plan can be replaced between two steps."""

import dataclasses
import functools
from pathlib import Path
from typing import Protocol

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax import Array

from algos.common.types import Policy
from envs.worlds.vector import VecEnv
from flexrl.execution.bodies import Embodiment, taught_skills, taught_velocities
from flexrl.execution.schedule import Schedule, Velocities, schedule_of, stacked
from flexrl.execution.worlds import Following, PlanFollower, first_progress, load_follower
from flexrl.language.plan import Plan, Segment

STANDING = Plan((Segment("stand"),))


@dataclasses.dataclass(frozen=True)
class Reading:
    """How the body moves, and how far it is with its plan.

    Attributes:
      qpos: (nq,) generalised positions.
      velocity: (3,) forward m/s, left m/s, turn rad/s.
      height: m, of the torso; of a robot, scaled such that it stands as high as the humanoid.
      segment: index of the present segment; the plan's length once the plan has ended.
      amount: what was done of the present segment, in its unit, such as m.
      done: (S,) what was done of earlier segments, each in its unit.
      gave_up: (S,) bool, whether an earlier segment was given up because its time limit passed.
    """

    qpos: np.ndarray
    velocity: np.ndarray
    height: float
    segment: int
    amount: float
    done: np.ndarray
    gave_up: np.ndarray


class Body(Protocol):
    """What a session needs of the robot that it simulates: a body in one world, and the policy that moves it.

    A session steps the body, reads how it moves, pushes it, puts it back onto its feet, and gives it another plan.
    `LiveBody` implements this interface by a simulation.
    """

    name: str  # of the policy
    model: mujoco.MjModel
    control_period: float  # s of a control step
    taught: tuple[str, ...]  # the skills that the policy was taught, as plans call them
    velocities: Velocities | None  # what the policy may be commanded with; None for every skill's usual velocity
    recovers: bool  # whether the body gets up by itself after a fall

    def reset(self) -> None:
        """Put the body back onto its feet at the origin, to stand still."""

    def begin(self, schedule: Schedule) -> None:
        """Follow another plan from the next control step on."""

    def push(self, x: float, y: float) -> None:
        """Add a velocity (m/s, along the world's axes) to the body at once."""

    def step(self) -> Reading:
        """Take one control step, and return how the body moves after it."""
        ...

    def read(self) -> Reading:
        """Return how the body moves now, without taking a step."""
        ...


class LiveBody:
    """A humanoid or a robot that a trained policy moves in one world: the `Body` that a session steps.

    Its programs are compiled when it is made, so that no later call waits for that.
    """

    def __init__(
        self,
        name: str,
        follower: PlanFollower,
        policy: Policy,
        taught: tuple[str, ...],
        velocities: Velocities | None = None,
        *,
        recovers: bool = True,
    ) -> None:
        """Compile the programs of a policy, and put its body into the world.

        Args:
          name: the policy's name.
          follower: steps one world.
          policy: moves the body in this world.
          taught: the skills that the policy was taught, as plans name them.
          velocities: what the policy may be commanded with; None for every skill's usual velocity.
          recovers: let the body get up by itself after a fall, if the policy was taught to stand up.
        """
        self.name, self.taught, self.velocities = name, taught, velocities
        self.recovers = recovers and "stand-up" in taught
        self.model: mujoco.MjModel = follower.env.model
        self.control_period: float = follower.env.spec.control_period
        self._policy, self._key, self._count = policy, jax.random.key(0), 0
        self._start = jax.jit(follower.start)
        self._step, self._read = jax.jit(follower.step), jax.jit(functools.partial(_read, follower.embodiment))
        self._begin = jax.jit(_begin)
        self._push = jax.jit(lambda state, velocity: _push(follower.vec_env, state, velocity))
        for _ in range(2):  # the second time, states have come out of each program once
            self.reset()
            self.step()
            self.begin(schedule_of(STANDING, is_endless=True))
            self.push(0.0, 0.0)
            self.step()
        self.reset()

    @classmethod
    def load(cls, run: str, workspace: str, step: str = "best", *, recovers: bool = True) -> "LiveBody":
        """Load a policy of `humanoid-skills` or of a joystick task, and step its body by native MuJoCo.

        Args:
          run: a run's or an exported policy's folder, or a run's name in the workspace.
          workspace: folder that holds the runs.
          step: checkpoint to use: `best`, `latest` or an iteration.
          recovers: let the body get up by itself after a fall, if the policy was taught to stand up.

        Raises:
          ConfigError: if there is no such run, or policies of its task cannot be told skills.
          CheckpointError: if the checkpoint is damaged.
        """
        playback, follower = load_follower(run, workspace, 1, step=step, physics="native")
        taught, velocities = taught_skills(playback.folder), taught_velocities(playback.folder)
        return cls(Path(run).name, follower, playback.policy, taught, velocities, recovers=recovers)

    def reset(self) -> None:
        """Put the body back onto its feet at the origin, to stand still."""
        self._state = self._start(self._policy, self._of_one(schedule_of(STANDING, is_endless=True)), self._next_key())

    def begin(self, schedule: Schedule) -> None:
        """Follow another plan from the next control step on."""
        self._state = self._begin(self._state, self._of_one(schedule))

    def push(self, x: float, y: float) -> None:
        """Add a velocity (m/s, along the world's axes) to the body at once."""
        self._state = self._push(self._state, jnp.array([x, y], jnp.float32))

    def step(self) -> Reading:
        """Take one control step, and return how the body moves after it."""
        self._state = self._step(self._policy, self._state, self._next_key())
        return self.read()

    def read(self) -> Reading:
        """Return how the body moves now, without taking a step."""
        found = jax.device_get(self._read(self._state))
        return Reading(
            qpos=found["qpos"],
            velocity=found["velocity"],
            height=float(found["height"]),
            segment=int(found["segment"]),
            amount=float(found["amount"]),
            done=found["done"],
            gave_up=found["gave_up"],
        )

    def _of_one(self, schedule: Schedule) -> Schedule:
        """Return a schedule with a leading axis of one world, and with `recovers` set as for this body."""
        return stacked([schedule.replace(recovers=np.asarray(self.recovers))])

    def _next_key(self) -> Array:
        self._count += 1
        return jax.random.fold_in(self._key, self._count)


def _begin(state: Following, schedule: Schedule) -> Following:
    """Return the state at the start of another plan. A body that is getting up after a fall first gets up."""
    progress = first_progress(schedule).replace(contacts=state.progress.contacts, rising=state.progress.rising)
    return state.replace(schedule=jax.tree.map(jnp.asarray, schedule), progress=progress)


def _push(vec_env: VecEnv, state: Following, velocity: Array) -> Following:
    physics = state.worlds.env.physics
    qvel = physics["qvel"].at[:, :2].add(velocity)
    pushed = jax.vmap(vec_env.env.physics.with_velocity)(physics, qvel)
    return state.replace(worlds=state.worlds.replace(env=state.worlds.env.replace(physics=pushed)))


def _read(embodiment: Embodiment, state: Following) -> dict[str, Array]:
    physics, progress = state.worlds.env.physics, state.progress
    motion = jax.vmap(embodiment.motion)(physics)
    found = {
        "qpos": physics["qpos"],
        "velocity": motion.velocity,
        "height": motion.height,
        "segment": progress.segment,
        "amount": progress.amount,
        "done": progress.done.amount,
        "gave_up": progress.done.gave_up,
    }
    return jax.tree.map(lambda x: x[0], found)
