"""Save and restore checkpoints of a run's whole state, which is a `RunState` (`flexrl/engine/engine.py`).

They are written in the background, and verified before loading.

    checkpoints/<step>/state/           arrays, written by Orbax
    checkpoints/<step>/manifest.json    written last: SHA-256 of every file, shape and dtype of every array

A step is an iteration. A step without a complete manifest is not a checkpoint. If the newest checkpoint is damaged, the
one before it is loaded. The SHA-256 are needed because Orbax itself does not checksum array data.
"""

import errno
import importlib
import json
import shutil
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array

from flexrl.common.errors import CheckpointError, ConfigError
from flexrl.common.files import seal, write_json
from flexrl.common.manifest import MANIFEST, find_difference, hash_files
from flexrl.common.types import JsonObject, PyTree

Leaves = dict[str, np.ndarray]

MANIFEST_BYTES = 1 << 18  # disk space for the manifest and Orbax's own metadata


class Checkpoints:
    """The checkpoints of one run. The newest `keep` are kept, and the best one, which `best.json` names."""

    def __init__(self, folder: Path, keep: int = 3) -> None:
        """Use a run's folder. Nothing is created before the first save."""
        self._folder = folder / "checkpoints"
        self._best_file = folder / "best.json"
        self._keep = keep
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending: list[Future[None]] = []

    def warm_up(self) -> None:
        """Import Orbax in the background. That takes seconds, too long for a first save when the run must stop soon."""
        self._worker.submit(importlib.import_module, "orbax.checkpoint")

    def save(self, step: int, tree: PyTree) -> None:
        """Wait for the previous save, copy the tree, and write the copy in the background.

        Args:
          step: iteration that names the checkpoint; if it has a complete checkpoint already, nothing is written.
          tree: any pytree of arrays.

        Raises:
          Exception: whatever the previous save raised.
        """
        self.wait()
        if not self._is_whole(step):
            self._pending.append(self._worker.submit(self._write, step, leaves_of(tree)))

    def note_score(self, step: int, score: float) -> None:
        """Write a checkpoint's step and score to `best.json`, if no checkpoint before had as high a score.

        This is done in the background, after the checkpoint was saved.
        """
        self._pending.append(self._worker.submit(self._note, step, score))

    def wait(self) -> None:
        """Wait until everything is written, and raise what a save raised."""
        pending, self._pending = self._pending, []
        for each in pending:
            each.result()

    def close(self) -> None:
        """Wait for a write that is under way, and end the background thread."""
        self._worker.shutdown()

    def steps(self) -> list[int]:
        """Return the iterations that have a checkpoint's folder, whether intact or not, oldest first."""
        if not self._folder.is_dir():
            return []
        return sorted(int(p.name) for p in self._folder.iterdir() if p.name.isdecimal() and not p.is_symlink())

    def no_save_ended(self) -> bool:
        """Return whether no save was ever completed: there is no checkpoint, or a single one without a manifest."""
        steps = self.steps()
        return not steps or (len(steps) == 1 and not self._is_whole(steps[0]))

    def best(self) -> JsonObject | None:
        """Return `step` and `score` of the checkpoint with the highest score; None if there is no `best.json`.

        Raises:
          CheckpointError: if `best.json` is damaged.
        """
        if not self._best_file.exists():
            return None
        try:
            best = json.loads(self._best_file.read_bytes())
            return {"step": int(best["step"]), "score": float(best["score"])}
        except (ValueError, KeyError, TypeError):
            raise CheckpointError(f"{self._best_file} is damaged; delete it and go on without a best step") from None

    def find(self, step: str) -> int | None:
        """Return the iteration of the checkpoint that a user names by `best`, `latest` or a number.

        The answer is None for `latest`, and for `best` if no score was recorded. `restore` and `intact` take None for
        the newest intact checkpoint.

        Raises:
          ConfigError: if the text is none of these, or the number has no checkpoint.
        """
        if step == "latest":
            return None
        if step == "best":
            best = self.best()
            return best["step"] if best else None
        if not step.isdecimal():
            raise ConfigError(f"step: {step!r} must be best, latest or an iteration")
        if int(step) not in self.steps():
            there = ", ".join(map(str, self.steps())) or "none"
            raise ConfigError(f"step: {step} has no checkpoint; there are {there}")
        return int(step)

    def restore(self, template: PyTree, step: int | None = None) -> tuple[int, PyTree]:
        """Load the newest intact checkpoint, or that of a given step.

        Args:
          template: pytree of arrays or shapes that the checkpoint must fit; may be a part of what was saved.
          step: step to load; if it is damaged, no other one is tried.

        Returns:
          The step, and the tree on the default device.

        Raises:
          CheckpointError: if none is intact, or the intact one does not fit the template.
        """
        number, manifest = self.intact(step)
        return number, self._load(number, manifest, template)

    def intact(self, step: int | None = None) -> tuple[int, JsonObject]:
        """Return the step and the manifest of the newest intact checkpoint, or those of the given step.

        A checkpoint is intact if all its files match the SHA-256 in its manifest. Damaged ones are named on standard
        error.

        Raises:
          CheckpointError: if none is intact, or the given one is not.
        """
        candidates = [step] if step is not None else self.steps()[::-1]
        for candidate in candidates:
            try:
                manifest = read_manifest(self._folder / str(candidate))
            except CheckpointError as error:
                note = "" if step is not None else "; trying the one before"
                print(f"checkpoint {candidate} is damaged: {error}{note}", file=sys.stderr, flush=True)
                continue
            return candidate, manifest
        raise CheckpointError(
            f"no intact checkpoint in {self._folder} (looked at: {', '.join(map(str, candidates)) or 'none there'}); "
            "restore the folder from a copy, or start a new run under another --name"
        )

    def is_intact(self, step: int) -> bool:
        """Return whether a step's checkpoint is intact: all its files match the SHA-256 in its manifest.

        If it is not, print the reason on standard error.
        """
        try:
            read_manifest(self._folder / str(step))
        except CheckpointError as error:
            print(f"checkpoint {step} is damaged: {error}", file=sys.stderr, flush=True)
            return False
        return True

    def forget_after(self, step: int) -> None:
        """Remove the checkpoints of iterations after `step`, and `best.json` if it names one of them.

        This is for a run that is resumed at `step`, which makes later checkpoints anew.
        """
        for later in self.steps():
            if later > step:
                shutil.rmtree(self._folder / str(later))
        best = self.best()
        if best is not None and best["step"] > step:
            self._best_file.unlink()

    def _write(self, step: int, leaves: Leaves) -> None:
        folder = self._folder / str(step)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        require_space(folder, leaves)
        with _checkpointer() as checkpointer:
            checkpointer.save((folder / "state").absolute(), leaves)
        write_manifest(folder, step, leaves)
        self._prune(step)

    def _note(self, step: int, score: float) -> None:
        best = self.best()
        if self._is_whole(step) and (best is None or score > best["score"]):
            write_json(self._best_file, {"step": step, "score": score})
            self._prune(step)

    def _is_whole(self, step: int) -> bool:
        return (self._folder / str(step) / MANIFEST).exists()

    def _prune(self, newest: int) -> None:
        best = self.best()
        earlier = [s for s in self.steps() if s < newest and self._is_whole(s)]
        for step in earlier[: max(0, len(earlier) + 1 - self._keep)]:
            if best is None or step != best["step"]:
                shutil.rmtree(self._folder / str(step))

    def _load(self, step: int, manifest: JsonObject, template: PyTree) -> Any:
        import orbax.checkpoint as ocp

        wanted = shapes_of(template)
        for name, (shape, dtype) in wanted.items():
            saved = manifest["leaves"].get(name)
            if saved != [list(shape), dtype]:
                found = f"shape {tuple(saved[0])} {saved[1]}" if saved else "nothing of that name"
                raise CheckpointError(
                    f"checkpoint {step} does not fit: {name} must have shape {shape} {dtype}, but there is {found}; "
                    "resume with the environment, sizes and networks that it was saved with"
                )
        restore_args = {name: ocp.RestoreArgs(restore_type=np.ndarray) for name in manifest["leaves"]}
        with _checkpointer() as checkpointer:
            leaves = checkpointer.restore((self._folder / str(step) / "state").absolute(), restore_args=restore_args)
        return tree_of(template, leaves)


