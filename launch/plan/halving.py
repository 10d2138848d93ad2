"""Successive halving: trials pause after given numbers of evaluations (rungs), and only the best of them go on.

Source: Jamieson and Talwalkar, 2016 (arXiv:1502.07943). The choice depends only on the recorded progress of all trials,
so that every later `submit` goes on with the same trials.
"""

import math
from collections.abc import Sequence

from launch.plan.states import Progress
from launch.plan.sweep_file import Halving, Sweep


def next_rung(halving: Halving | None, progress: Sequence[Progress]) -> tuple[int | None, list[int]]:
    """Return the rung that trials train to now, and the trials that are still in the race.

    The next best trial takes the place of one that failed.

    Args:
      halving: settings of the sweep; None if trials never pause.
      progress: progress of each trial.

    Returns:
      The number of evaluations after which trials pause, None if they train to their end; and the indexes in `progress`
      of the trials that are left, best first.
    """
    left = list(range(len(progress)))
    for rung in halving.rungs if halving else ():
        assert halving is not None
        compared = [i for i in left if progress[i].state != "failed"]
        if any(progress[i].state != "done" and rung not in progress[i].rungs for i in compared):
            return rung, left
        compared.sort(key=lambda i: -progress[i].rungs.get(rung, math.inf))  # done trials first: they need no training
        left = compared[: math.ceil(len(compared) / halving.factor)]
    return None, left


def rung_of_sweep(sweep: Sweep, progress: Sequence[Progress]) -> tuple[int | None, list[int]]:
    """Return the number of evaluations after which trials pause next, and the indexes of those still in the race.

    The indexes count in `progress`. The number is None if these trials train to their end. All trials of a sweep
    compete; in a search only those of its last round (the trials that were proposed together) do. See `next_rung`.

    Args:
      sweep: the sweep.
      progress: progress of each trial so far.
    """
    size = sweep.search.parallel * sweep.num_seeds if sweep.search else len(progress)
    start = (len(progress) - 1) // size * size if progress else 0
    rung, left = next_rung(sweep.halving, progress[start:])
    return rung, [start + i for i in left]


def has_arrived(progress: Progress, rung: int | None) -> bool:
    """Return whether a trial is done, failed, or paused after `rung` evaluations, so that it need not train now.

    With None, a paused trial must still train to its end.
    """
    return progress.state in ("done", "failed") or (progress.state == "paused" and rung in progress.rungs)
