"""Measure how a policy of `humanoid-skills` walks: the gait table.

    python -m benchmarks.gait                                  # the pretrained policy
    python -m benchmarks.gait --run RUN --out FILE             # another one

In each world a standing humanoid is commanded to walk forward at one velocity. The first seconds are left out. Worlds
in which it falls are counted, and left out of all other numbers.

| number | what it is |
|---|---|
| cost of transport | mean power of the motors over weight and mean forward speed; what a motor brakes counts too |
| foot clearance | how high a sole is lifted while the foot is in the air (a swing), mean over swings (m) |
| duty factor | share of the time that a foot is on the floor, mean over both feet |
| duty asymmetry | difference of the two feet's duty factors, over their mean |
| step frequency | footsteps of both feet in a second, by the times between footsteps of the same foot (Hz) |
| frequency asymmetry | difference of the two feet's frequencies, over their mean |
| alternation | share of footsteps that follow one of the other foot |
| arm angle | between upper arms and the vertical, mean (degrees) |
| trunk sway | standard deviation of the torso's roll and pitch, as the root of the sum of both squares (degrees) |
| velocity error | distance of the torso's horizontal velocity from the command at each moment, mean (m/s) |
| mean velocity error | the same of each world's mean velocity (m/s) |
| heading drift | how far the heading changed, mean of absolute values (degrees) |
| falls | share of the worlds |
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jax import Array

from benchmarks.report import header, save
from envs.robots import feeling_humanoid as body
from envs.tasks.humanoid_skills.gait import SHORTEST_SWING
from envs.tasks.humanoid_skills.goals import SKILL_NAMES, Goals
from envs.tasks.humanoid_skills.rewards import BODY_WEIGHT
from envs.worlds.vector import VecEnv
from flexrl.common.errors import ConfigError, exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.common.tables import print_table
from flexrl.policies.playback import Playback, load_playback
from flexrl.storage.run_folder import find_run, read_config

RUNNING = 1.5  # m/s, from which on the skill `run` is asked for, and below it `walk-forward`


@dataclass(frozen=True)
class GaitConfig:
    """Which policy to measure, and for how long.

    Attributes:
      run: run, or folder of an exported policy, of humanoid-skills.
      step: checkpoint to use: `best`, `latest` or an iteration.
      speeds: commanded forward velocities, m/s.
      seconds: s that each world walks; at most an episode.
      settling: s at the start that are left out.
      worlds: worlds at each speed.
      seed: random seed of the first states.
      workspace: folder that holds the runs.
      out: JSON file for the results; by default named after run and machine, in benchmarks/results.
    """

    run: str = "pretrained/humanoid-skills"
    step: str = "best"
    speeds: tuple[float, ...] = (0.5, 1.0, 2.0)
    seconds: float = 10.0
    settling: float = 2.0
    worlds: int = 64
    seed: int = 0
    workspace: str = "workspace"
    out: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        if not 0 <= self.settling < self.seconds:
            raise ValueError(f"settling: {self.settling} must be at least 0 and below seconds, {self.seconds}")
        if self.worlds < 1:
            raise ValueError(f"worlds: {self.worlds} must be at least 1")
        if not self.speeds or min(self.speeds) <= 0:
            raise ValueError(f"speeds: {self.speeds} must be one or more, all above 0 m/s")


@dataclass(frozen=True)
class Trace:
    """What B worlds did in T control steps.

    The last letters of a field's name are its axes: T control steps; B worlds; F, the right and the left foot or arm;
    V, two components.

    Attributes:
      contact_TBF: whether each foot was on the floor.
      height_TBF: height of each sole above the floor, m.
      arms_TBF: angle of each upper arm from hanging down, rad.
      tilt_TBV: roll and pitch of the torso, rad.
      velocity_TBV: velocity forward and to the left, m/s.
      turn_TB: yaw rate, rad/s.
      power_TB: power of all motors, W.
      fallen_B: whether the humanoid fell.
    """

    contact_TBF: np.ndarray  # (T, B, 2) bool, feet on the floor
    height_TBF: np.ndarray  # (T, B, 2) m, of soles
    arms_TBF: np.ndarray  # (T, B, 2) rad, from hanging
    tilt_TBV: np.ndarray  # (T, B, 2) rad, roll and pitch of the torso
    velocity_TBV: np.ndarray  # (T, B, 2) m/s, forward and left
    turn_TB: np.ndarray  # (T, B) rad/s
    power_TB: np.ndarray  # (T, B) W
    fallen_B: np.ndarray  # (B,) bool

    def of(self, steps: slice, worlds: np.ndarray) -> "Trace":
        """Return a part of this trace: the control steps `steps` of the worlds that a mask (B,) or indices name."""
        parts = {name: x[steps, worlds] for name, x in vars(self).items() if name != "fallen_B"}
        return Trace(**parts, fallen_B=self.fallen_B[worlds])


def main(config: GaitConfig) -> None:
    """Measure how a policy walks at each speed; print and write a table of numbers such as step frequency."""
    report = header(config)
    if (env := read_config(find_run(config.run, config.workspace)).env) != "humanoid-skills":
        raise ConfigError(f"run: {config.run} was trained on {env}; choose one of humanoid-skills")
    playback = load_playback(
        config.run,
        config.workspace,
        config.step,
        num_episodes=config.worlds,
        task=lambda task: dataclasses.replace(task, skills=("walk-forward",), goal_strategy="single"),
    )
    period = playback.env.spec.control_period
    walk = Walk(playback, config.worlds, round(config.seconds / period))
    report["step"] = playback.step
    for speed in config.speeds:
        trace = walk(speed, config.seed)
        walking = trace.of(slice(round(config.settling / period), None), ~trace.fallen_B)
        numbers = {} if trace.fallen_B.all() else gait_numbers(walking, speed, period)
        report["results"].append({"speed": speed, **numbers, "falls": float(trace.fallen_B.mean())})
    names = dict.fromkeys(name for case in report["results"] for name in case if name != "speed")
    rows = [[name, *(f"{case[name]:.3f}" if name in case else "" for case in report["results"])] for name in names]
    print_table(["", *(f"{speed} m/s" for speed in config.speeds)], rows)
    print(f"wrote {save(report, f'gait-{playback.folder.name}', config.out)}")


class Walk:
    """Lets a policy walk in many worlds at a commanded forward speed, and records what the humanoids do.

    The program is compiled once for all speeds.
    """

    def __init__(self, playback: Playback, num_worlds: int, num_steps: int) -> None:
        """Build `num_worlds` worlds of a policy's environment, in which each call makes `num_steps` control steps."""
        self._policy = playback.policy
        self._worlds = VecEnv(playback.env, num_worlds)
        self._num_steps = num_steps
        self._run: Any = jax.jit(self._trace)

    def __call__(self, speed: float, seed: int) -> Trace:
        """Return what the worlds do when they are commanded to walk or run forward at `speed` m/s."""
        skill = SKILL_NAMES.index("run" if speed >= RUNNING else "walk-forward")
        traced = self._run(jnp.array([speed, 0.0, 0.0]), jnp.array(skill, jnp.int32), jax.random.key(seed))
        *parts, ended_TB = map(np.asarray, jax.device_get(traced))
        return Trace(*parts, fallen_B=np.asarray(ended_TB.any(axis=0)))

    def _trace(self, command: Array, skill: Array, key: Array) -> tuple[Array, ...]:
        key_fresh, key_act = jax.random.split(key)
        fresh = self._worlds.fresh(key_fresh)
        goals = fresh.info["goals"]
        goals = goals.replace(
            commands=jnp.broadcast_to(command, goals.commands.shape), skills=jnp.broadcast_to(skill, goals.skills.shape)
        )
        fresh = fresh.replace(goal=jax.vmap(Goals.vector)(goals), info=fresh.info | {"goals": goals})

        def step(state: tuple, time: Array) -> tuple[tuple, tuple[Array, ...]]:
            worlds, carry = state
            carry, action, _ = self._policy.act(carry, worlds.observation, jax.random.fold_in(key_act, time))
            worlds, transition = self._worlds.advance(worlds, action)
            row = jax.vmap(_seen)(worlds.env.physics, action)
            return (worlds, carry), (*row, transition.terminated)

        start = (self._worlds.start(fresh), self._policy.init_carry(self._worlds.num_envs))
        return jax.lax.scan(step, start, jnp.arange(self._num_steps))[1]


