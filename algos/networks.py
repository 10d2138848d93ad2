"""Networks as `flax.nnx` modules, kept as plain pytrees of parameters."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

Params = Any  # nested dict of arrays
FIRST_LOG_SCALE = -0.5

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "elu": jax.nn.elu,
    "relu": jax.nn.relu,
    "swish": jax.nn.swish,
    "tanh": jnp.tanh,
}


class MLP(nnx.Module):
    """Dense layers with an activation between them; orthogonal weights, zero biases."""

    def __init__(
        self, in_size: int, hidden: tuple[int, ...], out_size: int, *, activation: str, out_scale: float, rngs: nnx.Rngs
    ) -> None:
        """Build the layers.

        Args:
          in_size: number of inputs.
          hidden: units of each hidden layer.
          out_size: number of outputs.
          activation: a name in `ACTIVATIONS`.
          out_scale: gain of the last layer's weights; small makes first outputs small.
          rngs: source of initial weights.
        """
        sizes = (in_size, *hidden, out_size)
        gains = (2**0.5,) * len(hidden) + (out_scale,)
        self.activation = activation
        self.layers = nnx.List(
            nnx.Linear(a, b, kernel_init=nnx.initializers.orthogonal(gain), rngs=rngs)
            for a, b, gain in zip(sizes, sizes[1:], gains, strict=False)
        )

    def __call__(self, x: Array) -> Array:
        """Outputs (..., out_size) for inputs (..., in_size)."""
        for layer in self.layers[:-1]:
            x = ACTIVATIONS[self.activation](layer(x))
        return self.layers[-1](x)


class ConstantScaleMLP(nnx.Module):
    """An MLP for locations, beside a logarithm of scale that is the same for every input."""

    def __init__(
        self, in_size: int, hidden: tuple[int, ...], out_size: int, *, activation: str, out_scale: float, rngs: nnx.Rngs
    ) -> None:
        """Build the layers; arguments as in `MLP`, with `out_size` counting locations and scales."""
        self.loc = MLP(in_size, hidden, out_size // 2, activation=activation, out_scale=out_scale, rngs=rngs)
        self.log_scale = nnx.Param(jnp.full(out_size // 2, FIRST_LOG_SCALE))

    def __call__(self, x: Array) -> Array:
        """Locations and logarithms of scale (..., out_size) for inputs (..., in_size)."""
        loc = self.loc(x)
        return jnp.concatenate([loc, jnp.broadcast_to(self.log_scale[...], loc.shape)], axis=-1)


class Network:
    """A module's definition, split from its parameters."""

    def __init__(self, build: Callable[[nnx.Rngs], nnx.Module]) -> None:
        """Remember how to build the module; `build` takes the source of initial weights."""
        self._build = build
        self._definition = nnx.split(nnx.eval_shape(lambda: build(nnx.Rngs(0))))[0]

    def init(self, key: Array) -> Params:
        """Fresh parameters."""
        return nnx.to_pure_dict(nnx.state(self._build(nnx.Rngs(key)), nnx.Param))

    def apply(self, params: Params, *inputs: Array) -> Array:
        """The module's output for these parameters."""
        return nnx.merge(self._definition, params)(*inputs)