def _checkpointer() -> Any:
    """Return Orbax's checkpointer, set to wait for no other process.

    If processes on several hosts train one run together, only one of them saves, since all hold the same state.
    """
    import orbax.checkpoint as ocp  # takes seconds, see `Checkpoints.warm_up`

    this = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(this, {this}, f"host-{this}")
    if jax.process_count() == 1:
        alone = ocp.options.MultiprocessingOptions()
    handler = ocp.PyTreeCheckpointHandler(multiprocessing_options=alone)
    return ocp.Checkpointer(handler, multiprocessing_options=alone)


def require_space(folder: Path, leaves: Leaves) -> None:
    """Raise OSError if the disk has too little space for a save. Orbax would print a dozen tracebacks instead.

    Raises:
      OSError: if less than twice the arrays' size is free.
    """
    needed = 2 * sum(leaf.nbytes for leaf in leaves.values()) + MANIFEST_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"{free:,} bytes are free, saving a checkpoint needs {needed:,}", str(folder))


def leaves_of(tree: PyTree) -> Leaves:
    """Copy a pytree's leaves to NumPy arrays, by their path in the tree, such as `params.policy.bias`.

    Random keys become their data, plain numbers. Zero-size arrays are left out, because Orbax refuses them. Copies are
    needed because on a CPU the host's view is the device's buffer, which the next training step may overwrite.
    """
    return {name: np.array(_data(leaf)) for name, leaf in _named_leaves(tree)}


