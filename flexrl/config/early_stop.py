"""Reasons to end a run early. They are checked after each evaluation, so a resumed run stops at the same one."""

from dataclasses import dataclass

from flexrl.common.types import JsonObject


@dataclass(frozen=True)
class EarlyStop:
    """Reasons to end a run before `total_steps`. A reason that is null is not used.

    Attributes:
      patience: evaluations in a row without a better return, after which to stop.
      min_delta: by how much a return must exceed the best one before it to count as better.
      reward_threshold: evaluation return at which to stop.
      max_minutes: minutes of training after which to stop, without compilation and evaluation.
    """

    patience: int | None = None
    min_delta: float = 0.0
    reward_threshold: float | None = None
    max_minutes: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience: {self.patience} must be at least 1, or null for never")
        if self.min_delta < 0:
            raise ValueError(f"min_delta: {self.min_delta} must be at least 0")
        if self.max_minutes is not None and self.max_minutes <= 0:
            raise ValueError(f"max_minutes: {self.max_minutes} must be above 0, or null for never")

    def reason(self, evaluations: list[JsonObject], training_seconds: float) -> str | None:
        """Return in a few words why to stop after the newest evaluation, or None to go on.

        Args:
          evaluations: the results of all evaluations until now, as in `evaluations.jsonl`, oldest first.
          training_seconds: seconds of training until now, without compilation and evaluation.
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
