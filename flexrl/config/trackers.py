"""Which trackers (MLflow, Weights & Biases) show a run, and whether they can be used."""

import importlib.util
import os
import re
from dataclasses import dataclass
from typing import Literal

from flexrl.common.errors import ConfigError

TrackerName = Literal["mlflow", "wandb"]

PACKAGES = {"mlflow": ("mlflow", "sqlalchemy", "alembic"), "wandb": ("wandb",)}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
WITHOUT_SERVER = ("offline", "disabled", "dryrun")  # values of WANDB_MODE that use no server


@dataclass(frozen=True)
class Tracking:
    """Trackers that a run is sent to. Servers and keys are read from the trackers' own environment variables.

    Attributes:
      to: names of the trackers; MLflow without MLFLOW_TRACKING_URI writes to a database in the workspace.
      project: name of MLflow's experiment and of W&B's project.
      group: name of MLflow's parent run and of W&B's group; sweeps and runs with several seeds set it.
      name: name of the run in the trackers; the name of the run's folder when not given.
    """

    to: tuple[TrackerName, ...] = ()
    project: str = "flexrl"
    group: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a tracker is named twice, or if a tracker would not accept project or group."""
        if len(set(self.to)) < len(self.to):
            raise ValueError(f"tracking.to: {self.to} names a tracker twice; name it once")
        for field in ("project", "group"):
            value = getattr(self, field)
            if value is not None and not NAME.fullmatch(value):
                raise ValueError(
                    f"tracking.{field}: {value!r} must be letters, digits, '.', '_' and '-', at most 128 of them"
                )


def require_packages(tracking: Tracking) -> None:
    """Raise ConfigError if a tracker's packages are not installed.

    Raises:
      ConfigError: naming the tracker and the extra to install.
    """
    for tracker in tracking.to:
        if lacking := [name for name in PACKAGES[tracker] if importlib.util.find_spec(name) is None]:
            raise ConfigError(
                f"tracking.to: {tracker!r} needs {', '.join(lacking)}; pip install -e '.[{tracker}]' in the clone of "
                "flex-rl, or leave the tracker out"
            )


def require_usable(tracking: Tracking) -> None:
    """Raise ConfigError if a tracker cannot start. Whether its server can be reached is not checked.

    Raises:
      ConfigError: if a package is not installed, or W&B has no API key.
    """
    require_packages(tracking)
    if "wandb" in tracking.to and os.environ.get("WANDB_MODE") not in WITHOUT_SERVER:
        _require_key()


def _require_key() -> None:
    import wandb

    settings = wandb.setup(wandb.Settings(silent=True)).settings
    way_out = "set WANDB_API_KEY, log in by `wandb login`, or set WANDB_MODE=offline"
    try:
        if settings.mode in WITHOUT_SERVER or wandb.login(prompt=False):
            return
    except wandb.errors.AuthenticationError as error:
        raise ConfigError(f"tracking.to: 'wandb' refuses its key ({error}); {way_out}") from None
    raise ConfigError(f"tracking.to: 'wandb' has no key; {way_out}")
