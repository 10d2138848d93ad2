"""Episodes in Minari's format on the disk, which `minari.load_dataset` reads.

Of an environment without goals an observation is a vector, of one with goals a dictionary of `observation` and
`desired_goal`. Infos hold a row for every observation. Minari is imported late: it takes a second.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from flexrl.episode import Episode
from flexrl.errors import ConfigError

DATA = "data"  # Minari's folder within a dataset's
ARRAYS = f"{DATA}/main_data.hdf5"
METADATA = f"{DATA}/metadata.json"
DERIVED = (  # what Minari adds to metadata by itself
    *("total_episodes", "total_steps", "observation_space", "action_space", "data_format", "minari_version"),
    *("dataset_size", "jpeg_encoding"),
)
PARTS = ("observation", "desired_goal")  # of a goal-conditioned observation


def write_minari(folder: Path, episodes: list[Episode], metadata: dict[str, Any]) -> None:
    """Write at least one episode to `folder/data`.

    Args:
      folder: is there.
      episodes: all of the same sizes.
      metadata: Minari's, such as `dataset_id` and `description`.
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
        (folder / DATA).absolute(),  # else Minari does not find its files to tell their size
        observation_space=Dict(dict(zip(PARTS, (obs, goal), strict=True))) if has_goal else obs,
        action_space=box(first.action, 1.0),
    )
    storage.update_episodes(
        EpisodeBuffer(
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
    authors = {name: set(metadata[name]) for name in ("author", "author_email") if name in metadata}  # as Minari wants
    storage.update_metadata(metadata | authors | {"minari_version": minari.__version__})


def read_metadata(folder: Path) -> dict[str, Any]:
    """What `write_minari` was given as metadata, by whoever wrote it.

    Raises:
      ConfigError: if it is missing or damaged.
    """
    try:
        content = json.loads((folder / METADATA).read_bytes())
        return {name: value for name, value in content.items() if name not in DERIVED}
    except (OSError, ValueError, AttributeError):
        raise ConfigError(f"{folder / METADATA}: is missing or damaged; fetch or collect the dataset anew") from None


def read_minari(folder: Path) -> Iterator[Episode]:
    """The episodes in `folder/data`, whoever wrote them, each checked.

    Raises:
      ConfigError: naming the file, the episode and what is wrong: unreadable, of another shape than its space or its
        length asks for, not finite, goes on past its end, or nothing there.
    """
    from minari.dataset.minari_storage import MinariStorage

    file = folder / ARRAYS
    try:
        storage = MinariStorage.read(folder / DATA)
        metadata = storage.metadata
        spaces = _Spaces(storage.observation_space, storage.action_space, folder / METADATA)
        num_episodes = int(metadata["total_episodes"])
    except ConfigError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise ConfigError(f"{folder / METADATA}: no dataset of Minari can be read there ({error!r})") from None
    if num_episodes == 0:
        raise ConfigError(f"{folder / METADATA}: the dataset is empty; collect at least one episode")
    for number in range(num_episodes):
        place = f"{file}: episode_{number}"
        try:
            content = next(iter(storage.get_episodes([number])))
            noted = next(iter(storage.get_episode_metadata([number]))).get("options", {})
        except (OSError, KeyError, ValueError, AssertionError, RuntimeError) as error:
            raise ConfigError(f"{place}: cannot be read ({error!r}); fetch or collect the dataset anew") from None
        obs, goal = spaces.parts(content["observations"])
        infos = {name: x for name, x in (content["infos"] or {}).items() if isinstance(x, np.ndarray)}
        episode = Episode(
            obs,
            goal,
            content["actions"],
            content["rewards"],
            content["terminations"],
            content["truncations"],
            infos,
            {name: x.item() if isinstance(x, np.generic) else x for name, x in noted.items()},
        )
        episode.require_sound(place)
        spaces.require_shapes(episode, place)
        yield episode


class _Spaces:
    """What a dataset says that it holds."""

    def __init__(self, observation: Any, action: Any, file: Path) -> None:
        from gymnasium.spaces import Box, Dict

        self._has_goal = isinstance(observation, Dict) and set(PARTS) <= set(observation.spaces)
        parts: list[Any] = [observation[name] for name in PARTS] if self._has_goal else [observation]
        for name, space in (*((f"observation_space {part}", part) for part in parts), ("action_space", action)):
            if not isinstance(space, Box) or len(space.shape) != 1:
                raise ConfigError(
                    f"{file}: {name if name == 'action_space' else 'observation_space'}: {space} must be a vector (a "
                    f"Box of one dimension), or as observation a dictionary of {' and '.join(PARTS)}"
                )
        if not (np.all(action.low == -1) and np.all(action.high == 1)):
            raise ConfigError(
                f"{file}: action_space: {action} must reach from -1 to 1, as our environments' actions do; scale the "
                "actions"
            )
        sizes = [part.shape[0] for part in parts]
        self._obs_size, self._goal_size = sizes if self._has_goal else (sizes[0], 0)
        self._action_size = action.shape[0]

    def parts(self, observations: Any) -> tuple[np.ndarray, np.ndarray]:
        """Observation and goal."""
        if self._has_goal:
            return observations[PARTS[0]], observations[PARTS[1]]
        return observations, np.zeros((len(observations), 0), observations.dtype)

    def require_shapes(self, episode: Episode, place: str) -> None:
        """Refuse arrays of another shape."""
        length = episode.length
        wanted = {
            "observations": (episode.obs, (length + 1, self._obs_size)),
            "desired_goal": (episode.goal, (length + 1, self._goal_size)),
            "actions": (episode.action, (length, self._action_size)),
            "rewards": (episode.reward, (length,)),
            "terminations": (episode.terminated, (length,)),
            "truncations": (episode.truncated, (length,)),
        }
        for name, (array, shape) in wanted.items():
            if array.shape != shape:
                raise ConfigError(f"{place}: {name} has shape {array.shape}, and {shape} is wanted; collect it anew")
