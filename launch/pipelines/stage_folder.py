"""The files in a stage's folder, `<workspace>/<pipeline>/<stage>-<key>/`.

They are the records of attempts that a trial's folder has, too (`progress.json`, `heartbeat.json`, `log.txt`, a lock or
lease); `stage.json`; the files of the run if the stage trains, else the folder `out` that its command writes; and
`done.json`, which is written last.
"""

import dataclasses
import json
import shutil
from dataclasses import dataclass

from flexrl.common.files import write_json
from flexrl.common.types import JsonObject
from flexrl.storage.divergence import forget_divergence
from launch.attempt.trial_folder import TrialFolder
from launch.pipelines.stages import Stage

DONE = "done.json"


@dataclass(frozen=True)
class StageFolder(TrialFolder):
    """The folder of a pipeline's stage. The stage is done if `done.json` names its key and its output is there.

    Attributes:
      path: path of the folder.
      config_hash: the stage's key.
      stage: the stage.
    """

    stage: Stage

    def result(self) -> JsonObject | None:
        """Return the content of `done.json`; None if the stage is not done, or its output is gone."""
        try:
            content = json.loads((self.path / DONE).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        is_valid = isinstance(content, dict) and content.get("key") == self.stage.key
        return content if is_valid and self._has_output() else None

    def _has_output(self) -> bool:
        if self.stage.train is not None:
            return (self.path / "result.json").exists()
        return self.stage.output.exists() or not any("<out>" in word for word in self.stage.command)

    def begin(self) -> None:
        """Write `stage.json`, and for a training `trial.json`, the run's config, before an attempt at the stage.

        Remove the output of an earlier attempt at a command, and the note that an earlier training diverged.
        """
        forget_divergence(self.path)
        write_json(self.path / "stage.json", dataclasses.asdict(self.stage))
        if self.stage.train is None:
            shutil.rmtree(self.stage.output, ignore_errors=True)
            return
        config = {**self.stage.resolved(self.stage.train), "name": self.path.name, "workspace": str(self.path.parent)}
        write_json(self.path / "trial.json", config)

    def arguments(self) -> list[str]:
        """Return the module to run and its arguments; a training that was begun is resumed."""
        if self.stage.train is not None:
            return ["flexrl.train", *self.command()]
        return self.stage.resolved(self.stage.command)

    def finish(self, seconds: float) -> None:
        """Write `done.json`, by which the stage counts as done; write nothing if the stage's output is missing.

        Args:
          seconds: duration of all attempts at the stage together.
        """
        if self._has_output():
            write_json(self.path / DONE, {"key": self.stage.key, "seconds": round(seconds, 1)})

    def last_lines(self, number: int) -> list[str]:
        """Return the last `number` lines of the stage's log; none if there is no log yet."""
        if not self.log.exists():
            return []
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-number:]


def stage_folder(stage: Stage) -> StageFolder:
    """Return the `StageFolder` that reads and writes a stage's files. Creates no folder."""
    return StageFolder(stage.folder, stage.key, stage)
