"""Measure how a policy of `humanoid-skills` gets up: after a shove, and from each side.

    python -m benchmarks.recovery                              # the policy of fourteen skills
    python -m benchmarks.recovery --run RUN --out FILE         # another one

*Shoved*: bodies walk forward, and are shoved in a random horizontal direction. Those that fall are told to stand up, as
`flexrl.serve` does it. A body is back on its feet when its torso has stood for a second.

*Lying*: bodies begin lying and are told to stand up. A body succeeds that stands through the last two seconds
(`envs/success.py`). The side is that on which most of its weight lies at the start.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jax import Array

from algos.common.types import Policy
from benchmarks.report import header, save
from envs.physics import PhysicsState
from envs.robots import feeling_humanoid as body
from envs.success import MIN_STANDING_HEIGHT, MIN_STANDING_SECONDS
from flexrl.common.errors import ConfigError, exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.common.tables import print_table
from flexrl.execution.bodies import taught_skills
from flexrl.execution.executor import FALLEN_HEIGHT, STANDING_SECONDS
from flexrl.execution.schedule import schedule_of, stacked
from flexrl.execution.worlds import Following, PlanFollower, load_follower
from flexrl.language.plan import Plan, Segment
from flexrl.storage.run_folder import find_run

SIDES = ("back", "front", "left", "right")


@dataclass(frozen=True)
class RecoveryConfig:
    """Which policy to measure, and how.

    Attributes:
      run: run, or folder of an exported policy, of humanoid-skills that was taught `stand-up`.
      step: checkpoint to use: `best`, `latest` or an iteration.
      worlds: number of bodies that are shoved, and as many that begin lying.
      walk_seconds: s that bodies walk before the shove.
      shove: m/s that the shove adds to the velocity.
      seconds: s that are watched after the shove, and of lying bodies.
      limit: s after its fall in which a shoved body is to be back on its feet.
      seed: random seed of the first states and of the directions.
      workspace: folder that holds the runs.
      out: JSON file for the results; by default named after run and machine, in benchmarks/results.
    """

    run: str = "pretrained/whole-body"
    step: str = "best"
    worlds: int = 256
    walk_seconds: float = 2.0
    shove: float = 3.0
    seconds: float = 10.0
    limit: float = 6.0
    seed: int = 0
    workspace: str = "workspace"
    out: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        for name in ("worlds", "walk_seconds", "shove", "limit"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: {getattr(self, name)} must be above 0")
        if self.seconds < max(self.limit, MIN_STANDING_SECONDS):
            raise ValueError(
                f"seconds: {self.seconds} must be at least limit, {self.limit}, and {MIN_STANDING_SECONDS}"
            )


def main(config: RecoveryConfig) -> None:
    """Measure how a policy gets up after a shove and from lying; print a table of each, and write the numbers."""
    report = header(config)
    if "stand-up" not in taught_skills(find_run(config.run, config.workspace)):
        raise ConfigError(f"run: {config.run} was not taught stand-up; choose one that was")
    shoved, period = _heights(config, is_lying=False)
    lying, _ = _heights(config, is_lying=True)
    back = seconds_to_feet(shoved.height_TB, period)
    fell: np.ndarray = np.any(shoved.height_TB < FALLEN_HEIGHT, axis=0)
    in_time = (back[fell] <= config.limit).mean() if fell.any() else float("nan")
    median = float(np.median(back[fell])) if fell.any() else float("nan")
    report["results"].append({"what": "shoved", "fell": int(fell.sum()), "in_time": float(in_time), "median": median})
    last = lying.height_TB[-round(MIN_STANDING_SECONDS / period) :]
    stands: np.ndarray = np.all(last >= MIN_STANDING_HEIGHT, axis=0)
    for number, side in enumerate(SIDES):
        of_side = lying.side_B == number
        report["results"].append({"what": side, "bodies": int(of_side.sum()), "stand": float(stands[of_side].mean())})
    print_table(
        ("shoved", "fell", f"on their feet within {config.limit:g} s", "median"),
        [(str(config.worlds), str(int(fell.sum())), f"{in_time:.2f}", f"{median:.1f} s")],
    )
    rows = [(x["what"], str(x["bodies"]), f"{x['stand']:.2f}") for x in report["results"][1:]]
    print_table(("lying on", "bodies", "stand at the end"), rows)
    print(f"wrote {save(report, f'recovery-{Path(config.run).name}', config.out)}")


@dataclass(frozen=True)
class Watched:
    """What B bodies did in T control steps.

    Attributes:
      height_TB: height of each torso after each step, m.
      side_B: side on which each body lay at the start, as an index into `SIDES`: back, front, left or right.
    """

    height_TB: np.ndarray  # (T, B) m, of the torso
    side_B: np.ndarray  # (B,) index into SIDES


def _heights(config: RecoveryConfig, *, is_lying: bool) -> tuple[Watched, float]:
    """Simulate `config.worlds` bodies for `config.seconds`, and record their torsos' heights after every control step.

    If `is_lying`, the bodies begin lying and are told to stand up. Otherwise they walk for `config.walk_seconds` and
    are shoved, and those that fall are told to stand up; only the time after the shove is recorded.

    Returns:
      The heights, with the side on which each body lies at the start (meaningful only if `is_lying`); and the duration
      of a control step, s.
    """
    playback, follower = load_follower(config.run, config.workspace, config.worlds, step=config.step, is_lying=is_lying)
    period = playback.env.spec.control_period
    plan = Plan((Segment("stand-up" if is_lying else "walk-forward"),))
    schedule = schedule_of(plan, is_endless=True, recovers=not is_lying)
    if is_lying:  # it ends by standing for some seconds, and here it goes on
        schedule = schedule.replace(
            amounts=np.full_like(schedule.amounts, np.inf), limits=np.full_like(schedule.limits, np.inf)
        )
    key_start, key_shove, key = jax.random.split(jax.random.key(config.seed), 3)
    start = jax.jit(follower.start)(playback.policy, stacked([schedule] * config.worlds), key_start)
    side_B = np.asarray(jax.vmap(_side)(start.worlds.env.physics))
    watch = jax.jit(functools.partial(_watch, follower), static_argnums=3)
    if not is_lying:
        start, _ = watch(playback.policy, start, jax.random.fold_in(key, 0), round(config.walk_seconds / period))
        start = _shoved(follower, start, config.shove, key_shove)
    _, height_TB = watch(playback.policy, start, jax.random.fold_in(key, 1), round(config.seconds / period))
    return Watched(np.asarray(height_TB), side_B), period


def _watch(
    follower: PlanFollower, policy: Policy, state: Following, key: Array, num_steps: int
) -> tuple[Following, Array]:
    """Let the bodies follow their plans for `num_steps` control steps.

    Returns:
      The state of worlds and plans afterwards; the heights of the torsos after each step, (T, B) m.
    """

    def step(state: Following, key: Array) -> tuple[Following, Array]:
        state = follower.step(policy, state, key)
        return state, state.worlds.env.physics["qpos"][:, 2]

    return jax.lax.scan(step, state, jax.random.split(key, num_steps))


def _shoved(follower: PlanFollower, state: Following, speed: float, key: Array) -> Following:
    physics = state.worlds.env.physics
    angle = jax.random.uniform(key, (follower.num_worlds,), maxval=2 * jnp.pi)
    added = speed * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)
    pushed = jax.vmap(follower.env.physics.with_velocity)(physics, physics["qvel"].at[:, :2].add(added))
    return state.replace(worlds=state.worlds.replace(env=state.worlds.env.replace(physics=pushed)))


def _side(physics: PhysicsState) -> Array:
    """Return the index into `SIDES` of the side on which a body lies: where gravity points in the torso's frame."""
    down = body.gravity(physics)
    along = jnp.stack([-down[0], down[0], down[1], -down[1]])
    return jnp.argmax(along)


def seconds_to_feet(height_TB: np.ndarray, period: float) -> np.ndarray:
    """Return how long each body took from its fall until it had stood for `STANDING_SECONDS`, (B,) s.

    Infinite for bodies that did not stand so long after their first fall, and for those that did not fall.

    Args:
      height_TB: (T, B) m, of the torsos.
      period: s of a control step.
    """
    num = round(STANDING_SECONDS / period)
    result = np.full(height_TB.shape[1], np.inf)
    for world, height in enumerate(height_TB.T):
        falls = np.flatnonzero(height < FALLEN_HEIGHT)
        if not falls.size:
            continue
        stands = np.convolve(height >= MIN_STANDING_HEIGHT, np.ones(num), "full")[: len(height)] >= num
        after = np.flatnonzero(stands & (np.arange(len(height)) > falls[0]))
        if after.size:
            result[world] = (after[0] - falls[0]) * period
    return result


if __name__ == "__main__":
    with exit_codes():
        prepare_jax()
        main(tyro.cli(RecoveryConfig, description=__doc__))
