"""Evaluates checkpoints in fresh episodes: episodes that were not used to choose the checkpoint."""

from pathlib import Path
from typing import Any

from flexrl.engine.evaluator import Evaluator, final_key
from flexrl.engine.factory import make_algorithm
from flexrl.policies.playback import judging_worlds, load_policy_of

NUM_EPISODES = 64


class FreshEpisodes:
    """Evaluates checkpoints in fresh episodes, which were not used to choose the checkpoint.

    One instance serves all runs that share environment and algorithm. It is compiled once, for one physics backend.
    """

    def __init__(self, run: Path, physics: str, num_episodes: int = NUM_EPISODES) -> None:
        """Prepare to evaluate `run` and runs that differ from it only in their seed."""
        _, config, env = judging_worlds(str(run), ".", physics, num_episodes)
        self._algorithm = make_algorithm(config, env)
        self._evaluator = Evaluator(env, num_episodes)

    def __call__(self, run: Path, step: str, seed: int) -> dict[str, Any]:
        """Evaluate a checkpoint of a run (`best`, `latest` or an iteration) in fresh episodes that `seed` draws.

        Returns:
          The iteration as `step`, `return_mean`, half its 95 % interval as `return_interval`, and `num_episodes`.
        """
        number, policy = load_policy_of(run, self._algorithm, step)
        found = self._evaluator(policy, final_key(seed))
        return {"step": number, **{name: found[name] for name in ("return_mean", "return_interval", "num_episodes")}}


def in_fresh_episodes(found: dict[str, Any]) -> str:
    """Return an evaluation by `FreshEpisodes` as text: `MEAN ± HALF THE 95 % INTERVAL in NUMBER fresh episodes`."""
    return f"{found['return_mean']:,.0f} ± {found['return_interval']:,.0f} in {found['num_episodes']} fresh episodes"
