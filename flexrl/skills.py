"""How well a policy does each skill of `humanoid-skills`: `python -m flexrl.skills RUN`."""

import dataclasses
import functools
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flexrl.errors import ConfigError, exit_codes

if TYPE_CHECKING:
    from flexrl.playback import Playback

ERRORS = ("velocity_error", "turn_error")
PUSHES = {"push_interval": (2.0, 4.0), "push_velocity": (0.3, 0.8)}  # s, m/s


@dataclass(frozen=True)
class SkillsArguments:
    """How to examine the skills.

    Attributes:
      step: checkpoint: `best`, `latest` or an iteration.
      episodes: for each skill, and for each fall rate.
      transition_episodes: for each ordered pair of skills; 0 leaves the transitions out.
      seed: of the episodes.
      workspace: folder that holds the runs.
    """

    step: str = "best"
    episodes: int = 256
    transition_episodes: int = 16
    seed: int = 0
    workspace: str = "workspace"

    def __post_init__(self) -> None:
        """Refuse what cannot be examined."""
        if self.episodes < 1:
            raise ValueError(f"episodes: {self.episodes} must be at least 1")
        if self.transition_episodes < 0:
            raise ValueError(f"transition_episodes: {self.transition_episodes} must be at least 0")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed: {self.seed} must be between 0 and 2**32 - 1")


def main(arguments: list[str]) -> None:
    """Parse, examine, print, and write `skills.json` into the run's folder."""
    with exit_codes():
        from flexrl.startup import prepare_jax

        prepare_jax()
        from flexrl.arguments import parse_tool
        from flexrl.files import write_json
        from flexrl.playback import load_playback

        run, options = parse_tool(SkillsArguments, arguments, "flexrl.skills")
        playback = load_playback(run, options.workspace, options.step, num_episodes=options.episodes)
        if playback.config.env != "humanoid-skills":
            raise ConfigError(f"run: {run} was trained on {playback.config.env}; skills are those of humanoid-skills")
        report = examine(playback, options)
        write_json(playback.folder / "skills.json", report)
        print_report(report)


def examine(playback: "Playback", options: SkillsArguments) -> dict[str, Any]:
    """Success of each skill, falls while switching, and success after each switch, as plain data."""
    task = playback.config.task
    report: dict[str, Any] = {"step": playback.step, "episodes": options.episodes}
    report["skills"] = {name: _one_skill(playback, name, options) for name in task.skills}
    report["switching"] = _switching(playback, options, {})
    report["switching_with_pushes"] = _switching(playback, options, PUSHES)
    if options.transition_episodes:
        report["transitions"] = _transitions(playback, options)
    return report


def _one_skill(playback: "Playback", skill: str, options: SkillsArguments) -> dict[str, float]:
    """Episodes that ask for nothing else."""
    from envs.success import skill_success, wilson_lower_bound

    seconds = playback.env.spec.episode_length * playback.env.spec.control_period
    task = dataclasses.replace(
        playback.config.task, skills=(skill,), goal_strategy="single", goal_seconds=(seconds, seconds)
    )
    episodes = _episodes(playback, task, options, {})
    success = skill_success(skill, episodes.terminated, episodes.settled, episodes.final)
    return {
        "success": float(success.mean()),
        "success_lower_bound": wilson_lower_bound(int(success.sum()), options.episodes),
        "velocity_error": float(episodes.settled["velocity_error"].mean()),
        "turn_error": float(episodes.settled["turn_error"].mean()),
        "air_seconds": float(episodes.final["air_seconds"].mean()),
        "falls": float(episodes.terminated.mean()),
    }


def _switching(playback: "Playback", options: SkillsArguments, disturbances: dict[str, Any]) -> dict[str, float]:
    """Whole episodes in which the goal changes as in training."""
    episodes = _episodes(playback, playback.config.task, options, disturbances)
    return {
        "falls_per_episode": float(episodes.terminated.mean()),
        "falls_per_1000_steps": 1000 * float(episodes.terminated.sum() / episodes.length.sum()),
        "velocity_error": float(episodes.settled["velocity_error"].mean()),
        "turn_error": float(episodes.settled["turn_error"].mean()),
    }


def _episodes(playback: "Playback", task: Any, options: SkillsArguments, disturbances: dict[str, Any]) -> Any:
    from flexrl.build import make_evaluation_env
    from flexrl.evaluation import Evaluator, evaluation_key

    randomization = dataclasses.replace(playback.config.randomization, **disturbances)
    config = dataclasses.replace(playback.config, task=task, randomization=randomization)
    evaluator = Evaluator(make_evaluation_env(config), options.episodes)
    return evaluator.episodes(playback.policy, evaluation_key(options.seed))


