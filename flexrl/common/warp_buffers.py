"""Sizes of MJX-Warp's buffers for contacts and constraints. Imports nothing heavy.

MJX-Warp leaves out the contacts and constraints that do not fit into its buffers.
"""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from flexrl.common.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")  # `envs.physics.WarpOptions`, which is heavy to import
FLAGS = "--warp.contacts-per-world or --warp.constraints-per-world"


@dataclass(frozen=True)
class WarpBuffers:
    """Sizes of MJX-Warp's buffers that replace those a run was trained with, if these are too small.

    Attributes:
      contacts_per_world: contacts that fit, per world, into a buffer that all worlds share; null for the run's size.
      constraints_per_world: rows for the constraints of each world; null for the run's size.
    """

    contacts_per_world: int | None = None
    constraints_per_world: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a size is below 1."""
        for name, value in vars(self).items():
            if value is not None and value < 1:
                raise ValueError(f"{name}: {value} must be at least 1, or null for the run's own")

    def over(self, own: Options) -> Options:
        """Return a run's `WarpOptions` with these sizes in place of its own. A size that is None stays the run's."""
        return dataclasses.replace(own, **{name: value for name, value in vars(self).items() if value is not None})


RUNS_OWN = WarpBuffers()  # changes no size


def require_room(num_overflowed: int, num_steps: int) -> None:
    """Raise ConfigError if contacts or constraints were left out, because results of that simulation are not valid.

    Args:
      num_overflowed: control steps in which contacts or constraints of a world were left out.
      num_steps: all control steps, of all worlds together.

    Raises:
      ConfigError: naming the flags that make the buffers larger.
    """
    if num_overflowed:
        raise ConfigError(
            f"warp: contacts were left out in {num_overflowed:,} of {num_steps:,} control steps, for they did not fit "
            f"into MJX-Warp's buffers; raise {FLAGS}"
        )
