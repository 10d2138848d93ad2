"""Save and load a policy as one small file, `policy.npz`: named arrays and their SHA-256, without code."""

import json
import zipfile
from pathlib import Path

import numpy as np

from flexrl.common.errors import CheckpointError, ConfigError
from flexrl.common.files import digest as digest
from flexrl.common.types import JsonObject, PyTree
from flexrl.storage.checkpoint import leaves_of, shapes_of, tree_of

FILE = "policy.npz"
DIGEST = "sha256"


def save_policy(folder: Path, policy: PyTree) -> None:
    """Write a policy's arrays and their SHA-256 to `policy.npz` in a folder."""
    leaves: JsonObject = leaves_of(policy)
    content = leaves | {DIGEST: np.array(digest(leaves))}
    np.savez(folder / FILE, **content)  # pyright: ignore[reportArgumentType]


def load_policy(folder: Path, template: PyTree) -> PyTree:
    """Load the policy in a folder.

    Args:
      folder: folder that `save_policy` wrote to.
      template: a policy whose arrays, or shapes from `jax.eval_shape`, those in the file must fit.

    Raises:
      CheckpointError: if the file is damaged, or its arrays do not fit the template.
    """
    path, leaves = folder / FILE, _arrays(folder / FILE)
    expected, found = shapes_of(template), shapes_of(leaves)
    if found != expected:
        different = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        raise CheckpointError(f"{path}: does not fit the config beside it: {', '.join(different)}")
    return tree_of(template, leaves)


def require_intact(folder: Path) -> None:
    """Check that the policy in a folder can be read, and that its content matches its SHA-256.

    Raises:
      CheckpointError: if it is damaged.
    """
    _arrays(folder / FILE)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the named arrays of a policy's file, and check their SHA-256."""
    try:
        with np.load(path, allow_pickle=False) as file:
            leaves = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); fetch it anew") from None
    if str(leaves.pop(DIGEST, "")) != digest(leaves):
        raise CheckpointError(f"{path}: its content does not match its SHA-256; fetch it anew")
    return leaves


def is_exported(folder: Path) -> bool:
    """Return whether a folder holds an exported policy (`policy.npz`) rather than a run."""
    return (folder / FILE).is_file()


def exported_step(folder: Path, step: str) -> int:
    """Return the training iteration at which an exported policy was saved.

    Args:
      folder: folder of the policy.
      step: what the caller asks for: `best`, `latest` or an iteration; the folder holds one iteration only.

    Raises:
      ConfigError: if `step` is the number of another iteration.
      CheckpointError: if `export.json` beside the policy is missing or damaged.
    """
    path = folder / "export.json"
    try:
        number = int(json.loads(path.read_bytes())["step"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckpointError(f"{path}: is missing or damaged; fetch it anew") from None
    if step not in ("best", "latest", str(number)):
        raise ConfigError(f"step: {step!r} is not in {folder}, which holds iteration {number} only; leave the step out")
    return number
