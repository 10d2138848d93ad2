"""An imitation of Google Cloud Storage on loopback: the part of its JSON API that the official Python client uses here.

It speaks HTTP to the real client (`STORAGE_EMULATOR_HOST`), and keeps objects in memory. As the real service does:

- an object appears as a whole once all of its bytes are there and fit the CRC32C that the client sent, or not at all;
- each write gives it a new, rising generation; reads and lists show every write at once;
- `ifGenerationMatch` and `ifGenerationNotMatch` are honoured by uploads (media, multipart, resumable), downloads and
  deletions: answer 412 if they do not hold (0 means that the object must be absent);
- lists are sorted, paged, and know prefix and delimiter.

What it does not imitate: identities and roles, versions, soft deletion, lifecycle, rate limits, folders of hierarchical
namespaces, chunks of a resumable upload (one request must bring all bytes). `gcp-storage-emulator` from PyPI is no
substitute, because it ignores preconditions.

Tests make it fail: see `Trouble`.
"""

import base64
import itertools
import json
import random
import re
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import google_crc32c

PAGE = 100  # most objects in one answer to a list


@dataclass(frozen=True)
class Object:
    content: bytes
    generation: int

    @property
    def crc32c(self) -> str:
        return base64.b64encode(google_crc32c.Checksum(self.content).digest()).decode()


