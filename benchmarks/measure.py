"""Measures several programs in turn, so that changes of the machine's speed affect all of them alike."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Subject(Protocol):
    """A program whose speed is measured. It is called again and again.

    Attributes:
      name: name of the program.
      num_steps: what one call does, in control steps over all worlds; some programs count in another unit.
    """

    name: str
    num_steps: int  # control steps of one call, over all worlds

    def run(self, num_calls: int) -> float:
        """Call the program `num_calls` times; return the seconds that it ran, without the time to prepare the calls."""
        ...


@dataclass
class Measurement:
    """The measurements of one program.

    Attributes:
      subject: the program that is measured.
      num_calls: calls in each repeat; a repeat is timed as a whole.
      compile_seconds: how much longer the first call took than the second.
      rates: control steps per second of each repeat.
    """

    subject: Subject
    num_calls: int
    compile_seconds: float
    rates: list[float] = field(default_factory=list)

    def repeat(self) -> None:
        """Time `num_calls` calls together, and add their control steps per second to `rates`."""
        self.rates.append(self.num_calls * self.subject.num_steps / self.subject.run(self.num_calls))


def warm_up(subject: Subject, seconds: float) -> Measurement:
    """Call a program twice, which compiles it, and choose how many calls together take at least `seconds`.

    Returns:
      The program's measurement, still without rates.
    """
    first, second = subject.run(1), subject.run(1)
    return Measurement(subject, math.ceil(seconds / second), max(first - second, 0.0))


def interleave(measurements: Sequence[Measurement], repeats: int) -> None:
    """Time the programs in turn, each once in each of `repeats` rounds; their rates are added to the measurements."""
    for _ in range(repeats):
        for measurement in measurements:
            measurement.repeat()


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return median, minimum and maximum."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def pairwise_ratio(numerator: Measurement, denominator: Measurement) -> dict[str, float]:
    """Return median, minimum and maximum of the ratios of rates that were measured in the same round."""
    return summary([a / b for a, b in zip(numerator.rates, denominator.rates, strict=True)])
