"""Follow plans with a trained policy in one world or in thousands, each with a plan of its own."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array

from algos.common.types import Policy
from envs.physics import PhysicsState
from envs.tasks.humanoid_skills.goals import COMMAND_SIZE, STAND_UP
from envs.types import Env
from envs.worlds.vector import VecEnv, VecState
from flexrl.common.warp_buffers import RUNS_OWN, WarpBuffers, require_room
from flexrl.execution.bodies import Embodiment, embodiment_of, told_by_plans
from flexrl.execution.executor import FALLEN_HEIGHT, MAX_BRAKE_SECONDS, Done, Progress
from flexrl.execution.schedule import Schedule, longest_seconds
from flexrl.language.plan import Plan, Refusal
from flexrl.policies.playback import Playback, load_playback

CHUNK = 64  # control steps between two looks at whether all plans have ended
RECOVERY_SECONDS = 12.0  # s that plans are waited for in addition, where bodies get up by themselves after falls
REST_SECONDS = 1.0  # s that worlds go on after their plans, if nobody says how long


@struct.dataclass
class Following:
    """The state of B worlds that follow plans.

    Holds the simulated worlds, the policy's memory, the plans as arrays, and how far each world is with its plan. Also
    holds which bodies have fallen, for how long each plan has been over, and how often MJX-Warp left contacts out.
    """

    worlds: VecState
    carry: Any  # the policy's memory
    schedule: Schedule  # (B, S)
    progress: Progress  # (B, ...)
    fallen: Array  # (B,) bool: has fallen while it was not told to stand up
    resting: Array  # (B,) s since the plan ended
    overflowed: Array  # () int32: control steps of worlds in which MJX-Warp left contacts out


@dataclasses.dataclass(frozen=True)
class PlanFollower:
    """Steps B worlds in which plans tell the policy what to do, instead of the task's own goals.

    Attributes:
      env: the environment, from `load_follower`.
      num_worlds: number of worlds, B.
    """

    env: Env
    num_worlds: int

    @functools.cached_property
    def embodiment(self) -> Embodiment:
        """The kind of body that the worlds simulate: what its policy is asked for, and how its motion is read."""
        return embodiment_of(self.env)

    @property
    def vec_env(self) -> VecEnv:
        """The B worlds, which are stepped together."""
        return VecEnv(self.env, self.num_worlds)

    def start(self, policy: Policy, schedule: Schedule, key: Array) -> Following:
        """Reset the worlds, and return them at the start of their plans.

        Args:
          policy: acts in all worlds.
          schedule: a plan of S segments for each world, (B, S).
          key: random key of the resets.
        """
        worlds = self.vec_env.start(self.vec_env.fresh(key))
        never, zero = jnp.zeros(self.num_worlds, bool), jnp.zeros(self.num_worlds)
        return Following(
            worlds=worlds,
            carry=policy.init_carry(self.num_worlds),
            schedule=jax.tree.map(jnp.asarray, schedule),
            progress=first_progress(schedule),
            fallen=never,
            resting=zero,
            overflowed=jnp.int32(0),
        )

    def step(self, policy: Policy, state: Following, key: Array) -> Following:
        """Let the policy act for one control step in each world, and return the worlds after it."""
        wanted = jax.vmap(Progress.goal)(state.progress, state.schedule)
        goal = jax.vmap(self.embodiment.goal)(wanted, state.worlds.env.physics)
        carry, action, _ = policy.act(state.carry, state.worlds.observation.replace(goal=goal), key)
        worlds, transition = self.vec_env.advance(state.worlds.replace(env=state.worlds.env.replace(goal=goal)), action)
        motion = jax.vmap(self.embodiment.motion)(worlds.env.physics)
        period = self.env.spec.control_period
        progress = jax.vmap(Progress.after, in_axes=(0, 0, 0, None))(state.progress, state.schedule, motion, period)
        lies = (motion.height < FALLEN_HEIGHT) & (wanted[:, COMMAND_SIZE + STAND_UP] == 0)
        has_ended = progress.segment >= state.schedule.count
        overflowed = 0 if transition.overflowed is None else transition.overflowed.sum()
        return Following(
            worlds=worlds,
            carry=carry,
            schedule=state.schedule,
            progress=progress,
            fallen=state.fallen | lies | transition.diverged,
            resting=jnp.where(has_ended, state.resting + period, 0),
            overflowed=state.overflowed + overflowed,
        )


def first_progress(schedule: Schedule) -> Progress:
    """Return the progress of B worlds at the start of their schedules (B, S)."""
    num_worlds, size = schedule.skills.shape
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (num_worlds, *x.shape)), Progress.first(size))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of B worlds that followed plans of S segments for T control steps.

    Attributes:
      schedule: what the plans asked for, (B, S).
      done: what the bodies did, (B, S).
      fallen: (B,) whether the body fell while it was not told to stand up, or the physics diverged.
      ended: (B,) whether the plan came to its end.
      qpos: (T, nq) positions of the first world after each control step.
      segment: (T,) index of the first world's segment at the same times.
    """

    schedule: Schedule
    done: Done
    fallen: np.ndarray
    ended: np.ndarray
    qpos: np.ndarray
    segment: np.ndarray