def _seen(physics: Any, action: Array) -> tuple[Array, ...]:
    """Return what a `Trace` records of one world after a control step, in the order of its fields.

    They are whether each foot is on the floor, the height of each sole, the angle of each arm, the torso's tilt,
    velocity and yaw rate, and the power of the motors. Whether the humanoid fell is left out.
    """
    down = body.gravity(physics)
    tilt = jnp.stack([jnp.arctan2(-down[1], -down[2]), jnp.arctan2(down[0], -down[2])])
    arms, height = body.arm_angles(physics), body.foot_height(physics)
    turn, power = body.turn(physics), body.power(physics, action)
    return body.foot_force(physics) > 0, height, arms, tilt, body.velocity(physics), turn, power


def gait_numbers(trace: Trace, speed: float, period: float) -> dict[str, float]:
    """Return numbers that describe a gait, by name.

    They are `cost_of_transport`, `foot_clearance`, `duty_factor`, `duty_asymmetry`, `step_frequency`,
    `frequency_asymmetry`, `alternation`, `arm_angle`, `trunk_sway`, `velocity_error`, `mean_velocity_error` and
    `heading_drift`. The table in the docstring of this module defines each.

    Args:
      trace: what the worlds did, without those that fell.
      speed: commanded forward velocity, m/s.
      period: s of a control step.
    """
    num_steps, num_worlds, _ = trace.contact_TBF.shape
    swings = [swings_of(trace, world, foot, period) for world in range(num_worlds) for foot in range(2)]
    frequency = np.array([_frequency([ends for ends, _ in swings[foot::2]], num_steps, period) for foot in range(2)])
    duty = trace.contact_TBF.mean(axis=(0, 1))
    off = trace.velocity_TBV - np.array([speed, 0.0])
    peaks = [peak for _, peaks in swings for peak in peaks]
    sides = [_sides(swings[2 * world], swings[2 * world + 1]) for world in range(num_worlds)]
    changes = np.concatenate([np.diff(each) != 0 for each in sides])
    forward = trace.velocity_TBV[..., 0].mean()
    return {
        "cost_of_transport": float(trace.power_TB.mean() / (BODY_WEIGHT * max(forward, 1e-3))),
        "foot_clearance": float(np.mean(peaks)) if peaks else 0.0,
        "duty_factor": float(duty.mean()),
        "duty_asymmetry": _asymmetry(duty),
        "step_frequency": float(frequency.sum()),
        "frequency_asymmetry": _asymmetry(frequency),
        "alternation": float(changes.mean()) if changes.size else 0.0,
        "arm_angle": float(np.degrees(trace.arms_TBF.mean())),
        "trunk_sway": float(np.degrees(np.sqrt(trace.tilt_TBV.var(axis=0).sum(axis=-1)).mean())),
        "velocity_error": float(np.linalg.norm(off, axis=-1).mean()),
        "mean_velocity_error": float(np.linalg.norm(off.mean(axis=0), axis=-1).mean()),
        "heading_drift": float(np.degrees(np.abs(trace.turn_TB.sum(axis=0) * period).mean())),
    }


