"""Networks as `flax.nnx` modules, split into a static definition and a plain pytree of parameters."""

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from algos.common.symmetry import Symmetry
from algos.common.types import Params

Module = TypeVar("Module", bound=nnx.Module)
Memory = Any  # hidden states; () for a network without memory
DType = Literal["float32", "bfloat16"]
CELLS: dict[str, Callable[..., Any]] = {"gru": nnx.GRUCell, "lstm": nnx.OptimizedLSTMCell}
FIRST_LOG_SCALE = -0.5
# Gain of the goal encoder's last layer. Encoded goals start near zero, so that layers taken from a parent run without
# an encoder first read almost no command instead of a random one.
FIRST_CODE_SCALE = 0.1

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "elu": jax.nn.elu,
    "relu": jax.nn.relu,
    "swish": jax.nn.swish,
    "tanh": jnp.tanh,
}


class MLP(nnx.Module):
    """Dense layers with an activation between them. Weights start orthogonal, biases start at zero."""

    def __init__(
        self,
        in_size: int,
        hidden: tuple[int, ...],
        out_size: int,
        *,
        activation: str,
        out_scale: float,
        dtype: DType,
        rngs: nnx.Rngs,
    ) -> None:
        """Build the layers.

        Args:
          in_size: number of inputs.
          hidden: units of each hidden layer.
          out_size: number of outputs.
          activation: a name in `ACTIVATIONS`.
          out_scale: gain of the last layer's first weights; a small gain makes the first outputs small.
          dtype: number type in which layers compute; parameters and outputs are float32.
          rngs: source of initial weights.
        """
        sizes = (in_size, *hidden, out_size)
        gains = (2**0.5,) * len(hidden) + (out_scale,)
        self.activation = activation
        kind = None if dtype == "float32" else jnp.dtype(dtype)  # None: the type of the inputs
        number = jnp.result_type(float)
        self.layers = nnx.List(
            nnx.Linear(a, b, kernel_init=nnx.initializers.orthogonal(gain), dtype=kind, param_dtype=number, rngs=rngs)
            for a, b, gain in zip(sizes, sizes[1:], gains, strict=False)
        )

    def __call__(self, x: Array) -> Array:
        """Return the outputs (..., out_size) for inputs (..., in_size)."""
        given = x.dtype
        for layer in self.layers[:-1]:
            x = ACTIVATIONS[self.activation](layer(x))
        return self.layers[-1](x).astype(given)


