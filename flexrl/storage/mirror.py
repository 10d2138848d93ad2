"""Keep a copy of a run's folder in a bucket, which one process at a time may write.

    <run>/manifest.json     names the object, SHA-256 and size of every file of the run, and who may write it
    <run>/files/<object>    the content of a file; written once, under a name that nothing had before

The manifest is swapped (replaced) last, and only if nobody else has written it since its writer did. So readers find
the whole old or the whole new state of a run, and a writer that was superseded cannot change anything. Objects that no
manifest names any more are deleted after the swap; a reader that misses one reads the manifest again.

The manifest is a lease, too: each swap renews it. A process that wants to write a run watches the manifest by its own
clock, so that no two clocks need to agree, and takes it over by a swap once it has not changed for `STALE_SECONDS`.
"""

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeVar

from flexrl.common.decoding import decode_as
from flexrl.common.errors import ConfigError
from flexrl.common.files import sha256
from flexrl.common.manifest import MANIFEST
from flexrl.storage.bucket import Bucket, BucketDown, Stored, Superseded
from flexrl.storage.snapshot import Signature, signature, snapshot

STALE_SECONDS = 120.0  # without a swap, after which another process may take the manifest over
RENEW_SECONDS = 30.0  # between two swaps while large files are uploaded
POLL_SECONDS = 1.0  # between two looks at a manifest that another process may keep
PULLING = ".pulling"  # folder beside a run's folder, in which the run is put together
CHUNK_BYTES = 1 << 20

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class StoredFile:
    """An entry of a run's manifest: where the bucket holds the content of one file.

    Attributes:
      object: last part of the object's name, `<run>/files/<object>`.
      sha256: SHA-256 of the content.
      size: number of bytes.
    """

    object: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """The content of a run's `manifest.json`.

    Attributes:
      writer: random name of the process that wrote the manifest last.
      swaps: how often that process has written it; makes every manifest differ from all others.
      held: whether that process keeps the right to write the run; if not, any process may take it.
      files: the run's files by path relative to its folder.
    """

    writer: str
    swaps: int
    held: bool
    files: dict[str, StoredFile]


def pull(bucket: Bucket, run: str, folder: Path) -> bool:
    """Copy a run from a bucket to a folder. The folder appears as a whole, with all hashes verified.

    Args:
      bucket: the bucket.
      run: the run's name in the bucket, which may contain slashes.
      folder: the run's folder, which is replaced if it exists.

    Returns:
      Whether the bucket has the run. If not, nothing is written.

    Raises:
      BucketDown: if the bucket does not answer.
      ConfigError: if the bucket cannot be read, or the run in it is damaged.
    """
    return _at_newest(bucket, run, lambda files: _fetch(bucket, run, files, folder) or None) is not None


def read_file(bucket: Bucket, run: str, path: str) -> bytes | None:
    """Return the content of one file of a run in a bucket; None if the bucket has no such run or file.

    Raises:
      BucketDown: if the bucket does not answer.
      ConfigError: if the bucket cannot be read, or the run in it is damaged.
    """

    def read(files: Mapping[str, StoredFile]) -> bytes | None:
        if path not in files:
            return b""
        found = bucket.read(_object(run, files[path]))
        if found is not None and hashlib.sha256(found.content).hexdigest() != files[path].sha256:
            raise _damaged(bucket, run, f"{path} differs from its SHA-256")
        return found and found.content

    return _at_newest(bucket, run, read) or None


def files_of(bucket: Bucket, run: str) -> dict[str, StoredFile]:
    """Return the files of a run in a bucket, by path in the run's folder; empty if the bucket has no such run.

    Raises:
      BucketDown: if the bucket does not answer.
      ConfigError: if the bucket cannot be read, or the run in it is damaged.
    """
    found = bucket.read(f"{run}/{MANIFEST}")
    return _decoded(bucket, run, found).files if found else {}


