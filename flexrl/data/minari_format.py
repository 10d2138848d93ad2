"""Write and read episodes in Minari's format, which `minari.load_dataset` reads.

Without goals an observation is a vector. With goals it is a dictionary of `observation` and `desired_goal`. Infos hold
one row per observation. Minari is imported late, because that takes a second.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.data.episode import NUMBERS, Episode, ended_once
from flexrl.data.minari_metadata import DATA, LISTS, METADATA, PARTS, Spaces, read_metadata

if TYPE_CHECKING:
    from minari.dataset.minari_storage import MinariStorage

ARRAYS = f"{DATA}/main_data.hdf5"
BROKEN = (  # what Minari and h5py raise if a file is damaged
    *(OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError, RuntimeError, ImportError),
)


def write_minari(folder: Path, episodes: list[Episode], metadata: JsonObject) -> None:
    """Write one or more episodes to `folder/data`.

    Args:
      folder: folder of the dataset, which must exist.
      episodes: episodes, all of the same sizes.
      metadata: Minari's metadata, such as `dataset_id` and `description`.
    """
    import minari
    from gymnasium.spaces import Box, Dict
    from minari.data_collector import EpisodeBuffer
    from minari.dataset.minari_storage import MinariStorage

    first = episodes[0]
    has_goal = first.goal.shape[1] > 0

    def box(rows: np.ndarray, bound: float) -> Box:
        return Box(-bound, bound, rows.shape[1:], rows.dtype.type)

    obs, goal = box(first.obs, np.inf), box(first.goal, np.inf)
    storage = MinariStorage.new(
        (folder / DATA).absolute(),  # Minari finds the size of its files only by an absolute path
        observation_space=Dict(dict(zip(PARTS, (obs, goal), strict=True))) if has_goal else obs,
        action_space=box(first.action, 1.0),
    )
    storage.update_episodes(
        EpisodeBuffer(
            seed=episode.seed,
            options=episode.options,
            observations=dict(zip(PARTS, (episode.obs, episode.goal), strict=True)) if has_goal else episode.obs,  # pyright: ignore[reportArgumentType]
            actions=episode.action,  # pyright: ignore[reportArgumentType]
            rewards=episode.reward,  # pyright: ignore[reportArgumentType]
            terminations=episode.terminated,  # pyright: ignore[reportArgumentType]
            truncations=episode.truncated,  # pyright: ignore[reportArgumentType]
            infos=episode.infos,
        )
        for episode in episodes
    )
    authors = {name: set(metadata[name]) for name in LISTS if name in metadata}  # Minari takes sets
    storage.update_metadata(metadata | authors | {"minari_version": minari.__version__})


def read_minari(folder: Path, *, rescale_actions: bool = False) -> Iterator[Episode]:
    """Read and check the episodes in `folder/data`, one after the other, whether flex-rl or Minari wrote them.

    An info is kept if it has one row of numbers per observation. An episode that ends both terminated and truncated
    counts as terminated.

    Args:
      folder: folder that holds `data`.
      rescale_actions: rescale actions from the bounds of the dataset's action space to [-1, 1]; otherwise the bounds
        must be -1 and 1.

    Raises:
      ConfigError: if the dataset is empty, or an episode cannot be read, has other shapes or types than its spaces and
        its length require, is not finite, has actions outside the action space, or goes on after its end. Names the
        file, the episode and the problem.
    """
    from gymnasium.error import Error
    from minari.dataset.minari_storage import MinariStorage

    read_metadata(folder)
    try:
        storage = MinariStorage.read(folder / DATA)
        observation, action, num_episodes = storage.observation_space, storage.action_space, storage.total_episodes
    except (*BROKEN, Error) as error:
        raise ConfigError(f"{folder / METADATA}: no dataset of Minari can be read there ({error!r})") from None
    spaces = Spaces(observation, action, folder / METADATA, rescale_actions=rescale_actions)
    if not isinstance(num_episodes, int) or num_episodes < 1:
        raise ConfigError(
            f"{folder / METADATA}: total_episodes: {num_episodes!r} must be a number of at least 1; the dataset is "
            "empty, or its metadata is damaged: fetch or collect it anew"
        )
    found = (
        _episode(storage, number, spaces, f"{folder / ARRAYS}: episode_{number}") for number in range(num_episodes)
    )
    yield from ended_once(found, str(folder / ARRAYS))


def _episode(storage: "MinariStorage", number: int, spaces: Spaces, place: str) -> Episode:
    try:
        content = next(iter(storage.get_episodes([number])))
        noted = next(iter(storage.get_episode_metadata([number])))
        obs, goal = map(np.asarray, spaces.observed(content["observations"]))
        steps = [np.asarray(content[name]) for name in ("actions", "rewards", "terminations", "truncations")]
        infos = {name: x for name, x in (content["infos"] or {}).items() if _is_of_observations(x, len(obs))}
        options = {name: _plain(value) for name, value in noted.get("options", {}).items()}
    except BROKEN as error:
        raise ConfigError(f"{place}: cannot be read ({error!r}); fetch or collect the dataset anew") from None
    episode = Episode(obs, goal, *steps, infos=infos, options=options, seed=noted.get("seed"))
    episode.require_sound(place, spaces.sizes)
    return replace(episode, action=spaces.acted(episode.action, place))


def _is_of_observations(info: Any, num_observations: int) -> bool:
    """Return whether an info holds rows of numbers, one for each observation."""
    is_numbers = isinstance(info, np.ndarray) and info.dtype.kind in f"b{NUMBERS}" and info.ndim > 0
    return is_numbers and len(info) == num_observations


def _plain(value: Any) -> Any:
    """Convert NumPy values, also within dictionaries, to plain values that JSON can hold."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