def load_follower(
    run: str,
    workspace: str,
    num_worlds: int,
    *,
    step: str = "best",
    physics: str = "auto",
    is_lying: bool = False,
    warp: WarpBuffers = RUNS_OWN,
) -> tuple[Playback, PlanFollower]:
    """Load a policy of `humanoid-skills` or of a joystick task, and worlds in which it follows plans.

    The worlds are not randomised: all have the same body, and nothing pushes it.

    Args:
      run: a run's or an exported policy's folder, or a run's name in the workspace.
      workspace: folder that holds the runs.
      num_worlds: number of worlds, B.
      step: checkpoint to use: `best`, `latest` or an iteration.
      physics: physics engine to use; need not be the one of the training.
      is_lying: whether the bodies begin lying on the floor; robots always begin standing.
      warp: sizes of MJX-Warp's buffers, to replace the run's own if they are too small.

    Raises:
      ConfigError: if there is no such run, or policies of its task cannot be told skills.
      CheckpointError: if the checkpoint is damaged.
    """
    task = functools.partial(told_by_plans, run=run, is_lying=is_lying)
    playback = load_playback(run, workspace, step, physics, num_worlds, task=task, warp=warp, is_randomized=False)
    return playback, PlanFollower(playback.env, num_worlds)


def possible(answer: Plan | Refusal, taught: Sequence[str]) -> Plan | Refusal:
    """Return an answer to an instruction as it is, or a refusal if it is a plan that the policy cannot follow.

    Args:
      answer: the plan that an instruction asks for, or the refusal of the instruction.
      taught: the skills that the policy was taught. A plan with any other skill is refused; `stand` is always allowed.
    """
    if isinstance(answer, Refusal):
        return answer
    missing = dict.fromkeys(segment.skill for segment in answer.segments if segment.skill not in (*taught, "stand"))
    if not missing:
        return answer
    return Refusal(f"this policy was not taught to {', '.join(missing)}; it can {', '.join(taught)}")


def follow(
    playback: Playback, follower: PlanFollower, schedule: Schedule, seed: int, rest_seconds: float = REST_SECONDS
) -> Outcome:
    """Follow B plans, each in a world of its own, and return what the bodies did.

    Stops when every world has gone on for `rest_seconds` after its plan, or when the longest time that these plans may
    take has passed. All worlds make the same number of control steps.

    Args:
      playback: the policy, from `load_follower`.
      follower: steps the worlds; from `load_follower`, too.
      schedule: a plan of S segments for each world, (B, S).
      seed: random seed of the worlds.
      rest_seconds: s for which each world goes on after its plan, to see whether the body keeps standing.

    Raises:
      ConfigError: if MJX-Warp left contacts out.
    """
    period = playback.env.spec.control_period

    @functools.partial(jax.jit, donate_argnums=1)
    def chunk(policy: Policy, state: Following, key: Array) -> tuple[Following, tuple[Array, Array]]:
        def step(state: Following, key: Array) -> tuple[Following, tuple[Array, Array]]:
            state = follower.step(policy, state, key)
            return state, (_first_qpos(state.worlds.env.physics), state.progress.segment[0])

        return jax.lax.scan(step, state, jax.random.split(key, CHUNK))

    key_start, key = jax.random.split(jax.random.key(seed))
    state = jax.jit(follower.start)(playback.policy, schedule, key_start)
    rows, num_steps = [], 0
    while num_steps * period < most_seconds(schedule) + rest_seconds:
        state, row = chunk(playback.policy, state, jax.random.fold_in(key, num_steps))
        rows.append(jax.device_get(row))
        num_steps += CHUNK
        if (state.resting >= rest_seconds).all():
            break
    require_room(int(state.overflowed), num_steps * follower.num_worlds)
    qpos, segment = (np.concatenate(column) for column in zip(*rows, strict=True))
    done, fallen, resting = jax.device_get((state.progress.done, state.fallen, state.resting))
    return Outcome(jax.device_get(schedule), done, fallen, resting > 0, qpos, segment)


def most_seconds(schedule: Schedule) -> float:
    """Return the time (s) to allow for plans (B, S): after it, a plan that has not ended is not waited for.

    This is the longest sum of the segments' time limits, with the time to come to rest after each segment. If bodies
    get up by themselves after a fall, the time for that is added once.
    """
    braking = MAX_BRAKE_SECONDS * int(np.max(schedule.count))
    return longest_seconds(schedule) + braking + (RECOVERY_SECONDS if np.any(schedule.recovers) else 0.0)


def _first_qpos(physics: PhysicsState) -> Array:
    return physics["qpos"][0]
