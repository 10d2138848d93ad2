"""The only module that talks to a Kubernetes cluster.

It repeats a failed request a few times, and then raises an error of one line. Every request can be sent twice without
harm: objects are applied by name, deleted by uid, or only read.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any, NoReturn

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from flexrl.common.errors import ConfigError, Unavailable
from flexrl.common.types import JsonObject

MANAGER = "flexrl"  # field manager of server-side apply: owns the fields that we set
ATTEMPTS = 5  # at a request that failed for a reason that may pass
READINGS = 3  # attempts at a list that expired while its pages were read
TIMEOUT_SECONDS = 30.0  # of one request
LOG_SECONDS = 5.0  # timeout for a log's last lines: if a node is down, the API server waits for it for up to a minute
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds between attempts; doubled each time
PAGE = 500  # objects in one page of a list
PASSING = (429, 500, 502, 503, 504)  # HTTP codes after which a request is repeated
IN_CLUSTER = "KUBERNETES_SERVICE_HOST"  # set in every pod

APPLY = "application/apply-patch+yaml"
MERGE = "application/strategic-merge-patch+json"
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PATHS = {
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
}
OWNED = ("ConfigMap", "Service")  # kinds that Kubernetes deletes with the Jobs that own them
CORE = "/api/v1/namespaces/{}/"

WAYS_OUT = {  # what a user can do, by HTTP code
    400: "this cluster does not understand the request; Kubernetes 1.33 or newer is needed",
    401: "log in to the cluster again, or choose another --context",
    403: "ask for the Role flexrl-launcher of k8s/base/rbac.yaml, or choose another --namespace or --context",
    404: "make the namespace (kubectl create namespace NAME), or choose another --namespace",
    409: "undo the other manager's change (kubectl edit), or cancel and submit again",
    410: "ask again",
    422: "change what the message names in the sweep's file",
}

QUOTA = "exceeded quota"  # in the message of a 403 that means a full quota, not missing rights
QUOTA_WAY_OUT = (
    "wait until other trials have ended, remove Jobs that have (kubectl delete job NAME; cluster.keep_seconds says "
    "how long they stay), or ask for a larger quota"
)

Object = JsonObject
Query = list[tuple[str, str]]


class Unreadable(Unavailable):
    """A pod's log could not be read, for example because its node does not answer."""


