"""Successive halving: trials pause after given numbers of evaluations (rungs), and only the best of them go on.

Source: Jamieson and Talwalkar, 2016 (arXiv:1502.07943). The choice depends only on the recorded progress of all trials,
so that every later `submit` goes on with the same trials.
"""

import math
from collections.abc import Sequence

from launch.plan.states import Progress
from launch.plan.sweep_file import Halving, Sweep


def next_rung(halving: Halving | None, progress: Sequence[Progress]) -> tuple[int | None, list[int]]:
    """Return where trials pause next under successive halving, and the trials that have not been dropped so far.

    At each rung (a number of evaluations) trials pause until all have come so far. The best go on, and the others are
    dropped. A trial that failed is not compared.

    Args:
      halving: settings of the sweep; None if trials never pause.
      progress: progress of each trial.

    Returns:
      The number of evaluations after which trials pause next, None if they train to their end; and the indexes in
      `progress` of the trials that were not dropped: best first, or in their own order before the first comparison.
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
    """Return where the trials of a sweep pause next, and the trials that successive halving has not dropped.

    All trials of a sweep compete with each other. In a search only those of its last round, the trials that were
    proposed together, do; earlier trials are not returned.

    Args:
      sweep: the sweep.
      progress: progress of each trial so far.

    Returns:
      The number of evaluations after which these trials pause, None if they train to their end; and the indexes of the
      trials in `progress`.
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