class Writer:
    """Writes one run in a bucket, for which it takes a right that only one process has at a time.

    Use an instance from one thread at a time.

    Attributes:
      files: the files of the run in the bucket, by path in the run's folder.
    """

    def __init__(self, bucket: Bucket, run: str) -> None:
        """Take the right to write the run, at once if no other process has it.

        From a process that does not renew it for `STALE_SECONDS` it is taken over; this call waits until then.

        Args:
          bucket: the bucket.
          run: the run's name in the bucket, which may contain slashes.

        Raises:
          BlockingIOError: if another process writes the run.
          BucketDown: if the bucket does not answer.
          ConfigError: if the bucket cannot be read, or the run in it is damaged.
        """
        self._bucket, self._run = bucket, run
        self._name, self._swaps = uuid.uuid4().hex, 0
        self._known: dict[str, Signature] = {}  # of the local files whose content is in the bucket
        free = self._wait_until_free()
        self.files = _decoded(bucket, run, free).files if free else {}
        self._generation = free.generation if free else 0
        try:
            self._swap(self.files, held=True)
        except Superseded:
            raise BlockingIOError(f"{bucket.address}/{run}: another process has just taken it") from None
        named = {_object(run, each) for each in self.files.values()}
        self._unused = [name for name in bucket.names(f"{run}/files") if name not in named]  # an earlier writer's

    def pull(self, folder: Path) -> None:
        """Copy the run from the bucket to a folder, which is replaced if it exists. All hashes are verified first.

        Does nothing if the bucket has no files of the run.

        Raises:
          BucketDown: if the bucket does not answer.
          ConfigError: if the bucket cannot be read, or the run in it is damaged.
        """
        if not self.files:
            return
        if not _fetch(self._bucket, self._run, self.files, folder):
            raise _damaged(self._bucket, self._run, "an object that its manifest names is missing")
        self._known = {path: signature(folder / path) for path in self.files}

    def push(self, folder: Path, *, release: bool = False) -> None:
        """Make the run in the bucket equal to the run's folder, and renew the right to write it.

        Args:
          folder: the run's folder, in which a run may train meanwhile.
          release: give up the right to write, instead of renewing it.

        Raises:
          Superseded: if another process has taken the run over; then nothing was changed.
          BucketDown: if the bucket does not answer. The run in the bucket is as it was, and may be pushed again.
          ConfigError: if the bucket refuses a request. The run in the bucket is as it was, too.
        """
        files, known, renewed = {}, {}, time.monotonic()
        with snapshot(folder, self._known) as found:
            for path, each in found.items():
                known[path] = each.signature
                files[path] = self.files[path] if each.file is None else self._upload(path, each.file, each.size)
                if time.monotonic() - renewed > RENEW_SECONDS:
                    self._swap(self.files, held=True)
                    renewed = time.monotonic()
        before = set(self.files.values())
        self._swap(files, held=not release)
        self._known = known
        self._unused += [_object(self._run, each) for each in before - set(files.values())]
        self._delete_unused()

    def release(self) -> None:
        """Give up the right to write the run, and leave the run in the bucket as it is.

        Raises:
          Superseded: if another process has taken the run over.
          BucketDown: if the bucket does not answer.
          ConfigError: if the bucket refuses a request.
        """
        self._swap(self.files, held=False)

    def _wait_until_free(self) -> Stored | None:
        """Wait until no other process has the right to write the run; return the run's manifest, None if there is none.

        A process that has not renewed its right for `STALE_SECONDS` no longer has it.

        Raises:
          BlockingIOError: if another process renews its right while this one waits.
        """
        name = f"{self._run}/{MANIFEST}"
        seen, since = self._bucket.read(name), time.monotonic()
        while seen is not None and _decoded(self._bucket, self._run, seen).held:
            if time.monotonic() - since > STALE_SECONDS:
                break
            time.sleep(POLL_SECONDS)
            now = self._bucket.read(name)
            if now is not None and now.generation != seen.generation:
                if _decoded(self._bucket, self._run, now).held:
                    raise BlockingIOError(f"{self._bucket.address}/{self._run}: another process writes it")
            seen = now
        return seen

    def _upload(self, path: str, file: BinaryIO, size: int) -> StoredFile:
        """Write the first `size` bytes of a file to a new object in the bucket, unless they are there already.

        Returns:
          The file's entry for the run's manifest.
        """
        digest, left = hashlib.sha256(), size
        while left and (chunk := file.read(min(left, CHUNK_BYTES))):
            digest.update(chunk)
            left -= len(chunk)
        stored = StoredFile(uuid.uuid4().hex, digest.hexdigest(), size)
        before = self.files.get(path)
        if before is not None and replace(before, object=stored.object) == stored:
            return before
        self._bucket.create(_object(self._run, stored), file, size)
        return stored

    def _swap(self, files: dict[str, StoredFile], *, held: bool) -> None:
        """Replace the manifest by one with these files, unless another process has written it meanwhile.

        Args:
          files: the run's files by path.
          held: whether this process keeps the right to write the run.

        Raises:
          Superseded: if another process has written the manifest.
        """
        self._swaps += 1
        manifest = Manifest(self._name, self._swaps, held, files)
        content = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()
        name = f"{self._run}/{MANIFEST}"
        try:
            self._generation = self._bucket.swap(name, content, self._generation)
        except Superseded:
            found = self._bucket.read(name)
            if found is None or _decoded(self._bucket, self._run, found).writer != self._name:
                raise
            self._generation = self._bucket.swap(name, content, found.generation)
        self.files = files

    def _delete_unused(self) -> None:
        """Delete objects that no manifest names any more. Those that cannot be deleted now wait for the next push."""
        while self._unused:
            try:
                self._bucket.delete(self._unused[-1])
            except BucketDown:
                return
            self._unused.pop()


