"""The trackers of one run, each with a thread of its own."""

from pathlib import Path
from typing import Any

from flexrl.config.trackers import TrackerName, Tracking
from flexrl.tracking.run_facts import TrackedRun, in_order, tracked_rows
from flexrl.tracking.sender import Delivery, Ended, Tracker

Row = dict[str, Any]


class Trackers:
    """All that are asked for; none costs nothing."""

    def __init__(self, folder: Path, tracking: Tracking, metrics: list[Row], evaluations: list[Row]) -> None:
        """Begin to send the rows that there are, those that a tracker has left out.

        Args:
          folder: of the run, with the records that were written when it began.
          tracking: which, and under what names.
          metrics: rows of iterations, oldest first.
          evaluations: rows of evaluations, oldest first.
        """
        self._seconds = 0.0
        self._deliveries: list[Delivery] = []
        if tracking.to:
            run, rows = TrackedRun(folder, tracking), list(tracked_rows(in_order(metrics, evaluations)))
            self._seconds = rows[-1].seconds if rows else 0.0
            self._deliveries = [Delivery(_tracker(name, run), rows) for name in tracking.to]

    def add(self, row: Row) -> None:
        """Send a row soon."""
        if self._deliveries:
            (tracked,) = tracked_rows([row], self._seconds)
            self._seconds = tracked.seconds
            for delivery in self._deliveries:
                delivery.add(tracked)

    def end(self, ended: Ended) -> None:
        """Send what is left and say how the run ended; waits for nothing."""
        for delivery in self._deliveries:
            delivery.end(ended)

    def close(self) -> bool:
        """Wait until all is sent, or the time for that is over; whether all is."""
        return all([delivery.close() for delivery in self._deliveries])


def _tracker(name: TrackerName, run: TrackedRun) -> Tracker:
    if name == "mlflow":
        from flexrl.tracking.mlflow_sink import MlflowTracker

        return MlflowTracker(run)
    from flexrl.tracking.wandb_sink import WandbTracker

    return WandbTracker(run)
