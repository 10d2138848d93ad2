"""Runs brax's PPO on brax's humanoid, one training step for every line `go` that it reads.

`benchmarks.peers.process` starts it and talks to it.
"""

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
    """Do what `jax.device_put_replicated` did for `pmap`: copy a tree to each device, along a new leading axis."""
    sharding = NamedSharding(Mesh(devices, ("i",)), PartitionSpec("i"))  # brax names its pmap axis i
    return jax.tree.map(lambda x: jax.device_put(jnp.stack([jnp.asarray(x)] * len(devices)), sharding), tree)


# JAX 0.10 removed this function, but brax 0.14.2 passes its first train state to `pmap` through it. The sharding
# above is the one that `pmap` returns: with any other, the second training step would compile everything again.
if not hasattr(jax, "device_put_replicated"):
    jax.device_put_replicated = device_put_replicated

from brax import envs  # noqa: E402
from brax.training.agents.ppo import train as ppo  # noqa: E402

# Settings of the humanoid in brax's own notebook. A CPU gets fewer worlds and samples, so that a training step takes
# only seconds.
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
MAX_CALLS = 100_000  # training steps; brax needs their number, but the parent ends this process long before


class Pace:
    """Keeps step with the parent process: answers it after every training step, and waits for its next line `go`."""

    def __init__(self, answers: Any) -> None:
        """Keep the file that answers to the parent process are printed to."""
        self._answers = answers
        self._started = 0.0

    def answer(self, **values: Any) -> None:
        """Print one line of JSON, and wait for the next `go`. End the process if the parent is gone."""
        print(json.dumps(values), file=self._answers, flush=True)
        if not sys.stdin.readline():
            sys.exit()
        self._started = time.perf_counter()

    def progress(self, num_steps: int, metrics: Any) -> None:
        """Print a training step's duration for the parent process, as JSON, and wait for its next line `go`.

        The line is `{"seconds": ...}`, counted from the last `go`. Brax calls this method after every training step, as
        its `progress_fn`; the arguments, brax's count of control steps and its metrics, are not used.
        """
        self.answer(seconds=time.perf_counter() - self._started)


def make_env() -> Any:
    """Return brax's humanoid on MJX."""
    return envs.get_environment("humanoid", backend=BACKEND)


def device_settings() -> dict[str, Any]:
    """Return the arguments of brax's `ppo.train` that suit this machine's device, such as the number of worlds."""
    return SETTINGS["cpu" if jax.default_backend() == "cpu" else "gpu"]


def steps_per_call(settings: dict[str, Any]) -> int:
    """Return the control steps, over all worlds, that brax makes in one training step with these arguments."""
    return settings["batch_size"] * settings["num_minibatches"] * settings["unroll_length"]


def train(env: Any, progress: Callable[[int, Any], None], **options: Any) -> None:
    """Train brax's PPO in `env` until the process is ended. Brax calls `progress` after every training step.

    `options` are further arguments of brax's `ppo.train`.
    """
    settings = device_settings()
    ppo.train(
        env,
        num_timesteps=MAX_CALLS * steps_per_call(settings),
        num_evals=MAX_CALLS + 1,  # brax reports progress at each evaluation, although `run_evals` turns evaluations off
        run_evals=False,
        progress_fn=progress,
        **settings,
        **options,
    )


def main() -> None:
    """Train brax's PPO by one step for every line `go` on standard input, until the parent ends the process."""
    settings = device_settings()
    pace = Pace(sys.stdout)
    with contextlib.redirect_stdout(sys.stderr):
        env = make_env()
        pace.answer(num_steps=steps_per_call(settings), settings={**settings, "backend": BACKEND})
        train(env, pace.progress)


if __name__ == "__main__":
    main()
