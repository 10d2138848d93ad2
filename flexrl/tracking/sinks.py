"""Send the rows of one run to all its trackers, each in a thread of its own."""

from pathlib import Path

from flexrl.common.types import JsonObject
from flexrl.config.trackers import TrackerName, Tracking
from flexrl.tracking.run_facts import TrackedRun, in_order, tracked_rows
from flexrl.tracking.sender import Delivery, Ended, Tracker

Row = JsonObject


class Trackers:
    """Sends a run's rows to the trackers in its config. Without trackers nothing is imported, no thread is started."""

    def __init__(self, folder: Path, tracking: Tracking, metrics: list[Row], evaluations: list[Row]) -> None:
        """Start to send the existing rows. Rows that a tracker has already are not sent again.

        Args:
          folder: folder of the run, with its config and metadata.
          tracking: the trackers, and the names under which they show the run.
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
        """Add a row, which is sent to every tracker soon."""
        if self._deliveries:
            (tracked,) = tracked_rows([row], self._seconds)
            self._seconds = tracked.seconds
            for delivery in self._deliveries:
                delivery.add(tracked)

    def end(self, ended: Ended) -> None:
        """Let the threads send the rows that are left and how the run ended. Return at once."""
        for delivery in self._deliveries:
            delivery.end(ended)

    def close(self) -> bool:
        """Wait for all trackers, at most CLOSE_SECONDS after `end`; return whether each of them has everything."""
        return all([delivery.close() for delivery in self._deliveries])


def _tracker(name: TrackerName, run: TrackedRun) -> Tracker:
    if name == "mlflow":
        from flexrl.tracking.mlflow_sink import MlflowTracker

        return MlflowTracker(run)
    from flexrl.tracking.wandb_sink import WandbTracker

    return WandbTracker(run)
