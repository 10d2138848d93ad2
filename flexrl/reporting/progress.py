"""Report a run while it trains: by rows in files, TensorBoard, trackers, and progress lines or a progress bar."""

import math
import sys
import time
from typing import Any

import jax

from flexrl.common.types import JsonObject
from flexrl.config.run_config import RunConfig
from flexrl.storage.rows import MetricsFile, scalars
from flexrl.storage.schedule import Schedule
from flexrl.tracking.sender import Ended
from flexrl.tracking.sinks import Trackers

PLAIN_LINE_SECONDS = 10.0  # between progress lines in a log


class Reporter:
    """Writes the rows of iterations and evaluations, in order, to all outputs of a run."""

    def __init__(self, schedule: Schedule, last_iteration: int, shows_progress: bool = True) -> None:
        """Open the outputs of a run that has done `last_iteration` iterations, and remove the rows of later ones.

        Args:
          schedule: tells the run's config, and after which iterations it is evaluated.
          last_iteration: the iteration from which the run goes on; 0 for a new run.
          shows_progress: show progress; of several runs that train together only one does.
        """
        from tensorboardX import SummaryWriter

        self._config = config = schedule.config
        folder, iterations = config.folder, range(1, last_iteration + 1)
        self._metrics = MetricsFile(folder / "metrics.jsonl", list(iterations))
        self._evaluations = MetricsFile(
            folder / "evaluations.jsonl", [i for i in iterations if schedule.evaluates_after(i)]
        )
        self._tensorboard = SummaryWriter(str(folder / "tensorboard"), purge_step=self._steps(last_iteration) + 1)
        self._trackers = Trackers(folder, config.tracking, self._metrics.rows, self._evaluations.rows)
        self._display = _display(config, last_iteration, shows_progress)
        self._clock = time.monotonic()

    def iteration(self, iteration: int, metrics: JsonObject) -> JsonObject:
        """Write an iteration's row and return it. Wait for its metrics if they are still being computed."""
        plain = {name: _plain(value) for name, value in jax.device_get(metrics).items()}
        now = time.monotonic()
        seconds, self._clock = now - self._clock, now
        timing = {"seconds": seconds, "steps_per_second": self._config.steps_per_iteration / seconds}
        row = self._write(self._metrics, iteration, plain, timing)
        self._display.iteration(row)
        return row

    def evaluation(self, iteration: int, evaluation: JsonObject, seconds: float) -> JsonObject:
        """Write an evaluation's row and return it. The time that it took counts for no iteration."""
        prefixed = {f"evaluation/{name}": value for name, value in evaluation.items()}
        row = self._write(self._evaluations, iteration, prefixed, {"seconds": seconds})
        self._display.evaluation(row)
        self.restart_clock()
        return row

    def evaluations(self) -> list[JsonObject]:
        """Return the rows of all evaluations, oldest first."""
        return self._evaluations.rows

    def last_evaluation(self) -> JsonObject | None:
        """Return the newest evaluation's row, None if there is none."""
        return self._evaluations.rows[-1] if self._evaluations.rows else None

    def training_seconds(self) -> float:
        """Return the seconds of all iterations, without compiling and evaluating."""
        return sum(row["timing"]["seconds"] for row in self._metrics.rows)

    def restart_clock(self) -> None:
        """Let the time of the next iteration begin now."""
        self._clock = time.monotonic()

    def sync(self) -> None:
        """Wait until all rows are on disk."""
        self._metrics.sync()
        self._evaluations.sync()
        self._tensorboard.flush()

    def end(self, ended: Ended) -> None:
        """Tell the trackers how the run ended, without waiting for them."""
        self._trackers.end(ended)

    def close(self) -> None:
        """Release the terminal and the files. Trackers get some seconds for rows that they lack. Call `end` first."""
        self._display.close()
        self._tensorboard.close()
        self._trackers.close()

    def _write(self, file: MetricsFile, iteration: int, numbers: JsonObject, timing: dict[str, float]) -> dict:
        row = {"step": iteration, "control_steps": self._steps(iteration), **numbers, "timing": timing}
        file.write(row)
        for name, value in scalars(row).items():
            self._tensorboard.add_scalar(name, value, row["control_steps"])
        self._trackers.add(row)
        return row

    def _steps(self, iteration: int) -> int:
        return iteration * self._config.steps_per_iteration


def _display(config: RunConfig, last_iteration: int, shows_progress: bool) -> "EvaluationLines | ProgressBar":
    if not shows_progress:
        return EvaluationLines(config.name or "")
    return ProgressBar(config, last_iteration) if sys.stdout.isatty() else PlainLines(config)


