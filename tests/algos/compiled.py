"""Functions that tests call, compiled: each operation outside of a compiled function compiles a program of its own."""

import jax

from algos.common.types import Policy
from algos.dt import windows

windows_at = jax.jit(windows.windows_at, static_argnums=2)


@jax.jit
def act(policy: Policy, carry, observation, key):
    """See `Policy.act`."""
    return policy.act(carry, observation, key)
