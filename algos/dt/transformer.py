"""The Decision Transformer's network. Axes: B windows, K control steps, P tokens of a step, H embedding.

Source: Chen et al. 2021, with GPT-2's blocks (Radford et al. 2019): layer norms before each part and after the last.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from algos.common.networks import ACTIVATIONS, Definition
from algos.common.types import Params
from algos.dt.config import DTConfig
from algos.dt.windows import Windows
from envs.types import EnvSpec

EPSILON = 1e-5  # of layer norms
BLOCK_SCALE = 0.02  # standard deviation of the first weights within blocks
NUM_DROPOUTS = 3  # in each block

Dropout = Callable[[Array], Array]


class DecisionTransformer(nnx.Module):
    """The Decision Transformer's network. A step's tokens are: return-to-go, goal, observation, action.

    The return-to-go is there with the condition `return`, the goal if it has a token of its own.
    """

    def __init__(self, config: DTConfig, spec: EnvSpec, *, rngs: nnx.Rngs) -> None:
        """Build the layers.

        The last layer has one output for each number of an action, or two if `config.stochastic`: location and scale.
        """
        self.config = config
        size, options = config.embed_size, _options(config)
        has_goal_token = spec.goal_size > 0 and config.goal_input == "token"
        obs_size = spec.obs_size + (0 if has_goal_token else spec.goal_size)
        self.embed_return = _linear(1, size, rngs, options) if config.condition == "return" else None
        self.embed_goal = _linear(spec.goal_size, size, rngs, options) if has_goal_token else None
        self.embed_obs = _linear(obs_size, size, rngs, options)
        self.embed_action = _linear(spec.action_size, size, rngs, options)
        self.embed_time = (
            nnx.Embed(
                spec.episode_length, size, embedding_init=nnx.initializers.normal(stddev=1.0), **options, rngs=rngs
            )
            if config.time_embedding
            else None
        )
        self.embed_norm = _norm(size, rngs)
        self.blocks = nnx.List(Block(config, rngs=rngs) for _ in range(config.num_layers))
        self.norm = _norm(size, rngs)
        self.head = _linear(size, spec.action_size * (2 if config.stochastic else 1), rngs, options)

    def __call__(self, windows: Windows, key: Array | None = None) -> Array:
        """Return the prediction, before tanh, of the action that follows each observation.

        Args:
          windows: windows (B, K, ...) of K consecutive control steps, with normalised observations.
          key: random key of dropout; None to drop nothing.

        Returns:
          Shape (B, K, A) for A numbers of an action; (B, K, 2 A), locations and then scales before softplus, if the
          config is `stochastic`.
        """
        tokens = self._tokens(windows)  # (B, K, P, H)
        num_windows, _, num_tokens, size = tokens.shape
        length = tokens.shape[1] * num_tokens
        x = self.embed_norm(tokens.reshape(-1, size))  # flat, so that no gradient needs a transposed copy
        is_real = jnp.repeat(windows.valid, num_tokens, axis=1)
        mask = jnp.tril(jnp.ones((length, length), bool)) & is_real[:, None, :]
        drop, *drops = self._dropouts(key)
        x = drop(x)
        for i, block in enumerate(self.blocks):
            x = block(x, mask, drops[NUM_DROPOUTS * i : NUM_DROPOUTS * (i + 1)])
        at_obs = x.reshape(tokens.shape)[:, :, -2]  # the last token is the action's
        return self.head(self.norm(at_obs)).astype(windows.obs.dtype)

    def _tokens(self, windows: Windows) -> Array:
        config = self.config
        tokens = []
        if self.embed_return is not None:
            tokens.append(self.embed_return(windows.return_to_go[..., None] / config.return_scale))
        if self.embed_goal is None:
            obs = jnp.concatenate([windows.obs, windows.goal], axis=-1)
        else:
            tokens.append(self.embed_goal(windows.goal))
            obs = windows.obs
        tokens += [self.embed_obs(obs), self.embed_action(windows.action)]
        stacked = jnp.stack(tokens, axis=2)
        if self.embed_time is not None:
            latest = self.embed_time.num_embeddings - 1
            stacked = stacked + self.embed_time(jnp.minimum(windows.time, latest))[:, :, None]
        return jnp.where(windows.valid[:, :, None, None], stacked, 0)

    def _dropouts(self, key: Array | None) -> list[Dropout]:
        num, rate = 1 + NUM_DROPOUTS * self.config.num_layers, self.config.dropout
        if key is None or rate == 0:
            return [lambda x: x] * num
        return [make_dropout(rate, key) for key in jax.random.split(key, num)]


class Block(nnx.Module):
    """A block of attention and dense layers, each with a residual connection."""

    def __init__(self, config: DTConfig, *, rngs: nnx.Rngs) -> None:
        """Build the layers."""
        size = config.embed_size
        options: dict[str, Any] = _options(config) | {"kernel_init": nnx.initializers.normal(stddev=BLOCK_SCALE)}
        self.num_heads = config.num_heads
        self.activation = config.activation
        self.norm_attention = _norm(size, rngs)
        self.query_key_value = nnx.Linear(size, 3 * size, **options, rngs=rngs)
        self.attended = nnx.Linear(size, size, **options, rngs=rngs)
        self.norm_dense = _norm(size, rngs)
        self.widen = nnx.Linear(size, 4 * size, **options, rngs=rngs)
        self.narrow = nnx.Linear(4 * size, size, **options, rngs=rngs)

    def __call__(self, x: Array, mask: Array, drops: list[Dropout]) -> Array:
        """Return the tokens (B L, H) after this block.

        Args:
          x: tokens (B L, H): L embeddings of H numbers for each of B windows, one window after the other.
          mask: (B, L, L) bool: whether a token (second axis) may attend to a token (third axis).
          drops: dropouts of the attention weights, of the attention's output and of the dense layers' output.
        """
        drop_weights, drop_attended, drop_dense = drops
        parts = jnp.split(self.query_key_value(self.norm_attention(x)), 3, axis=-1)
        query, key, value = (part.reshape(*mask.shape[:2], self.num_heads, -1) for part in parts)
        scores = jnp.einsum("bqhd,bkhd->bhqk", query, key).astype(x.dtype) / query.shape[-1] ** 0.5
        weights = jax.nn.softmax(jnp.where(mask[:, None], scores, jnp.finfo(x.dtype).min))
        attended = jnp.einsum("bhqk,bkhd->bqhd", drop_weights(weights).astype(value.dtype), value)
        x = x + drop_attended(self.attended(attended.reshape(x.shape)))
        wide = ACTIVATIONS[self.activation](self.widen(self.norm_dense(x)))
        return x + drop_dense(self.narrow(wide))


class TransformerNetwork(Definition[DecisionTransformer]):
    """A `DecisionTransformer`'s static definition, and how to run it on given parameters."""

    def __init__(self, config: DTConfig, spec: EnvSpec) -> None:
        """Define the network for a config and an environment's sizes. No parameters are made yet."""
        super().__init__(lambda rngs: DecisionTransformer(config, spec, rngs=rngs))
        self.config = config
        self.spec = spec

    def __call__(self, params: Params, windows: Windows, key: Array | None = None) -> Array:
        """Return the prediction, before tanh, of the action that follows each observation.

        Args:
          params: parameters of the network, from `init`.
          windows: windows (B, K, ...) of K consecutive control steps, with normalised observations.
          key: random key of dropout; None to drop nothing.

        Returns:
          Shape (B, K, A) for A numbers of an action; (B, K, 2 A), locations and then scales before softplus, if the
          config is `stochastic`.
        """
        return self.module(params)(windows, key)


