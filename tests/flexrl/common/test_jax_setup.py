import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NO_DEVICE = "int cuInit(unsigned flags) { return 100; }"  # CUDA_ERROR_NO_DEVICE
TINY = ["--env", "Hopper-v5", "--total-steps", "64", "--num-envs", "4", "--algorithm.unroll-length", "8"]


@pytest.fixture
def made_for_a_gpu(tmp_path, monkeypatch):
    """A Python path as where JAX's CUDA packages are installed; LD_LIBRARY_PATH has an empty folder."""
    (tmp_path / "packages" / "jax_cuda12_plugin").mkdir(parents=True)
    (tmp_path / "packages" / "jax_cuda12_plugin" / "__init__.py").touch()
    (tmp_path / "driver").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "driver"))
    monkeypatch.delenv("JAX_PLATFORMS")
    return tmp_path / "driver"


def python(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )


def default_profile(**environment):
    code = (
        "from flexrl.cli.devices import default_profile; from flexrl.common.jax_setup import prepare_jax; "
        "prepare_jax(); "
        "print(default_profile(), default_profile())"
    )
    return python("-c", code, **environment)


def test_without_a_driver_one_line_says_where_it_was_looked_for(made_for_a_gpu):
    done = default_profile()
    assert (done.returncode, done.stdout) == (0, "cpu cpu\n")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(
        f"goes on on the CPU: the driver's libcuda.so.1 is neither in LD_LIBRARY_PATH ({made_for_a_gpu}) nor where "
    )


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_a_driver_without_a_device_is_told_apart(made_for_a_gpu):
    source = made_for_a_gpu / "driver.c"
    source.write_text(NO_DEVICE)
    subprocess.run(["cc", "-shared", "-o", made_for_a_gpu / "libcuda.so.1", source], check=True)
    line = default_profile(NVIDIA_VISIBLE_DEVICES="void").stderr
    assert "libcuda.so.1 was found, but sees no device it can use (cuInit: 100; NVIDIA_VISIBLE_DEVICES: void)" in line


def test_a_run_that_needs_a_gpu_is_refused_in_one_line(made_for_a_gpu, tmp_path):
    done = python("-m", "flexrl.train", *TINY, "--profile", "gpu", "--workspace", str(tmp_path))
    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(
        "error: profile: 'gpu' was asked for, but JAX sees no accelerator: the driver's libcuda"
    )
    done = python("-m", "flexrl.train", *TINY, "--workspace", str(tmp_path), JAX_PLATFORMS="cuda")
    assert (done.returncode, done.stderr.count("\n")) == (65, 1)
    assert done.stderr.startswith("error: JAX_PLATFORMS: 'cuda' asks for a GPU, but the driver's libcuda.so.1 is")


def test_without_cuda_packages_nothing_is_said_unless_a_gpu_is_asked_for(tmp_path):
    assert default_profile().stderr == ""
    done = python("-m", "flexrl.train", *TINY, "--profile", "gpu", "--workspace", str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (65, 1)
    assert "neither jax_cuda12_plugin nor jax_cuda13_plugin is installed" in done.stderr


def test_compiled_programs_are_kept_below_the_cache_folder(tmp_path):
    code = (
        "from flexrl.common.jax_setup import prepare_jax; prepare_jax(); import jax, warp; warp.init(); "
        "print(jax.config.jax_compilation_cache_dir, warp.config.kernel_cache_dir)"
    )
    done = python("-c", code, XDG_CACHE_HOME=str(tmp_path))
    jax_folder, warp_folder = done.stdout.splitlines()[-1].split()
    assert jax_folder == str(tmp_path / "flexrl" / "jax") and warp_folder.startswith(f"{tmp_path}/warp/")


def test_a_cache_folder_that_cannot_be_written_is_replaced_for_one_process(tmp_path):
    (tmp_path / "file").touch()
    code = (
        "from flexrl.common.jax_setup import prepare_jax; prepare_jax(); import jax, warp; warp.init(); "
        "jax.jit(lambda x: x + 1)(1.0); print(warp.config.kernel_cache_dir)"
    )
    done = python("-c", code, XDG_CACHE_HOME=str(tmp_path / "file" / "cache"), TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{tmp_path}/flexrl-cache-")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
