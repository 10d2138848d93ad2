"""Train from Python, as in a notebook: `flexrl.fit` trains in this process and returns the run."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flexrl.cli.arguments import Invocation, config_file, resolved, with_defaults
from flexrl.cli.train_runs import train
from flexrl.common.errors import ConfigError, Preempted
from flexrl.common.types import JsonObject
from flexrl.config.run_config import RunConfig, encode
from flexrl.policies.acting import LoadedPolicy
from flexrl.policies.playback import load_playback
from flexrl.storage.rows import read_rows
from flexrl.storage.run_folder import read_config, read_result, require_no_policy
from flexrl.training.hosts import Hosts
from flexrl.training.members import member_configs
from flexrl.training.preemption import StopRequest


@dataclass(frozen=True)
class Run:
    """A run on disk, finished or interrupted.

    Attributes:
      folder: the run's folder. If the config asks for several seeds or variations, it holds a folder for each of them.
      config: the run's config, with every field decided.
    """

    folder: Path
    config: RunConfig

    @property
    def members(self) -> list["Run"]:
        """The runs that were trained together, one `Run` for each combination of a seed and values of varied fields.

        The config names them: `num_seeds` seeds, and the values of fields in `vary`. With one seed and no field to
        vary, the list holds a `Run` equal to this one.
        """
        return [Run(member.folder, member) for member in member_configs(self.config)]

    @property
    def result(self) -> JsonObject | None:
        """Content of `result.json`: the final evaluation and its settings; None if the run is not finished.

        Raises:
          ConfigError: if the config asks for several seeds or variations; take the result of one of `members`.
        """
        return read_result(self._only_folder())

    @property
    def metrics(self) -> list[JsonObject]:
        """Metrics of each iteration, oldest first: the rows of `metrics.jsonl`; empty before the first.

        Raises:
          ConfigError: if the config asks for several seeds or variations; take the metrics of one of `members`.
        """
        return _rows(self._only_folder() / "metrics.jsonl")

    @property
    def evaluations(self) -> list[JsonObject]:
        """Results of each evaluation, oldest first: the rows of `evaluations.jsonl`; empty before the first.

        Raises:
          ConfigError: if the config asks for several seeds or variations; take the evaluations of one of `members`.
        """
        return _rows(self._only_folder() / "evaluations.jsonl")

    def policy(self, step: str | int = "best", seed: int = 0) -> LoadedPolicy:
        """Load the run's policy, as `flexrl.load` does.

        Raises:
          ConfigError: if the run has no such checkpoint, or the config asks for several seeds or variations.
          CheckpointError: if the checkpoint is damaged.
        """
        folder = self._only_folder()
        return LoadedPolicy(load_playback(str(folder), str(folder.parent), str(step)), seed)

    def _only_folder(self) -> Path:
        if len(self.members) > 1:
            raise ConfigError(f"run: {self.folder} holds {len(self.members)} runs; take one of them, as members[0]")
        return self.folder


def _rows(path: Path) -> list[JsonObject]:
    return read_rows(path) if path.exists() else []


def fit(config: Mapping[str, object] | RunConfig | str | Path | None, fields: Mapping[str, object]) -> Run:
    """Train a run in this process and return it. Call this in the main thread, which alone can handle signals.

    If the run's folder already holds a run with this config, go on with that run, or leave it as it is if it is
    finished. An interruption saves the run, which is returned unfinished.

    Args:
      config: fields of the run, nested as in a config file; a whole config; the path of a config file; or None for
        no fields.
      fields: further fields, which replace those of `config` that have the same name.

    Raises:
      ConfigError: naming the field, the value and the limit; or if the folder holds a run with another config.
      Diverged: if the run has diverged.
    """
    whole = resolved(with_defaults(_content(config) | dict(fields), "config"))
    resume = _has_begun(whole)
    with contextlib.closing(StopRequest(ends_process=False)) as stop:
        try:
            train(Invocation(whole, resume=resume), [], stop, Hosts())
        except Preempted as end:
            print(f"stopped: {end}; or call fit again", flush=True)
    return Run(whole.folder, whole)


def _content(config: Mapping[str, object] | RunConfig | str | Path | None) -> JsonObject:
    """Return the fields that a config gives, nested as in a config file.

    `config` is a mapping of fields, a whole config, the path of a config file, or None, which gives no fields.
    """
    if config is None:
        return {}
    if isinstance(config, RunConfig):
        return encode(config)
    return config_file(Path(config)) if isinstance(config, str | Path) else dict(config)


def _has_begun(config: RunConfig) -> bool:
    """Return whether the config's folder already holds a run with this config.

    Raises:
      ConfigError: if the run there computes something else.
    """
    if not (config.folder / "config.yaml").exists():
        return False
    require_no_policy(config.folder)
    if read_config(config.folder).hash() != config.hash():
        raise ConfigError(f"name: {config.folder} holds a run with another config; choose another name, or delete it")
    return True