def _at_newest(bucket: Bucket, run: str, read: Callable[[Mapping[str, StoredFile]], Answer | None]) -> Answer | None:
    """Call `read` with the files in a run's newest manifest, and return its answer; None if there is no such run.

    `read` returns None if an object is missing. Then another process has written the run meanwhile, and `read` is
    called again with the files in the manifest that is there now.
    """
    last = 0
    while (found := bucket.read(f"{run}/{MANIFEST}")) is not None:
        if found.generation == last:
            raise _damaged(bucket, run, "an object that its manifest names is missing")
        files, last = _decoded(bucket, run, found).files, found.generation
        if not files:  # its first writer has not pushed yet
            return None
        if (answer := read(files)) is not None:
            return answer
    return None


def _fetch(bucket: Bucket, run: str, files: Mapping[str, StoredFile], folder: Path) -> bool:
    """Download a run to a temporary folder, verify it, and move it to `folder`; False if an object is missing."""
    place = folder.parent / PULLING / folder.name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for path, stored in files.items():
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise _damaged(bucket, run, f"its manifest names {path!r}, outside of the run")
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not bucket.fetch(_object(run, stored), file):
            shutil.rmtree(place)
            return False
        if sha256(file) != stored.sha256:
            raise _damaged(bucket, run, f"{path} differs from its SHA-256")
    shutil.rmtree(folder, ignore_errors=True)
    place.rename(folder)
    return True


def _decoded(bucket: Bucket, run: str, found: Stored) -> Manifest:
    try:
        content = json.loads(found.content)
    except ValueError:
        raise _damaged(bucket, run, f"{MANIFEST} is no JSON") from None
    return decode_as(Manifest, content, f"{bucket.address}/{run}/{MANIFEST}")


def _object(run: str, file: StoredFile) -> str:
    return f"{run}/files/{file.object}"


def _damaged(bucket: Bucket, run: str, what: str) -> ConfigError:
    return ConfigError(f"{bucket.address}/{run}: is damaged ({what}); delete it, and push or train it anew")
