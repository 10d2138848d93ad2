"""One training iteration for every algorithm: sample, update, count."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.types import Algorithm, Source


@struct.dataclass
class Run:
    """The whole state of a run: the one thing that is checkpointed."""

    train: Any  # the algorithm's
    source: Any  # the source's: worlds and policy memory
    hyper: dict[str, Array]  # traced hyper-parameters
    key: Array  # random key of the next iteration
    step: Array  # () int32, iterations done


class Engine:
    """Compiled iterations.

    With physics in the program an iteration is one program. With a host callback in it, it is two: JAX never caches
    a program with a callback, so the small rollout is compiled at every start and the large update comes from the
    compilation cache.
    """

    def __init__(self, algorithm: Algorithm, source: Source, *, num_iterations: int, has_host_callback: bool) -> None:
        """Define the programs; `compile` builds them. Schedules span `num_iterations`."""
        self._algorithm = algorithm
        self._num_iterations = num_iterations
        self._source = source
        self._is_split = has_host_callback
        self._sample_program: Any = jax.jit(self._sample, donate_argnums=1)
        self._update_program: Any = jax.jit(algorithm.update, donate_argnums=0)
        self.program: Any = jax.jit(self._iterate, donate_argnums=0)

    def init(self, seed: int) -> Run:
        """A run before its first iteration."""
        key_train, key_source, key_run = jax.random.split(jax.random.key(seed), 3)
        train = jax.jit(self._algorithm.init)(key_train)
        source = jax.jit(self._init_source)(train, key_source)
        return Run(train, source, self._algorithm.init_hyper(), key_run, jnp.zeros((), jnp.int32))

    def template(self) -> Run:
        """Shapes and dtypes of a run, without computing one."""
        return jax.eval_shape(self.init, 0)

    def compile(self) -> None:
        """Build the programs, so that `step` only runs them."""
        run = self.template()
        if not self._is_split:
            self.program = self.program.lower(run).compile()
            return
        batch = jax.eval_shape(self._sample, run.train, run.source, run.key)[1]
        sample = self._sample_program.lower(run.train, run.source, run.key)
        hyper = jax.eval_shape(self._hyper, run)
        update = self._update_program.lower(run.train, batch, hyper, run.key)
        with ThreadPoolExecutor() as pool:  # the compiler leaves Python alone
            self._sample_program, self._update_program = pool.map(lambda program: program.compile(), (sample, update))

    def step(self, run: Run) -> tuple[Run, dict[str, Array]]:
        """The next run and this iteration's metrics; the run given is used up."""
        if not self._is_split:
            return self.program(run)
        return self._iteration(run, self._sample_program, self._update_program)

    def policy(self, run: Run) -> Any:
        """The run's policy, acting deterministically."""
        return self._algorithm.policy(run.train, deterministic=True)

    def _hyper(self, run: Run) -> dict[str, Array]:
        """The traced hyper-parameters, and `progress`: the part of the run that is done, in [0, 1)."""
        return run.hyper | {"progress": run.step / self._num_iterations}

    def _init_source(self, train: Any, key: Array) -> Any:
        return self._source.init(self._algorithm.policy(train), key)

    def _sample(self, train: Any, source: Any, key: Array) -> tuple[Any, Any, dict[str, Array]]:
        return self._source.sample(source, self._algorithm.policy(train), key)

    def _iterate(self, run: Run) -> tuple[Run, dict[str, Array]]:
        return self._iteration(run, self._sample, self._algorithm.update)

    def _iteration(self, run: Run, sample: Callable, update: Callable) -> tuple[Run, dict[str, Array]]:
        key, key_sample, key_update = jax.random.split(run.key, 3)
        source, batch, sample_metrics = sample(run.train, run.source, key_sample)
        train, update_metrics = update(run.train, batch, self._hyper(run), key_update)
        return Run(train, source, run.hyper, key, run.step + 1), {**sample_metrics, **update_metrics}
