"""The one file that talks to a Kubernetes cluster: bounded attempts at every request, and one line when it fails.

Every request can be sent twice without harm: objects are applied by name, deleted by identity, and read.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any, NoReturn

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from flexrl.common.errors import ConfigError

MANAGER = "flexrl"  # owns the fields that it applied
ATTEMPTS = 5  # at a request that may go well another time
READINGS = 3  # of a list that expired while it was read
TIMEOUT_SECONDS = 30.0
LOG_SECONDS = 5.0  # for a few lines of a log; a node that does not answer keeps the API server for up to a minute
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds between attempts; doubled each time
PAGE = 500  # objects in an answer
PASSING = (429, 500, 502, 503, 504)
IN_CLUSTER = "KUBERNETES_SERVICE_HOST"  # set in every pod

APPLY = "application/apply-patch+yaml"
MERGE = "application/strategic-merge-patch+json"
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PATHS = {
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
}
OWNED = ("ConfigMap", "Service")  # kinds that go with their Jobs
CORE = "/api/v1/namespaces/{}/"

WAYS_OUT = {
    400: "this cluster reads manifests otherwise; Kubernetes 1.33 or newer is needed",
    401: "log in to the cluster again, or choose another --context",
    403: "ask for the Role flexrl-launcher of k8s/base/rbac.yaml, or choose another --namespace or --context",
    404: "make the namespace (kubectl create namespace NAME), or choose another --namespace",
    409: "give the fields back (kubectl edit), or cancel and submit again",
    410: "ask again",
    422: "change what the message names in the sweep's file",
}

QUOTA = "exceeded quota"  # in the message of a 403 that more rights would not help
QUOTA_WAY_OUT = (
    "wait until other trials have ended, remove Jobs that have (kubectl delete job NAME; cluster.keep_seconds says "
    "how long they stay), or ask for a larger quota"
)

Object = dict[str, Any]
Query = list[tuple[str, str]]


class Unavailable(ConnectionError):
    """The cluster did not answer, or not now; what was asked for may be asked for again."""


class Unreadable(Unavailable):
    """A pod's log could not be read, such as that of a pod on a node that does not answer."""


