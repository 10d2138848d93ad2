"""A server of the Kubernetes API on loopback: enough for the Python client and kubectl. Tests can make it fail."""

import copy
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path

import yaml

from tests.launch.kube.handler import Handler
from tests.launch.kube.store import Object, Store


@dataclass
class Fault:
    """A failure that replaces the answer to matching requests.

    Attributes:
      method: HTTP method of the requests.
      path: regular expression that the path of the requests matches.
      code: HTTP code of the answer; `broken` ends the connection, `silent` never answers.
      times: number of requests that fail.
      retry_after: seconds in the header Retry-After; None for no header.
      done: whether the request is carried out and only its answer is replaced.
      message: message of the answer.
    """

    method: str
    path: str
    code: int | str
    times: int = 1_000_000
    retry_after: int | None = None
    done: bool = False
    message: str = ""


class KubeServer:
    """The server of a cluster with one namespace, `default`."""

    def __init__(self) -> None:
        self.store = Store()
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.logs: dict[str, Path] = {}  # log files, by the pod's name
        self.cut_off: set[str] = set()  # pods on nodes that do not answer
        self.rules: list[Object] | None = None  # rules of the clients' Role; with None clients may do everything
        self.store.put(("namespaces", "", "default"), _namespace("default"))
        handler = type("Handler", (Handler,), {"cluster": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    @contextmanager
    def serving(self) -> Iterator["KubeServer"]:
        """Serve requests until the `with` block ends."""
        thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig for this server to `path`, and return the path."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
        path.write_text(yaml.safe_dump(content))
        return path

    def all(self, resource: str) -> list[Object]:
        """Return copies of all objects of a resource, such as `jobs`."""
        with self.store.changed:
            return [copy.deepcopy(thing) for key, thing in self.store.objects.items() if key[0] == resource]

    def count(self, method: str, pattern: str) -> int:
        """Return the number of requests with this method whose path matches the pattern."""
        return sum(m == method and re.search(pattern, path) is not None for m, path in self.requests)


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