class Cluster:
    """Creates, reads, changes and deletes a sweep's objects in one namespace of a cluster, and reads its pods' logs.

    The objects are Jobs, ConfigMaps and Services. A request that fails for a passing reason is repeated a few times
    (one for a log is not), then raises `Unavailable`. A request that the cluster refuses raises `ConfigError`.
    """

    def __init__(self, namespace: str, context: str | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        """Read the kubeconfig. Sends no request.

        Args:
          namespace: namespace of all objects.
          context: context of the kubeconfig; its current one if not given. In a pod without KUBECONFIG, the default is
            the pod's own cluster.
          sleep: function that waits between attempts.

        Raises:
          ConfigError: if there is no usable kubeconfig.
        """
        self.namespace = namespace
        self._sleep = sleep
        self._api = client.ApiClient(_configuration(context))

    def apply(self, manifest: Object, dry_run: bool = False) -> Object:
        """Create an object, or change the fields that differ; return the object as it is afterwards.

        With `dry_run` the cluster only checks the object.

        Raises:
          ConfigError: if the cluster refuses it.
          Unavailable: if the cluster did not answer.
        """
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        query = [("fieldManager", MANAGER), ("fieldValidation", "Strict")] + [("dryRun", "All")] * dry_run
        path = f"{PATHS[kind].format(self.namespace)}/{name}"
        found = self._json(f"apply {kind} {name}", "PATCH", path, query, manifest, APPLY)
        if "deletionTimestamp" in found["metadata"]:
            raise ConfigError(f"{kind} {name} is being removed, its trials are still saving; wait, then submit again")
        return found

    def own(self, owned: Object, job: Object) -> None:
        """Add a Job to the owners of a ConfigMap or Service in the cluster.

        Kubernetes deletes the ConfigMap or Service by itself once all Jobs that own it are gone.

        Args:
          owned: the ConfigMap or Service; only its kind and name are read.
          job: the Job as the cluster returned it, with its name and uid.

        Raises:
          ConfigError: if the cluster refuses the change.
          Unavailable: if the cluster did not answer.
        """
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job["metadata"]["name"],
            "uid": job["metadata"]["uid"],
            "blockOwnerDeletion": True,  # a deleted Job does not take along what was applied again since
        }
        self._change(owned["kind"], owned, {"metadata": {"ownerReferences": [owner]}})

    def jobs(self, selector: str) -> list[Object]:
        """Return the Jobs of the namespace whose labels match a label selector.

        Raises:
          ConfigError: if the namespace does not exist.
        """
        found = self._list("list Jobs", PATHS["Job"].format(self.namespace), [("labelSelector", selector)])
        if not found:
            self._require_namespace()
        return found

    def _require_namespace(self) -> None:
        """Raise ConfigError if the namespace does not exist.

        Kubernetes lists the objects of a missing namespace as an empty list, not as an error.
        """
        try:
            self._once("GET", f"/api/v1/namespaces/{self.namespace}", [], {"Accept": "application/json"}, None)
        except ApiException as error:
            if error.status == 404:
                self._refused("look", error)
            # Any other error: listing was allowed, so the namespace exists, although we may not read it.

    def pods(self, selector: str, succeeded: bool) -> list[Object]:
        """Return the pods with the labels of a selector.

        Args:
          selector: label selector.
          succeeded: True for only the pods that succeeded; False for only all others.
        """
        query = [("labelSelector", selector), ("fieldSelector", f"status.phase{'=' if succeeded else '!='}Succeeded")]
        return self._list("list Pods", f"{CORE.format(self.namespace)}pods", query)

    def owned(self, selector: str) -> list[Object]:
        """Return the metadata of the ConfigMaps and Services with these labels."""
        found = []
        for kind in OWNED:
            path = PATHS[kind].format(self.namespace)
            items = self._list(f"list {kind}s", path, [("labelSelector", selector)], METADATA)
            found += [{**each, "kind": kind} for each in items]
        return found

    def warnings(self) -> dict[str, str]:
        """Return the newest warning about each Job by the Job's name, such as that a quota is used up."""
        fields = "involvedObject.kind=Job,type=Warning"
        events = self._list("list Events", f"{CORE.format(self.namespace)}events", [("fieldSelector", fields)])
        events.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
        return {event["involvedObject"]["name"]: event.get("message", "") for event in events}

    def log(self, pod: str, lines: int | None = None) -> str:
        """Return a pod's log, or its last `lines` lines. The request is not repeated.

        Raises:
          Unreadable: if the log cannot be read now.
        """
        query = [("tailLines", str(lines))] if lines else []
        path = f"{CORE.format(self.namespace)}pods/{pod}/log"
        seconds = LOG_SECONDS if lines else TIMEOUT_SECONDS
        try:
            return self._once("GET", path, query, {"Accept": "application/json"}, None, seconds).decode(
                errors="replace"
            )
        except ApiException as error:
            problem = _told(error)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            problem = f"no answer within {seconds:g} s ({_cause(error)})"
        raise Unreadable(f"the log of Pod {pod} cannot be read: {problem}")

    def set_parallelism(self, job: Object, parallelism: int) -> None:
        """Set how many pods of a Job may run at once."""
        self._change("Job", job, {"spec": {"parallelism": parallelism}})

    def set_keep_seconds(self, job: Object, seconds: int) -> None:
        """Set after how many seconds a finished Job is removed."""
        self._change("Job", job, {"spec": {"ttlSecondsAfterFinished": seconds}})

    def _change(self, kind: str, thing: Object, body: Object) -> None:
        name = thing["metadata"]["name"]
        path = f"{PATHS[kind].format(self.namespace)}/{name}"
        self._request(f"change {kind} {name}", "PATCH", path, [("fieldManager", MANAGER)], body, MERGE)

    def remove(self, thing: Object) -> None:
        """Delete a ConfigMap or Service. One that is already gone is no error."""
        kind, name, uid = thing["kind"], thing["metadata"]["name"], thing["metadata"]["uid"]
        path = f"{PATHS[kind].format(self.namespace)}/{name}"
        body = {"preconditions": {"uid": uid}}
        self._request(f"delete {kind} {name}", "DELETE", path, [], body, "application/json", gone_is_well=True)

    def delete(self, job: Object) -> None:
        """Delete a Job, whose pods save and end first. A newer Job of the same name is not touched."""
        name, uid = job["metadata"]["name"], job["metadata"]["uid"]
        body = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}}
        path = f"{PATHS['Job'].format(self.namespace)}/{name}"
        self._request(f"delete Job {name}", "DELETE", path, [], body, "application/json", gone_is_well=True)

    def _list(self, what: str, path: str, query: Query, accept: str = "application/json") -> list[Object]:
        """Return the objects on all pages of a list.

        If the cluster says that the rest of the list has expired, start again at the first page.

        Args:
          what: what the request does, such as `list Jobs`, for error messages.
          path: path of the list in the cluster's API.
          query: parameters of the request, such as the label selector.
          accept: the form of answer that the request asks for, as a media type.

        Raises:
          Unavailable: if the list expired `READINGS` times.
        """
        for _ in range(READINGS):
            items: list[Object] = []
            start = ""
            while True:
                asked = [*query, ("limit", str(PAGE))] + ([("continue", start)] if start else [])
                try:
                    page = self._json(what, "GET", path, asked, accept=accept)
                except _Expired:
                    break
                items += page["items"] or []  # an empty list of metadata is sent as null
                start = page["metadata"].get("continue", "")
                if not start:
                    return items
        raise Unavailable(f"{what}: the list expired while it was read, {READINGS} times; try again later")

    def _json(self, *request: Any, **options: Any) -> Object:
        return json.loads(self._request(*request, **options))

    def _request(
        self,
        what: str,
        method: str,
        path: str,
        query: Query,
        body: Object | None = None,
        content_type: str | None = None,
        accept: str = "application/json",
        gone_is_well: bool = False,
    ) -> bytes:
        headers = {"Accept": accept} | ({"Content-Type": content_type} if content_type else {})
        wait, problem = FIRST_WAIT, ""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(method, path, query, headers, body)
            except ApiException as error:
                if error.status == 404 and gone_is_well:
                    return b""
                if error.status not in PASSING:
                    self._refused(what, error)
                problem = _told(error)
                asked = _retry_after(error)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                problem, asked = f"no answer from {self._api.configuration.host} ({_cause(error)})", None
            if attempt < ATTEMPTS:
                self._sleep(min(LONGEST_WAIT, wait if asked is None else asked))
                wait *= 2
        raise Unavailable(f"{what} in namespace {self.namespace}: {problem}, {ATTEMPTS} times; try again later")

    def _once(
        self,
        method: str,
        path: str,
        query: Query,
        headers: dict[str, str],
        body: Object | None,
        seconds: float | None = None,
    ) -> bytes:
        request = self._api.param_serialize(
            method, path, query_params=query, header_params={**headers}, body=body, auth_settings=["BearerToken"]
        )
        response = self._api.call_api(*request, _request_timeout=seconds or TIMEOUT_SECONDS)
        data = response.read()
        if not 200 <= response.status <= 299:
            raise ApiException(http_resp=response)
        return data

    def _refused(self, what: str, error: ApiException) -> NoReturn:
        way_out = WAYS_OUT.get(error.status or 0, "choose another --context, or check its certificate")
        if error.status == 403 and QUOTA in _told(error):
            way_out = QUOTA_WAY_OUT
        kind = _Expired if error.status == 410 else ConfigError
        raise kind(f"{what} in namespace {self.namespace}: {_told(error)}; {way_out}") from None


