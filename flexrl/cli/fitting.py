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
      folder: the run's folder; of several seeds or variations, the folder that holds theirs.
      config: the run's config, with every field decided.
    """

    folder: Path
    config: RunConfig

    @property
    def members(self) -> list["Run"]:
        """The runs of several seeds or variations, which were trained together; only this run if it is one."""
        return [Run(member.folder, member) for member in member_configs(self.config)]

    @property
    def result(self) -> JsonObject | None:
        """Content of `result.json`: the final evaluation and its settings; None if the run is not finished.

        Raises:
          ConfigError: if this is several runs, as all below does; choose one of `members`.
        """
        return read_result(self._only_folder())

    @property
    def metrics(self) -> list[JsonObject]:
        """Metrics of each iteration, oldest first: the rows of `metrics.jsonl`."""
        return _rows(self._only_folder() / "metrics.jsonl")

    @property
    def evaluations(self) -> list[JsonObject]:
        """Results of each evaluation, oldest first: the rows of `evaluations.jsonl`."""
        return _rows(self._only_folder() / "evaluations.jsonl")

    def policy(self, step: str | int = "best", seed: int = 0) -> LoadedPolicy:
        """Load the run's policy, as `flexrl.load` does.

        Raises:
          ConfigError: if the run has no such checkpoint.
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
    """Train a run in this process; see `flexrl.fit`. Call it in the main thread, which alone can handle signals."""
    whole = resolved(with_defaults(_content(config) | dict(fields), "config"))
    resume = _has_begun(whole)
    with contextlib.closing(StopRequest(ends_process=False)) as stop:
        try:
            train(Invocation(whole, resume=resume), [], stop, Hosts())
        except Preempted as end:
            print(f"stopped: {end}; or call fit again", flush=True)
    return Run(whole.folder, whole)


def _content(config: Mapping[str, object] | RunConfig | str | Path | None) -> JsonObject:
    """Return the fields that are given, nested as in a config file."""
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