@dataclass
class Trouble:
    """What goes wrong, drawn anew for each request.

    Attributes:
      errors: part of the requests that are answered 503 and not carried out.
      lost: part of the requests that are carried out, and whose answer is replaced by a cut connection.
      cut: part of the downloads whose body ends early.
      slow: part of the requests that wait for `seconds`.
      seconds: see `slow`.
      down: answer 503 to every request.
      seed: seed of the draws.
    """

    errors: float = 0.0
    lost: float = 0.0
    cut: float = 0.0
    slow: float = 0.0
    seconds: float = 0.5
    down: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)
        self._lock = threading.Lock()

    def strikes(self, part: float) -> bool:
        with self._lock:
            return self._draw.random() < part


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing about clients that were killed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class StorageServer:
    """A server with one bucket, `runs`."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.trouble = Trouble()
        self.requests: list[tuple[str, str, int]] = []  # method, name of the object or path, code of the answer
        self.refuses = False  # answer 403 to everything
        self.lock = threading.RLock()
        self.generations = itertools.count(1)
        self.uploads: dict[str, dict[str, str]] = {}
        handler = type("StorageHandler", (_Handler,), {"storage": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    @contextmanager
    def serving(self) -> Iterator["StorageServer"]:
        """Serve requests until the `with` block ends."""
        thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def put(self, name: str, content: bytes) -> int:
        """Write an object past the API, as another process would."""
        with self.lock:
            self.objects[name] = Object(content, next(self.generations))
            return self.objects[name].generation

    def names(self, pattern: str = "") -> list[str]:
        """Return the sorted names of the objects that match a regular expression."""
        with self.lock:
            return sorted(name for name in self.objects if re.search(pattern, name))


class _Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Handler(BaseHTTPRequestHandler):
    storage: StorageServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_) -> None:
        """Print nothing."""

    def _serve(self) -> None:
        trouble = self.storage.trouble
        length = int(self.headers.get("Content-Length") or 0)
        if len(body := self.rfile.read(length)) < length:  # the client was killed
            self.close_connection = True
            return None
        url = urllib.parse.urlsplit(self.path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        if trouble.strikes(trouble.slow):
            time.sleep(trouble.seconds)
        if trouble.down or trouble.strikes(trouble.errors):
            return self._answer(503, b"the service is down")
        if self.storage.refuses:
            return self._answer(403, _message(403, "someone does not have storage.objects access"))
        try:
            with self.storage.lock:
                content, headers = self._carry_out(url.path, query, body)
        except _Refused as error:
            return self._answer(error.code, _message(error.code, str(error)))
        if trouble.strikes(trouble.lost):
            self.close_connection = True
            return None
        cut = len(content) // 2 if query.get("alt") == "media" and trouble.strikes(trouble.cut) else None
        self._answer(200, content, headers, cut)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

    def _answer(self, code: int, content: bytes, headers: dict[str, str] | None = None, cut: int | None = None) -> None:
        self.storage.requests.append((self.command, urllib.parse.unquote(self.path), code))
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:cut])
        self.close_connection |= cut is not None

    def _carry_out(self, path: str, query: dict[str, str], body: bytes) -> tuple[bytes, dict[str, str]]:
        if not (found := re.fullmatch(r"(?:/download|/upload)?/storage/v1/b/([^/]+)/o(?:/(.+))?", path)):
            raise _Refused(404, f"no such path: {path}")
        if found[1] != "runs":
            raise _Refused(404, "The specified bucket does not exist.")
        name = urllib.parse.unquote(found[2] or "")
        if path.startswith("/upload"):
            return self._upload(query, body)
        if not name:
            return self._list(query)
        current = self.storage.objects.get(name)
        if current is None:
            raise _Refused(404, f"No such object: runs/{name}")
        _require_match(current, query)
        if self.command == "DELETE":
            del self.storage.objects[name]
            return b"", {}
        if query.get("alt") == "media":
            return current.content, {
                "Content-Type": "application/octet-stream",
                "X-Goog-Generation": str(current.generation),
                "X-Goog-Hash": f"crc32c={current.crc32c}",
            }
        return _described(name, current), {}

    def _upload(self, query: dict[str, str], body: bytes) -> tuple[bytes, dict[str, str]]:
        if "upload_id" in query:
            query = self.storage.uploads[query["upload_id"]] | query
            return self._store(query["name"], body, query, json.loads(query["metadata"]))
        if query["uploadType"] == "resumable":
            number = str(next(self.storage.generations))
            metadata = json.loads(body)
            self.storage.uploads[number] = query | {"name": metadata["name"], "metadata": body.decode()}
            place = f"{self.storage.url}/upload/storage/v1/b/runs/o?uploadType=resumable&upload_id={number}"
            return b"", {"Location": place}
        assert query["uploadType"] == "multipart", query
        border = re.search(r'boundary="?([^";]+)"?', self.headers["Content-Type"])[1].strip("'").encode()
        metadata_part, content_part = body.split(b"--" + border)[1:3]
        metadata = json.loads(metadata_part.partition(b"\r\n\r\n")[2])
        content = body.partition(content_part.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")[2]
        return self._store(metadata["name"], content.rpartition(b"\r\n--" + border + b"--")[0], query, metadata)

    def _store(self, name: str, content: bytes, query: dict[str, str], metadata: dict) -> tuple[bytes, dict[str, str]]:
        _require_match(self.storage.objects.get(name), query)
        new = Object(content, next(self.storage.generations))
        sent = metadata.get("crc32c")
        if sent is None:
            found = re.search(r"crc32c=([^,]+)", self.headers.get("X-Goog-Hash", ""))
            sent = found and found[1]
        if sent is not None and sent != new.crc32c:
            raise _Refused(400, f"Provided CRC32C {sent} doesn't match calculated CRC32C {new.crc32c}")
        self.storage.objects[name] = new
        return _described(name, new), {}

    def _list(self, query: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        items, prefixes = [], set()
        for name in sorted(self.storage.objects):
            if not name.startswith(prefix) or name <= query.get("pageToken", ""):
                continue
            if len(items) == PAGE:
                break
            folder, mark, _ = name.removeprefix(prefix).partition(delimiter or "\0")
            if mark:
                prefixes.add(f"{prefix}{folder}{mark}")
            else:
                items.append(json.loads(_described(name, self.storage.objects[name])))
        answer = {"kind": "storage#objects", "items": items, "prefixes": sorted(prefixes)}
        if len(items) == PAGE:
            answer["nextPageToken"] = items[-1]["name"]
        return json.dumps(answer).encode(), {}


def _require_match(current: Object | None, query: dict[str, str]) -> None:
    generation = current.generation if current else 0
    if "ifGenerationMatch" in query and int(query["ifGenerationMatch"]) != generation:
        raise _Refused(412, "At least one of the pre-conditions you specified did not hold.")
    if "ifGenerationNotMatch" in query and int(query["ifGenerationNotMatch"]) == generation:
        raise _Refused(412, "At least one of the pre-conditions you specified did not hold.")


def _described(name: str, current: Object) -> bytes:
    return json.dumps(
        {
            "kind": "storage#object",
            "name": name,
            "bucket": "runs",
            "generation": str(current.generation),
            "metageneration": "1",
            "size": str(len(current.content)),
            "crc32c": current.crc32c,
        }
    ).encode()


def _message(code: int, text: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": text}}).encode()
