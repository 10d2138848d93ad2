"""Matrix products in full 32-bit precision, for stepping worlds."""

import contextlib
from contextlib import AbstractContextManager

import jax


def exact_products() -> AbstractContextManager:
    """Trace matrix products of 32-bit floats without TensorFloat-32, unless the user set a precision in JAX.

    By default an NVIDIA GPU multiplies with 10 bits of mantissa. This is too coarse for physics and for what tasks
    compute from it. Networks are traced outside this context: for them it is at least twice as fast. On a CPU nothing
    changes.
    """
    if jax.config.values["jax_default_matmul_precision"] is not None:
        return contextlib.nullcontext()
    return jax.default_matmul_precision("highest")