def _transitions(playback: "Playback", options: SkillsArguments) -> dict[str, dict[str, float]]:
    """Success of a skill over the five seconds after the switch from another, by both names."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from envs.success import SETTLING_SECONDS, skill_success
    from envs.vector import VecEnv
    from flexrl.build import make_evaluation_env

    skills = playback.config.task.skills
    task = dataclasses.replace(playback.config.task, goal_strategy="balanced", goal_seconds=(5.0, 5.0))
    env = make_evaluation_env(dataclasses.replace(playback.config, task=task))
    pairs = [(a, b) for a in range(len(skills)) for b in range(len(skills)) if a != b]
    orders = np.array([np.resize(pair, env.goals.num_goals) for pair in pairs])
    orders = np.repeat(orders, options.transition_episodes, axis=0)
    worlds = VecEnv(env, len(orders))
    half = round(5.0 / env.spec.control_period)
    settled_from = half + round(SETTLING_SECONDS / env.spec.control_period)

    @functools.partial(jax.jit, static_argnums=2)
    def roll(policy: Any, key: Any, num_steps: int) -> Any:
        key_fresh, key_goals, key_act = jax.random.split(key, 3)
        fresh = worlds.fresh(key_fresh)
        goals = jax.vmap(env.goals.in_order)(jax.random.split(key_goals, len(orders)), jnp.asarray(orders))
        fresh = fresh.replace(goal=jax.vmap(lambda g: g.vector())(goals), info=fresh.info | {"goals": goals})

        def step(state: tuple, time: Any) -> tuple[tuple, Any]:
            worlds_state, carry, fallen, total, best_air = state
            observation = worlds_state.observation
            carry, action, _ = policy.act(carry, observation, jax.random.fold_in(key_act, time))
            worlds_state, transition = worlds.step(worlds_state, action, fresh)
            fallen = fallen | transition.terminated
            counts = time >= settled_from
            total = {name: total[name] + jnp.where(counts, transition.metrics[name], 0) for name in ERRORS}
            flight = worlds_state.env.info["tracking"].flight_seconds
            best_air = jnp.where(time >= half, jnp.maximum(best_air, flight), 0)
            standing = worlds_state.env.info["tracking"].standing_seconds
            return (worlds_state, carry, fallen, total, best_air), standing

        zero = jnp.zeros(len(orders))
        start = (worlds.start(fresh), policy.init_carry(len(orders)), zero > 0, dict.fromkeys(ERRORS, zero), zero)
        (_, _, fallen, total, best_air), standing = jax.lax.scan(step, start, jnp.arange(num_steps))
        count = num_steps - settled_from
        final = {"air_seconds": best_air, "standing_seconds": standing[-1]}
        return fallen, {name: x / count for name, x in total.items()}, final

    fallen, settled, final = jax.device_get(roll(playback.policy, jax.random.key(options.seed), 2 * half))
    table: dict[str, dict[str, float]] = {name: {} for name in skills}
    for k, (a, b) in enumerate(pairs):
        rows = slice(k * options.transition_episodes, (k + 1) * options.transition_episodes)
        pair = [{name: x[rows] for name, x in numbers.items()} for numbers in (settled, final)]
        table[skills[a]][skills[b]] = float(skill_success(skills[b], fallen[rows], *pair).mean())
    return table


def print_report(report: dict[str, Any]) -> None:
    """Tables for reading."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=110, highlight=False)
    rows = Table("skill", "success", "at least", "velocity error m/s", "turn error rad/s", "flight s", "falls")
    for name, row in report["skills"].items():
        numbers = ("success", "success_lower_bound", "velocity_error", "turn_error", "air_seconds", "falls")
        rows.add_row(name, *(f"{row[number]:.2f}" for number in numbers))
    console.print(rows)
    for name in ("switching", "switching_with_pushes"):
        console.print(f"{name}: {json.dumps({k: round(v, 3) for k, v in report[name].items()})}")
    if "transitions" in report:
        worst = min((x, a, b) for a, others in report["transitions"].items() for b, x in others.items())
        console.print(f"worst transition: {worst[0]:.2f}, from {worst[1]} to {worst[2]}")


if __name__ == "__main__":
    main(sys.argv[1:])
