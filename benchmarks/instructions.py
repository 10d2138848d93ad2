"""Carry instructions out in many worlds, by their true plans and by those that are read.

    python -m benchmarks.instructions --worlds 1024

Prints how many worlds fell, how many plans of one and of several segments were carried out (`flexrl.execution.report`),
and the language gap: the share carried out by the true plan minus the share carried out by the plan that was read.
Instructions that the policy was not taught, or that may take longer than a minute, are left out.
"""

import argparse
from pathlib import Path

import numpy as np

from flexrl.common.jax_setup import prepare_jax
from flexrl.language.plan import Plan, Segment

SPLITS = Path(__file__).parent / "language" / "generated"
LONGEST = 60.0  # s
SIZE = 8  # segments that schedules are padded to


def main() -> None:
    """Parse the command line, and print a row for each split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="pretrained/humanoid-skills", help="policy of humanoid-skills")
    parser.add_argument(
        "--splits", nargs="+", default=["s0", "s1"], help="names of files of benchmarks/language/generated"
    )
    parser.add_argument("--worlds", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    prepare_jax()
    from flexrl.common.tables import print_table

    rows = [
        (split, options.worlds, *measure(options.run, split, options.worlds, options.seed)) for split in options.splits
    ]
    columns = ("split", "worlds", "no fall", "one segment", "several", "true plans", "read plans", "gap")
    print_table(columns, [[x if isinstance(x, str | int) else f"{x:.3f}" for x in row] for row in rows])


def measure(run: str, split: str, num_worlds: int, seed: int) -> tuple[float, ...]:
    """Return the shares of a split's worlds that the columns name."""
    from flexrl.execution.report import plans_carried_out
    from flexrl.execution.schedule import longest_seconds, schedule_of, stacked
    from flexrl.execution.worlds import follow, load_follower, possible, taught_skills
    from flexrl.language.interpreter import Interpreter
    from flexrl.language.scoring import is_same, read_meant
    from flexrl.storage.run_folder import find_run

    taught = taught_skills(find_run(run, "workspace"))
    meant = [
        (row.text, row.answer)
        for row in read_meant(SPLITS / f"{split}.jsonl")
        if isinstance(row.answer, Plan)
        and isinstance(possible(row.answer, taught), Plan)
        and len(row.answer.segments) <= SIZE
        and longest_seconds(schedule_of(row.answer)) <= LONGEST
    ]
    texts, plans = zip(*(meant[i % len(meant)] for i in range(num_worlds)), strict=True)
    read = [possible(answer, taught) for answer in Interpreter.load().read(texts)]
    standing = Plan((Segment("stand"),))  # of what is refused; it counts as not carried out
    playback, follower = load_follower(run, "workspace", 2 * num_worlds)
    told = [*plans, *(x if isinstance(x, Plan) and len(x.segments) <= SIZE else standing for x in read)]
    outcome = follow(playback, follower, stacked([schedule_of(plan, size=SIZE) for plan in told]), seed)
    done = plans_carried_out(outcome)
    same = np.array([is_same(found, true) for found, true in zip(read, plans, strict=True)])
    by_true, by_read = done[:num_worlds], done[num_worlds:] & same
    is_single = np.array([len(plan.segments) == 1 for plan in plans])
    no_fall = 1 - outcome.fallen[:num_worlds].mean()
    shares = no_fall, by_true[is_single].mean(), by_true[~is_single].mean(), by_true.mean(), by_read.mean()
    return (*map(float, shares), float(by_true.mean() - by_read.mean()))


if __name__ == "__main__":
    main()
