"""The policies that a page offers: those of `humanoid-skills` in a workspace, and the one it began with."""

from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.serving.live_body import LiveBody
from flexrl.storage.run_view import read_runs

TASK = "humanoid-skills"


class Policies:
    """Names and loads policies. Only what it names can be loaded."""

    def __init__(self, run: str, workspace: str, step: str = "best", *, recovers: bool = True) -> None:
        """Offer a run, of which `step` is loaded, and the best checkpoints of the runs in a workspace.

        For `recovers`, see `LiveBody`.
        """
        self._run, self._workspace, self._step, self._recovers = run, workspace, step, recovers
        self.first = Path(run).name

    def names(self) -> list[str]:
        """Return the names, first that of the run which the page began with."""
        return list(self._paths())

    def load(self, name: str) -> LiveBody:
        """Load a policy by its name.

        Raises:
          ConfigError: if there is no such name, or the run has no checkpoint.
          CheckpointError: if the checkpoint is damaged.
        """
        paths = self._paths()
        if name not in paths:
            raise ConfigError(f"name: {name!r} is no policy of {TASK} here; choose from {', '.join(paths)}")
        step = self._step if paths[name] == self._run else "best"
        return LiveBody.load(paths[name], self._workspace, step, recovers=self._recovers)

    def _paths(self) -> dict[str, str]:
        paths = {self.first: self._run}
        workspace = Path(self._workspace)
        for run in read_runs(workspace) if workspace.is_dir() else ():
            if run.config.get("env") == TASK:
                paths.setdefault(run.name, str(run.folder))
        return paths
