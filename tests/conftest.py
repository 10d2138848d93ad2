"""Shared by all tests: the compilation cache, and worlds whose compiled functions are worth sharing."""

import gc
import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")  # before anything imports jax

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jax
import pytest

from envs.physics import PhysicsOptions
from envs.tasks.humanoid_walk import HumanoidWalk, HumanoidWalkConfig
from envs.worlds.vector import VecEnv
from tests.precision import float64

CACHE = Path(__file__).parents[1] / ".cache" / "jax-tests"
jax.config.update("jax_compilation_cache_dir", str(CACHE))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
jax.config.update("jax_debug_key_reuse", True)
gc.set_threshold(100_000, 50, 100)  # seldom, since `forget_programs` collects after each module


@pytest.fixture(scope="module", autouse=True)
def forget_programs() -> Iterator[None]:
    """Free what a module compiled: each program keeps a megabyte, and beside thousands of them compiling is slow."""
    yield
    jax.clear_caches()
    gc.collect()
    gc.freeze()  # what is left stays, so the next collection need not look at it


@dataclass(frozen=True)
class CompiledWorlds:
    """A `VecEnv` and its compiled functions: programs with host callbacks are never cached on disk."""

    vec_env: VecEnv
    init: Callable
    fresh: Callable
    step: Callable

    @classmethod
    def compile(cls, vec_env: VecEnv) -> "CompiledWorlds":
        return cls(vec_env, jax.jit(vec_env.init), jax.jit(vec_env.fresh), jax.jit(vec_env.step))


@pytest.fixture(scope="session")
def humanoid_walk() -> HumanoidWalk:
    """Humanoid-walk with its default rewards, on native physics."""
    return HumanoidWalk(HumanoidWalkConfig(), PhysicsOptions("native"))


@pytest.fixture(scope="session")
def humanoid_worlds(humanoid_walk) -> CompiledWorlds:
    """Four worlds of `humanoid_walk`."""
    return CompiledWorlds.compile(VecEnv(humanoid_walk, num_envs=4))


@pytest.fixture(name="float64")
def float64_everywhere() -> Iterator[None]:
    """Double precision, see `tests.precision`."""
    with float64():
        yield


@pytest.fixture
def mujoco_log_elsewhere(tmp_path, monkeypatch) -> None:
    """For tests that break a world on purpose: MuJoCo appends its warnings to a file in the working directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def storage(monkeypatch):
    """A server with the bucket `gs://runs`, which fails only when it is told to; failed requests are soon repeated."""
    pytest.importorskip("google.cloud.storage", reason="the extra `bucket` is not installed")
    from flexrl.storage import bucket
    from tests.launch.bucket.server import StorageServer

    monkeypatch.setattr(bucket, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(bucket, "LONGEST_WAIT", 0.05)
    with StorageServer().serving() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server
