"""Let a policy follow instructions in words in many worlds, and measure how many it carries out.

    python -m benchmarks.instructions --splits s0 --worlds 1024
    python -m benchmarks.instructions --in-a-row 30 --worlds 256

A plan is a list of segments, each a skill and how long to do it. An instruction of a test set (split) comes with its
true plan; the interpreter reads a plan from its words.

The first command lets each world follow the true plan of an instruction. It prints how many worlds did not fall until
20 s after their plans, how many plans of one and of several segments were carried out (`flexrl.execution.report`), and
the language gap: the share of true plans that were carried out, but are read differently. A plan that is read right is
the true plan, so it is followed once. The second command lets each world follow random instructions of all splits as
they are read, one after the other with a second of standing between them, and prints how many worlds never fell.
Instructions that the policy was not taught, or that may take longer than a minute, are left out.
"""

import os
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import tyro

from benchmarks.report import header, save
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.common.tables import print_table
from flexrl.execution.bodies import taught_skills, taught_velocities
from flexrl.execution.report import plans_carried_out
from flexrl.execution.schedule import Schedule, Velocities, longest_seconds, schedule_of, stacked
from flexrl.execution.worlds import follow, load_follower, possible
from flexrl.language.interpreter import Interpreter
from flexrl.language.plan import Plan, Refusal, Segment, Until
from flexrl.language.scoring import is_same, read_meant
from flexrl.storage.run_folder import find_run

SPLITS = Path(__file__).parent / "language" / "generated"
LONGEST = 60.0  # s
SIZE = 8  # segments that schedules are padded to
REST_SECONDS = 20.0  # s that worlds are watched after their plans
OF_SEGMENTS = tuple(field.name for field in fields(Schedule) if field.name not in ("count", "recovers"))
PAUSE = Plan((Segment("stand", until=Until("seconds", 1)),))  # between two instructions


@dataclass(frozen=True)
class InstructionsConfig:
    """Which instructions a policy follows, and in how many worlds.

    Attributes:
      run: policy of humanoid-skills.
      splits: test sets of instructions, by the names of their files in benchmarks/language/generated.
      worlds: number of worlds.
      in_a_row: instructions that each world follows one after the other; 0 for one instruction a world.
      seed: random seed of the worlds and of what is drawn.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    run: str = "pretrained/humanoid-skills"
    splits: tuple[str, ...] = ("s0", "s1")
    worlds: int = 1024
    in_a_row: int = 0
    seed: int = 0
    out: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a number is outside its range."""
        if self.worlds < 1:
            raise ValueError(f"worlds: {self.worlds} must be at least 1")
        if self.in_a_row < 0:
            raise ValueError(f"in_a_row: {self.in_a_row} must be at least 0")


@dataclass(frozen=True)
class Told:
    """An instruction that the policy can carry out.

    Attributes:
      text: the instruction.
      plan: the plan that it means, as the test set says.
      read: the plan that the interpreter reads from the text, or its refusal.
    """

    text: str
    plan: Plan
    read: Plan | Refusal


def main() -> None:
    """Parse the command line, let a policy follow instructions, and print and write how many it carries out."""
    with exit_codes():
        config = tyro.cli(InstructionsConfig, description=__doc__)
        prepare_jax()
        report = header(config)
        if config.in_a_row:
            report["results"] = [in_a_row(config)]
        else:
            report["results"] = [{"split": split, **measure(config, split)} for split in config.splits]
        report["load_average_after"] = os.getloadavg()
        rows = [[x if isinstance(x, str) else f"{x:.3f}" for x in row.values()] for row in report["results"]]
        print_table([name.replace("_", " ") for name in report["results"][0]], rows)
        kind = f"{config.in_a_row}-in-a-row" if config.in_a_row else "-".join(config.splits)
        print(save(report, f"instructions-{kind}", config.out))


def told(run: str, split: str) -> list[Told]:
    """Return the instructions of a test set that need only a policy's skills and at most `LONGEST` s, as they are read.

    Args:
      run: name or folder of a run or an exported policy.
      split: the test set, by the name of its file in benchmarks/language/generated.
    """
    taught = taught_skills(find_run(run, "workspace"))
    meant = [
        (row.text, row.answer)
        for row in read_meant(SPLITS / f"{split}.jsonl")
        if isinstance(row.answer, Plan) and isinstance(possible(row.answer, taught), Plan) and _is_short(row.answer)
    ]
    texts, plans = zip(*meant, strict=True)
    read = [possible(answer, taught) for answer in Interpreter.load().read(texts)]
    return [Told(*row) for row in zip(texts, plans, read, strict=True)]


