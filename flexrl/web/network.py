"""A feed-forward policy as numbers that `page/policy.js` reads: layers as JSON, weights as one float32 array."""

from collections.abc import Iterable

import numpy as np

from algos.common.distributions import TanhNormal
from algos.common.networks import MLP
from algos.common.types import Policy
from algos.ppo.policy import PPOPolicy
from envs.types import Reflection
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.policies.portable import Portable

READ = ("observation", "goal")  # the inputs that the page computes


def network_of(policy: Policy, function: Portable) -> tuple[JsonObject, np.ndarray]:
    """Return what a policy's network is made of, and its weights.

    Args:
      policy: the deterministic policy.
      function: the same policy as `portable` describes it.

    Returns:
      network: a dictionary of `observation_size`; `clip`, the bound of normalised observations (None without a
        normaliser); `asked`, constant numbers that are put before the goal, such as a return to ask for (empty if there
        are none); `goal_encoder` (empty if there is none) and `layers`, the number of inputs and outputs of each of
        their layers; `activation`; `mirror`, the left-right reflections (None without symmetry); and `squash`, whether
        actions are bounded by `tanh` or `clip`.
      weights: (N,) float32: mean and standard deviation of the observation; then kernel (inputs x outputs) and bias of
        each layer of the goal encoder, and of each of `layers`. The last layer has only the outputs that give the
        deterministic action.

    Raises:
      ConfigError: if the policy has memory, reads rewards, or computes in bfloat16.
    """
    if unread := [name for name in function.inputs if name not in READ]:
        raise ConfigError(
            f"format: 'web' holds policies that read {' and '.join(READ)} only; this one also reads "
            f"{', '.join(unread)}; use onnx or stablehlo"
        )
    assert isinstance(policy, PPOPolicy)
    module = policy.network.module(policy.params)
    trunk = module.trunk if isinstance(module.trunk, MLP) else module.trunk.loc
    encoder = module.goal_encoder
    parts = [*(_layers(encoder) if encoder else []), *_layers(trunk)]
    num_actions = function.outputs["action"].shape[-1]
    parts[-1] = tuple(x[..., :num_actions] for x in parts[-1])
    normalizer, size = policy.normalizer, function.inputs["observation"].shape[-1]
    mean, deviation = np.zeros(size), np.ones(size)
    if not normalizer.is_unused:
        mean, deviation = np.asarray(normalizer.mean), np.maximum(np.asarray(normalizer.std), 1e-4)
    mirror = policy.network.symmetry.mirror if policy.network.symmetry else None
    num_encoding = len(encoder.layers) if encoder else 0
    sizes = [{"inputs": kernel.shape[0], "outputs": kernel.shape[1]} for kernel, _ in parts]
    network: JsonObject = {
        "observation_size": size,
        "clip": None if normalizer.is_unused else 10.0,
        "asked": [] if policy.asked is None else np.asarray(policy.asked).tolist(),
        "goal_encoder": sizes[:num_encoding],
        "layers": sizes[num_encoding:],
        "activation": trunk.activation,
        "mirror": mirror
        and {
            "observation": _reflection(mirror.obs),
            "goal": _reflection(mirror.goal),
            "action": _reflection(mirror.action),
        },
        "squash": "tanh" if policy.distribution is TanhNormal else "clip",
    }
    arrays = [mean, deviation, *(x for part in parts for x in part)]
    return network, np.concatenate([np.asarray(x, "<f4").ravel() for x in arrays])


def _layers(mlp: MLP) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Yield the kernel (inputs, outputs) and the bias (outputs,) of each layer."""
    for layer in mlp.layers:
        if layer.dtype is not None:
            raise ConfigError(f"format: 'web' computes layers in float32, not in {layer.dtype}; use stablehlo")
        kernel, bias = (np.asarray(x) for x in (layer.kernel[...], layer.bias[...]))  # pyright: ignore[reportOptionalSubscript]
        yield kernel, bias


def _reflection(reflection: Reflection) -> JsonObject:
    return {"order": list(reflection.order), "sign": list(reflection.sign)}
