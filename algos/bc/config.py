"""Hyper-parameters of behavior cloning."""

from dataclasses import dataclass
from typing import Literal

from algos.common.config import AlgorithmConfig
from algos.common.hindsight import Hindsight
from algos.common.networks import ACTIVATIONS, DType
from algos.common.requirements import require

CONDITIONS = ("none", "return", "goal")


@dataclass(frozen=True)
class BCConfig(AlgorithmConfig):
    """Hyper-parameters of behavior cloning.

    The run's `total_steps` counts the control steps in all minibatches: each update adds batch_size.

    Attributes:
      dataset: folder of the dataset, written by `flexrl.collect` or Minari.
      any_environment: also accept a dataset that was recorded in another environment, if all sizes are the same.
      memory_limit_mb: largest dataset, in megabytes, that is loaded into memory; a larger one is read from disk during
        training; null for no limit.
      condition: what the policy is conditioned on: `none` is the task's own goal alone; `return` puts in front of that
        goal the return to reach, per control step until the time limit (RvS); `goal` trains on goals that states of the
        data achieved (`hindsight`) in place of the recorded ones.
      target_return: episode return to ask for when the policy acts; null for the return that a tenth of the data's
        episodes reach or exceed.
      hindsight: how to choose the state that becomes a step's goal, with condition `goal`.
      best_fraction: share of the data's steps to learn from, taken from the episodes of the highest return; 1 for all.
      num_updates: gradient steps per iteration.
      batch_size: control steps per gradient step; a multiple of num_devices.
      learning_rate: AdamW's learning rate; its first value, if final_learning_rate is set.
      final_learning_rate: learning rate at the end of a linear decay over the whole run; null for no decay.
      weight_decay: AdamW's weight decay, which is multiplied by the learning rate.
      max_grad_norm: gradients are scaled down to this global norm; null for no limit.
      normalize_observations: normalise observations by the data's mean and standard deviation, clipped at 10; false
        leaves them raw.
      symmetric: make the policy left-right symmetric: in a mirrored state it takes the mirrored action; for
        environments that have this symmetry; doubles the network's computation.
      policy_layers: hidden units of the policy network.
      goal_layers: units of the layers of an encoder that the goal passes before the policy network; empty for no
        encoder.
      activation: activation function between layers.
      dtype: number type in which layers compute; parameters stay float32.
    """

    dataset: str | None = None
    any_environment: bool = False
    memory_limit_mb: float | None = None
    condition: Literal["none", "return", "goal"] = "none"
    target_return: float | None = None
    hindsight: Hindsight = Hindsight()
    best_fraction: float = 1.0
    num_updates: int = 50
    batch_size: int = 256
    learning_rate: float = 1e-3
    final_learning_rate: float | None = 1e-5
    weight_decay: float = 1e-4
    max_grad_norm: float | None = 1.0
    normalize_observations: bool = True
    symmetric: bool = False
    policy_layers: tuple[int, ...] = (128, 128, 128)
    goal_layers: tuple[int, ...] = ()
    activation: Literal["elu", "relu", "swish", "tanh"] = "swish"
    dtype: DType = "float32"

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        limit = self.memory_limit_mb
        require(limit is None or limit > 0, "memory_limit_mb", limit, "above 0, or null for none")
        require(0 < self.best_fraction <= 1, "best_fraction", self.best_fraction, "above 0 and at most 1")
        for name in ("num_updates", "batch_size"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        for name in ("final_learning_rate", "max_grad_norm"):
            value = getattr(self, name)
            require(value is None or value > 0, name, value, "above 0, or null for none")
        require(self.weight_decay >= 0, "weight_decay", self.weight_decay, "at least 0")
        layers = self.policy_layers
        require(len(layers) > 0 and min(layers) > 0, "policy_layers", layers, "one or more positive sizes")
        require(min(self.goal_layers, default=1) > 0, "goal_layers", self.goal_layers, "positive sizes, or none")
        require(self.condition in CONDITIONS, "condition", self.condition, f"one of {', '.join(CONDITIONS)}")
        require(self.activation in ACTIVATIONS, "activation", self.activation, f"one of {', '.join(ACTIVATIONS)}")

    @property
    def traced(self) -> list[str]:
        """Names of the hyper-parameters that are traced: changing their values needs no recompilation."""
        return ["learning_rate", "weight_decay"] + ["final_learning_rate"] * (self.final_learning_rate is not None)

    @property
    def reads_clock(self) -> bool:
        """Whether learning uses the number of control steps that are left until the time limit.

        If so, a dataset with an episode longer than the environment's time limit is refused.
        """
        return self.condition == "return"

    def steps_per_iteration(self, num_envs: int) -> int:
        """Return the number of control steps in the minibatches of one iteration, whatever `num_envs` is."""
        return self.num_updates * self.batch_size