def make_dropout(rate: float, key: Array) -> Dropout:
    """Return a function that sets a share `rate` of an array's numbers to 0 and scales the others up to make up for it.

    Each number is dropped or kept by a hash of its position and of two random words. Drawing a random number for each
    by JAX's generator took half of an update's time on a CPU.
    """
    words = jax.random.bits(key, (2,), jnp.uint32)
    threshold = jnp.uint32(round(rate * 2**32))

    def drop(x: Array) -> Array:
        place = jnp.arange(x.size, dtype=jnp.uint32).reshape(x.shape)
        return jnp.where(hashed(place, words) >= threshold, x * (1 / (1 - rate)), 0)

    return drop


def hashed(place: Array, words: Array) -> Array:
    """Return evenly distributed hashes (...) uint32 of positions (...) uint32, seeded by two words (2,) uint32.

    Source: the final mixing steps of Appleby's MurmurHash3 and Ellis's Prospector, one after the other.
    """
    x = place * jnp.uint32(0x9E3779B1) + words[0]
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13) ^ words[1]) * jnp.uint32(0xC2B2AE35)
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)


def _options(config: DTConfig) -> dict[str, Any]:
    """Return the number types of layers, as keyword arguments of `flax.nnx` layers.

    They are `dtype`, in which layers compute (None for that of their inputs), and `param_dtype` of the parameters.
    """
    kind = None if config.dtype == "float32" else jnp.dtype(config.dtype)
    return {"dtype": kind, "param_dtype": jnp.result_type(float)}


def _norm(size: int, rngs: nnx.Rngs) -> nnx.LayerNorm:
    return nnx.LayerNorm(size, epsilon=EPSILON, param_dtype=jnp.result_type(float), rngs=rngs)


def _linear(in_size: int, out_size: int, rngs: nnx.Rngs, options: dict[str, Any]) -> nnx.Linear:
    """Return a linear layer with first weights and biases as in PyTorch: uniform within +-1 / sqrt(in_size)."""
    bound = in_size**-0.5

    def even(key: Array, shape: Any, dtype: Any = jnp.float32, out_sharding: Any = None) -> Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return nnx.Linear(in_size, out_size, kernel_init=even, bias_init=even, **options, rngs=rngs)
