"""What a dataset in Minari's format says of itself in `data/metadata.json`, checked."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from flexrl.common.errors import ConfigError
from flexrl.data.episode import require_within

DATA = "data"  # Minari's folder within a dataset's
METADATA = f"{DATA}/metadata.json"
DERIVED = (  # what Minari adds to metadata by itself
    *("total_episodes", "total_steps", "observation_space", "action_space", "data_format", "minari_version"),
    *("dataset_size", "jpeg_encoding"),
)
TEXTS = ("dataset_id", "algorithm_name", "code_permalink", "description", "env_spec", "eval_env_spec")
LISTS = ("author", "author_email")  # of texts
RESCALED = {  # as Gymnasium records a wrapper
    "name": "RescaleAction",
    "entry_point": "gymnasium.wrappers:RescaleAction",
    "kwargs": {"min_action": -1.0, "max_action": 1.0},
}
PARTS = ("observation", "desired_goal")  # of a goal-conditioned observation


def read_metadata(folder: Path) -> dict[str, Any]:
    """What `write_minari` was given as metadata, by whoever wrote it.

    Raises:
      ConfigError: if it is missing or damaged, or a field is of another type than Minari's.
    """
    file = folder / METADATA
    try:
        content = json.loads(file.read_bytes())
        noted = {name: value for name, value in content.items() if name not in DERIVED}
    except (OSError, ValueError, AttributeError):
        raise ConfigError(f"{file}: is missing or damaged; fetch or collect the dataset anew") from None
    return checked_metadata(noted, file)


def checked_metadata(noted: dict[str, Any], file: Path) -> dict[str, Any]:
    """Metadata from a file, with a list of authors where one was written alone.

    Raises:
      ConfigError: if a field is of another type than Minari's.
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


def recorded_action_space(folder: Path) -> dict[str, Any]:
    """The action space of a dataset that was read, as Minari writes it."""
    from minari.dataset.minari_storage import MinariStorage
    from minari.serialization import serialize_space

    return json.loads(str(serialize_space(MinariStorage.read(folder / DATA).action_space)))


def with_rescaled_actions(metadata: dict[str, Any], file: Path) -> dict[str, Any]:
    """Metadata whose environments take actions in [-1, 1], where it names any.

    Raises:
      ConfigError: if one of them is not as Gymnasium records it.
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
    """What to say of an `env_spec` that Gymnasium did not write."""
    return ConfigError(f"{file}: {name}: {described!r} is no environment of Gymnasium; leave it out")


class Spaces:
    """What a dataset says that its observations and actions are.

    Attributes:
      sizes: numbers of an observation, of a goal and of an action.
    """

    def __init__(self, observation: Any, action: Any, file: Path, *, rescale_actions: bool) -> None:
        """Check the spaces.

        Args:
          observation: Gymnasium's space.
          action: likewise.
          file: that they are from, for messages.
          rescale_actions: to [-1, 1], from the action space's own bounds.

        Raises:
          ConfigError: naming the space that cannot be read, and the way out.
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
        """Observation and goal."""
        if self._has_goal:
            return observations[PARTS[0]], observations[PARTS[1]]
        obs = np.asarray(observations)
        return obs, np.zeros((len(obs), 0), obs.dtype)

    def acted(self, action: np.ndarray, place: str) -> np.ndarray:
        """Actions (T, A) in [-1, 1].

        Args:
          action: as they were recorded, numbers of the right shape.
          place: where they were found, for messages.

        Raises:
          ConfigError: if one is outside the action space.
        """
        require_within(action, self._low, self._high, place)
        if not self._rescales:
            return action
        scaled = np.clip(2 * (action - self._low) / (self._high - self._low) - 1, -1, 1)
        return scaled.astype(action.dtype if action.dtype.kind == "f" else np.float32)
