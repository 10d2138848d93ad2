"""Measures several programs in turn, so that changes of the machine's speed affect all of them alike."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Subject(Protocol):
    """A program whose speed is measured."""

    name: str
    num_steps: int  # control steps of one call, over all worlds

    def run(self, num_calls: int) -> float:
        """Make `num_calls` calls, and return the seconds that they took, without their preparation."""
        ...


@dataclass
class Measurement:
    """The measurements of one subject.

    Attributes:
      subject: the program that is measured.
      num_calls: calls in each repeat.
      compile_seconds: how much longer the first call took than the second.
      rates: control steps per second of each repeat.
    """

    subject: Subject
    num_calls: int
    compile_seconds: float
    rates: list[float] = field(default_factory=list)

    def repeat(self) -> None:
        """Measure one more repeat."""
        self.rates.append(self.num_calls * self.subject.num_steps / self.subject.run(self.num_calls))


def warm_up(subject: Subject, seconds: float) -> Measurement:
    """Compile a subject, and choose how many calls make a repeat of at least `seconds`."""
    first, second = subject.run(1), subject.run(1)
    return Measurement(subject, math.ceil(seconds / second), max(first - second, 0.0))


def interleave(measurements: Sequence[Measurement], repeats: int) -> None:
    """Measure all subjects in turn, in `repeats` rounds."""
    for _ in range(repeats):
        for measurement in measurements:
            measurement.repeat()


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return median, minimum and maximum."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def pairwise_ratio(numerator: Measurement, denominator: Measurement) -> dict[str, float]:
    """Return median, minimum and maximum of the ratios of rates that were measured in the same round."""
    return summary([a / b for a, b in zip(numerator.rates, denominator.rates, strict=True)])