def _is_short(plan: Plan) -> bool:
    return len(plan.segments) <= SIZE and longest_seconds(schedule_of(plan, size=SIZE)) <= LONGEST


def measure(config: InstructionsConfig, split: str) -> dict[str, float]:
    """Let each world follow the true plan of an instruction of a test set, and measure which plans are carried out.

    Returns:
      `no_fall`: share of worlds in which the humanoid did not fall.
      `true_plans`: share of worlds in which the true plan was carried out.
      `one_segment`, `several_segments`: the same, among the worlds whose plans have one segment or several.
      `read_plans`: share of worlds in which it was carried out, and the interpreter reads the same plan from the words.
      `gap`: share of worlds in which it was carried out, but the interpreter reads another plan, or none.
    """
    instructions = told(config.run, split)
    given = [instructions[i % len(instructions)] for i in range(config.worlds)]
    playback, follower = load_follower(config.run, "workspace", config.worlds)
    velocities = taught_velocities(playback.folder)
    schedule = stacked([schedule_of(x.plan, velocities, size=SIZE) for x in given])
    outcome = follow(playback, follower, schedule, config.seed, REST_SECONDS)
    done = plans_carried_out(outcome)
    is_right = np.array([is_same(x.read, x.plan) for x in given])
    is_single = np.array([len(x.plan.segments) == 1 for x in given])
    return {
        "no_fall": float(1 - outcome.fallen.mean()),
        "one_segment": float(done[is_single].mean()),
        "several_segments": float(done[~is_single].mean()),
        "true_plans": float(done.mean()),
        "read_plans": float((done & is_right).mean()),
        "gap": float((done & ~is_right).mean()),
    }


def in_a_row(config: InstructionsConfig) -> dict[str, float]:
    """Let each world follow random instructions one after the other, by the plans that the interpreter reads from them.

    Returns:
      `no_fall`: share of worlds in which the humanoid never fell.
      `ended`: share of worlds in which the last plan came to its end.
      `mean_seconds`: how long a world took for all its plans together, as the mean over worlds.
    """
    read = [x.read for split in config.splits for x in told(config.run, split)]
    plans = [plan for plan in read if isinstance(plan, Plan) and _is_short(plan)]
    drawn = np.random.default_rng(config.seed).integers(0, len(plans), (config.worlds, config.in_a_row))
    playback, follower = load_follower(config.run, "workspace", config.worlds)
    velocities = taught_velocities(playback.folder)
    schedules = [joined([plans[i] for i in row], velocities) for row in drawn]
    size = max(len(x.skills) for x in schedules)
    outcome = follow(playback, follower, stacked([padded(x, size) for x in schedules]), config.seed)
    seconds = np.asarray(outcome.done.seconds).sum(axis=1)
    return {
        "no_fall": float(1 - outcome.fallen.mean()),
        "ended": float(outcome.ended.mean()),
        "mean_seconds": float(seconds.mean()),
    }


def joined(plans: list[Plan], velocities: Velocities | None = None) -> Schedule:
    """Join plans to one schedule, with `PAUSE` (a second of standing) after each.

    A schedule holds the segments of plans as arrays, which a compiled program follows.
    """
    parts = [schedule_of(plan, velocities, size=len(plan.segments)) for each in plans for plan in (each, PAUSE)]
    rows = {name: np.concatenate([getattr(part, name) for part in parts]) for name in OF_SEGMENTS}
    return parts[0].replace(**rows, count=np.asarray(sum(int(part.count) for part in parts), np.int32))


def padded(schedule: Schedule, size: int) -> Schedule:
    """Return a schedule filled up to `size` segments with its last one, so that those of all worlds can be stacked."""
    missing = size - len(schedule.skills)
    columns = {name: getattr(schedule, name) for name in OF_SEGMENTS}
    rows = {name: np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) for name, x in columns.items()}
    return schedule.replace(**rows)


if __name__ == "__main__":
    main()
