"""Successive halving: trials pause at rungs, where only the best of them go on.

As Jamieson and Talwalkar, 2016 (arXiv:1502.07943). What goes on follows from how far all trials are and from nothing
else, so that whoever submits next goes on with the same ones.
"""

import math
from collections.abc import Sequence

from launch.plan.states import Progress
from launch.plan.sweep_file import Halving


def next_rung(halving: Halving | None, progress: Sequence[Progress]) -> tuple[int | None, list[int]]:
    """The rung that trials go to now, and which of them are still in; a failed one leaves its place to the next best.

    Args:
      halving: of the sweep.
      progress: of each trial.

    Returns:
      Evaluations after which they pause, none where they go on to their end; and places in `progress`, best first.
    """
    left = list(range(len(progress)))
    for rung in halving.rungs if halving else ():
        assert halving is not None
        compared = [i for i in left if progress[i].state != "failed"]
        if any(progress[i].state != "done" and rung not in progress[i].rungs for i in compared):
            return rung, left
        compared.sort(key=lambda i: -progress[i].rungs.get(rung, math.inf))  # what is done costs nothing to keep
        left = compared[: math.ceil(len(compared) / halving.factor)]
    return None, left


def has_arrived(progress: Progress, rung: int | None) -> bool:
    """Whether a trial has nothing to do before this rung, or before its end where there is none."""
    return progress.state in ("done", "failed") or (progress.state == "paused" and rung in progress.rungs)