def swings_of(trace: Trace, world: int, foot: int, period: float) -> tuple[list[int], list[float]]:
    """Find the swings of a foot in one world: it left the floor, stayed in the air for a while and came down again.

    Time in the air shorter than `SHORTEST_SWING` is no swing. Swings that the trace does not show whole are left out.

    Args:
      trace: what the worlds did.
      world: index of the world.
      foot: 0 for the right foot, 1 for the left.
      period: s of a control step.

    Returns:
      For each swing the control step at which the foot came down; and for each the greatest height of its sole, m.
    """
    on_floor = trace.contact_TBF[:, world, foot]
    changes = np.flatnonzero(np.diff(on_floor.astype(int))) + 1
    spans = [(a, b) for a, b in zip(changes, changes[1:], strict=False) if not on_floor[a]]
    swings = [(a, b) for a, b in spans if (b - a) * period >= SHORTEST_SWING]
    return [int(b) for _, b in swings], [float(trace.height_TBF[a:b, world, foot].max()) for a, b in swings]


def _sides(right: tuple[list[int], list[float]], left: tuple[list[int], list[float]]) -> list[int]:
    """Return which foot made each footstep in one world, 0 right and 1 left, in order of time.

    `right` and `left` are what `swings_of` found for the two feet: the steps at which the foot came down, and heights.
    """
    return [side for _, side in sorted([(end, 0) for end in right[0]] + [(end, 1) for end in left[0]])]


def _frequency(ends: list[list[int]], num_steps: int, period: float) -> float:
    """Return the frequency (Hz) of one foot's footsteps, by the time between the first and the last one in each world.

    Dividing the number of footsteps by the whole time would be less exact: it would be off by up to one footstep. This
    is done only if no world has two footsteps.

    Args:
      ends: for each world the control steps at which the foot came down.
      num_steps: control steps of the whole time.
      period: s of a control step.
    """
    seconds = period * sum(each[-1] - each[0] for each in ends if each)
    if seconds > 0:
        return sum(len(each) - 1 for each in ends if each) / seconds
    return sum(map(len, ends)) / (len(ends) * num_steps * period)


def _asymmetry(both: np.ndarray) -> float:
    """Return the absolute difference of two numbers over their mean; 0 if both are 0."""
    return float(abs(both[0] - both[1]) / max(both.mean(), 1e-9))


if __name__ == "__main__":
    with exit_codes():
        prepare_jax()
        main(tyro.cli(GaitConfig, description=__doc__))
