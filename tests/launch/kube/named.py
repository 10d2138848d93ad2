"""Runs the pods of trials of several hosts with nothing but a pod's own environment, under the names of a cluster.

Each pod has its own host name and its own /etc/hosts (Linux namespaces), as on a real cluster. There the name service
answers with the pods of a headless Service; here /etc/hosts has them, each with a loopback address of its own.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.launch.kube.server import KubeServer
from tests.launch.kube.store import Object

NAMESPACES = ["unshare", "--map-root-user", "--mount", "--uts"]
ENTER = 'mount --bind "$1" /etc/hosts && hostname "$2" && shift 2 && exec "$@"'
ROOT = Path(__file__).parents[3]
DOMAIN = "svc.cluster.local"


def can_be_named() -> bool:
    """Return whether this user may make the namespaces of a pod."""
    try:
        return subprocess.run([*NAMESPACES, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


class NamedPods:
    """Starts pods of `server` as processes that find each other by name; give it to a `Node` as `run`."""

    def __init__(self, server: KubeServer, folder: Path) -> None:
        """Keep the arguments.

        Args:
          server: has the Jobs, and the Services that name their pods.
          folder: folder for the file /etc/hosts, and working directory of the pods.
        """
        self._server, self._folder = server, folder
        self.environments: list[dict[str, str]] = []  # of the pods that were started, without what an image sets

    def __call__(self, arguments: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
        """Start a pod's process.

        Args:
          arguments: arguments of `launch.trial`.
          environment: the variables that the manifest and the Job controller set.
          log: file for the output.
        """
        self.environments.append(environment)
        (job,) = self._server.all("jobs")
        hosts = self._folder / "hosts"
        hosts.write_text("127.0.0.1 localhost\n" + "".join(records(job, self._server.all("services"))))
        name = f"{job['metadata']['name']}-{environment['JOB_COMPLETION_INDEX']}"
        image = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
        trial = [sys.executable, "-m", "tests.launch.kube.quick_trial", *arguments]
        with log.open("wb") as file:
            return subprocess.Popen(
                [*NAMESPACES, "sh", "-c", ENTER, "sh", str(hosts), name, *trial],
                env=image | environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )


def records(job: Object, services: list[Object]) -> list[str]:
    """Return the lines of /etc/hosts that name a Job's pods.

    A pod has a name of its own if a headless Service of its namespace selects it, and is named as its `subdomain` is.
    """
    pod = job["spec"]["template"]
    lines = []
    for service in services:
        name, namespace = (service["metadata"][each] for each in ("name", "namespace"))
        selects = service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        if service["spec"].get("clusterIP") != "None" or not selects or pod["spec"].get("subdomain") != name:
            continue
        for index in range(job["spec"]["completions"]):
            host = f"{job['metadata']['name']}-{index}"
            lines.append(f"127.0.0.{2 + index} {host}.{name}.{namespace}.{DOMAIN} {host}.{name} {host}\n")
    return lines
