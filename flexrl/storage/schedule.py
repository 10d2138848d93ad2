"""Decide after which iterations a run is evaluated and saved.

Evaluations are spread evenly over the run. After a change of `total_steps`, they are spread as for the new total.
"""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Self

from flexrl.config.run_config import RunConfig
from flexrl.storage.run_folder import CHANGES, read_metadata


@dataclass(frozen=True)
class Schedule:
    """The iterations after which a run is evaluated and saved.

    Attributes:
      config: config of the run, with the total_steps that it has now.
      earlier: each value that total_steps had before, with the iteration at which it was changed; oldest first.
    """

    config: RunConfig
    earlier: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, config: RunConfig) -> Self:
        """Return a run's schedule. Earlier values of `total_steps`, if it was changed, are read from its folder."""
        changes = read_metadata(config.folder).get(CHANGES, [])
        return cls(config, tuple((change["from"], change["iteration"]) for change in changes))

    def evaluates_after(self, iteration: int) -> bool:
        """Return whether an evaluation follows this iteration."""
        return iteration > 0 and self.evaluations_until(iteration) > self.evaluations_until(iteration - 1)

    def evaluations_until(self, iteration: int) -> int:
        """Return the number of evaluations from the start of the run to the end of this iteration."""
        return sum(
            config.evaluations_until(min(iteration, last)) - config.evaluations_until(first)
            for config, first, last in self._stretches
            if iteration > first
        )

    def saves_after(self, iteration: int) -> bool:
        """Return whether a checkpoint follows this iteration."""
        return iteration % self.config.checkpoint_interval == 0 or self.evaluates_after(iteration)

    @functools.cached_property
    def _stretches(self) -> list[tuple[RunConfig, int, int]]:
        """The parts of the run in which `total_steps` had different values, oldest first.

        For each part: the config with that value, the iteration after which the part begins, and its last iteration.
        """
        totals = [(dataclasses.replace(self.config, total_steps=total), last) for total, last in self.earlier]
        totals.append((self.config, self.config.num_iterations))
        begins = [0, *(last for _, last in totals)]
        return [(config, first, last) for (config, last), first in zip(totals, begins, strict=False)]
