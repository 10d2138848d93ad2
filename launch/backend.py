"""Where a sweep's trials run, as the commands of `launch.sweep` see it: this machine, or a Kubernetes cluster."""

from argparse import Namespace
from typing import Protocol

from launch.plan.states import Progress
from launch.plan.trials import Trial


class Backend(Protocol):
    """One sweep where it runs. Every method but `look` answers by the last look."""

    def look(self, *, record: bool = False) -> None:
        """Find out how far each trial is; with `record` also write down here what ended elsewhere."""
        ...

    def progress(self, trial: Trial) -> Progress:
        """How far a trial is."""
        ...

    def figures(self, trial: Trial) -> tuple[int, float | None, str]:
        """A trial's control steps, its newest return, and a note on what could not be found out."""
        ...

    def who(self) -> str:
        """Who runs the trials, in a few words."""
        ...

    def remarks(self) -> list[str]:
        """What a reader of results must know besides: lines on trials whose results are not here."""
        ...

    def objects(self, pack: int) -> str | None:
        """What `submit` would create elsewhere, as YAML; None where it creates nothing."""
        ...

    def submit(self, options: Namespace) -> None:
        """Run what is neither done nor failed, or send it to where it runs.

        Raises:
          SystemExit: with an exit code, where trials failed or it was asked to stop.
        """
        ...

    def advance(self) -> bool:
        """Look again and start what may start by now; whether there is more to watch."""
        ...

    def cancel(self, *, dry_run: bool) -> list[Trial]:
        """Let the trials that run save and stop; those trials. With `dry_run` only name them."""
        ...

    def log(self, trial: Trial, *, follow: bool) -> str:
        """What a trial has printed so far.

        Raises:
          ConfigError: if it has printed nothing and nobody waits for it (`follow`).
        """
        ...

    def runs_on(self, trial: Trial) -> bool:
        """Look again whether a trial runs or will, so that its log may grow."""
        ...
