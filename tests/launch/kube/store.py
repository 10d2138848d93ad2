"""Objects of a cluster in memory: versions, owners, and who applied which field."""

import copy
import datetime
import json
import threading
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str, str]  # resource, namespace, name
Path = tuple[str, ...]


class Refused(Exception):
    """An answer other than well."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


@dataclass
class Store:
    """Holds a lock that whoever reads several objects takes, too."""

    objects: dict[Key, Object] = field(default_factory=dict)
    version: int = 100
    changed: threading.Condition = field(default_factory=lambda: threading.Condition(threading.RLock()))
    _text: dict[Key, bytes] = field(default_factory=dict)
    _owned: defaultdict[Key, dict[str, dict[Path, Any]]] = field(default_factory=lambda: defaultdict(dict))

    def put(self, key: Key, thing: Object) -> Object:
        """Store a new content under a new version; the same content leaves the version as it is."""
        with self.changed:
            before = self.objects.get(key)
            if before is not None and _content(before) == _content(thing):
                return before
            self.version += 1
            metadata = thing["metadata"]
            metadata.setdefault("uid", str(uuid.uuid4()))
            metadata.setdefault("creationTimestamp", now())
            metadata["resourceVersion"] = str(self.version)
            self.objects[key] = thing
            self._text.pop(key, None)
            self.changed.notify_all()
            return thing

    def text(self, key: Key) -> bytes:
        """An object as it is sent; kept until it changes."""
        if key not in self._text:
            self._text[key] = json.dumps(self.objects[key]).encode()
        return self._text[key]

    def update(self, key: Key, **status: Any) -> None:
        """Change fields of an object's status."""
        with self.changed:
            thing = copy.deepcopy(self.objects[key])
            thing["status"] = {**thing.get("status", {}), **status}
            self.put(key, thing)

    def remove(self, key: Key) -> None:
        """Take an object away, and what only it owned."""
        with self.changed:
            gone = self.objects.pop(key, None)
            self._text.pop(key, None)
            self._owned.pop(key, None)
            if gone is None:
                return
            self.version += 1
            self.changed.notify_all()
            self.remove_owned(gone["metadata"]["uid"])

    def remove_owned(self, uid: str) -> None:
        """Take away what only this object owned."""
        with self.changed:
            for other, thing in list(self.objects.items()):
                owners = thing["metadata"].get("ownerReferences", [])
                left = [each for each in owners if each["uid"] != uid]
                if owners and not left and other[0] != "pods":  # pods end first; the controller sees to it
                    self.remove(other)
                elif left != owners and left:
                    thing = copy.deepcopy(thing)
                    thing["metadata"]["ownerReferences"] = left
                    self.put(other, thing)

    def applied(self, key: Key, manifest: Object, manager: str, force: bool) -> Object:
        """What an object becomes when a manager applies a manifest; a field of another manager's is a conflict."""
        mine = _leaves(manifest)
        others = {name: fields for name, fields in self._owned[key].items() if name != manager}
        clashes = [
            f'conflict with "{name}": .{".".join(path)}'
            for name, fields in others.items()
            for path in fields.keys() & mine.keys()
            if fields[path] != mine[path]
        ]
        if clashes and not force:
            raise Refused(409, "Conflict", f"Apply failed with {len(clashes)} conflict: {'; '.join(sorted(clashes))}")
        thing = copy.deepcopy(self.objects.get(key, {}))
        for path in self._owned[key].get(manager, {}).keys() - mine.keys():
            if not any(path in fields for fields in others.values()):
                _drop(thing, path)
        return merged(thing, manifest)

    def note_owner(self, key: Key, manager: str, before: Object | None, sent: Object, apply: bool) -> None:
        """Remember whose the fields are that a request set; who applies is another than who updates, as there."""
        manager = manager if apply else f"{manager} (update)"
        leaves = _leaves(sent)
        if not apply:
            old = _leaves(before or {})
            leaves = {path: value for path, value in leaves.items() if old.get(path) != value}
        for name, fields in self._owned[key].items():
            if name != manager:
                for path in [path for path in leaves if path in fields and fields[path] != leaves[path]]:
                    del fields[path]
        self._owned[key][manager] = leaves if apply else {**self._owned[key].get(manager, {}), **leaves}


def merged(thing: Any, patch: Any) -> Any:
    """A JSON merge, in which owner references are told apart by uid, as in Kubernetes' strategic one."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(thing) if isinstance(thing, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif name == "ownerReferences":
            uids = {each["uid"] for each in value}
            result[name] = [each for each in result.get(name, []) if each["uid"] not in uids] + copy.deepcopy(value)
        else:
            result[name] = merged(result.get(name), value)
    return result


def now() -> str:
    """As Kubernetes writes times."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _content(thing: Object) -> Object:
    metadata = {name: value for name, value in thing["metadata"].items() if name != "resourceVersion"}
    return {**thing, "metadata": metadata}


def _leaves(thing: Any, path: Path = ()) -> dict[Path, Any]:
    """Values by path; lists are one value. Which object it is belongs to nobody."""
    if path in (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid")):
        return {}
    if not isinstance(thing, dict):
        return {path: thing}
    return {leaf: value for name, part in thing.items() for leaf, value in _leaves(part, (*path, name)).items()}


def _drop(thing: Object, path: Path) -> None:
    for name in path[:-1]:
        thing = thing.get(name, {})
    thing.pop(path[-1], None)
