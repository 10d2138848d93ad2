"""Report the metrics of a run while it trains: in files, in TensorBoard and trackers, and on the terminal."""

import math
import time
from typing import Any

import jax
from tensorboardX import SummaryWriter

from flexrl.common.types import JsonObject
from flexrl.reporting.display import make_display
from flexrl.storage.rows import MetricsFile, scalars
from flexrl.storage.schedule import Schedule
from flexrl.tracking.sender import Ended
from flexrl.tracking.sinks import Trackers


class Reporter:
    """Writes the metrics of iterations and evaluations, in order, to all outputs of a run.

    What is written of one iteration or of one evaluation is a row: a dictionary, and a line in a file.
    """

    def __init__(self, schedule: Schedule, last_iteration: int, shows_progress: bool = True) -> None:
        """Open the outputs of a run that has done `last_iteration` iterations, and remove the rows of later ones.

        Args:
          schedule: the run's config, and the iterations after which the run is evaluated.
          last_iteration: the iteration from which the run goes on; 0 for a new run.
          shows_progress: show progress; of several runs that train together only one does.
        """
        self._config = config = schedule.config
        folder, iterations = config.folder, range(1, last_iteration + 1)
        self._metrics = MetricsFile(folder / "metrics.jsonl", list(iterations))
        self._evaluations = MetricsFile(
            folder / "evaluations.jsonl", [i for i in iterations if schedule.evaluates_after(i)]
        )
        self._tensorboard = SummaryWriter(str(folder / "tensorboard"), purge_step=self._steps(last_iteration) + 1)
        self._trackers = Trackers(folder, config.tracking, self._metrics.rows, self._evaluations.rows)
        self._display = make_display(config, last_iteration, shows_progress)
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
        """Write an evaluation's row and return it.

        `seconds` is how long the evaluation took. This time is not counted as training.
        """
        prefixed = {f"evaluation/{name}": value for name, value in evaluation.items()}
        row = self._write(self._evaluations, iteration, prefixed, {"seconds": seconds})
        self._display.evaluation(row)
        self.restart_clock()
        return row

    def doing(self, activity: str) -> None:
        """Show on the terminal what the program does now, between iterations, such as `compiling`."""
        self._display.doing(activity)

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
        """Begin to time the next iteration now, so that what was done before is not counted as training."""
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
        """Release the terminal and close the files.

        Trackers, such as MLflow, get some seconds to receive rows that were not sent yet. Call `end` first.
        """
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


def _plain(value: Any) -> float | int | None:
    """Return a Python number, or None if it is not finite, because JSON has no such number."""
    number = value.item()
    return number if math.isfinite(number) else None
