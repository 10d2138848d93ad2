"""The policies that a page offers: the one that the server began with, those of a workspace, and pretrained ones."""

from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.execution.bodies import ENVIRONMENTS
from flexrl.serving.live_body import LiveBody
from flexrl.storage.run_folder import pretrained_folders, read_config
from flexrl.storage.run_view import read_runs


class Policies:
    """Names the policies that a client may choose, and loads them. No others can be loaded."""

    def __init__(self, run: str, workspace: str, step: str = "best", *, recovers: bool = True) -> None:
        """Offer the run that the server begins with, and all that follow plans in a workspace and in `pretrained/`.

        Args:
          run: the run that the server begins with: a folder, or a name in the workspace.
          workspace: folder that holds the other runs, of which the best checkpoint is loaded.
          step: checkpoint of `run` to load: `best`, `latest` or an iteration.
          recovers: let bodies get up by themselves after a fall, if their policy was taught to stand up.
        """
        self._run, self._workspace, self._step, self._recovers = run, workspace, step, recovers
        self.first = Path(run).name

    def names(self) -> list[str]:
        """Return the policies' names, first that of the run which the server began with."""
        return list(self._paths())

    def load(self, name: str) -> LiveBody:
        """Load a policy by its name, and return a simulated body that it drives.

        Raises:
          ConfigError: if there is no such name, or the run has no checkpoint.
          CheckpointError: if the checkpoint is damaged.
        """
        paths = self._paths()
        if name not in paths:
            raise ConfigError(f"name: {name!r} is no policy that follows plans here; choose from {', '.join(paths)}")
        step = self._step if paths[name] == self._run else "best"
        return LiveBody.load(paths[name], self._workspace, step, recovers=self._recovers)

    def _paths(self) -> dict[str, str]:
        paths = {self.first: self._run}
        workspace = Path(self._workspace)
        for run in read_runs(workspace) if workspace.is_dir() else ():
            if run.config.get("env") in ENVIRONMENTS:
                paths.setdefault(run.name, str(run.folder))
        for folder in pretrained_folders():
            if read_config(folder).env in ENVIRONMENTS:
                paths.setdefault(folder.name, str(folder))
        return paths
