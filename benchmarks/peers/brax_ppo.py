"""Brax's PPO on brax's humanoid, one training step for every `go` read; see `benchmarks.peers.process`."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec


def device_put_replicated(tree: Any, devices: Sequence[Any]) -> Any:
    """What `jax.device_put_replicated` was for `pmap`: a new leading axis, with one copy on each device."""
    sharding = NamedSharding(Mesh(devices, ("i",)), PartitionSpec("i"))  # brax names its pmap axis i
    return jax.tree.map(lambda x: jax.device_put(jnp.stack([jnp.asarray(x)] * len(devices)), sharding), tree)


# JAX 0.10 removed it, and brax 0.14.2 calls it to hand its first train state to `pmap`. The sharding is the one
# that `pmap` returns: with any other the second training step would compile everything again.
if not hasattr(jax, "device_put_replicated"):
    jax.device_put_replicated = device_put_replicated

from brax import envs  # noqa: E402
from brax.training.agents.ppo import train as ppo  # noqa: E402

# By device. The humanoid's settings in brax's own notebook; on a CPU fewer worlds and samples, so that one
# training step takes seconds.
RECIPE = {
    "episode_length": 1000,
    "unroll_length": 10,
    "num_updates_per_batch": 8,
    "discounting": 0.97,
    "learning_rate": 3e-4,
    "entropy_cost": 1e-3,
    "reward_scaling": 0.1,
    "normalize_observations": True,
}
SETTINGS = {
    "cpu": {**RECIPE, "num_envs": 256, "batch_size": 64, "num_minibatches": 16},
    "gpu": {**RECIPE, "num_envs": 2048, "batch_size": 1024, "num_minibatches": 32},
}
BACKEND = "mjx"
MAX_CALLS = 100_000  # brax must know how many there will be; the parent ends this process before


class Pace:
    """Answers the parent after every training step, and waits for the next `go`."""

    def __init__(self, answers: Any) -> None:
        """Remember where answers go."""
        self._answers = answers
        self._started = 0.0

    def answer(self, **values: Any) -> None:
        """Send one line, and wait to be told to go on; end the process when the parent is gone."""
        print(json.dumps(values), file=self._answers, flush=True)
        if not sys.stdin.readline():
            sys.exit()
        self._started = time.perf_counter()

    def progress(self, num_steps: int, metrics: Any) -> None:
        """What brax calls after every training step."""
        self.answer(seconds=time.perf_counter() - self._started)


def make_env() -> Any:
    """Brax's humanoid on MJX."""
    return envs.get_environment("humanoid", backend=BACKEND)


def device_settings() -> dict[str, Any]:
    """The settings for this machine's device, as `ppo.train` takes them."""
    return SETTINGS["cpu" if jax.default_backend() == "cpu" else "gpu"]


def steps_per_call(settings: dict[str, Any]) -> int:
    """Control steps of one training step."""
    return settings["batch_size"] * settings["num_minibatches"] * settings["unroll_length"]


def train(env: Any, progress: Callable[[int, Any], None], **options: Any) -> None:
    """Train until the process ends; brax calls `progress` after every training step."""
    settings = device_settings()
    ppo.train(
        env,
        num_timesteps=MAX_CALLS * steps_per_call(settings),
        num_evals=MAX_CALLS + 1,  # progress is reported at evaluations, which do not run
        run_evals=False,
        progress_fn=progress,
        **settings,
        **options,
    )


def main() -> None:
    """Train until told to stop."""
    settings = device_settings()
    pace = Pace(sys.stdout)
    with contextlib.redirect_stdout(sys.stderr):
        env = make_env()
        pace.answer(num_steps=steps_per_call(settings), settings={**settings, "backend": BACKEND})
        train(env, pace.progress)


if __name__ == "__main__":
    main()
