"""Compile and run the training iterations of every algorithm: sample a batch, then update by it."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from algos.common.schedules import faded
from algos.common.types import Algorithm, Source, SteppingSource
from envs.worlds.shards import ALONE, AXIS, Shards
from flexrl.common.types import PyTree
from flexrl.engine.streaming import Stream, StreamedDataset
from flexrl.storage.checkpoint import is_key, key_data

TASK = "task."  # prefix of hyper-parameters that belong to the environment, not to the algorithm
SHARED, OWN = PartitionSpec(), PartitionSpec(AXIS)  # replicated on every device, or split among the devices


@struct.dataclass
class RunState:
    """The whole training state of one run, which is what a checkpoint holds.

    It holds the state of the algorithm and of the worlds or other source of batches, the hyper-parameters that are
    inputs of the compiled program, the next random key, and the number of iterations done.
    """

    train: PyTree  # train state of the algorithm
    source: PyTree  # worlds and policy memory, or what else the source needs; one for each device, along a leading axis
    hyper: dict[str, Array]  # () each, traced; the names of the environment's reward weights begin with `task.`
    key: Array  # random key of the next iteration
    step: Array  # () int32, number of iterations done


class Engine:
    """Runs training iterations as compiled programs.

    If the physics is part of the compiled program, one program computes a whole iteration. If the physics calls back to
    the host, there are two programs: a small one that samples and a large one that updates. JAX never caches a program
    with a host callback, so the small one is compiled at every start, and the large one comes from the compilation
    cache.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        source: Source,
        *,
        num_iterations: int,
        has_host_callback: bool,
        shards: Shards = ALONE,
        num_members: int = 1,
        data: PyTree = None,
        weights: Mapping[str, float] | None = None,
        fading: Collection[str] = (),
    ) -> None:
        """Define the programs of a training iteration. `compile` compiles them.

        Args:
          algorithm: the algorithm that learns.
          source: samples the algorithm's batches, from worlds that it steps or from a dataset.
          num_iterations: number of iterations over which schedules of hyper-parameters are spread.
          has_host_callback: whether sampling calls back to the host.
          shards: how many devices share the worlds.
          num_members: number of runs that one program computes together, on one device. On a CPU that is no faster than
            one run after the other, and the results differ in the last bits.
          data: the dataset that the source samples from, the same for all devices and members. It is an argument of the
            programs, is not donated, and is not part of a run. If it is read from files, only the update is compiled.
          weights: the environment's reward weights by name, which become inputs of the programs; None if the source
            steps no worlds.
          fading: names of those `weights` that fade to 0 while the run goes on (`algos.common.schedules.faded`).
        """
        assert num_members == 1 or shards.num == 1
        self.algorithm = algorithm
        self._num_iterations = num_iterations
        self._source = source
        self._weights = dict(weights or {})
        self._fading = fading
        self._stream = Stream(source, data) if isinstance(data, StreamedDataset) else None
        self._is_split = has_host_callback or self._stream is not None
        self._mesh = None if shards.num == 1 else Mesh(jax.devices()[: shards.num], (AXIS,))
        self._data = None if self._stream else jax.tree.map(self._put_on_all, data)
        self._sample = self._on_devices(self._sample_locally, (SHARED, SHARED, OWN, SHARED, SHARED), (OWN, OWN, SHARED))
        self._update = self._on_devices(algorithm.update, (SHARED, OWN, SHARED, SHARED), (SHARED, SHARED))
        self._num_members = num_members
        if num_members > 1:
            self._sample = jax.vmap(self._sample, in_axes=(None, 0, 0, 0, 0))
            self._update = jax.vmap(self._update)
        self._sample_program: Any = jax.jit(self._sample, donate_argnums=2)
        self._update_program: Any = jax.jit(self._update, donate_argnums=0)
        self.program: Any = jax.jit(self._iterate, donate_argnums=0)

    def init(
        self, seed: int, algorithm: Algorithm | None = None, weights: Mapping[str, float] | None = None
    ) -> RunState:
        """Return the state of a run before its first iteration.

        Hyper-parameters such as the learning rate, and the reward weights, are inputs of the compiled program. So the
        runs of one engine may differ in them.

        Args:
          seed: seed of the networks, of the worlds and of all that follows.
          algorithm: the algorithm with the run's own hyper-parameters; None for the engine's.
          weights: the run's own reward weights by name; None for the engine's.
        """
        return self.place(self._init(seed, algorithm, weights))

    def join(self, runs: list[RunState]) -> RunState:
        """Stack the states of the runs that are computed together (members of a batch) along a leading axis.

        The state of a single run is returned as it is.
        """
        return runs[0] if self._num_members == 1 else jax.tree.map(_stacked, *runs)

    def member(self, tree: PyTree, i: int) -> PyTree:
        """Return the part of run `i` in a tree that holds, along a leading axis, all runs computed together."""
        return tree if self._num_members == 1 else jax.tree.map(lambda x: _row(x, i), tree)

    def template(self) -> RunState:
        """Return the shapes, dtypes and device placement of one run without computing one."""
        run = jax.eval_shape(self._init, 0)
        if self._mesh is None:
            return run
        return jax.tree.map(_struct, run, self._places(run))

    def place(self, run: RunState) -> RunState:
        """Put a run with this engine's shapes on the engine's devices."""
        return run if self._mesh is None else jax.tree.map(_put, run, self._places(run))

    def compile(self) -> None:
        """Compile the programs ahead of time, so that `step` only runs them."""
        run = self.template()
        if self._num_members > 1:
            run = jax.eval_shape(self.join, [run] * self._num_members)
        if not self._is_split:
            self.program = self.program.lower(run, self._data).compile()
            return
        data = self._data if self._stream is None else self._stream.shapes()
        hyper = jax.eval_shape(self._hyper, run)
        batch = jax.eval_shape(self._sample, data, run.train, run.source, hyper, run.key)[1]
        if self._mesh is not None:
            batch, hyper = self._struct_on(batch, OWN), self._struct_on(hyper, SHARED)
        update = self._update_program.lower(run.train, batch, hyper, run.key)
        if self._stream is not None:
            self._update_program = update.compile()
            return
        sample = self._sample_program.lower(self._data, run.train, run.source, hyper, run.key)
        with ThreadPoolExecutor() as pool:  # compiling releases the GIL
            self._sample_program, self._update_program = pool.map(lambda program: program.compile(), (sample, update))

    def step(self, run: RunState) -> tuple[RunState, dict[str, Array]]:
        """Run one iteration of all runs computed together, and return their next state and the iteration's metrics.

        The buffers of the given run are donated: it cannot be used again.
        """
        if not self._is_split:
            return self.program(run, self._data)
        if self._stream is None:
            return self._iteration(run, self._data, self._sample_program, self._update_program)
        return self._streamed_iteration(run, self._stream)

    def on_host(self, run: RunState) -> PyTree:
        """Return the whole run as arrays that this host can read. All hosts that share the worlds must call this."""
        if self._mesh is None or not self._mesh.is_multi_process:
            return run
        run = run.replace(key=self._put_on_all(run.key))
        gathered = jax.jit(key_data, out_shardings=NamedSharding(self._mesh, SHARED))(run)
        return jax.tree.map(lambda x: x.addressable_data(0), gathered)

    def policy(self, run: RunState) -> Any:
        """Return the deterministic policy of one run, on one device."""
        train = run.train if self._mesh is None else jax.tree.map(lambda x: x.addressable_data(0), run.train)
        return self.algorithm.policy(train, deterministic=True)

    def _init(
        self, seed: int, algorithm: Algorithm | None = None, weights: Mapping[str, float] | None = None
    ) -> RunState:
        algorithm, weights = algorithm or self.algorithm, weights or self._weights
        key_train, key_source, key_run = jax.random.split(jax.random.key(seed), 3)
        train = jax.jit(algorithm.init)(key_train)
        init_source = jax.jit(self._on_devices(self._init_source, (SHARED, SHARED), OWN))
        source = init_source(*jax.tree.map(self._put_on_all, (train, key_source)))
        of_task = {TASK + name: jnp.array(weight, jnp.result_type(float)) for name, weight in weights.items()}
        return RunState(train, source, algorithm.init_hyper() | of_task, key_run, jnp.zeros((), jnp.int32))

    def _hyper(self, run: RunState) -> dict[str, Array]:
        """Return by name the hyper-parameters and reward weights that are inputs of the program, and `progress`.

        `progress` is the fraction of the run that is done, in [0, 1).
        """
        return run.hyper | {"progress": run.step / self._num_iterations}

    def _init_source(self, train: PyTree, key: Array) -> Any:
        return self._source.init(self.algorithm.policy(train), key)

    def _sample_locally(
        self, data: PyTree, train: PyTree, state: PyTree, hyper: dict[str, Array], key: Array
    ) -> tuple[Any, Any, dict[str, Array]]:
        """Sample a batch on one device, with the reward weights in `hyper`.

        Args:
          data: the dataset; None if there is none.
          train: the algorithm's train state, from which the acting policy is made.
          state: state of the source, which steps worlds or draws from the dataset.
          hyper: hyper-parameters and reward weights by name, and `progress`.
          key: random key of the batch.

        Returns:
          The source's next state, the batch, and scalar metrics.
        """
        weights = {name: hyper[TASK + name] for name in self._weights}
        weights |= {name: faded(weights[name], hyper["progress"]) for name in self._fading if name in weights}
        source = cast(SteppingSource, self._source).reweighted(weights) if weights else self._source
        return source.sample(data, state, self.algorithm.policy(train), key)

    def _iterate(self, run: RunState, data: PyTree = None) -> tuple[RunState, dict[str, Array]]:
        return self._iteration(run, data, self._sample, self._update)

    def _iteration(
        self, run: RunState, data: PyTree, sample: Callable, update: Callable
    ) -> tuple[RunState, dict[str, Array]]:
        """Sample a batch and update the algorithm by it. Return the run's next state, and the metrics of both.

        `sample` and `update` are compiled programs or, if the whole iteration is one program, the functions that it is
        traced from.
        """
        key, key_sample, key_update = self._split(run.key)
        hyper = self._hyper(run)
        source, batch, sample_metrics = sample(data, run.train, run.source, hyper, key_sample)
        train, update_metrics = update(run.train, batch, hyper, key_update)
        return RunState(train, source, run.hyper, key, run.step + 1), {**sample_metrics, **update_metrics}

    def _streamed_iteration(self, run: RunState, stream: Stream) -> tuple[RunState, dict[str, Array]]:
        """Run one iteration on a batch that was read in the background, and begin to read the next batch.

        Keys stay on the CPU: splitting a key on the device would wait for the update before it.
        """
        with jax.default_device(stream.cpu):
            on_cpu = jax.random.wrap_key_data(jnp.asarray(np.asarray(jax.random.key_data(run.key))))
            key, key_sample, key_update = self._split(on_cpu)
            batch = stream.take(key_sample)
            stream.announce(self._split(jax.random.clone(key))[1])
        if self._mesh is not None:
            batch = jax.tree.map(_put, batch, self._places_of(batch, OWN))
        train, metrics = self._update_program(run.train, batch, self._hyper(run), self._put_on_all(key_update))
        return RunState(train, run.source, run.hyper, key, run.step + 1), metrics

    def _split(self, key: Array) -> Any:
        """Split a key into three keys; if several runs are computed together, split the key of each."""
        if self._num_members == 1:
            return jax.random.split(key, 3)
        return jax.vmap(lambda key: tuple(jax.random.split(key, 3)))(key)

    def _on_devices(self, function: Callable, inputs: tuple, outputs: Any) -> Callable:
        """Wrap a function to run on every device. With one device, return it as it is.

        `inputs` and `outputs` mark each argument and result as `OWN` or `SHARED`. One that is `OWN` has a leading axis
        of devices, of which each device gets its row. One that is `SHARED` is the same on all devices.
        """
        if self._mesh is None:
            return function

        def locally(*args: Any) -> Any:
            parts = [
                jax.tree.map(lambda x: x[0], x) if spec == OWN else x for x, spec in zip(args, inputs, strict=True)
            ]
            results = function(*parts)
            if outputs == OWN:
                return jax.tree.map(lambda x: x[None], results)
            pairs = zip(results, outputs, strict=True)
            return tuple(jax.tree.map(lambda x: x[None], x) if spec == OWN else x for x, spec in pairs)

        return jax.shard_map(locally, mesh=self._mesh, in_specs=inputs, out_specs=outputs, check_vma=False)

    def _places(self, run: RunState) -> RunState:
        shared = self._places_of(run.replace(source=None), SHARED)
        return shared.replace(source=self._places_of(run.source, OWN))

    def _places_of(self, tree: PyTree, spec: PartitionSpec) -> Any:
        assert self._mesh is not None
        shared, split = NamedSharding(self._mesh, SHARED), NamedSharding(self._mesh, spec)
        return jax.tree.map(lambda x: split if x.size else shared, tree)  # an empty array cannot be split

    def _put_on_all(self, x: Array) -> Array:
        if isinstance(x, jax.core.Tracer):  # in `jax.eval_shape`, which places nothing
            return x
        return jax.device_put(x) if self._mesh is None else _put(x, NamedSharding(self._mesh, SHARED))

    def _struct_on(self, tree: PyTree, spec: PartitionSpec) -> Any:
        return jax.tree.map(_struct, tree, self._places_of(tree, spec))


def _stacked(*rows: Array) -> Array:
    if is_key(rows[0]):  # as raw data: JAX's check for key reuse would count stacked keys as used
        return jax.random.wrap_key_data(jnp.stack([jax.random.key_data(row) for row in rows]))
    return jnp.stack(rows)


def _row(x: Array, i: int) -> Array:
    return jax.random.wrap_key_data(jax.random.key_data(x)[i]) if is_key(x) else x[i]


def _put(x: Any, place: NamedSharding) -> Array:
    """Put an array on devices, laid out as `place` says.

    If some of the devices belong to other hosts, every host must have the whole array and call this. Each then fills
    the devices that belong to it.
    """
    if place.is_fully_addressable:
        return jax.device_put(x, place)
    if isinstance(x, Array) and x.sharding == place:
        return x
    if is_key(x):
        return jax.random.wrap_key_data(_put(jax.random.key_data(x), place))
    here = np.asarray(x) if x.size else np.empty(x.shape, x.dtype)
    return jax.make_array_from_callback(x.shape, place, lambda index: here[index])


def _struct(x: Any, place: NamedSharding) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=place)
