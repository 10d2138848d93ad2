"""Choose the devices that a command computes on, and check that they are there."""

import os

from flexrl.common.errors import ConfigError
from flexrl.common.gpu_driver import say_why_no_gpu, why_no_gpu
from flexrl.config.run_config import RunConfig


def default_profile() -> str:
    """Return which defaults fit this machine (its profile): `gpu` if JAX sees an accelerator, else `cpu`.

    If JAX's CUDA packages are installed but no GPU can be used, print why.
    """
    import jax

    say_why_no_gpu()
    return "cpu" if jax.default_backend() == "cpu" else "gpu"


def require_devices(config: RunConfig) -> None:
    """Make JAX use the devices that a run's config asks for.

    Raises:
      ConfigError: if JAX does not see enough of them.
    """
    import jax

    require_profile(config.profile)
    if (found := len(jax.devices())) < config.num_devices:
        raise ConfigError(
            f"num_devices: {config.num_devices} were asked for, and JAX sees {found}; use at most that many"
        )


def require_profile(profile: str) -> None:
    """Make JAX compute on the CPU if the profile is `cpu`. If it is `gpu`, check that JAX sees an accelerator.

    Raises:
      ConfigError: if the profile is `gpu` and JAX sees no accelerator.
    """
    import jax

    if profile == "gpu" and jax.default_backend() == "cpu":
        reason = why_no_gpu() or f"the driver sees a GPU, so look at JAX_PLATFORMS ({os.environ.get('JAX_PLATFORMS')})"
        raise ConfigError(f"profile: 'gpu' was asked for, but JAX sees no accelerator: {reason}; or use --profile cpu")
    if profile == "cpu":
        jax.config.update("jax_platforms", "cpu")
