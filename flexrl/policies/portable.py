"""A policy as one pure function of named arrays, for other programs: as StableHLO, with a description in JSON.

The function does all that the policy does: it normalises the observation, encodes the goal, updates the memory and
applies the left-right symmetry. It also holds the weights. The caller keeps the memory: it is zeros at first, and then
what the function returned the step before. The number of worlds, B, is free.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, export
from jax.interpreters import partial_eval

from algos.common.types import Policy
from envs.tasks.humanoid_skills.goals import nominal_goal
from envs.types import EnvSpec, Observation
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.policies.playback import Playback

BATCH = "B"
PLATFORMS = ("cpu", "cuda")
MEANING = {
    "observation": "what the environment observes, in its own units",
    "goal": "what the policy is asked for",
    "reward": "reward of the step before; 0 at the first",
    "episode_start": "whether an episode begins here; clears the memory",
    "action": "in [-1, 1], to be scaled to the range of each actuator",
}


@dataclass(frozen=True)
class Portable:
    """A deterministic policy's function, and the names and shapes of what goes in and out.

    Attributes:
      function: takes arrays in the order of `inputs`, and returns arrays in the order of `outputs`.
      inputs: shape and dtype of each input that the policy reads, by name. The shape begins with a symbolic number of
        worlds, B.
      outputs: shape and dtype of each output, by name, likewise.
    """

    function: Callable[..., tuple[Array, ...]]
    inputs: dict[str, jax.ShapeDtypeStruct]
    outputs: dict[str, jax.ShapeDtypeStruct]


def portable(policy: Policy, spec: EnvSpec) -> Portable:
    """Return a policy as a pure function of named arrays, with the names and shapes of its inputs and outputs.

    Inputs that the policy does not read are left out, such as the goal if the task has none.

    Raises:
      ConfigError: if the policy's memory does not begin as zeros.
    """
    leaves, structure = jax.tree.flatten(policy.init_carry(1))
    if any(np.asarray(leaf).any() for leaf in leaves):
        raise ConfigError(
            "format: this policy's memory does not begin as zeros, so it can only be exported as `policy`"
        )

    def step(obs: Array, goal: Array, reward: Array, is_first: Array, *memory: Array) -> tuple[Array, ...]:
        seen = Observation(obs, goal, reward, is_first)
        later, action, _ = policy.act(jax.tree.unflatten(structure, memory), seen, jax.random.key(0))
        return (action.astype(jnp.float32), *jax.tree.leaves(later))

    (batch,) = export.symbolic_shape(BATCH)
    shape = jax.ShapeDtypeStruct
    names = [f"memory.{i}" for i in range(len(leaves))]
    every = {
        "observation": shape((batch, spec.obs_size), jnp.float32),
        "goal": shape((batch, spec.goal_size), jnp.float32),
        "reward": shape((batch,), jnp.float32),
        "episode_start": shape((batch,), jnp.bool_),
        **{name: shape((batch, *leaf.shape[1:]), leaf.dtype) for name, leaf in zip(names, leaves, strict=True)},
    }
    jaxpr = jax.make_jaxpr(step)(*every.values()).jaxpr
    _, is_read = partial_eval.dce_jaxpr(jaxpr, [0 not in out.aval.shape for out in jaxpr.outvars])
    inputs = {
        name: value for (name, value), read in zip(every.items(), is_read, strict=True) if read and 0 not in value.shape
    }

    def function(*given: Array) -> dict[str, Array]:
        worlds = given[0].shape[0]
        by_name = dict(zip(inputs, given, strict=True))
        unread = {name: jnp.zeros((worlds, *value.shape[1:]), value.dtype) for name, value in every.items()}
        results = dict(zip(["action", *names], step(*(by_name.get(name, unread[name]) for name in every)), strict=True))
        return {name: value for name, value in results.items() if value.size != 0}

    outputs = jax.eval_shape(function, *inputs.values())
    return Portable(lambda *given: tuple(function(*given).values()), inputs, outputs)


def stablehlo(policy: Portable) -> bytes:
    """Return the function as serialized StableHLO, which `jax.export.deserialize(bytes).call(...)` runs."""
    exported = export.export(jax.jit(policy.function), platforms=PLATFORMS)(*policy.inputs.values())
    return bytes(exported.serialize())


def description(playback: Playback, policy: Portable) -> JsonObject:
    """Return the content of `policy.json`: what the policy is, its inputs and outputs in their order, and its goals."""

    def rows(values: dict[str, jax.ShapeDtypeStruct]) -> list[JsonObject]:
        return [
            {
                "name": name,
                "shape": [BATCH, *value.shape[1:]],
                "dtype": np.dtype(value.dtype).name,
                "meaning": MEANING.get(name, "zeros at first, then the output of the same name"),
            }
            for name, value in values.items()
        ]

    config = playback.config
    skills: Any = config.task.skills if config.env == "humanoid-skills" else ()
    return {
        "env": config.env_name,
        "algo": config.algo,
        "step": playback.step,
        "control_period": playback.env.spec.control_period,
        "inputs": rows(policy.inputs),
        "outputs": rows(policy.outputs),
        "goals": {name: nominal_goal(name).tolist() for name in dict.fromkeys(skills)},
    }
