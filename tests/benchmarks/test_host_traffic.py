"""What moves arrays between device and host is found in a lowered program, and nothing else is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import io_callback
from jax.experimental.buffer_callback import buffer_callback

from benchmarks.host_traffic import custom_calls, host_traffic

X = jax.ShapeDtypeStruct((3,), jnp.float32)
CALLBACKS = {
    "pure": lambda x: jax.pure_callback(np.sin, X, x),
    "io": lambda x: io_callback(np.sin, X, x),
    "print": lambda x: (jax.debug.print("{}", x), x)[1],
    "buffer": lambda x: buffer_callback(lambda context, out, x: None, X)(x),
}


def lowered(function, platform="cuda"):
    return jax.jit(function).trace(X).lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_callback_is_found(name):  # only a machine with a GPU lowers the first three for one
    assert host_traffic(lowered(CALLBACKS[name], "cpu")).total() == 1


def test_a_callback_on_a_gpu_is_found():
    assert host_traffic(lowered(CALLBACKS["buffer"])) == {"xla_buffer_python_gpu_callback": 1}


def test_each_callback_counts():
    assert host_traffic(lowered(lambda x: CALLBACKS["pure"](CALLBACKS["io"](x)), "cpu")).total() == 2


def test_an_array_that_is_moved_to_the_hosts_memory_is_found():
    text = lowered(lambda x: jax.device_put(x, jax.memory.Space.Host) + 1)
    assert host_traffic(text) == {"annotate_device_placement": 1}


def test_feeds_are_found_in_both_ways_of_printing():
    text = '%0 = "stablehlo.infeed"(%token)\n%1 = stablehlo.outfeed %0\n%2 = stablehlo.send_more %1'
    assert host_traffic(text) == {"infeed": 1, "outfeed": 1}


def test_other_custom_calls_are_no_traffic():
    text = lowered(lambda x: jnp.linalg.cholesky(jnp.outer(x, x)))
    assert custom_calls(text) and not host_traffic(text)