def shapes_of(tree: PyTree) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return shape and dtype of each leaf that `leaves_of` would copy, also for a tree of `jax.ShapeDtypeStruct`."""
    return {name: (leaf.shape, str(leaf.dtype)) for name, leaf in _named_leaves(jax.eval_shape(key_data, tree))}


def tree_of(template: PyTree, leaves: Leaves) -> PyTree:
    """Rebuild the pytree that `leaves_of` copied, with the template's structure, on the default device."""
    paths, structure = jax.tree_util.tree_flatten_with_path(template)
    return structure.unflatten([_rebuild(leaf, leaves.get(_name(path))) for path, leaf in paths])


def _named_leaves(tree: PyTree) -> list[tuple[str, Any]]:
    return [(_name(path), leaf) for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0] if leaf.size > 0]


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")


def is_key(leaf: Array) -> bool:
    """Return whether an array holds JAX's random keys."""
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _data(leaf: Array) -> Array:
    return jax.random.key_data(leaf) if is_key(leaf) else leaf


def key_data(tree: PyTree) -> PyTree:
    """Return the tree with random keys replaced by their data, plain numbers."""
    return jax.tree.map(_data, tree)


def _rebuild(leaf: Any, data: np.ndarray | None) -> Array:
    if data is None:  # zero-size arrays are not saved
        return jax.numpy.zeros(leaf.shape, leaf.dtype)
    if is_key(leaf):
        return jax.random.wrap_key_data(jax.numpy.array(data))
    return jax.numpy.array(data)


def write_manifest(folder: Path, step: int, leaves: Leaves) -> None:
    """Wait until a checkpoint's files are on the disk, then write its manifest."""
    content = {
        "step": step,
        "files": hash_files(folder),
        "leaves": {name: [list(leaf.shape), str(leaf.dtype)] for name, leaf in leaves.items()},
    }
    write_json(folder / MANIFEST, {"seal": seal(content), **content})


def read_manifest(folder: Path) -> JsonObject:
    """Compare every file of a checkpoint with its manifest, and return the manifest.

    It holds `step`, `files` (SHA-256 by path) and `leaves` (shape and dtype of each array by name).

    Raises:
      CheckpointError: if a file or the manifest is missing or was changed; names the file.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        found = manifest.pop("seal")
    except (OSError, ValueError, KeyError, AttributeError):
        raise CheckpointError(f"{path} is missing or unreadable: the save was not completed") from None
    if found != seal(manifest) or manifest["step"] != int(folder.name):
        raise CheckpointError(f"{path} was changed after it was written")
    if problem := find_difference(folder, manifest["files"]):
        raise CheckpointError(problem)
    return manifest
