"""An imitation of a node: runs the command of each pod's container as a local process.

The container's paths are replaced by local folders in its command, its environment and its ConfigMaps.
"""

import base64
import gzip
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexrl.training.hosts import VARIABLES
from tests.launch.kube.server import KubeServer
from tests.launch.kube.store import Key, Object, now

Run = Callable[[list[str], dict[str, str], Path], Any]

MESSAGE_BYTES, LOG_BYTES = 4096, 2048  # most bytes of a termination message, and of the log that replaces a missing one
COORDINATOR = VARIABLES["coordinator"]
DISRUPTED = {"type": "DisruptionTarget", "status": "True"}


@dataclass
class _Running:
    key: Key
    process: Any
    message: Path
    oom: bool = False


class Node:
    """A node with room for a number of pods."""

    def __init__(self, server: KubeServer, folder: Path, room: int = 2, run: Run | None = None) -> None:
        """Create the folders of the volumes. Runs no pod.

        Args:
          server: server whose pods are run.
          folder: folder for the volumes; `volume` in it is the workspace.
          room: most pods at a time.
          run: starts a process, given arguments of `launch.trial`, the environment variables of the pod and a log file;
            by default a process of the real `launch.trial`.
        """
        self._server, self._store, self._folder, self._room = server, server.store, folder, room
        self._run = run or _run_trial
        self._running: dict[str, _Running] = {}
        self.volume = folder / "volume"
        self.temporary = folder / "temporary"  # shared by all pods, so that they share compiled programs
        for each in (self.volume, self.temporary):
            each.mkdir(parents=True)

    def step(self) -> None:
        """Start waiting pods while there is room, and record the ends of those that ran."""
        for name, running in list(self._running.items()):
            if (code := running.process.poll()) is not None:
                self._note_end(running, code)
                del self._running[name]
        for key, pod in list(self._store.objects.items()):
            waits = key[0] == "pods" and pod["status"]["phase"] == "Pending"
            if waits and "deletionTimestamp" not in pod["metadata"]:
                self._begin(key, pod)

    def _begin(self, key: Key, pod: Object) -> None:
        container = pod["spec"]["containers"][0]
        if "missing" in container["image"]:
            waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{container["image"]}"'}
            self._store.update(key, containerStatuses=[{"name": container["name"], "state": {"waiting": waiting}}])
        elif len(self._running) >= self._room or "nvidia.com/gpu" in container["resources"]["limits"]:
            lacks = "nvidia.com/gpu" if len(self._running) < self._room else "cpu"
            condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
            self._store.update(key, conditions=[condition | {"message": f"0/1 nodes: 1 Insufficient {lacks}"}])
        else:
            self._start(key, pod, container)

    def _start(self, key: Key, pod: Object, container: Object) -> None:
        name = key[2]
        place = self._folder / "pods" / name
        place.mkdir(parents=True)
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        workspace = place / "workspace" if "emptyDir" in volumes["workspace"] else self.volume
        workspace.mkdir(exist_ok=True)
        paths = {
            "/workspace": workspace,
            "/tmp": self.temporary,
            "/etc/flexrl": place,
            "/dev/termination-log": place / "end",
        }

        def here(text: str) -> str:
            for inside, outside in paths.items():
                if text == inside or text.startswith(f"{inside}/"):
                    return str(outside) + text[len(inside) :]
            return text

        for volume in pod["spec"]["volumes"]:
            for source in volume.get("projected", {}).get("sources", []):
                config_map = self._store.objects["configmaps", key[1], source["configMap"]["name"]]
                self._mount(config_map, source, place, workspace)
        command = container["args"]
        assert command[:3] in (["python", "-m", "launch.trial"], ["python", "-m", "launch.stage"])
        index = pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]
        environment = {name: here(value) for name, value in _environment(container, pod).items()}
        log = place / "log"
        log.touch()  # exists even if the pod is killed before its first line
        self._server.logs[name] = log
        environment["JOB_COMPLETION_INDEX"] = index
        if command[2] == "launch.stage":
            text = command[3].replace('"workspace":"/workspace"', f'"workspace":"{self.volume}"')
            process: Any = _run_module("launch.stage", [text], environment, log)
        else:
            process = self._run(list(map(here, command[3:])), environment, log)
        self._running[name] = _Running(key, process, place / "end")
        state = {"name": container["name"], "state": {"running": {"startedAt": now()}}}
        self._store.put(key, {**pod, "spec": {**pod["spec"], "nodeName": "node"}})
        self._store.update(key, phase="Running", startTime=now(), conditions=[], containerStatuses=[state])

    def _mount(self, config_map: Object, source: Object, place: Path, workspace: Path) -> None:
        paths = {each["key"]: each["path"] for each in source["configMap"].get("items", [])}
        contents = {name: text.encode() for name, text in config_map.get("data", {}).items()}
        packed = {
            name: gzip.decompress(base64.b64decode(text)) for name, text in config_map.get("binaryData", {}).items()
        }
        for name, content in {**contents, **packed}.items():
            file = place / paths.get(name, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            text = content.decode().replace('"/workspace/', f'"{workspace}/').replace('"/etc/flexrl/', f'"{place}/')
            file.write_bytes(gzip.compress(text.encode()) if name in packed else text.encode())

    def _note_end(self, running: _Running, code: int) -> None:
        pod = self._store.objects[running.key]
        code = 128 - code if code < 0 else code
        reason = "OOMKilled" if running.oom else "Error" if code else "Completed"
        end: Object = {"exitCode": code, "reason": reason, "finishedAt": now()}
        if running.message.exists():
            end["message"] = running.message.read_bytes()[:MESSAGE_BYTES].decode()
        elif code:
            end["message"] = self._server.logs[running.key[2]].read_bytes()[-LOG_BYTES:].decode()
        state = {"name": pod["spec"]["containers"][0]["name"], "state": {"terminated": end}}
        self._store.update(running.key, phase="Failed" if code else "Succeeded", containerStatuses=[state])

    def names(self) -> list[str]:
        """Return the names of the pods that run."""
        with self._store.changed:
            return list(self._running)

    def stop(self, name: str) -> None:
        """Ask a pod to save and end, unless its node is cut off."""
        if name in self._running and name not in self._server.cut_off:
            self._running[name].process.terminate()

    def cut_off(self, name: str) -> None:
        """Cut a pod's node off: its log cannot be read, and the pod cannot be stopped."""
        self._server.cut_off.add(name)

    def pause(self, name: str) -> None:
        """Suspend a pod's process (SIGSTOP)."""
        self._running[name].process.send_signal(signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        """Resume a suspended pod (SIGCONT)."""
        self._running[name].process.send_signal(signal.SIGCONT)

    def evict(self, name: str) -> None:
        """Evict a pod: mark it as disrupted, and ask it to stop."""
        with self._store.changed:
            if self._disrupt(name):
                self.stop(name)

    def lose(self, name: str) -> None:
        """Kill a pod as if its machine had vanished: mark it as disrupted, without time to save."""
        with self._store.changed:
            if self._disrupt(name):
                _kill_tree(self._running[name].process)

    def _disrupt(self, name: str) -> bool:
        if name not in self._running:
            return False
        self._store.update(self._running[name].key, conditions=[DISRUPTED | {"reason": "test", "message": "was drawn"}])
        return True

    def run_out_of_memory(self, name: str) -> None:
        """Kill a pod as out of memory (OOMKilled)."""
        with self._store.changed:
            self._running[name].oom = True
            _kill_tree(self._running[name].process)

    def forget(self, name: str) -> None:
        """Delete the folder of a pod that is gone."""
        shutil.rmtree(self._folder / "pods" / name, ignore_errors=True)

    def kill_all(self) -> None:
        """Kill the processes of all pods."""
        for running in self._running.values():
            _kill_tree(running.process)


def on_this_machine(environment: dict[str, str]) -> dict[str, str]:
    """Return a pod's environment for a process of this machine, which does not know the names of the cluster's hosts.

    The coordinator's host name is replaced by 127.0.0.1. What the pod does not set is inherited.
    """
    own = {name: value for name, value in environment.items() if name != "HOME"}
    if COORDINATOR in own:
        own[COORDINATOR] = re.sub("^.*:", "127.0.0.1:", own[COORDINATOR])
    return {**os.environ, **own, "JAX_PLATFORMS": "cpu"}


def _environment(container: Object, pod: Object) -> dict[str, str]:
    """Return the environment variables that the manifest gives a container."""
    values: dict[str, str] = {}
    for each in container["env"]:
        if field := each.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath"):
            label = re.fullmatch(r"metadata\.labels\['(.+)'\]", field)
            values[each["name"]] = pod["metadata"]["labels"][label[1]]
        else:
            values[each["name"]] = re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], each["value"])
    return values


def _run_trial(arguments: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen:
    return _run_module("tests.launch.kube.quick_trial", arguments, environment, log)


def _run_module(module: str, arguments: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", module, *arguments]
    with log.open("wb") as file:
        return subprocess.Popen(
            command,
            env=on_this_machine(environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def _kill_tree(process: Any) -> None:
    """Kill a process and all its descendants at once, as the end of a container does."""
    process.send_signal(signal.SIGSTOP)  # so that it starts no more processes
    for number in [*_descendants(process.pid), process.pid]:
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def _descendants(number: int) -> list[int]:
    try:
        text = Path(f"/proc/{number}/task/{number}/children").read_text()
    except FileNotFoundError:
        return []
    return [each for child in map(int, text.split()) for each in (child, *_descendants(child))]