class _Expired(ConfigError):
    """While a list was read page by page, the cluster let it expire (HTTP 410): it must be read from the start."""


def _configuration(context: str | None) -> client.Configuration:
    configuration = client.Configuration()
    try:
        if context is None and IN_CLUSTER in os.environ and "KUBECONFIG" not in os.environ:
            config.load_incluster_config(client_configuration=configuration)
        else:
            path = os.environ.get("KUBECONFIG")
            config.load_kube_config(config_file=path, context=context, client_configuration=configuration)
    except (config.ConfigException, OSError, TypeError, ValueError) as error:
        raise ConfigError(
            f"kubeconfig: {error}; set KUBECONFIG to its path, or --context to one of kubectl config get-contexts"
        ) from None
    configuration.retries = False  # `_request` repeats, and nothing below it  # pyright: ignore
    return configuration


def _told(error: ApiException) -> str:
    """Return code, reason and message of an error answer in one line."""
    try:
        message = json.loads(error.body or "")["message"]
    except (ValueError, KeyError, TypeError):
        message = (error.body or "").strip()[:200]
    return f"{error.status} {error.reason}" + (f": {message}" if message else "")


def _retry_after(error: ApiException) -> float | None:
    """Return after how many seconds the cluster wants the request again; None if it does not say."""
    value = (error.headers or {}).get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".split(" object at ")[0][:200]
