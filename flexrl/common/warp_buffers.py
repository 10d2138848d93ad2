"""Room for contacts and constraints in MJX-Warp, which leaves out what does not fit. Imports nothing heavy."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from flexrl.common.errors import ConfigError

FLAGS = "--warp.contacts-per-world or --warp.constraints-per-world"


@dataclass(frozen=True)
class WarpBuffers:
    """Sizes of MJX-Warp's buffers, where those that a run was trained with are too small; see `WarpOptions`.

    Attributes:
      contacts_per_world: room for contacts, in a buffer that all worlds share; null for the run's own.
      constraints_per_world: rows for each world's constraints; null for the run's own.
    """

    contacts_per_world: int | None = None
    constraints_per_world: int | None = None

    def __post_init__(self) -> None:
        """Refuse buffers without room."""
        for name, value in vars(self).items():
            if value is not None and value < 1:
                raise ValueError(f"{name}: {value} must be at least 1, or null for the run's own")

    def over(self, own: Any) -> Any:
        """A run's `WarpOptions` with the sizes that are given here."""
        return dataclasses.replace(own, **{name: value for name, value in vars(self).items() if value is not None})


RUNS_OWN = WarpBuffers()


def require_room(num_overflowed: int, num_steps: int) -> None:
    """Refuse what a simulation found that left contacts out.

    Args:
      num_overflowed: control steps in which a world's contacts or constraints were left out.
      num_steps: control steps of all worlds.

    Raises:
      ConfigError: naming the flags that make room.
    """
    if num_overflowed:
        raise ConfigError(
            f"warp: contacts were left out in {num_overflowed:,} of {num_steps:,} control steps, for they did not fit "
            f"into MJX-Warp's buffers; raise {FLAGS}"
        )