class ConstantScaleMLP(nnx.Module):
    """An MLP that outputs the locations and scales of distributions over actions.

    It computes the locations from its inputs. The logarithms of the scales are learnt, and the same for every input.
    """

    def __init__(self, in_size: int, hidden: tuple[int, ...], out_size: int, **options: Any) -> None:
        """Build the layers; arguments as in `MLP`, with `out_size` counting locations and scales."""
        self.loc = MLP(in_size, hidden, out_size // 2, **options)
        self.log_scale = nnx.Param(jnp.full(out_size // 2, FIRST_LOG_SCALE))

    def __call__(self, x: Array) -> Array:
        """Return locations, then logarithms of scales, (..., out_size), for inputs (..., in_size)."""
        loc = self.loc(x)
        return jnp.concatenate([loc, jnp.broadcast_to(self.log_scale[...], loc.shape)], axis=-1)


class ControlNetwork(nnx.Module):
    """A policy or value network: layers (the trunk) behind an optional goal encoder and an optional recurrent cell.

    The goal is the last part of the inputs (..., I).
    """

    def __init__(
        self,
        trunk: type[MLP | ConstantScaleMLP],
        in_size: int,
        hidden: tuple[int, ...],
        out_size: int,
        *,
        goal_size: int,
        goal_layers: tuple[int, ...],
        cell: str | None,
        cell_size: int,
        rngs: nnx.Rngs,
        **options: Any,
    ) -> None:
        """Build the goal encoder and the recurrent cell, if asked for, and the layers behind them.

        Args:
          trunk: class of the layers that follow the encoder and the cell.
          in_size: number of inputs, goal included.
          hidden: units of each hidden layer.
          out_size: number of outputs.
          goal_size: number of inputs, at the end, that are the goal.
          goal_layers: units of the goal's encoder; empty for no encoder.
          cell: a name in `CELLS`, or None for a network without memory.
          cell_size: units of the cell.
          rngs: source of initial weights.
          options: further arguments of `MLP`.
        """
        self.goal_size = goal_size
        encodes_goal = bool(goal_size and goal_layers)
        own: dict[str, Any] = options | {"out_scale": FIRST_CODE_SCALE}
        self.goal_encoder = (
            MLP(goal_size, goal_layers[:-1], goal_layers[-1], rngs=rngs, **own) if encodes_goal else None
        )
        in_size += goal_layers[-1] - goal_size if encodes_goal else 0
        self.cell = CELLS[cell](in_size, cell_size, param_dtype=jnp.result_type(float), rngs=rngs) if cell else None
        in_size = cell_size if cell else in_size
        self.trunk = trunk(in_size, hidden, out_size, rngs=rngs, **options)

    def encode(self, inputs: Array) -> Array:
        """Return the inputs (..., I) with the goal, which is their last part, replaced by its encoding.

        Without a goal encoder, return them unchanged.
        """
        if self.goal_encoder is None:
            return inputs
        rest, goal = jnp.split(inputs, [inputs.shape[-1] - self.goal_size], axis=-1)
        return jnp.concatenate([rest, self.goal_encoder(goal)], axis=-1)

    def remember(self, memory: Memory, features: Array, is_first: Array) -> tuple[Memory, Array]:
        """Run the recurrent cell for one step, after clearing the memory where an episode begins (`is_first`).

        Return the new memory and the cell's outputs, which are the inputs of the layers that follow. Without a cell,
        return the memory and `features` unchanged.
        """
        if self.cell is None:
            return memory, features
        return self.cell(jax.tree.map(lambda x: jnp.where(is_first[..., None], 0, x), memory), features)


class Definition(Generic[Module]):
    """A module's static definition, without arrays. It makes new parameters, and a module from given parameters."""

    def __init__(self, build: Callable[[nnx.Rngs], Module]) -> None:
        """Remember how to build the module; `build` takes the source of initial weights."""
        self._build = build
        self._definition = nnx.split(nnx.eval_shape(lambda: build(nnx.Rngs(0))))[0]

    def init(self, key: Array) -> Params:
        """Return new parameters."""
        return nnx.to_pure_dict(nnx.state(self._build(nnx.Rngs(key)), nnx.Param))

    def module(self, params: Params) -> Module:
        """Return the module with parameters from `init`."""
        return nnx.merge(self._definition, params)


class Network(Definition[ControlNetwork]):
    """A `ControlNetwork`'s static definition, and how to run it on given parameters.

    With a symmetry, inputs are pairs (..., 2, I) of the original and its mirror image, and memory is kept for both. The
    output is the mean of the module's output for the original and its reflected output for the mirror image, which
    makes the network exactly symmetric.
    Source: Abdolhosseini et al. 2019, "On learning symmetric locomotion", 3.4.
    """

    def __init__(self, build: Callable[[nnx.Rngs], ControlNetwork], symmetry: Symmetry | None = None) -> None:
        """Remember how to build the module.

        Args:
          build: makes the module from a source of initial weights.
          symmetry: left-right symmetry that the network is to have; None for none.
        """
        super().__init__(build)
        self.symmetry = symmetry
        self.has_memory = nnx.eval_shape(lambda: build(nnx.Rngs(0))).cell is not None

    def init_memory(self, num_envs: int) -> Memory:
        """Return the empty recurrent memory of B = `num_envs` worlds.

        It is made of arrays of zeros (B, H) for a cell of H units, or (B, 2, H) for a symmetric network. A network
        without a recurrent cell has the memory ().
        """
        if not self.has_memory:
            return ()
        cell = self._build(nnx.Rngs(0)).cell
        assert cell is not None
        batch = (num_envs, 2) if self.symmetry else (num_envs,)
        hidden = cell.initialize_carry((*batch, cell.in_features), nnx.Rngs(0))
        return jax.tree.map(lambda x: jnp.zeros(x.shape, jnp.result_type(float)), hidden)

    def step(self, params: Params, memory: Memory, inputs: Array, is_first: Array) -> tuple[Memory, Array]:
        """Run the network for one step. Return the new memory, and outputs (..., out).

        Args:
          params: from `init`.
          memory: the cell's hidden states, arrays (..., H) for H units, from `init_memory` or the step before; () for a
            network without a cell.
          inputs: (..., I), the goal at the end.
          is_first: (...) bool, true where an episode begins: there the memory is cleared first.
        """
        module = self.module(params)
        memory, features = module.remember(memory, module.encode(inputs), self._of_both(is_first))
        return memory, self._symmetric(module.trunk(features))

    def unroll(self, params: Params, memory: Memory, inputs: Array, is_first: Array) -> tuple[Memory, Array]:
        """Run the network for T steps. Return the memory (T, B, ...) after each step, and outputs (T, B, out).

        Args:
          params: from `init`.
          memory: the cell's hidden states before the first step, arrays (B, H) for B worlds and H units; () for a
            network without a cell.
          inputs: (T, B, I), the goal at the end.
          is_first: (T, B) bool, true where an episode begins: there the memory is cleared first.
        """
        if not self.has_memory:
            return self.step(params, memory, inputs, is_first)
        module = self.module(params)

        def remember(memory: Memory, step: tuple[Array, Array]) -> tuple[Memory, tuple[Memory, Array]]:
            memory, features = module.remember(memory, *step)
            return memory, (memory, features)

        _, (memories, features) = jax.lax.scan(remember, memory, (module.encode(inputs), self._of_both(is_first)))
        return memories, self._symmetric(module.trunk(features))

    def _of_both(self, is_first: Array) -> Array:
        """Return `is_first` (...) as it is; with a symmetry, repeated (..., 2), for an input and its mirror image."""
        return is_first if self.symmetry is None else jnp.stack([is_first, is_first], axis=-1)

    def _symmetric(self, output: Array) -> Array:
        """Return the network's output (..., out), given the output of its last layers.

        Without a symmetry the two are the same. With one, the layers' output is a pair (..., 2, out), for an input and
        its mirror image. The second of the pair is reflected back and averaged with the first.
        """
        if self.symmetry is None:
            return output
        return (output[..., 0, :] + self.symmetry.output(output[..., 1, :])) / 2
