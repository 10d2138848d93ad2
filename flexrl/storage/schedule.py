"""After which iterations a run is evaluated and saved: evenly spread, and spread anew where its total was changed."""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Self

from flexrl.config.run_config import RunConfig
from flexrl.storage.run_folder import CHANGES, read_metadata


@dataclass(frozen=True)
class Schedule:
    """When a run of this config is evaluated and saved.

    Attributes:
      config: of the run, with its present total of steps.
      earlier: each total that it had before, with the iteration at which that was changed; oldest first.
    """

    config: RunConfig
    earlier: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, config: RunConfig) -> Self:
        """Read a run's earlier totals from its folder."""
        changes = read_metadata(config.folder).get(CHANGES, [])
        return cls(config, tuple((change["from"], change["iteration"]) for change in changes))

    def evaluates_after(self, iteration: int) -> bool:
        """Whether an evaluation follows this iteration: evenly spread, the last at the end."""
        return iteration > 0 and self.evaluations_until(iteration) > self.evaluations_until(iteration - 1)

    def evaluations_until(self, iteration: int) -> int:
        """Evaluations from the beginning to the end of this iteration."""
        return sum(
            config.evaluations_until(min(iteration, last)) - config.evaluations_until(first)
            for config, first, last in self._stretches
            if iteration > first
        )

    def saves_after(self, iteration: int) -> bool:
        """Whether a checkpoint follows this iteration."""
        return iteration % self.config.checkpoint_interval == 0 or self.evaluates_after(iteration)

    @functools.cached_property
    def _stretches(self) -> list[tuple[RunConfig, int, int]]:
        """The config, the iterations before it and the last iteration of each total."""
        totals = [(dataclasses.replace(self.config, total_steps=total), last) for total, last in self.earlier]
        totals.append((self.config, self.config.num_iterations))
        begins = [0, *(last for _, last in totals)]
        return [(config, first, last) for (config, last), first in zip(totals, begins, strict=False)]
