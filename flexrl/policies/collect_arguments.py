"""What can be asked of `python -m flexrl.collect`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flexrl.common.warp_buffers import WarpBuffers

MIN_REPLAY_STEPS = 2


@dataclass(frozen=True)
class CollectArguments:
    """What to collect.

    Attributes:
      out: folder to make; `minari.load_dataset` finds it where it lies as its id says, see `--help` of flexrl.dataset.
      tier: `expert` is the best checkpoint, `medium` an earlier one that --step names, `replay` several (all that are
        there, unless --step names them), `random` uniform actions.
      episodes: how many, shared evenly among checkpoints.
      step: checkpoints: `best`, `latest` or iterations.
      deterministic: act by the middle of the policy's distribution, rather than sample as in training. Sampled actions
        show also how to come back from small mistakes.
      reference_scores: returns that count as 0 and as 100 when scores are normalised, such as those of uniform actions
        and of the best policy.
      num_envs: worlds stepped at once.
      seed: of first states and actions.
      physics: engine; `auto` chooses by device, whatever the run was trained on.
      warp: sizes of MJX-Warp's buffers, where the run's own are too small.
      workspace: folder that holds the runs.
    """

    out: Path
    tier: Literal["expert", "medium", "replay", "random"]
    episodes: int = 256
    step: tuple[str, ...] = ()
    deterministic: bool = False
    reference_scores: tuple[float, float] | None = None
    num_envs: int = 256
    seed: int = 0
    physics: Literal["auto", "native", "mjx-jax", "mjx-warp"] = "auto"
    warp: WarpBuffers = WarpBuffers()
    workspace: str = "workspace"

    def __post_init__(self) -> None:
        """Refuse what cannot be collected."""
        for name in ("episodes", "num_envs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} must be at least 1")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed: {self.seed} must be between 0 and 2**32 - 1")
        least, most = {"expert": (0, 1), "medium": (1, 1), "replay": (0, self.episodes), "random": (0, 0)}[self.tier]
        if not least <= len(self.step) <= most:
            raise ValueError(
                f"step: tier {self.tier} takes {least if least == most else f'{least} to {most}'} of them, and "
                f"{len(self.step)} were given"
            )
        if self.reference_scores and not self.reference_scores[0] < self.reference_scores[1]:
            raise ValueError(f"reference_scores: {self.reference_scores} must be two numbers, the lower one first")