class Cluster:
    """One namespace of a cluster."""

    def __init__(self, namespace: str, context: str | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        """Nothing is sent yet.

        Args:
          namespace: of all objects.
          context: of the kubeconfig; its current one when not given. Without a kubeconfig in a pod, that pod's cluster.
          sleep: waits between attempts.

        Raises:
          ConfigError: if there is no usable kubeconfig.
        """
        self.namespace = namespace
        self._sleep = sleep
        self._api = client.ApiClient(_configuration(context))

    def apply(self, manifest: Object, dry_run: bool = False) -> Object:
        """Make an object, or change what differs; the object as it is then.

        Raises:
          ConfigError: if the cluster refuses it.
          Unavailable: if it did not answer.
        """
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        query = [("fieldManager", MANAGER), ("fieldValidation", "Strict")] + [("dryRun", "All")] * dry_run
        path = f"{PATHS[kind].format(self.namespace)}/{name}"
        found = self._json(f"apply {kind} {name}", "PATCH", path, query, manifest, APPLY)
        if "deletionTimestamp" in found["metadata"]:
            raise ConfigError(f"{kind} {name} is being removed, its trials are still saving; wait, then submit again")
        return found

    def own(self, owned: Object, job: Object) -> None:
        """Let a ConfigMap or Service go when the last of its Jobs does."""
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job["metadata"]["name"],
            "uid": job["metadata"]["uid"],
            "blockOwnerDeletion": True,  # a Job that is gone takes nothing along that was applied anew
        }
        self._change(owned["kind"], owned, {"metadata": {"ownerReferences": [owner]}})

    def jobs(self, selector: str) -> list[Object]:
        """Jobs with these labels.

        Raises:
          ConfigError: if there is no such namespace.
        """
        found = self._list("list Jobs", PATHS["Job"].format(self.namespace), [("labelSelector", selector)])
        if not found:
            self._require_namespace()
        return found

    def _require_namespace(self) -> None:
        """Refuse a namespace that does not exist, of which every list is empty."""
        try:
            self._once("GET", f"/api/v1/namespaces/{self.namespace}", [], {"Accept": "application/json"}, None)
        except ApiException as error:
            if error.status == 404:
                self._refused("look", error)
            # Otherwise somebody let us list what is in it, so it is there, although we may not look at it.

    def pods(self, selector: str, succeeded: bool) -> list[Object]:
        """Pods with these labels: those that ended well, or all others."""
        query = [("labelSelector", selector), ("fieldSelector", f"status.phase{'=' if succeeded else '!='}Succeeded")]
        return self._list("list Pods", f"{CORE.format(self.namespace)}pods", query)

    def owned(self, selector: str) -> list[Object]:
        """ConfigMaps and Services with these labels, their metadata alone."""
        found = []
        for kind in OWNED:
            path = PATHS[kind].format(self.namespace)
            items = self._list(f"list {kind}s", path, [("labelSelector", selector)], METADATA)
            found += [{**each, "kind": kind} for each in items]
        return found

    def warnings(self) -> dict[str, str]:
        """The newest warning about each Job, by its name, such as that a quota is used up."""
        fields = "involvedObject.kind=Job,type=Warning"
        events = self._list("list Events", f"{CORE.format(self.namespace)}events", [("fieldSelector", fields)])
        events.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
        return {event["involvedObject"]["name"]: event.get("message", "") for event in events}

    def log(self, pod: str, lines: int | None = None) -> str:
        """What a pod printed, or its last lines; asked for once.

        Raises:
          Unreadable: if it cannot be read now.
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
        """Change how many pods of a Job may run at once."""
        self._change("Job", job, {"spec": {"parallelism": parallelism}})

    def set_keep_seconds(self, job: Object, seconds: int) -> None:
        """Change after how long a Job that has ended is removed."""
        self._change("Job", job, {"spec": {"ttlSecondsAfterFinished": seconds}})

    def _change(self, kind: str, thing: Object, body: Object) -> None:
        name = thing["metadata"]["name"]
        path = f"{PATHS[kind].format(self.namespace)}/{name}"
        self._request(f"change {kind} {name}", "PATCH", path, [("fieldManager", MANAGER)], body, MERGE)

    def remove(self, thing: Object) -> None:
        """Remove a ConfigMap or Service."""
        kind, name, uid = thing["kind"], thing["metadata"]["name"], thing["metadata"]["uid"]
        path = f"{PATHS[kind].format(self.namespace)}/{name}"
        body = {"preconditions": {"uid": uid}}
        self._request(f"delete {kind} {name}", "DELETE", path, [], body, "application/json", gone_is_well=True)

    def delete(self, job: Object) -> None:
        """Remove a Job after its pods have saved and ended; no other Job that has taken its name meanwhile."""
        name, uid = job["metadata"]["name"], job["metadata"]["uid"]
        body = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}}
        path = f"{PATHS['Job'].format(self.namespace)}/{name}"
        self._request(f"delete Job {name}", "DELETE", path, [], body, "application/json", gone_is_well=True)

    def _list(self, what: str, path: str, query: Query, accept: str = "application/json") -> list[Object]:
        """All pages of a list; from the first one again when the cluster forgot what it was about to go on with."""
        for _ in range(READINGS):
            items: list[Object] = []
            start = ""
            while True:
                asked = [*query, ("limit", str(PAGE))] + ([("continue", start)] if start else [])
                try:
                    page = self._json(what, "GET", path, asked, accept=accept)
                except _Expired:
                    break
                items += page["items"] or []  # an empty list of metadata comes as null
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
    """What was asked for is gone for good: of a list, the rest."""


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
    configuration.retries = False  # attempts are counted here, and nowhere else  # pyright: ignore
    return configuration


def _told(error: ApiException) -> str:
    """An answer's code, reason and message."""
    try:
        message = json.loads(error.body or "")["message"]
    except (ValueError, KeyError, TypeError):
        message = (error.body or "").strip()[:200]
    return f"{error.status} {error.reason}" + (f": {message}" if message else "")


def _retry_after(error: ApiException) -> float | None:
    """Seconds after which the cluster wants to be asked again."""
    value = (error.headers or {}).get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".split(" object at ")[0][:200]
