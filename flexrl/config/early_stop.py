"""When a run has learnt enough, or nothing more. Asked after each evaluation, so that resuming answers alike."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EarlyStop:
    """Reasons to end before `total_steps`; null is never.

    Attributes:
      patience: evaluations in a row without a better return.
      min_delta: by how much a return must exceed the best before it, to count as better.
      reward_threshold: evaluation return that is good enough.
      max_minutes: of training, without compiling and evaluating.
    """

    patience: int | None = None
    min_delta: float = 0.0
    reward_threshold: float | None = None
    max_minutes: float | None = None

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience: {self.patience} must be at least 1, or null for never")
        if self.min_delta < 0:
            raise ValueError(f"min_delta: {self.min_delta} must be at least 0")
        if self.max_minutes is not None and self.max_minutes <= 0:
            raise ValueError(f"max_minutes: {self.max_minutes} must be above 0, or null for never")

    def reason(self, evaluations: list[dict[str, Any]], training_seconds: float) -> str | None:
        """Why to stop after the newest evaluation, or None to go on.

        Args:
          evaluations: the rows of all evaluations until now, oldest first.
          training_seconds: as in `max_minutes`.
        """
        returns = [row["evaluation/return_mean"] for row in evaluations]
        if not returns:
            return None
        if self.reward_threshold is not None and returns[-1] >= self.reward_threshold:
            return f"return {returns[-1]:,.1f} has reached reward_threshold {self.reward_threshold:,.1f}"
        if self.patience is not None and self._evaluations_without_gain(returns) >= self.patience:
            return f"no better return in {self.patience} evaluations (patience)"
        if self.max_minutes is not None and training_seconds >= 60 * self.max_minutes:
            return f"trained for {self.max_minutes:g} minutes (max_minutes)"
        return None

    def _evaluations_without_gain(self, returns: list[float]) -> int:
        best, since = returns[0], 0
        for value in returns[1:]:
            best, since = (value, 0) if value > best + self.min_delta else (best, since + 1)
        return since
