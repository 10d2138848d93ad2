"""Exact matrix products where worlds are stepped."""

import contextlib
from contextlib import AbstractContextManager

import jax


def exact_products() -> AbstractContextManager:
    """Trace matrix products of 32-bit floats without TensorFloat-32, unless JAX was told a precision.

    An NVIDIA GPU multiplies with 10 bits of mantissa by default: too coarse for physics and for what tasks compute of
    it, and twice as fast or more for the networks, which are traced outside. On a CPU nothing changes.
    """
    if jax.config.values["jax_default_matmul_precision"] is not None:
        return contextlib.nullcontext()
    return jax.default_matmul_precision("highest")
