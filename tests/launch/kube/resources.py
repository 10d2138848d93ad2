"""The resources of the test server, how it describes them to clients, and which objects it refuses."""

import json
import re
from typing import Any

from kubernetes import client

from tests.launch.kube.store import Object, Refused

VERSION = {"major": "1", "minor": "33", "gitVersion": "v1.33.0", "platform": "linux/amd64", "goVersion": "go1.24"}
MAX_CONFIG_MAP, MAX_ANNOTATIONS, MAX_OBJECT = 1 << 20, 256 << 10, 1_500_000  # bytes
MAX_INDEXES = 100_000

KINDS: dict[str, dict[str, tuple[str, Any, bool]]] = {  # group and version, resource: kind, model, namespaced
    "v1": {
        "namespaces": ("Namespace", client.V1Namespace, False),
        "configmaps": ("ConfigMap", client.V1ConfigMap, True),
        "pods": ("Pod", client.V1Pod, True),
        "services": ("Service", client.V1Service, True),
        "events": ("Event", client.CoreV1Event, True),
    },
    "batch/v1": {"jobs": ("Job", client.V1Job, True)},
}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def root(group_version: str) -> str:
    """Return the path under which a group's resources are."""
    return f"/apis/{group_version}" if "/" in group_version else f"/api/{group_version}"


def discovery(path: str) -> Object | None:
    """Return the answer to a discovery request, which kubectl makes first; None for any other path."""
    if path == "/version":
        return VERSION
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        batch = {"groupVersion": "batch/v1", "version": "v1"}
        group = {"name": "batch", "versions": [batch], "preferredVersion": batch}
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]}
    if path == "/openapi/v3":
        paths = {root(each)[1:]: {"serverRelativeURL": f"/openapi/v3{root(each)}?hash=0"} for each in KINDS}
        return {"paths": paths}
    for group_version, resources in KINDS.items():
        if path == root(group_version):
            listed = [
                {"name": name, "singularName": kind.lower(), "kind": kind, "namespaced": namespaced, "verbs": VERBS}
                for name, (kind, _, namespaced) in resources.items()
            ]
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}
        if path == f"/openapi/v3{root(group_version)}":
            return _openapi(group_version)
    return None


def _openapi(group_version: str) -> Object:
    """Return the part of the OpenAPI schema that kubectl reads: the parameters of write requests."""
    group, _, version = group_version.rpartition("/")
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string"}}
        for name in ("dryRun", "fieldManager", "fieldValidation", "force")
    ]
    paths = {}
    for name, (kind, _, namespaced) in KINDS[group_version].items():
        place = root(group_version) + "/namespaces/{namespace}" * namespaced + f"/{name}"
        known = {"group": group, "version": version, "kind": kind}
        write = {"parameters": parameters, "responses": {}, "x-kubernetes-group-version-kind": known}
        paths[place] = {"post": write | {"x-kubernetes-action": "post"}}
        paths[place + "/{name}"] = {
            "patch": write | {"x-kubernetes-action": "patch"},
            "put": write | {"x-kubernetes-action": "put"},
        }
    info = {"title": "Kubernetes", "version": "v1.33.0"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


def require_valid(kind: str, model: Any, thing: Object, before: Object | None) -> None:
    """Check an object as Kubernetes does: unknown fields, values that models or rules exclude, and its size.

    Raises:
      Refused: with 400 or 422, if the object is not valid.
    """
    try:
        model.model_validate(thing)
    except ValueError as error:
        raise Refused(400, "BadRequest", f"strict decoding error: {' '.join(str(error).split())[:500]}") from None
    name = thing["metadata"].get("name", "")
    wrong = _wrong_metadata(name, thing)
    wrong += {"Job": _wrong_job, "ConfigMap": _wrong_config_map}.get(kind, lambda *_: [])(thing, before)
    if wrong:
        raise Refused(422, "Invalid", f'{kind} "{name}" is invalid: {"; ".join(wrong)}')


def _wrong_metadata(name: str, thing: Object) -> list[str]:
    wrong = []
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", name):
        wrong.append(f"metadata.name: Invalid value: {name!r}")
    if len(json.dumps(thing["metadata"].get("annotations") or {})) > MAX_ANNOTATIONS:
        wrong.append("metadata.annotations: Too long: may not be more than 262144 bytes")
    if len(json.dumps(thing)) > MAX_OBJECT:
        wrong.append("etcdserver: request is too large")
    return wrong


def _wrong_config_map(thing: Object, before: Object | None) -> list[str]:
    wrong = []
    if sum(map(len, (thing.get("data") or {}).values())) > MAX_CONFIG_MAP:
        wrong.append("data: Too long: may not be more than 1048576 bytes")
    if before and before.get("immutable") and before.get("data") != thing.get("data"):
        wrong.append("data: Forbidden: field is immutable when `immutable` is set")
    return wrong


def _wrong_job(thing: Object, before: Object | None) -> list[str]:
    spec = thing["spec"]
    pod = spec["template"]["spec"]
    rules = (spec.get("podFailurePolicy") or {}).get("rules", [])
    containers = {each["name"] for each in pod["containers"]}
    limited = spec.get("backoffLimitPerIndex") is not None
    wrong = []

    def require(condition: bool, message: str) -> None:
        if not condition:
            wrong.append(message)

    require(len(thing["metadata"]["name"]) <= 57, "metadata.name: must leave room for an index in 63 characters")
    require(pod.get("restartPolicy") in ("Never", "OnFailure"), "spec.template.spec.restartPolicy: Unsupported value")
    require(spec.get("completionMode") in ("Indexed", "NonIndexed", None), "spec.completionMode: Unsupported value")
    require(spec.get("completions", 1) <= MAX_INDEXES, "spec.completions: must be less than or equal to 100000")
    require(spec.get("parallelism", 1) <= MAX_INDEXES, "spec.parallelism: must be less than or equal to 100000")
    require(limited or spec.get("maxFailedIndexes") is None, "spec.maxFailedIndexes: needs backoffLimitPerIndex")
    succeeded = [rule for rule in (spec.get("successPolicy") or {}).get("rules", [])]
    require(not succeeded or spec.get("completionMode") == "Indexed", "spec.successPolicy: needs Indexed")
    require(
        all(rule.keys() & {"succeededIndexes", "succeededCount"} for rule in succeeded), "successPolicy.rules: empty"
    )
    require(not rules or pod.get("restartPolicy") == "Never", "restartPolicy: only Never with podFailurePolicy")
    require(not rules or spec.get("podReplacementPolicy") == "Failed", "podReplacementPolicy: must be Failed")
    mounts = {mount["name"] for each in pod["containers"] for mount in each.get("volumeMounts", [])}
    require(mounts <= {each["name"] for each in pod.get("volumes", [])}, "volumeMounts: volume not found")
    for rule in rules:
        codes = rule.get("onExitCodes") or {}
        require(rule["action"] in ("Count", "FailIndex", "FailJob", "Ignore"), "action: Unsupported value")
        require(limited or rule["action"] != "FailIndex", "action: FailIndex needs backoffLimitPerIndex")
        require(not codes or 0 not in codes["values"], "onExitCodes.values: must not be 0 for the In operator")
        require(codes.get("containerName", "trial") in containers, "onExitCodes.containerName: no such container")
    for name in ("template", "completions", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"):
        same = before is None or before["spec"].get(name) == spec.get(name)
        require(same, f"spec.{name}: Invalid value: field is immutable")
    return wrong
