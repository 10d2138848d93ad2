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

    `total_steps` of the run counts control steps learnt from: batch_size for each update.

    Attributes:
      dataset: folder that `flexrl.collect` or Minari wrote.
      any_environment: learn from the dataset also where it was recorded in another environment of the same sizes.
      memory_limit_mb: a dataset of more megabytes is read from the disk while it is learnt from; null to hold any.
      condition: what the policy is asked for: nothing but the task's goal (`none`); before it a `return`, for each
        control step until the time limit (RvS); or a `goal`, learnt from goals that were reached in hindsight.
      target_return: of an episode, that is asked for when the policy acts; null for one that a tenth of the data
        reaches.
      hindsight: which states are goals, where that is the condition.
      best_fraction: part of the data's steps that is learnt from, in the episodes of the highest return; 1 for all.
      num_updates: gradient steps per iteration.
      batch_size: control steps per gradient step; divides by num_devices.
      learning_rate: of AdamW; where it starts, when final_learning_rate is set.
      final_learning_rate: where a linear decay over the whole run ends; null for no decay.
      weight_decay: of AdamW, as a multiple of the learning rate.
      max_grad_norm: gradients are scaled down to this global norm; null for no limit.
      normalize_observations: by mean and standard deviation over the data, clipped at 10; else networks read them raw.
      symmetric: a network that does in the mirror the mirror image of what it does, where the environment has
        left-right symmetry; it computes everything twice.
      policy_layers: hidden units of the policy network.
      goal_layers: units of an encoder in front of it that reads the goal; none to read it as it is.
      activation: between layers.
      dtype: that layers compute in; parameters stay float32.
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
        """Refuse values outside their range."""
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
        """Numbers that may change without recompiling."""
        return ["learning_rate", "weight_decay"] + ["final_learning_rate"] * (self.final_learning_rate is not None)

    @property
    def reads_clock(self) -> bool:
        """Whether learning needs to know how far an episode is from the time limit."""
        return self.condition == "return"

    def steps_per_iteration(self, num_envs: int) -> int:
        """Control steps learnt from in one iteration."""
        return self.num_updates * self.batch_size