class Summary:
    """Formats progress lines. The speed is smoothed over some iterations."""

    def __init__(self, config: RunConfig) -> None:
        """Begin without a measured speed."""
        self._config = config
        self._seconds_per_iteration = math.nan

    def line(self, row: JsonObject) -> str:
        """Return a line with the progress, speed, return, episode length and time left, as of an iteration's row."""
        new = row["timing"]["seconds"]
        old = new if math.isnan(self._seconds_per_iteration) else self._seconds_per_iteration
        self._seconds_per_iteration = 0.9 * old + 0.1 * new
        left = (self._config.num_iterations - row["step"]) * self._seconds_per_iteration
        shown = {"return": row.get("episode/return"), "episode length": row.get("episode/length")}
        loss = [f"loss {row['policy/loss']:.4g}"] if "episode/return" not in row else []  # offline: no episodes
        return "  ".join(
            [
                f"iteration {row['step']}/{self._config.num_iterations}",
                f"{row['control_steps'] / 1e6:.2f}M steps",
                f"{self._config.steps_per_iteration / self._seconds_per_iteration:,.0f} steps/s",
                *(f"{label} {value:,.0f}" for label, value in shown.items() if value is not None),
                *loss,
                f"{left // 60:.0f}:{left % 60:02.0f} left",
            ]
        )


def evaluation_line(row: JsonObject) -> str:
    """Return one line about an evaluation, given its row."""
    return (
        f"evaluation after {row['control_steps'] / 1e6:.2f}M steps: return {row['evaluation/return_mean']:,.0f} "
        f"(standard deviation {row['evaluation/return_std']:,.0f}), "
        f"episode length {row['evaluation/episode_length_mean']:,.0f}"
    )


def final_line(name: str, final: JsonObject, evaluation: JsonObject) -> str:
    """Return one line about a run's final evaluation, and the return by which its policy was chosen.

    Args:
      name: name of the run.
      final: statistics of the final evaluation, as in `result.json`.
      evaluation: the entry `evaluation` of `result.json`.
    """
    return (
        f"{name}: final evaluation of iteration {evaluation['step']} ({evaluation['policy']}): return "
        f"{final['return_mean']:,.1f} ± {final['return_interval']:,.1f} in {final['num_episodes']} fresh episodes; "
        f"{evaluation['return_when_chosen']:,.1f} in those that it was chosen by"
    )


class EvaluationLines:
    """Prints a line for each evaluation, and nothing else."""

    def __init__(self, name: str = "") -> None:
        """Begin each line with a name, if there is one."""
        self._start = f"{name}: " if name else ""

    def iteration(self, row: JsonObject) -> None:
        """Print nothing."""

    def evaluation(self, row: JsonObject) -> None:
        """Print a line about the evaluation."""
        print(self._start + evaluation_line(row), flush=True)

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


class PlainLines(EvaluationLines):
    """Prints progress lines at intervals, for logs."""

    def __init__(self, config: RunConfig) -> None:
        """Begin without having printed a line."""
        super().__init__()
        self._summary = Summary(config)
        self._last_iteration = config.num_iterations
        self._last_print = -math.inf

    def iteration(self, row: JsonObject) -> None:
        """Print a line if this is the first or the last iteration, or if the last line is `PLAIN_LINE_SECONDS` old."""
        line = self._summary.line(row)
        if row["step"] == self._last_iteration or time.monotonic() - self._last_print >= PLAIN_LINE_SECONDS:
            self._last_print = time.monotonic()
            print(line, flush=True)


class ProgressBar:
    """Shows a progress bar with the same numbers in a terminal, below the lines about evaluations."""

    def __init__(self, config: RunConfig, last_iteration: int) -> None:
        """Draw the bar."""
        from rich.progress import BarColumn, Progress, TextColumn

        self._summary = Summary(config)
        self._progress = Progress(BarColumn(), TextColumn("{task.description}"))
        self._task = self._progress.add_task("compiling", total=config.num_iterations, completed=last_iteration)
        self._progress.start()

    def iteration(self, row: JsonObject) -> None:
        """Advance the bar."""
        self._progress.update(self._task, completed=row["step"], description=self._summary.line(row))

    def evaluation(self, row: JsonObject) -> None:
        """Print a line about the evaluation above the bar."""
        self._progress.console.print(evaluation_line(row), highlight=False)

    def close(self) -> None:
        """Stop the bar and restore the terminal."""
        self._progress.stop()


def _plain(value: Any) -> float | int | None:
    """Return a Python number, or None if it is not finite, because JSON has no such number."""
    number = value.item()
    return number if math.isfinite(number) else None
