"""What a run tells while it goes on: metrics rows, TensorBoard, trackers, and a line or a progress bar."""

import math
import sys
import time
from typing import Any

import jax

from flexrl.config.run_config import RunConfig
from flexrl.storage.rows import MetricsFile, scalars
from flexrl.storage.schedule import Schedule
from flexrl.tracking.sender import Ended
from flexrl.tracking.sinks import Trackers

PLAIN_LINE_SECONDS = 10.0  # between lines in a log


class Reporter:
    """Writes each iteration's and each evaluation's row, in order."""

    def __init__(self, schedule: Schedule, last_iteration: int, shows_progress: bool = True) -> None:
        """Open the outputs of a run that has done `last_iteration` iterations; later rows are cut.

        Of several runs that train together, one shows how far they are.
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

    def iteration(self, iteration: int, metrics: dict[str, Any]) -> dict[str, Any]:
        """Write an iteration's row; waits for its metrics if they are still being computed."""
        plain = {name: _plain(value) for name, value in jax.device_get(metrics).items()}
        now = time.monotonic()
        seconds, self._clock = now - self._clock, now
        timing = {"seconds": seconds, "steps_per_second": self._config.steps_per_iteration / seconds}
        row = self._write(self._metrics, iteration, plain, timing)
        self._display.iteration(row)
        return row

    def evaluation(self, iteration: int, evaluation: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Write the row of an evaluation after an iteration, and give it; its time counts for no iteration."""
        prefixed = {f"evaluation/{name}": value for name, value in evaluation.items()}
        row = self._write(self._evaluations, iteration, prefixed, {"seconds": seconds})
        self._display.evaluation(row)
        self.restart_clock()
        return row

    def evaluations(self) -> list[dict[str, Any]]:
        """All evaluations' rows, oldest first."""
        return self._evaluations.rows

    def last_evaluation(self) -> dict[str, Any] | None:
        """The newest evaluation's row."""
        return self._evaluations.rows[-1] if self._evaluations.rows else None

    def training_seconds(self) -> float:
        """Time of all iterations, without compiling and evaluating."""
        return sum(row["timing"]["seconds"] for row in self._metrics.rows)

    def restart_clock(self) -> None:
        """Count nothing that happened until now for the next iteration."""
        self._clock = time.monotonic()

    def sync(self) -> None:
        """Return when all rows are on the disk."""
        self._metrics.sync()
        self._evaluations.sync()
        self._tensorboard.flush()

    def end(self, ended: Ended) -> None:
        """Tell trackers how the run ended; waits for nothing."""
        self._trackers.end(ended)

    def close(self) -> None:
        """Release the terminal and the files, after `end`; trackers have some seconds for what they lack."""
        self._display.close()
        self._tensorboard.close()
        self._trackers.close()

    def _write(self, file: MetricsFile, iteration: int, numbers: dict[str, Any], timing: dict[str, float]) -> dict:
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
    """One line about how a run stands, with the speed smoothed over some iterations."""

    def __init__(self, config: RunConfig) -> None:
        """No iteration yet."""
        self._config = config
        self._seconds_per_iteration = math.nan

    def line(self, row: dict[str, Any]) -> str:
        """Progress, speed, return, episode length, time left."""
        new = row["timing"]["seconds"]
        old = new if math.isnan(self._seconds_per_iteration) else self._seconds_per_iteration
        self._seconds_per_iteration = 0.9 * old + 0.1 * new
        left = (self._config.num_iterations - row["step"]) * self._seconds_per_iteration
        shown = {"return": row.get("episode/return"), "episode length": row.get("episode/length")}
        loss = [f"loss {row['policy/loss']:.4g}"] if "episode/return" not in row else []  # where no worlds are stepped
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


def evaluation_line(row: dict[str, Any]) -> str:
    """One line about an evaluation."""
    return (
        f"evaluation after {row['control_steps'] / 1e6:.2f}M steps: return {row['evaluation/return_mean']:,.0f} "
        f"(standard deviation {row['evaluation/return_std']:,.0f}), "
        f"episode length {row['evaluation/episode_length_mean']:,.0f}"
    )


def final_line(name: str, final: dict[str, Any], evaluation: dict[str, Any]) -> str:
    """One line about a run's final evaluation, beside what its policy was chosen for; both as in `result.json`."""
    return (
        f"{name}: final evaluation of iteration {evaluation['step']} ({evaluation['policy']}): return "
        f"{final['return_mean']:,.1f} ± {final['return_interval']:,.1f} in {final['num_episodes']} fresh episodes; "
        f"{evaluation['return_when_chosen']:,.1f} in those that it was chosen by"
    )


class EvaluationLines:
    """A line for each evaluation."""

    def __init__(self, name: str = "") -> None:
        """Begin each line with a name, if there is one."""
        self._start = f"{name}: " if name else ""

    def iteration(self, row: dict[str, Any]) -> None:
        """Print nothing."""

    def evaluation(self, row: dict[str, Any]) -> None:
        """Print every evaluation."""
        print(self._start + evaluation_line(row), flush=True)

    def close(self) -> None:
        """Nothing to release."""


class PlainLines(EvaluationLines):
    """A line now and then, for logs."""

    def __init__(self, config: RunConfig) -> None:
        """Nothing printed yet."""
        super().__init__()
        self._summary = Summary(config)
        self._last_iteration = config.num_iterations
        self._last_print = -math.inf

    def iteration(self, row: dict[str, Any]) -> None:
        """Print the first row, the last, and one every few seconds."""
        line = self._summary.line(row)
        if row["step"] == self._last_iteration or time.monotonic() - self._last_print >= PLAIN_LINE_SECONDS:
            self._last_print = time.monotonic()
            print(line, flush=True)


class ProgressBar:
    """A bar with the same numbers, for a terminal; evaluations stay above it."""

    def __init__(self, config: RunConfig, last_iteration: int) -> None:
        """Draw the bar."""
        from rich.progress import BarColumn, Progress, TextColumn

        self._summary = Summary(config)
        self._progress = Progress(BarColumn(), TextColumn("{task.description}"))
        self._task = self._progress.add_task("compiling", total=config.num_iterations, completed=last_iteration)
        self._progress.start()

    def iteration(self, row: dict[str, Any]) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=row["step"], description=self._summary.line(row))

    def evaluation(self, row: dict[str, Any]) -> None:
        """Print above the bar."""
        self._progress.console.print(evaluation_line(row), highlight=False)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()


def _plain(value: Any) -> float | int | None:
    """A Python number; None for what JSON has no number for."""
    number = value.item()
    return number if math.isfinite(number) else None
