"""An example of a task of your own, trained by `python -m flexrl.train --env examples/custom_env.py:PoleOnACart`.

A task names its config class, passes its MuJoCo model to `MujocoTask`, and defines `reset` and `step`. It then trains
on every physics backend with any algorithm, and `python -m envs show` describes it.
"""

from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import mujoco
from jax import Array

from envs.physics import PhysicsOptions, PhysicsSpec, PhysicsState
from envs.task import MujocoTask, first_state
from envs.types import EnvState


@dataclass(frozen=True)
class PoleOnACartConfig:
    """The task's config. Each field is a flag, such as `--task.max-angle`, and a key under `task:` in a config file.

    Attributes:
      max_angle: angle from the vertical in rad beyond which the pole has fallen.
      ctrl_weight: weight of the squared action, which is subtracted from the reward.
    """

    max_angle: float = 0.4
    ctrl_weight: float = 0.01


class PoleOnACart(MujocoTask):
    """Keep a pole upright on a cart. Observation (4): position (m), angle (rad), and their velocities (m/s, rad/s)."""

    Config = PoleOnACartConfig
    episode_length = 500

    def __init__(self, config: PoleOnACartConfig, options: PhysicsOptions) -> None:
        """Load the model; two physics steps of 10 ms make one control step."""
        self.config = config
        model = mujoco.MjModel.from_xml_path(str(Path(__file__).with_suffix(".xml")))
        super().__init__(PhysicsSpec(model, num_substeps=2), options)

    def reset(self, key: Array) -> EnvState:
        """Return the first state of an episode: the pole nearly upright and at rest."""
        key_angle, key_model = jax.random.split(key)
        angle = jax.random.uniform(key_angle, minval=-0.05, maxval=0.05)
        physics = self.start(key_model, qpos=jnp.stack([jnp.zeros(()), angle]), qvel=jnp.zeros(2))
        return first_state(physics, _observe(physics), goal=jnp.zeros(0), metrics={"angle": jnp.abs(angle)}, info={})

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Push the cart for one control step. The reward is 1 minus the cost of the action."""
        physics = self.physics.step(state.physics, self.control(action))
        angle = jnp.abs(physics["qpos"][1])
        return state.replace(
            physics=physics,
            obs=_observe(physics),
            reward=1.0 - self.config.ctrl_weight * jnp.square(action).sum(),
            terminated=angle > self.config.max_angle,
            metrics={"angle": angle},
        )


def _observe(physics: PhysicsState) -> Array:
    return jnp.concatenate([physics["qpos"], physics["qvel"]])
