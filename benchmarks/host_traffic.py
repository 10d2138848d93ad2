"""Finds in the lowered text of a program (StableHLO) the operations that move arrays between device and host.

A step of MJX-Warp does not count as such an operation. It is a custom call that runs Python on the host, which launches
kernels or replays a CUDA graph; but the host neither reads nor writes arrays of the program.
"""

import re
from collections import Counter

CUSTOM_CALL = re.compile(r'stablehlo\.custom_call"?\s*@"?([^\s"(]+)')
TRANSFER = re.compile(r"stablehlo\.(infeed|outfeed|send|recv)\b")
CALLBACK = "callback"  # in the name of each custom call by which JAX calls Python with arrays
PLACEMENT = "annotate_device_placement"  # moves an array between the device's memory and the host's
WARP_CALL = "jax_callable_variadic_tuple"  # in the name of each custom call of MJX-Warp


def host_traffic(lowered: str) -> Counter[str]:
    """Return how often a lowered program contains each operation that moves arrays from or to the host.

    Args:
      lowered: `jax.jit(...).trace(...).lower(...).as_text()`, of any platform.
    """
    moving = (name for name in custom_calls(lowered).elements() if CALLBACK in name or name == PLACEMENT)
    return Counter(moving) + Counter(TRANSFER.findall(lowered))


def warp_calls(lowered: str) -> int:
    """Return how many steps of MJX-Warp a lowered program contains; one within a loop counts once."""
    return sum(number for name, number in custom_calls(lowered).items() if WARP_CALL in name)


def custom_calls(lowered: str) -> Counter[str]:
    """Return how often a lowered program (StableHLO text) contains each custom call, by its name."""
    return Counter(CUSTOM_CALL.findall(lowered))
