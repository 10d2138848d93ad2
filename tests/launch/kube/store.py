"""The objects of a cluster in memory, with their versions, their owners, and the manager of each field."""

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
    """An error answer to a request."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


@dataclass
class Store:
    """All objects by key. Take the lock `changed` to read several objects together."""

    objects: dict[Key, Object] = field(default_factory=dict)
    version: int = 100
    changed: threading.Condition = field(default_factory=lambda: threading.Condition(threading.RLock()))
    _text: dict[Key, bytes] = field(default_factory=dict)
    _owned: defaultdict[Key, dict[str, dict[Path, Any]]] = field(default_factory=lambda: defaultdict(dict))

    def put(self, key: Key, thing: Object) -> Object:
        """Store an object under a new version, and return it; equal content keeps its version."""
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
        """Return an object as JSON, cached until the object changes."""
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
        """Remove an object, and the objects that only it owned."""
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
        """Remove the objects that only the object with this uid owned."""
        with self.changed:
            for other, thing in list(self.objects.items()):
                owners = thing["metadata"].get("ownerReferences", [])
                left = [each for each in owners if each["uid"] != uid]
                if owners and not left and other[0] != "pods":  # the controller removes pods once they have ended
                    self.remove(other)
                elif left != owners and left:
                    thing = copy.deepcopy(thing)
                    thing["metadata"]["ownerReferences"] = left
                    self.put(other, thing)

    def applied(self, key: Key, manifest: Object, manager: str, force: bool) -> Object:
        """Return an object as it is after a manager applies a manifest (server-side apply).

        Raises:
          Refused: with 409, if another manager owns a field and has another value, unless `force` is set.
        """
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
        """Record the manager as owner of the fields that a request set.

        As in Kubernetes, a manager that applies and the same manager that updates are different owners.
        """
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
    """Return an object after a JSON merge patch. Owner references are merged by uid, as in a strategic merge patch."""
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
    """Return the current time as Kubernetes writes it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _content(thing: Object) -> Object:
    metadata = {name: value for name, value in thing["metadata"].items() if name != "resourceVersion"}
    return {**thing, "metadata": metadata}


def _leaves(thing: Any, path: Path = ()) -> dict[Path, Any]:
    """Return the values of an object by path. A list is one value. Kind, name and the like are left out."""
    if path in (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid")):
        return {}
    if not isinstance(thing, dict):
        return {path: thing}
    return {leaf: value for name, part in thing.items() for leaf, value in _leaves(part, (*path, name)).items()}


def _drop(thing: Object, path: Path) -> None:
    for name in path[:-1]:
        thing = thing.get(name, {})
    thing.pop(path[-1], None)
