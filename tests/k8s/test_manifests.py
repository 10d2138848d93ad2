"""What is sent to a cluster, against Kubernetes' schemas and checkov's rules; the Dockerfile against hadolint's."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from launch.kubernetes.manifests import manifests
from launch.plan.sweep_file import load_sweep
from tests.launch import sweeps

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-k8s" / "bin"  # made by `make k8s-check`
VERSIONS = ("1.33", "1.34", "1.35", "1.36", "1.37")
NOT_KUBERNETES = ("kueue.x-k8s.io",)  # whose schemas are Kueue's

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
needs_tools = pytest.mark.skipif(not TOOLS.exists(), reason="make k8s-check installs the checkers")


def built(overlay):
    """The objects of an overlay."""
    text = subprocess.run(["kubectl", "kustomize", ROOT / "k8s" / overlay], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(text.stdout))


def swept(folder):
    """The objects of sweeps that use every setting of a cluster, of one and of two hosts; the last Job is of one."""
    resources = {"gpu": {"count": 1, "kind": "nvidia-l4"}, "spot": True}
    cluster = {
        "image": f"registry.example/flexrl@sha256:{'0' * 64}",
        "volume_claim": "workspace",
        "namespace": "flexrl",
    }
    fields = {"seeds": 2, "time_limit_minutes": 5.0, "resources": resources}
    cluster |= {"queue": "flexrl", "service_account": "flexrl-trial"}
    cluster |= {"env": {"MLFLOW_TRACKING_URI": "http://mlflow:5000"}, "env_from_secret": ["trackers"]}
    hosts = {**fields, "resources": {**resources, "hosts": 2}, "base": {**sweeps.TINY, "num_devices": 2}}
    objects = []
    for each in (hosts, fields):
        trials = sweeps.trials(folder, cluster=cluster, **each)
        objects += manifests(load_sweep(folder / "sweep.yaml")[0], trials)
    return objects


def named(objects):
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


@needs_kubectl
@pytest.mark.parametrize("overlay", ["minikube", "gke"])
def test_an_overlay_builds_and_fits_a_sweep(tmp_path, overlay):
    objects = named(built(overlay))
    assert all(e["metadata"].get("namespace") == "flexrl" for (kind, _), e in objects.items() if kind == "Deployment")
    pod = swept(tmp_path)[-1]["spec"]["template"]["spec"]
    claim = pod["volumes"][1]["persistentVolumeClaim"]["claimName"]
    assert ("PersistentVolumeClaim", claim) in objects
    account = objects["ServiceAccount", pod["serviceAccountName"]]
    assert account["automountServiceAccountToken"] is False
    bound = [s["name"] for (kind, _), e in objects.items() if kind == "RoleBinding" for s in e["subjects"]]
    assert pod["serviceAccountName"] not in bound
    assert (("LocalQueue", "flexrl") in objects) == (overlay == "gke")


@needs_kubectl
@needs_tools
@pytest.mark.parametrize("overlay", ["minikube", "gke"])
def test_every_object_is_what_each_version_of_kubernetes_knows(tmp_path, overlay):
    objects = [each for each in built(overlay) if not each["apiVersion"].startswith(NOT_KUBERNETES)]
    path = tmp_path / "all.yaml"

    def check(objects):
        path.write_text(yaml.safe_dump_all(objects))
        versions = [part for version in VERSIONS for part in ("-k", version)]
        return subprocess.run(
            [TOOLS / "kubernetes-validate", "--strict", *versions, path], capture_output=True
        ).returncode

    assert check([*objects, *swept(tmp_path)]) == 0
    job = swept(tmp_path)[-1]
    job["spec"]["template"]["spec"]["tolerationz"] = []
    assert check([job]) != 0


@needs_kubectl
@needs_tools
@pytest.mark.parametrize("overlay", ["minikube", "gke"])
def test_every_object_follows_the_rules_of_checkov(tmp_path, overlay):
    path = tmp_path / "all.yaml"

    def failed(objects):
        path.write_text(yaml.safe_dump_all(objects))
        command = [TOOLS / "checkov", "-f", path, "--framework", "kubernetes", "--skip-download", "-o", "json"]
        report = json.loads(subprocess.run(command, capture_output=True, text=True, cwd=tmp_path).stdout)
        assert report["summary"]["passed"] > 50
        return {(each["check_id"], each["resource"]) for each in report["results"]["failed_checks"]}

    objects = [*built(overlay), *swept(tmp_path)]
    assert failed(objects) == set()
    objects[-1]["spec"]["template"]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    assert {check for check, _ in failed(objects)} == {"CKV_K8S_20"}


@needs_tools
def test_the_dockerfile_follows_the_rules_of_hadolint(tmp_path):
    def check(path):
        return subprocess.run([TOOLS / "hadolint", path], capture_output=True, text=True)

    found = check(ROOT / "Dockerfile")
    assert (found.returncode, found.stdout) == (0, "")
    worse = tmp_path / "Dockerfile"
    worse.write_text((ROOT / "Dockerfile").read_text().replace("USER 10001:10001", "USER root"))
    assert "DL3002" in check(worse).stdout
