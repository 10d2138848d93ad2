"""Answers requests to the Kubernetes API over HTTP."""

import copy
import json
import re
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.launch.kube.resources import KINDS, discovery, require_valid
from tests.launch.kube.store import Key, Object, Refused, merged, now

if TYPE_CHECKING:
    from tests.launch.kube.server import Fault, KubeServer

PATH = re.compile(r"/(?:apis/(batch/v1)|api/(v1))(?:/namespaces/([^/]+))?/([^/]+)(?:/([^/]+))?(?:/(log|status))?")
NAMESPACES = re.compile(r"/api/v1/namespaces(?:/([^/]+))?")
REASONS = {
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}


@dataclass
class _Request:
    method: str
    resource: str
    kind: str
    model: Any
    api_version: str
    namespace: str
    name: str
    part: str
    query: dict[str, str]
    body: Any
    content_type: str

    @property
    def key(self) -> Key:
        return self.resource, self.namespace, self.name

    @property
    def keeps(self) -> bool:
        return self.query.get("dryRun") != "All"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    cluster: "KubeServer"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.cluster.requests.append((self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self._fault()
        if fault and not fault.done:
            return self._fail(fault)
        try:
            code, answer = self._answer(url.path.rstrip("/"), url.query, body)
        except Refused as refused:
            code, answer = refused.code, _status(refused.code, refused.reason, refused.message)
        if fault:
            return self._fail(fault)
        if answer is not None:
            self._send(code, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _fault(self) -> "Fault | None":
        for fault in self.cluster.faults:
            if fault.times > 0 and fault.method == self.command and re.search(fault.path, self.path):
                fault.times -= 1
                return fault
        return None

    def _fail(self, fault: "Fault") -> None:
        if isinstance(fault.code, str):
            if fault.code == "silent":
                time.sleep(0.6)  # longer than the client of the tests waits
            self.close_connection = True
            return
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        message = fault.message or f"as asked,\n{fault.code}"
        self._send(fault.code, json.dumps(_status(fault.code, REASONS[fault.code], message)).encode(), headers)

    def _send(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        kind = "application/json" if body[:1] == b"{" else "text/plain"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, path: str, query: str, body: bytes) -> tuple[int, Any]:
        if (found := discovery(path)) is not None:
            return 200, found
        request = self._parse(path, query, body)
        self._authorize(request)
        with self.cluster.store.changed:
            if request.method == "GET":
                return self._read(request)
            if request.namespace and ("namespaces", "", request.namespace) not in self.cluster.store.objects:
                raise Refused(404, "NotFound", f'namespaces "{request.namespace}" not found')
            return self._remove(request) if request.method == "DELETE" else self._write(request)

    def _parse(self, path: str, query: str, body: bytes) -> _Request:
        if found := NAMESPACES.fullmatch(path):
            group_version, namespace, resource, name, part = "v1", "", "namespaces", found.group(1), ""
        elif found := PATH.fullmatch(path):
            batch, core, namespace, resource, name, part = found.groups()
            group_version = batch or core
        else:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        if resource not in KINDS[group_version]:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        kind, model, _ = KINDS[group_version][resource]
        content_type = self.headers.get("Content-Type") or "application/json"
        if body and "json" not in content_type and "yaml" not in content_type:
            raise Refused(415, "UnsupportedMediaType", "only JSON and YAML")
        content = None if not body else json.loads(body) if body[:1] == b"{" else yaml.safe_load(body)
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        return _Request(
            *(self.command, resource, kind, model, group_version, namespace or "", name or "", part or ""),
            *(asked, content, content_type),
        )

    def _authorize(self, request: _Request) -> None:
        """Raise Refused if the client's Role does not allow the request.

        To name an owner, a client also needs `delete` on the object, and `update` on the owner's finalizers.
        """
        if self.cluster.rules is None:
            return
        exists = request.key in self.cluster.store.objects
        verbs = {
            "GET": ["get" if request.name else "list"],
            "POST": ["create"],
            "PATCH": ["patch"] if exists else ["patch", "create"],
            "PUT": ["update"],
            "DELETE": ["delete"],
        }[request.method]
        resource = request.resource + (f"/{request.part}" if request.part else "")
        asked = [(verb, resource) for verb in verbs]
        if request.method in ("POST", "PATCH", "PUT") and (request.body.get("metadata") or {}).get("ownerReferences"):
            asked += [("delete", resource), ("update", "jobs/finalizers")]  # OwnerReferencesPermissionEnforcement
        for verb, resource in asked:
            if not any(verb in rule["verbs"] and resource in rule["resources"] for rule in self.cluster.rules):
                raise Refused(403, "Forbidden", f'{resource} "{request.name}" is forbidden: cannot {verb} {resource}')

    def _read(self, request: _Request) -> tuple[int, Any]:
        store = self.cluster.store
        if not request.name:
            return self._watch(request) if request.query.get("watch") in ("1", "true") else self._list(request)
        self._require(request)
        if request.part == "log":
            if request.name in self.cluster.cut_off:
                raise Refused(500, "InternalError", f'Get "https://node:10250/containerLogs/{request.name}": timeout')
            path = self.cluster.logs.get(request.name)
            if path is None or not path.exists():
                raise Refused(400, "BadRequest", f'container "trial" in pod "{request.name}" is waiting to start')
            text = path.read_bytes()
            lines = int(request.query.get("tailLines", 0))
            return 200, b"".join(text.splitlines(keepends=True)[-lines:] if lines else [text])
        return 200, store.text(request.key)

    def _require(self, request: _Request) -> Object:
        if request.key not in self.cluster.store.objects:
            raise Refused(404, "NotFound", f'{request.resource} "{request.name}" not found')
        return self.cluster.store.objects[request.key]

    def _matching(self, request: _Request) -> list[Key]:
        return [
            key
            for key, thing in self.cluster.store.objects.items()
            if key[0] == request.resource and key[1] in (request.namespace, key[1] if not request.namespace else "")
            if _has_labels(thing, request.query.get("labelSelector", ""))
            if _has_fields(thing, request.query.get("fieldSelector", ""))
        ]

    def _list(self, request: _Request) -> tuple[int, bytes]:
        store = self.cluster.store
        keys = sorted(self._matching(request))
        start = int(request.query.get("continue") or 0)
        limit = int(request.query.get("limit") or 0) or len(keys)
        left = len(keys) - start - limit
        metadata: Object = {"resourceVersion": str(store.version)}
        if left > 0:
            metadata |= {"continue": str(start + limit), "remainingItemCount": left}
        page = keys[start : start + limit]
        if "PartialObjectMetadataList" in (self.headers.get("Accept") or ""):
            kind = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            items = [json.dumps({"metadata": store.objects[key]["metadata"]}).encode() for key in page]
        else:
            kind = {"kind": f"{request.kind}List", "apiVersion": request.api_version}
            items = [store.text(key) for key in page]
        if "Partial" in kind["kind"] and not items:  # the real server sends an empty list of metadata as null
            return 200, json.dumps({**kind, "metadata": metadata, "items": None}).encode()
        head = json.dumps({**kind, "metadata": metadata, "items": []}).encode()
        return 200, head[:-2] + b",".join(items) + b"]}"

    def _watch(self, request: _Request) -> tuple[int, None]:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        store, seen, start = self.cluster.store, {}, int(request.query.get("resourceVersion") or 0)
        deadline = time.monotonic() + float(request.query.get("timeoutSeconds", 30))
        while time.monotonic() < deadline:
            present = {key: store.objects[key] for key in self._matching(request)}
            events = [("DELETED", seen.pop(key)) for key in seen.keys() - present.keys()]
            for key, thing in present.items():
                version = int(thing["metadata"]["resourceVersion"])
                if key not in seen and version > start:
                    events.append(("ADDED", thing))
                elif key in seen and seen[key]["metadata"]["resourceVersion"] != str(version):
                    events.append(("MODIFIED", thing))
                seen[key] = thing
            for kind, thing in events:
                self.wfile.write(json.dumps({"type": kind, "object": thing}).encode() + b"\n")
            self.wfile.flush()
            store.changed.wait(0.2)
        return 200, None

    def _remove(self, request: _Request) -> tuple[int, Object]:
        thing, store = self._require(request), self.cluster.store
        body = request.body or {}
        uid = (body.get("preconditions") or {}).get("uid")
        if uid not in (None, thing["metadata"]["uid"]):
            raise Refused(409, "Conflict", f"the UID in the precondition ({uid}) does not match the object's")
        if request.keeps and request.resource in ("jobs", "pods"):  # the controller removes them when pods end
            foreground = (body.get("propagationPolicy") or request.query.get("propagationPolicy")) == "Foreground"
            if request.resource == "jobs" and not foreground:
                store.remove(request.key)
            else:
                metadata = thing["metadata"] | {"deletionTimestamp": now()}
                if request.resource == "jobs":
                    metadata["finalizers"] = ["foregroundDeletion"]
                    store.remove_owned(thing["metadata"]["uid"])  # at once, except pods, which end first
                store.put(request.key, {**thing, "metadata": metadata})
        elif request.keeps:
            store.remove(request.key)
        return 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}

    def _write(self, request: _Request) -> tuple[int, Object]:
        store, body = self.cluster.store, request.body
        apply = "apply-patch" in request.content_type
        manager = request.query.get("fieldManager", "unknown")
        if request.method == "POST":
            request.name = body["metadata"]["name"]
        before = store.objects.get(request.key)
        if request.method == "POST" and before:
            raise Refused(409, "AlreadyExists", f'{request.resource} "{request.name}" already exists')
        if request.method in ("PATCH", "PUT") and not before and not apply:
            self._require(request)
        if apply:
            thing = store.applied(request.key, body, manager, request.query.get("force") == "true")
        elif request.method == "PATCH":
            thing = merged(before, body)
        else:
            thing = copy.deepcopy(body)
        thing |= {"kind": request.kind, "apiVersion": request.api_version}
        thing["metadata"] = (
            {**thing["metadata"], "namespace": request.namespace} if request.namespace else thing["metadata"]
        )
        require_valid(request.kind, request.model, thing, before)
        if request.keeps:
            store.note_owner(request.key, manager, before, body, apply)
            thing = store.put(request.key, thing)
        else:
            thing["metadata"].setdefault("uid", "dry-run")
        return 200 if before else 201, thing


def _status(code: int, reason: str, message: str) -> Object:
    kind = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return kind | {"code": code, "reason": reason, "message": message}


def _has_labels(thing: Object, selector: str) -> bool:
    labels = thing["metadata"].get("labels") or {}
    return all(
        labels.get(name) == value for name, _, value in (each.partition("=") for each in selector.split(",") if each)
    )


def _has_fields(thing: Object, selector: str) -> bool:
    for each in filter(None, selector.split(",")):
        path, unequal, value = each.partition("!=")
        if not unequal:
            path, _, value = each.partition("=")
        found: Any = thing
        for name in path.split("."):
            found = (found or {}).get(name)
        if (found == value) == bool(unequal):
            return False
    return True
