"""Read and check `data/metadata.json`, in which a dataset in Minari's format describes itself and its spaces."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.data.episode import require_within

DATA = "data"  # folder in Minari's format, within a dataset's folder
METADATA = f"{DATA}/metadata.json"
DERIVED = (  # fields of the metadata that Minari adds by itself
    *("total_episodes", "total_steps", "observation_space", "action_space", "data_format", "minari_version"),
    *("dataset_size", "jpeg_encoding"),
)
# Fields that must be a text.
TEXTS = ("dataset_id", "algorithm_name", "code_permalink", "description", "env_spec", "eval_env_spec")
LISTS = ("author", "author_email")  # fields that must be a list of texts
RESCALED = {  # Gymnasium's record of the wrapper that maps actions in [-1, 1] to an environment's own bounds
    "name": "RescaleAction",
    "entry_point": "gymnasium.wrappers:RescaleAction",
    "kwargs": {"min_action": -1.0, "max_action": 1.0},
}
PARTS = ("observation", "desired_goal")  # keys of a goal-conditioned observation


def read_metadata(folder: Path) -> JsonObject:
    """Read a dataset's metadata, without the fields that Minari adds by itself, such as `total_steps`.

    Raises:
      ConfigError: if the file is missing or damaged, or a field has another type than Minari's.
    """
    file = folder / METADATA
    try:
        content = json.loads(file.read_bytes())
        noted = {name: value for name, value in content.items() if name not in DERIVED}
    except (OSError, ValueError, AttributeError):
        raise ConfigError(f"{file}: is missing or damaged; fetch or collect the dataset anew") from None
    return checked_metadata(noted, file)


def checked_metadata(noted: JsonObject, file: Path) -> JsonObject:
    """Check the types of a dataset's metadata, and return them. A single author or address becomes a list of one.

    Args:
      noted: metadata as they were read.
      file: file that they are from, for messages.

    Raises:
      ConfigError: if a field has another type than Minari's.
    """
    for name in LISTS:
        if isinstance(noted.get(name), str):
            noted[name] = [noted[name]]
        elif name in noted and not (isinstance(noted[name], list) and all(isinstance(x, str) for x in noted[name])):
            raise ConfigError(f"{file}: {name}: {noted[name]!r} must be a list of texts; correct it or leave it out")
    for name in TEXTS:
        if not isinstance(noted.get(name, ""), str):
            raise ConfigError(f"{file}: {name}: {noted[name]!r} must be a text; correct it or leave it out")
    return noted


def recorded_action_space(folder: Path) -> JsonObject:
    """Return the action space of a dataset that `read_minari` has checked, as the dictionary that Minari writes."""
    from minari.dataset.minari_storage import MinariStorage
    from minari.serialization import serialize_space

    return json.loads(str(serialize_space(MinariStorage.read(folder / DATA).action_space)))


def with_rescaled_actions(metadata: JsonObject, file: Path) -> JsonObject:
    """Return metadata that fit a dataset whose actions were rescaled to [-1, 1].

    Each environment that they name, in `env_spec` or `eval_env_spec`, gets a wrapper by which it takes such actions.

    Args:
      metadata: the dataset's metadata.
      file: file that they are from, for messages.

    Raises:
      ConfigError: if one of the environments is not a record of Gymnasium.
    """
    rescaled = dict(metadata)
    for name in ("env_spec", "eval_env_spec"):
        if name in metadata:
            try:
                spec = json.loads(metadata[name])
                spec["additional_wrappers"] = [*spec.get("additional_wrappers", []), RESCALED]
            except (ValueError, TypeError, AttributeError):
                raise not_an_environment(metadata[name], name, file) from None
            rescaled[name] = json.dumps(spec)
    return rescaled


def not_an_environment(described: str, name: str, file: Path) -> ConfigError:
    """Return the error for metadata in which an environment is not described as Gymnasium does it.

    Args:
      described: the description.
      name: field that holds it, such as `env_spec`.
      file: file of the metadata.
    """
    return ConfigError(f"{file}: {name}: {described!r} is no environment of Gymnasium; leave it out")


class Spaces:
    """Checks and converts a Minari dataset's observations, goals and actions, by its spaces.

    Attributes:
      sizes: sizes of an observation, of a goal and of an action; that of the goal may be zero.
    """

    def __init__(self, observation: Any, action: Any, file: Path, *, rescale_actions: bool) -> None:
        """Check that observations, goals and actions are vectors, and that actions have usable bounds.

        Args:
          observation: Gymnasium's space of observations.
          action: Gymnasium's space of actions.
          file: file that the spaces are from, for messages.
          rescale_actions: rescale actions from the action space's bounds to [-1, 1]; otherwise the bounds must be -1
            and 1.

        Raises:
          ConfigError: naming the space that cannot be used, and the way out.
        """
        from gymnasium.spaces import Box, Dict

        self._has_goal = isinstance(observation, Dict) and set(PARTS) <= set(observation.spaces)
        parts: list[Any] = [observation[name] for name in PARTS] if self._has_goal else [observation]
        for name, space in (*((f"observation_space {part}", part) for part in parts), ("action_space", action)):
            if not isinstance(space, Box) or len(space.shape) != 1:
                raise ConfigError(
                    f"{file}: {name if name == 'action_space' else 'observation_space'}: {space} must be a vector (a "
                    f"Box of one dimension), or as observation a dictionary of {' and '.join(PARTS)}"
                )
        self._low, self._high = (np.asarray(bound, np.float64) for bound in (action.low, action.high))
        self._rescales = rescale_actions
        if not rescale_actions and not (np.all(self._low == -1) and np.all(self._high == 1)):
            raise ConfigError(
                f"{file}: action_space: {action} must reach from -1 to 1, as our environments' actions do; import the "
                "dataset by python -m flexrl.dataset import FROM --out DIR --rescale-actions"
            )
        if not (np.isfinite(self._low).all() and np.isfinite(self._high).all() and (self._low < self._high).all()):
            raise ConfigError(
                f"{file}: action_space: {action} has no finite range in which to rescale actions; scale them to [-1, 1]"
            )
        sizes = [part.shape[0] for part in parts]
        self.sizes = (*(sizes if self._has_goal else (sizes[0], 0)), action.shape[0])

    def observed(self, observations: Any) -> tuple[np.ndarray, np.ndarray]:
        """Split Minari's observations into observations (T + 1, O) and goals (T + 1, G); G is zero without goals."""
        if self._has_goal:
            return observations[PARTS[0]], observations[PARTS[1]]
        obs = np.asarray(observations)
        return obs, np.zeros((len(obs), 0), obs.dtype)

    def acted(self, action: np.ndarray, place: str) -> np.ndarray:
        """Check recorded actions, and return them in [-1, 1], rescaled if `rescale_actions` was given.

        Args:
          action: actions as they were recorded, (T, A).
          place: file and number of the episode, for messages.

        Raises:
          ConfigError: if one is outside the action space.
        """
        require_within(action, self._low, self._high, place)
        if not self._rescales:
            return action
        scaled = np.clip(2 * (action - self._low) / (self._high - self._low) - 1, -1, 1)
        return scaled.astype(action.dtype if action.dtype.kind == "f" else np.float32)
