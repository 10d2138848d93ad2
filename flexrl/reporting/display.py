"""Show the progress of a training: as a bar that fits the terminal's width, or as lines in a file or a pipe."""

import math
import sys
import time
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.text import Text

from flexrl.common.tables import cell, clock
from flexrl.common.types import JsonObject
from flexrl.config.run_config import RunConfig

PLAIN_LINE_SECONDS = 10.0  # between progress lines in a log
MIN_BAR, MAX_BAR = 8, 40  # characters
GAP = "  "  # between two numbers
COMPILING, EVALUATING, DRAWING = "compiling", "evaluating", "drawing the video"


class Display(Protocol):
    """Shows the metrics of a training while it runs, one row (dictionary) for each iteration and evaluation."""

    def iteration(self, row: JsonObject) -> None:
        """Show the metrics of an iteration, a row of `metrics.jsonl`."""
        ...

    def evaluation(self, row: JsonObject) -> None:
        """Show the results of an evaluation, a row of `evaluations.jsonl`."""
        ...

    def doing(self, activity: str) -> None:
        """Show what the program does between iterations, such as `compiling`."""
        ...

    def close(self) -> None:
        """Release the terminal."""
        ...


def make_display(config: RunConfig, last_iteration: int, shows_progress: bool) -> Display:
    """Return the display that fits standard output.

    Args:
      config: config of the run.
      last_iteration: the iteration from which the run goes on; 0 for a new run.
      shows_progress: show progress; without it only evaluations are shown, each with the run's name.
    """
    if not shows_progress:
        return EvaluationLines(config.name or "")
    return ProgressBar(config, last_iteration) if sys.stdout.isatty() else PlainLines(config)


class Numbers:
    """Formats numbers that show a training's progress, such as the time left, the return and the steps per second.

    The speed is averaged over the last iterations, recent ones most.
    """

    def __init__(self, config: RunConfig) -> None:
        """Start the clock from which `elapsed` counts. The speed is unknown until the first iteration."""
        self._config = config
        self._seconds_per_iteration = math.nan
        self._started = time.monotonic()

    def elapsed(self) -> str:
        """Return the time since the display began, compilation and evaluations included."""
        return f"{clock(time.monotonic() - self._started)} elapsed"

    def of(self, row: JsonObject) -> list[str]:
        """Return texts about an iteration (time left, return, steps per second, ...), the most important ones first."""
        new = row["timing"]["seconds"]
        old = new if math.isnan(self._seconds_per_iteration) else self._seconds_per_iteration
        self._seconds_per_iteration = 0.9 * old + 0.1 * new
        left = (self._config.num_iterations - row["step"]) * self._seconds_per_iteration
        if "episode/return" in row:
            score = [f"return {_number(value)}"] if (value := row["episode/return"]) is not None else []
        else:  # an offline algorithm steps no worlds
            score = [f"loss {row['policy/loss']:.4g}"]
        length = row.get("episode/length")
        return [
            f"{clock(left)} left",
            *score,
            f"{self._config.steps_per_iteration / self._seconds_per_iteration:,.0f} steps/s",
            self.elapsed(),
            *([] if length is None else [f"episode length {length:,.0f}"]),
            f"iteration {row['step']}/{self._config.num_iterations}",
            f"{row['control_steps'] / 1e6:.2f}M steps",
        ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else cell(float(value))


def evaluation_line(row: JsonObject) -> str:
    """Return one line about an evaluation, given its results as in `evaluations.jsonl`."""
    return (
        f"evaluation after {row['control_steps'] / 1e6:.2f}M steps: return {row['evaluation/return_mean']:,.0f} "
        f"(standard deviation {row['evaluation/return_std']:,.0f}), "
        f"episode length {row['evaluation/episode_length_mean']:,.0f}"
    )


class EvaluationLines:
    """Prints a line for each evaluation, and nothing else."""

    def __init__(self, name: str = "") -> None:
        """Set the name that each line begins with; if it is empty, lines begin without a name."""
        self._start = f"{name}: " if name else ""

    def iteration(self, row: JsonObject) -> None:
        """Print nothing: iterations have no line here."""

    def evaluation(self, row: JsonObject) -> None:
        """Print a line about the evaluation."""
        print(self._start + evaluation_line(row), flush=True)

    def doing(self, activity: str) -> None:
        """Print nothing: activities have no line here."""

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


class PlainLines(EvaluationLines):
    """Prints progress lines at intervals, for logs."""

    def __init__(self, config: RunConfig) -> None:
        """Prepare lines about a run, of which `config` tells the number of iterations. Nothing is printed yet."""
        super().__init__()
        self._numbers = Numbers(config)
        self._last_iteration = config.num_iterations
        self._last_print = -math.inf

    def iteration(self, row: JsonObject) -> None:
        """Print a line if this is the first or the last iteration, or if the last line is `PLAIN_LINE_SECONDS` old."""
        numbers = self._numbers.of(row)
        if row["step"] == self._last_iteration or time.monotonic() - self._last_print >= PLAIN_LINE_SECONDS:
            self._last_print = time.monotonic()
            print(GAP.join(numbers), flush=True)

    def doing(self, activity: str) -> None:
        """Print what the program does, except for evaluations, which have a line of their own."""
        if activity != EVALUATING:
            print(f"{activity} ...", flush=True)


class ProgressBar:
    """Shows a progress bar and numbers on a terminal's last line, below the lines about evaluations."""

    def __init__(self, config: RunConfig, last_iteration: int) -> None:
        """Draw the bar of a run that goes on from `last_iteration`; 0 for a new run."""
        self._total = config.num_iterations
        self._done = last_iteration
        self._numbers = Numbers(config)
        self._shown: list[str] = []
        self._activity: str | None = COMPILING
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._live = Live(self, console=self._console)
        self._live.start()

    def iteration(self, row: JsonObject) -> None:
        """Advance the bar to an iteration, and show its metrics, a row of `metrics.jsonl`, beside it."""
        self._done, self._activity = row["step"], None
        self._shown = self._numbers.of(row)

    def evaluation(self, row: JsonObject) -> None:
        """Print a line about the evaluation above the bar."""
        self._activity = None
        self._console.print(evaluation_line(row))

    def doing(self, activity: str) -> None:
        """Show the activity beside the progress bar, until the next row of metrics."""
        self._activity = activity

    def close(self) -> None:
        """Stop the bar and restore the terminal."""
        self._activity = None
        self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield the bar and the numbers beside it, as one line that fits the terminal. rich calls this repeatedly."""
        first = [] if self._activity is None else [self._activity, self._numbers.elapsed()]
        numbers = fitting(first or self._shown, options.max_width)
        width = options.max_width - sum(len(GAP) + len(number) for number in numbers)
        filled, empty = ("#", ".") if options.ascii_only else ("━", "━")
        width = min(width, MAX_BAR)
        done = width * self._done // self._total
        bar = Text.assemble((filled * done, "green"), (empty * (width - done), "bright_black"))
        yield Text(GAP, no_wrap=True, overflow="crop").join([bar, *map(Text, numbers)])


def fitting(numbers: list[str], width: int) -> list[str]:
    """Return the first of `numbers`, as many as fit on a line of `width` characters beside the shortest bar."""
    room = width - MIN_BAR
    for i, number in enumerate(numbers):
        room -= len(GAP) + len(number)
        if room < 0:
            return numbers[:i]
    return numbers
