"""A policy in one small file: named arrays, no code, with the SHA-256 of its content."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from flexrl.common.errors import CheckpointError, ConfigError
from flexrl.common.files import digest as digest
from flexrl.storage.checkpoint import leaves_of, shapes_of, tree_of

FILE = "policy.npz"
DIGEST = "sha256"


def save_policy(folder: Path, policy: Any) -> None:
    """Write a policy's arrays to `policy.npz` in a folder."""
    leaves: dict[str, Any] = leaves_of(policy)
    content = leaves | {DIGEST: np.array(digest(leaves))}
    np.savez(folder / FILE, **content)  # pyright: ignore[reportArgumentType]


def load_policy(folder: Path, template: Any) -> Any:
    """The policy in a folder.

    Args:
      folder: that `save_policy` wrote to.
      template: a policy of the same shapes, from `jax.eval_shape`.

    Raises:
      CheckpointError: if the file is damaged, or of another shape than the config beside it says.
    """
    path = folder / FILE
    try:
        with np.load(path, allow_pickle=False) as file:
            leaves = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); fetch it anew") from None
    if str(leaves.pop(DIGEST, "")) != digest(leaves):
        raise CheckpointError(f"{path}: its content does not match its SHA-256; fetch it anew")
    expected, found = shapes_of(template), shapes_of(leaves)
    if found != expected:
        different = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        raise CheckpointError(f"{path}: does not fit the config beside it: {', '.join(different)}")
    return tree_of(template, leaves)


def is_exported(folder: Path) -> bool:
    """Whether a folder holds a policy alone, rather than a run."""
    return (folder / FILE).is_file()


def exported_step(folder: Path, step: str) -> int:
    """The iteration that an exported policy is of.

    Raises:
      ConfigError: if another one is asked for.
      CheckpointError: if the record beside the policy is damaged.
    """
    path = folder / "export.json"
    try:
        number = int(json.loads(path.read_bytes())["step"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckpointError(f"{path}: is missing or damaged; fetch it anew") from None
    if step not in ("best", "latest", str(number)):
        raise ConfigError(f"step: {step!r} is not in {folder}, which holds iteration {number} only; leave the step out")
    return number
