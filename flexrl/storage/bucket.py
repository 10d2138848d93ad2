"""Read and write whole objects in a bucket of Google Cloud Storage. No process overwrites what another has written.

A bucket has no append, no rename and no lock. What it has: an object is written as a whole or not at all, everyone sees
it at once, and a write can demand that the object is absent or still has the *generation* (a number that every write
changes) that the writer has read. `flexrl.storage.mirror` needs nothing else.

Credentials are found by Google's library: Workload Identity in a pod, `gcloud auth application-default login` at a
desk. The environment variable STORAGE_EMULATOR_HOST names another server.
"""

import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from flexrl.common.errors import ConfigError, Unavailable
from flexrl.common.workspaces import SCHEME, parse_address

PATIENCE_SECONDS = 120.0  # for which a request that failed for a passing reason is repeated
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0  # seconds between attempts; doubled each time, and drawn between half and whole
PASSING = (408, 429, 500, 502, 503, 504)  # HTTP codes after which a request is repeated
TIMEOUT = (10.0, 30.0)  # seconds until a connection, and without a byte of an answer

Answer = TypeVar("Answer")


class BucketDown(Unavailable):
    """The bucket did not answer, or reported a passing error, although the request was repeated for a while."""


class Superseded(Exception):
    """Another process has written the object since this process last read or wrote it."""


@dataclass(frozen=True)
class Stored:
    """An object as it was read.

    Attributes:
      content: all of its bytes.
      generation: number that the bucket gave to the write of this content; each write gets another one.
    """

    content: bytes
    generation: int


