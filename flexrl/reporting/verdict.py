"""Judge from a run's evaluations whether it has learned: the verdict with which a report begins, by a stated rule."""

from dataclasses import dataclass
from typing import Literal

from flexrl.common.tables import cell
from flexrl.storage.run_view import RunRecord

NEEDED = 4  # evaluations without which nothing is judged
RISING = 0.05  # of the whole gain, by which the last quarter must exceed the one before to be called rising
RULE = (
    "The returns of evaluations are averaged over quarters of the training. The gain is the best quarter's mean less "
    "the first evaluation's return. Flat: the gain is at most twice the half-width of the 95 % interval. Still rising: "
    "the last quarter exceeds the one before by more than that half-width and by more than "
    f"{RISING:.0%} of the gain. Learned: all else. Diverged: too many updates in a row were not finite. With fewer "
    f"than {NEEDED} evaluations, nothing is judged."
)


@dataclass(frozen=True)
class Verdict:
    """The verdict whether a run has learned.

    Attributes:
      word: `learned`, `still rising`, `flat` or `diverged`; `unknown` with too few evaluations.
      reason: the numbers that it is based on, in a sentence.
    """

    word: Literal["learned", "still rising", "flat", "diverged", "unknown"]
    reason: str


def verdict(record: RunRecord) -> Verdict:
    """Judge by a run's evaluation returns whether it has learned.

    The training is divided into four quarters, and the returns are averaged over each. The run has learned if the best
    quarter's average exceeds the first evaluation's return by more than chance explains, as judged by the widest 95 %
    interval. If the last quarter is clearly better than the one before, the run is still rising. `RULE` states the rule
    in full.
    """
    returns = record.returns
    if record.state == "diverged":
        return Verdict("diverged", "Too many updates in a row were not finite; diverged.json has the reason.")
    if len(returns) < NEEDED:
        return Verdict("unknown", f"There are {len(returns)} evaluations, and {NEEDED} are needed to judge.")
    half_width = max(row["evaluation/return_interval"] for row in record.evaluations)
    quarters = _quarters(returns)
    gain = max(quarters) - returns[0]
    late, before = quarters[-1], quarters[-2]
    numbers = f"Return {cell(float(returns[0]))} at first, {cell(float(late))} in the last quarter"
    if gain <= 2 * half_width:
        return Verdict("flat", f"{numbers}: the gain of {cell(float(gain))} is within the noise of ±{half_width:.3g}.")
    if late - before > max(half_width, RISING * gain):
        return Verdict("still rising", f"{numbers}, {cell(float(late - before))} more than in the one before.")
    lost = f"; the best quarter had {cell(float(max(quarters)))}" if max(quarters) - late > RISING * gain else ""
    return Verdict("learned", f"{numbers}{lost}.")


def _quarters(returns: list[float]) -> list[float]:
    """Return the mean of each quarter of at least four values."""
    edges = [round(i * len(returns) / 4) for i in range(5)]
    return [sum(returns[a:b]) / (b - a) for a, b in zip(edges, edges[1:], strict=False)]
