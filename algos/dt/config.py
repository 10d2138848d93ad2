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
    """How an online Decision Transformer collects episodes beyond its dataset.

    Attributes:
      unroll_length: control steps of each world per iteration.
      replay_steps: control steps, of all worlds together, that are kept for training and saved in checkpoints.
      asked_return: episode return to ask for when exploring; null for twice the `target_return`.
    """

    unroll_length: int = 20
    replay_steps: int = 250_000
    asked_return: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        for name in ("unroll_length", "replay_steps"):
            require(getattr(self, name) >= 1, f"exploration.{name}", getattr(self, name), "at least 1")


@dataclass(frozen=True)
class DTConfig(AlgorithmConfig):
    """Hyper-parameters of the Decision Transformer, with the paper's values as defaults.

    The run's `total_steps` counts the control steps in all minibatches: each update adds batch_size * context_length.

    Attributes:
      dataset: folder of the dataset, written by `flexrl.collect` or Minari.
      any_environment: also accept a dataset that was recorded in another environment, if all sizes are the same.
      memory_limit_mb: largest dataset, in megabytes, that is loaded into memory; a larger one is read from disk during
        training; null for no limit.
      condition: what the policy is conditioned on: `return` is the return still to come, and the task's own goal if it
        has one; `goal` trains on goals that states of the data achieved (`hindsight`) in place of the recorded ones.
      hindsight: how to choose the state that becomes a goal, with condition `goal`; the goal chosen for a window's last
        step is that of the whole window.
      target_return: episode return to ask for when the policy acts; null for the return that a tenth of the data's
        episodes reach or exceed, or online for the best return found so far, if that is higher.
      online: also step worlds, and learn from their episodes beside the dataset; needs stochastic, and the condition
        `return`.
      exploration: how to explore, if online.
      num_updates: gradient steps per iteration.
      batch_size: windows per gradient step; a multiple of num_devices.
      context_length: control steps that the policy sees at once, the present one included.
      num_layers: number of blocks, each of attention and dense layers.
      num_heads: attention heads of each block; divides embed_size.
      embed_size: size of a token's embedding. Dense layers within blocks are four times as wide.
      activation: activation function of the dense layers within blocks.
      dropout: probability of dropping a number from embeddings, attention weights and the outputs that blocks add.
      time_embedding: add to each token an embedding of the control steps since the episode began; without it the
        network does not know the order of tokens.
      goal_input: how the network reads a task's goal: as part of the `observation`'s token, or as a `token` of its own
        in front of it.
      stochastic: learn a distribution over actions, by likelihood and an entropy bonus, instead of one action.
      entropy_weight: bonus per nat of entropy, if stochastic.
      target_entropy: mean entropy of the actions in a minibatch, in nats, at and above which there is no bonus; null to
        always give it.
      return_scale: returns-to-go are divided by this number.
      normalize_observations: normalise observations by the data's mean and standard deviation, clipped at 10; false
        leaves them raw.
      learning_rate: AdamW's learning rate after the warm-up; its first value there, if final_learning_rate is set.
      final_learning_rate: learning rate at the end of a linear decay over the whole run; null for no decay.
      warmup_updates: number of first updates over which the learning rate rises linearly from 0.
      weight_decay: AdamW's weight decay, which is multiplied by the learning rate.
      max_grad_norm: gradients are scaled down to this global norm; null for no limit.
      average_decay: decay, per update, of a running mean of the parameters, with which the policy acts; null to act
        with the latest parameters.
      dtype: number type in which layers compute; parameters stay float32.
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
        """Raise ValueError if a value is outside its range."""
        limit = self.memory_limit_mb
        require(limit is None or limit > 0, "memory_limit_mb", limit, "above 0, or null for none")
        require(
            limit is None or not self.online, "memory_limit_mb", limit, "null to learn online, with all data in memory"
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
        """Names of the hyper-parameters that are traced: changing their values needs no recompilation."""
        names = ["learning_rate", "final_learning_rate", "warmup_updates", "weight_decay", "average_decay"]
        names += ["entropy_weight", "target_entropy"] if self.stochastic else []
        return [name for name in names if getattr(self, name) is not None]

    @property
    def reads_clock(self) -> bool:
        """Whether learning uses the number of control steps since an episode began.

        If so, a dataset with an episode longer than the environment's time limit is refused.
        """
        return self.time_embedding

    def steps_per_iteration(self, num_envs: int) -> int:
        """Return the number of control steps in the windows of one iteration's minibatches, whatever `num_envs` is."""
        return self.num_updates * self.batch_size * self.context_length
