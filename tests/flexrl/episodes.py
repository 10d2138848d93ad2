"""Made-up episodes and real ones, for tests of datasets."""

import functools
from pathlib import Path

import numpy as np

from flexrl.collect import collect
from flexrl.data.dataset_folder import write_dataset
from flexrl.data.episode import Episode
from flexrl.policies.collect_arguments import CollectArguments
from flexrl.policies.dataset_recorder import Recording, record_episodes

PRETRAINED = Path(__file__).parents[2] / "pretrained" / "humanoid-skills"


def made_up(length: int, seed: int, *, terminated: bool = False, goal_size: int = 2) -> Episode:
    """An episode of random numbers: 3 observations, 2 actions."""
    rng = np.random.default_rng(seed)
    last = np.arange(length) == length - 1

    def rows(count: int, *shape: int) -> np.ndarray:
        return rng.uniform(-1, 1, (count, *shape)).astype(np.float32)

    infos = {"qpos": rows(length + 1, 4), "qvel": rows(length + 1, 3)}
    return Episode(
        obs=rows(length + 1, 3),
        goal=rows(length + 1, goal_size),
        action=rows(length, 2),
        reward=rows(length),
        terminated=last & terminated,
        truncated=last & (not terminated),
        infos=infos,
        options={"tier": "expert", "step": 7},
    )


def write_made_up(folder: Path, *, goal_size: int = 2) -> list[Episode]:
    """A dataset of three episodes, of which the second falls."""
    episodes = [made_up(n, seed=n, terminated=n == 5, goal_size=goal_size) for n in (4, 5, 6)]
    write_dataset(folder, episodes, {"dataset_id": "flexrl/made-up/expert-v0"}, {"seed": 0})
    return episodes


def record_run(trained: Path, folder: Path, num_episodes: int) -> None:
    """A dataset of the run `parent` in a workspace, acting deterministically."""
    options = CollectArguments(
        folder, "expert", episodes=num_episodes, num_envs=8, step=("latest",), deterministic=True
    )
    collect(str(trained / "parent"), options)


@functools.cache
def expert() -> Recording:
    """Two short episodes at once of the policy that comes with the repository, then one more."""
    options = CollectArguments(Path("unused"), "expert", episodes=3, num_envs=2, physics="native")
    return record_episodes(str(PRETRAINED), options)