class Bucket:
    """Reads and writes the objects below one path of a bucket in Google Cloud Storage.

    Names of objects are relative to that path. Several threads may share an instance.
    """

    def __init__(self, address: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Find the credentials. Sends no request to the bucket.

        Args:
          address: `gs://BUCKET` or `gs://BUCKET/PATH`.
          patience_seconds: for how long a request that failed for a passing reason is repeated.

        Raises:
          ConfigError: if the address is malformed, the library is not installed, or there are no credentials.
        """
        name, path = parse_address(address)
        self.address = f"{SCHEME}{name}{path}"
        self._prefix = f"{path.strip('/')}/" if path else ""
        self._patience = patience_seconds
        try:
            from google.auth.exceptions import DefaultCredentialsError
            from google.cloud import storage
        except ImportError as error:
            raise ConfigError(
                f"{self.address}: needs google-cloud-storage ({error}); install it by pip install 'flex-rl[bucket]'"
            ) from None
        try:
            client: Any = storage.Client(project=None)  # `Any`: its annotations contradict its documentation
            self._bucket = client.bucket(name)
        except DefaultCredentialsError:
            raise ConfigError(
                f"{self.address}: there are no credentials; run gcloud auth application-default login, or in a pod "
                "give its service account a role by Workload Identity and name it in cluster.service_account"
            ) from None

    def read(self, name: str) -> Stored | None:
        """Return the content and the generation of an object; None if there is no object of this name.

        Raises:
          BucketDown: if the bucket does not answer.
          ConfigError: if the bucket does not exist, or may not be read.
        """
        from google.api_core.exceptions import NotFound

        blob = self._blob(name)
        try:
            content = self._ask(lambda: blob.download_as_bytes(timeout=TIMEOUT, retry=None))
        except NotFound as error:
            self._require_bucket(error)
            return None
        assert blob.generation is not None, blob
        return Stored(content, int(blob.generation))

    def fetch(self, name: str, path: Path) -> bool:
        """Write an object's content to a local file; return False, and write nothing, if there is none.

        Raises:
          BucketDown: if the bucket does not answer.
          ConfigError: if the bucket does not exist, or may not be read.
        """
        from google.api_core.exceptions import NotFound

        blob = self._blob(name)
        try:
            self._ask(lambda: blob.download_to_filename(str(path), timeout=TIMEOUT, retry=None))
        except NotFound as error:
            path.unlink(missing_ok=True)
            self._require_bucket(error)
            return False
        return True

    def create(self, name: str, file: BinaryIO, size: int) -> None:
        """Write an object under a name that was never used before, such as one with a random part.

        If there is an object of this name after all, that is no error: an earlier attempt of this same request wrote
        it, and the answer to it was lost.

        Args:
          name: name of the object.
          file: open file, whose first bytes are written.
          size: number of bytes to write; a file that grows may have more by now.

        Raises:
          BucketDown: if the bucket does not answer.
          ConfigError: if the bucket refuses the request.
        """
        from google.api_core.exceptions import PreconditionFailed

        def send() -> None:
            file.seek(0)
            self._blob(name).upload_from_file(file, size=size, if_generation_match=0, timeout=TIMEOUT, retry=None)

        with contextlib.suppress(PreconditionFailed):
            self._ask(send)

    def swap(self, name: str, content: bytes, generation: int) -> int:
        """Replace an object that still has the given generation; return its new generation.

        If the answer to a write is lost, the write is repeated, and finds a new generation, which its own first attempt
        made. It recognises its own write by the content. So no two writers may write the same content.

        Args:
          name: name of the object.
          content: its new content.
          generation: generation that the object must have; 0 if it must not exist.

        Raises:
          Superseded: if the object has another generation.
          BucketDown: if the bucket does not answer.
          ConfigError: if the bucket refuses the request.
        """
        from google.api_core.exceptions import PreconditionFailed

        blob = self._blob(name)
        try:
            self._ask(
                lambda: blob.upload_from_string(content, if_generation_match=generation, timeout=TIMEOUT, retry=None)
            )
        except PreconditionFailed:
            found = self.read(name)
            if found is None or found.content != content:
                raise Superseded(f"{self.address}/{name}: was written by another process") from None
            return found.generation
        assert blob.generation is not None, blob
        return int(blob.generation)

    def delete(self, name: str) -> None:
        """Delete an object if it exists.

        Raises:
          BucketDown: if the bucket does not answer.
          ConfigError: if the bucket refuses the request.
        """
        from google.api_core.exceptions import NotFound

        with contextlib.suppress(NotFound):
            self._ask(lambda: self._blob(name).delete(timeout=TIMEOUT, retry=None))

    def names(self, folder: str) -> list[str]:
        """Return the names of all objects below a folder, also in folders within it, as `read` takes them.

        Raises:
          BucketDown: if the bucket does not answer.
          ConfigError: if the bucket does not exist, or may not be read.
        """
        blobs = self._listed(folder, None)[0]
        return [blob.removeprefix(self._prefix) for blob in blobs]

    def folders(self, folder: str) -> list[str]:
        """Return the last part of the name of each folder that lies directly in a folder.

        Raises:
          BucketDown: if the bucket does not answer.
          ConfigError: if the bucket does not exist, or may not be read.
        """
        return [prefix.rstrip("/").rpartition("/")[2] for prefix in self._listed(folder, "/")[1]]

    def _listed(self, folder: str, delimiter: str | None) -> tuple[list[str], set[str]]:
        from google.api_core.exceptions import NotFound

        def ask() -> tuple[list[str], set[str]]:
            found = self._bucket.list_blobs(
                prefix=f"{self._prefix}{folder}/", delimiter=delimiter, timeout=TIMEOUT, retry=None
            )
            return [blob.name for blob in found], found.prefixes

        try:
            return self._ask(ask)
        except NotFound as error:
            self._require_bucket(error)
            raise

    def _blob(self, name: str) -> Any:
        return self._bucket.blob(self._prefix + name)

    def _require_bucket(self, error: Exception) -> None:
        """Raise ConfigError if a 404 says that the bucket itself is missing, and not an object in it."""
        if "bucket does not exist" in str(error):
            raise ConfigError(
                f"{self.address}: there is no such bucket; make it (gcloud storage buckets create), or correct the name"
            ) from None

    def _ask(self, request: Callable[[], Answer]) -> Answer:
        """Send a request and return its answer. Repeat it while it fails for a passing reason.

        The library's own retries are switched off: they would cover only parts of a request.

        Raises:
          NotFound, PreconditionFailed: of Google's library, for the caller to handle.
          BucketDown: if the bucket still does not answer after `patience_seconds`.
          ConfigError: if the bucket refuses the request.
        """
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError

        deadline, wait = time.monotonic() + self._patience, FIRST_WAIT
        while True:
            try:
                return request()
            except (exceptions.NotFound, exceptions.PreconditionFailed):
                raise
            except Exception as error:
                line = " ".join(str(error).split())
                if not _may_pass(error):
                    if isinstance(error, exceptions.ClientError | GoogleAuthError):
                        raise ConfigError(
                            f"{self.address}: refused ({line}); give this account the role storage.objectUser on the "
                            "bucket, or name another bucket"
                        ) from None
                    raise
                if time.monotonic() + wait > deadline:
                    raise BucketDown(
                        f"{self.address}: did not answer for {self._patience:.0f} s ({line}); try again later"
                    ) from None
            time.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(2 * wait, LONGEST_WAIT)


def _may_pass(error: Exception) -> bool:
    """Return whether a failed request may succeed when it is repeated."""
    import requests
    import urllib3
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption

    if isinstance(error, GoogleAPICallError):
        return error.code in PASSING
    if isinstance(error, GoogleAuthError):  # GKE's metadata server takes seconds to serve a new pod
        return error.retryable
    lost = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    return isinstance(error, (*lost, urllib3.exceptions.HTTPError, ConnectionError, DataCorruption))
