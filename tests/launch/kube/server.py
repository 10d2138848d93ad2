"""The Kubernetes API over loopback HTTP: enough for the Python client and for kubectl, and failures on request."""

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
    """What happens to requests instead of, or after, what they ask for.

    Attributes:
      method: of the requests.
      path: regular expression that their path matches.
      code: to answer with; `broken` ends the connection, `silent` never answers.
      times: so many requests.
      retry_after: seconds, as a header.
      done: whether the request is carried out all the same, only its answer is lost.
      message: of the answer.
    """

    method: str
    path: str
    code: int | str
    times: int = 1_000_000
    retry_after: int | None = None
    done: bool = False
    message: str = ""


class KubeServer:
    """A cluster with one namespace, `default`."""

    def __init__(self) -> None:
        self.store = Store()
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.logs: dict[str, Path] = {}  # of pods, by name
        self.cut_off: set[str] = set()  # pods on nodes that do not answer
        self.rules: list[Object] | None = None  # of the Role that clients have; none may do everything
        self.store.put(("namespaces", "", "default"), _namespace("default"))
        handler = type("Handler", (Handler,), {"cluster": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    @contextmanager
    def serving(self) -> Iterator["KubeServer"]:
        """Answer, until left."""
        thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig that leads here."""
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
        """Objects of a kind."""
        with self.store.changed:
            return [copy.deepcopy(thing) for key, thing in self.store.objects.items() if key[0] == resource]

    def count(self, method: str, pattern: str) -> int:
        """Requests of this method whose path matches."""
        return sum(m == method and re.search(pattern, path) is not None for m, path in self.requests)


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
