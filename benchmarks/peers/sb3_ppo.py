"""Trains Stable-Baselines3's PPO in flex-rl's worlds for `benchmarks.learning`, and prints JSON after every rollout.

It runs in the environment `.venv-peers`.
"""

import contextlib
import importlib.metadata
import json
import sys
from typing import IO, Any

import gymnasium
import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from stable_baselines3 import PPO  # pyright: ignore[reportMissingImports]
from stable_baselines3.common.callbacks import BaseCallback  # pyright: ignore[reportMissingImports]
from stable_baselines3.common.vec_env import VecEnv, VecMonitor, VecNormalize  # pyright: ignore[reportMissingImports]

import flexrl.gym  # noqa: F401

ENV = "flexrl/HumanoidWalk-v0"
NUM_ENVS = 16
# RL Zoo's settings for Gymnasium's humanoid, with two changes: sixteen worlds instead of one, and a discount, a lambda
# and a learning rate that reach higher returns here (`benchmarks/README.md`). RL Zoo's initial standard deviation is
# for actions within 0.4, the range of the controls; our actions are within 1.
SETTINGS = {
    "n_steps": 512,
    "batch_size": 256,
    "n_epochs": 5,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "learning_rate": 1e-4,
    "clip_range": 0.3,
    "ent_coef": 0.00238306,
    "vf_coef": 0.431892,
    "max_grad_norm": 2.0,
}
POLICY = {"log_std_init": -1.0, "ortho_init": False, "net_arch": {"pi": [256, 256], "vf": [256, 256]}}
PACKAGES = ("stable-baselines3", "torch", "gymnasium")
MAX_STEPS = 10**12  # the parent ends this process long before


class Worlds(VecEnv):
    """flex-rl's vectorised worlds behind Stable-Baselines3's interface, so that one call steps them all."""

    def __init__(self, num_envs: int) -> None:
        """Build the worlds."""
        self._env = gymnasium.make_vec(ENV, num_envs)
        self._actions = np.empty(0)
        super().__init__(num_envs, self._env.single_observation_space, self._env.single_action_space)

    def reset(self) -> np.ndarray:
        """Reset all worlds, and return their first observations."""
        return self._env.reset(seed=self._seeds[0])[0]

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Step all worlds. A world whose episode ended has restarted; its info holds the episode's last observation."""
        observation, reward, terminated, truncated, info = self._env.step(self._actions)
        done = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(done):
            infos[i] = {"terminal_observation": info["final_obs"][i], "TimeLimit.truncated": bool(truncated[i])}
        return observation, reward, done, infos

    def close(self) -> None:
        """Close the worlds."""
        self._env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of the vectorised environment as a list, repeated for each world; ignore `indices`."""
        return [getattr(self._env, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Raise NotImplementedError: training does not need it."""
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **options: Any) -> list[Any]:
        """Raise NotImplementedError: training does not need it."""
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Return False for each world: none is wrapped."""
        return [False] * self.num_envs


class Tell(BaseCallback):
    """Prints as JSON, after each rollout, the mean return of the last hundred episodes, in unscaled rewards."""

    def __init__(self, lines: IO[str]) -> None:
        """Keep the file that the lines of JSON are printed to."""
        super().__init__()
        self._lines = lines

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        returns = [float(episode["r"]) for episode in self.model.ep_info_buffer]
        if returns:
            row = {"control_steps": self.num_timesteps, "return": sum(returns) / len(returns)}
            print(json.dumps(row), file=self._lines, flush=True)


def main(seed: int) -> None:
    """Train Stable-Baselines3's PPO with a seed until the parent ends this process; print JSON after every rollout."""
    lines = sys.stdout
    settings = {
        "env": ENV,
        "n_envs": NUM_ENVS,
        "normalize": True,
        **SETTINGS,
        **POLICY,
        "activation_fn": "ReLU",
        "threads": 1,
    }
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    print(json.dumps({"settings": settings, "versions": versions}), file=lines, flush=True)
    torch.set_num_threads(1)  # networks of this size are so small that more threads only wait for each other
    with contextlib.redirect_stdout(sys.stderr):
        worlds = VecNormalize(VecMonitor(Worlds(NUM_ENVS)), gamma=SETTINGS["gamma"])
        policy = {**POLICY, "activation_fn": torch.nn.ReLU}
        learner = PPO("MlpPolicy", worlds, policy_kwargs=policy, seed=seed, device="cpu", **SETTINGS)
        learner.learn(MAX_STEPS, callback=Tell(lines))


if __name__ == "__main__":
    main(int(sys.argv[1]))
