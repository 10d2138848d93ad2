"""The flags of `python -m flexrl.collect`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flexrl.common.warp_buffers import WarpBuffers

MIN_REPLAY_STEPS = 2  # checkpoints that the tier `replay` needs


@dataclass(frozen=True)
class CollectArguments:
    """Record a policy's episodes as a dataset.

    Attributes:
      out: folder to create; `--help` of flexrl.dataset says where `minari.load_dataset` finds it.
      tier: which policies act: `expert` is the best checkpoint, `medium` an earlier one that --step names, `replay`
        several checkpoints (all that were kept, unless --step names some), `random` uniform actions.
      episodes: number of episodes, shared evenly among the checkpoints.
      step: checkpoints to use: `best`, `latest` or iterations.
      deterministic: act deterministically, as in evaluations, rather than sample actions as in training. Sampled
        actions also show how to recover from small mistakes.
      reference_scores: returns that count as 0 and as 100 when scores are normalised, such as those of uniform actions
        and of the best policy.
      num_envs: number of worlds stepped at once.
      seed: random seed of first states and actions.
      physics: physics engine; `auto` chooses by device, whatever the run was trained on.
      warp: sizes of MJX-Warp's buffers, to replace the run's own if they are too small.
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
        """Raise ValueError if a value is out of range, or `step` names too few or too many checkpoints for the tier."""
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
