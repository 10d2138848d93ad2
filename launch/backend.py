"""The interface between the commands of `launch.sweep` and the place where trials run: this machine or a cluster."""

from argparse import Namespace
from collections.abc import Callable
from typing import Protocol

from launch.plan.states import Progress
from launch.plan.trials import Trial

Grow = Callable[[], bool]  # appends the next round of a search to the list of trials; returns whether it did


def never() -> bool:
    """Return False, as `grow` does for a sweep that is no search: all its trials are there from the start."""
    return False


class Backend(Protocol):
    """The trials of one sweep, in the place where they run. Methods answer from what the last `look` found."""

    def look(self, *, record: bool = False) -> None:
        """Find out the state of each trial.

        Args:
          record: for trials on a cluster, also write how they ended, and their results, to this machine.
        """
        ...

    def progress(self, trial: Trial) -> Progress:
        """Return the state of a trial, as of the last look."""
        ...

    def figures(self, trial: Trial) -> tuple[int, float | None, str]:
        """Return a trial's control steps, its newest mean return, and a note on what could not be found out."""
        ...

    def who(self) -> str:
        """Say in a few words which process or which Jobs run the trials."""
        ...

    def remarks(self) -> list[str]:
        """Return lines about trials whose results are not on this machine, to be printed with the results."""
        ...

    def objects(self, pack: int) -> str | None:
        """Return as YAML the cluster's objects that `submit` would create, with up to `pack` trials in a pod; or None.

        None means that trials run as processes of this machine.
        """
        ...

    def submit(self, options: Namespace) -> None:
        """Run the trials that are neither done nor failed, or send them to the cluster.

        Raises:
          SystemExit: with an exit code, if trials failed or the user asked to stop.
        """
        ...

    def advance(self) -> bool:
        """Look again, and on a cluster start the trials whose turn has come; return whether there is more to watch."""
        ...

    def cancel(self, *, dry_run: bool) -> list[Trial]:
        """Ask the running trials to save and stop, wait for that, and return them; with `dry_run` only return them."""
        ...

    def log(self, trial: Trial, *, follow: bool) -> str:
        """Return all that a trial has printed so far.

        Raises:
          ConfigError: if it has printed nothing yet, unless `follow` is set: then the text is empty.
        """
        ...

    def runs_on(self, trial: Trial) -> bool:
        """Look again, and return whether a trial runs or will run, so that its log may still grow."""
        ...
