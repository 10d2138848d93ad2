"""Hyper-parameters of the Decision Transformer."""

from dataclasses import dataclass
from typing import Literal, get_args

from algos.common.config import AlgorithmConfig
from algos.common.hindsight import Hindsight
from algos.common.networks import ACTIVATIONS, DType
from algos.common.requirements import require

Condition = Literal["return", "goal"]
GoalInput = Literal["observation", "token"]


@dataclass(frozen=True)
class Exploration:
    """How a Decision Transformer finds out more than its data holds, where it is online.

    Attributes:
      unroll_length: control steps of each world per iteration.
      replay_steps: control steps of all worlds that are kept, and that checkpoints hold.
      asked_return: that is asked for when exploring; null for twice the `target_return`.
    """

    unroll_length: int = 20
    replay_steps: int = 250_000
    asked_return: float | None = None

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        for name in ("unroll_length", "replay_steps"):
            require(getattr(self, name) >= 1, f"exploration.{name}", getattr(self, name), "at least 1")


@dataclass(frozen=True)
class DTConfig(AlgorithmConfig):
    """Hyper-parameters of the Decision Transformer; as the paper has them, where nothing else is said.

    `total_steps` of the run counts control steps learnt from: batch_size windows of context_length for each update.

    Attributes:
      dataset: folder that `flexrl.collect` or Minari wrote.
      any_environment: learn from the dataset also where it was recorded in another environment of the same sizes.
      memory_limit_mb: a dataset of more megabytes is read from the disk while it is learnt from; null to hold any.
      condition: what the policy is asked for: a `return`, with the task's goal where it has one; or a `goal` alone,
        learnt from goals that were reached in hindsight.
      hindsight: which states are goals, where that is the condition; a window has the goal of its last step.
      target_return: that is asked for when the policy acts; null for one that a tenth of the data reaches, and
        online for the best that was found, where that is more.
      online: step worlds too, and learn from their episodes beside those of the data; takes stochastic, and a return as
        the condition.
      exploration: how much, where online.
      num_updates: gradient steps per iteration.
      batch_size: windows per gradient step; divides by num_devices.
      context_length: control steps that the policy looks back over, the present one included.
      num_layers: blocks of attention and dense layers.
      num_heads: of attention; divides embed_size.
      embed_size: numbers per token. Dense layers within blocks are four times as wide.
      activation: within blocks.
      dropout: part of what is dropped from embeddings, attention and what blocks add.
      time_embedding: tell the control steps since the episode began; without, the order of tokens is unknown.
      goal_input: where a task has goals, as part of the `observation`, or as a `token` of its own in front of it.
      stochastic: learn a distribution over actions, by likelihood and entropy, instead of one action.
      entropy_weight: bonus per nat of entropy, where stochastic.
      target_entropy: nats of an action from which on, as a minibatch's mean, there is no bonus; null to pay it always.
      return_scale: returns-to-go are divided by it.
      normalize_observations: by mean and standard deviation over the data, clipped at 10; else networks read them raw.
      learning_rate: of AdamW; where it starts after the warm-up, when final_learning_rate is set.
      final_learning_rate: where a linear decay over the whole run ends; null for no decay.
      warmup_updates: over which it rises linearly from 0.
      weight_decay: of AdamW, as a multiple of the learning rate.
      max_grad_norm: gradients are scaled down to this global norm; null for no limit.
      average_decay: share of the past, per update, in a running mean of parameters that acts in place of the last ones;
        null to act by the last ones.
      dtype: that layers compute in; parameters stay float32.
    """

    dataset: str | None = None
    any_environment: bool = False
    memory_limit_mb: float | None = None
    condition: Condition = "return"
    hindsight: Hindsight = Hindsight()
    target_return: float | None = None
    online: bool = False
    exploration: Exploration = Exploration()
    num_updates: int = 50
    batch_size: int = 64
    context_length: int = 20
    num_layers: int = 3
    num_heads: int = 1
    embed_size: int = 128
    activation: Literal["elu", "relu", "swish", "tanh"] = "relu"
    dropout: float = 0.1
    time_embedding: bool = True
    goal_input: GoalInput = "observation"
    stochastic: bool = False
    entropy_weight: float = 0.1
    target_entropy: float | None = None
    return_scale: float = 1000.0
    normalize_observations: bool = True
    learning_rate: float = 1e-4
    final_learning_rate: float | None = None
    warmup_updates: int = 10_000
    weight_decay: float = 1e-4
    max_grad_norm: float | None = 0.25
    average_decay: float | None = None
    dtype: DType = "float32"

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        limit = self.memory_limit_mb
        require(limit is None or limit > 0, "memory_limit_mb", limit, "above 0, or null for none")
        require(
            limit is None or not self.online, "memory_limit_mb", limit, "null to learn online, beside all of the data"
        )
        for name in (
            "num_updates",
            "batch_size",
            "context_length",
            "num_layers",
            "num_heads",
            "embed_size",
            "warmup_updates",
        ):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        divides = self.embed_size % self.num_heads == 0
        require(divides, "num_heads", self.num_heads, f"a divisor of embed_size {self.embed_size}")
        require(self.stochastic or not self.online, "stochastic", self.stochastic, "true to explore online")
        is_known = self.condition == "return" or not self.online
        require(is_known, "condition", self.condition, "return to learn online, where goals are not relabelled")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "at least 0 and below 1")
        for name in ("learning_rate", "return_scale"):
            require(getattr(self, name) > 0, name, getattr(self, name), "above 0")
        for name in ("weight_decay", "entropy_weight"):
            require(getattr(self, name) >= 0, name, getattr(self, name), "at least 0")
        for name in ("final_learning_rate", "max_grad_norm"):
            value = getattr(self, name)
            require(value is None or value > 0, name, value, "above 0, or null for none")
        decay = self.average_decay
        require(decay is None or 0 < decay < 1, "average_decay", decay, "above 0 and below 1, or null for none")
        target, has_use = self.target_entropy, self.stochastic and self.entropy_weight > 0
        require(target is None or has_use, "target_entropy", target, "null without stochastic and an entropy_weight")
        known = {
            "condition": get_args(Condition),
            "goal_input": get_args(GoalInput),
            "activation": tuple(ACTIVATIONS),
            "dtype": get_args(DType),
        }
        for name, values in known.items():
            require(getattr(self, name) in values, name, getattr(self, name), f"one of {', '.join(values)}")

    @property
    def traced(self) -> list[str]:
        """Numbers that may change without recompiling."""
        names = ["learning_rate", "final_learning_rate", "warmup_updates", "weight_decay", "average_decay"]
        names += ["entropy_weight", "target_entropy"] if self.stochastic else []
        return [name for name in names if getattr(self, name) is not None]

    @property
    def reads_clock(self) -> bool:
        """Whether learning needs to know how many steps an episode is old."""
        return self.time_embedding

    def steps_per_iteration(self, num_envs: int) -> int:
        """Control steps learnt from in one iteration."""
        return self.num_updates * self.batch_size * self.context_length
