"""Hyper-parameters of PPO."""

from dataclasses import dataclass
from typing import Literal, get_args

from algos.common.config import AlgorithmConfig
from algos.common.distributions import SCALE_BOUNDS, ClippedNormal, TanhNormal
from algos.common.networks import ACTIVATIONS, CELLS, MLP, ConstantScaleMLP, DType
from algos.common.requirements import require

KL_BAND = (0.5, 2.0)  # the learning rate stays while KL is within these multiples of its target
LEARNING_RATE_FACTOR = 1.5
LEARNING_RATE_BOUNDS = (1e-5, 1e-3)

POLICIES = {"tanh_normal": (TanhNormal, MLP), "clipped_normal": (ClippedNormal, ConstantScaleMLP)}
FAMILIAR_STATES = "familiar"  # in place of a skill in `teachers`
CHOICES = {
    "action_distribution": tuple(POLICIES),
    "activation": tuple(ACTIVATIONS),
    "memory": ("none", *CELLS),
    "advantage_normalization": ("minibatch", "batch"),
    "dtype": get_args(DType),
}


@dataclass(frozen=True)
class PPOConfig(AlgorithmConfig):
    """Hyper-parameters of PPO.

    Attributes:
      unroll_length: control steps per world and iteration.
      num_epochs: passes over an iteration's data.
      num_minibatches: gradient steps per pass; divides num_envs * unroll_length.
      learning_rate: Adam's learning rate; its first value, if final_learning_rate or target_kl is set.
      final_learning_rate: learning rate at the end of a linear decay over the whole run; null for no decay.
      target_kl: target for the KL divergence between the policy in an iteration's last epoch and the policy that
        sampled the data; the learning rate adapts to it after each iteration; null for no adaptation.
      discount: weight of the next step's value.
      gae_lambda: weight of longer returns in the advantage.
      clip_ratio: how far the probability ratio may move from 1 before it is clipped.
      entropy_weight: bonus per nat of policy entropy; its first value, if final_entropy_weight is set.
      final_entropy_weight: entropy weight at the end of a linear change over the whole run; null for no change.
      noise_weight: penalty on the logarithm of the standard deviation of actions before squashing or clipping, summed
        over their components. It takes noise from a policy that acts well only with noise.
      teachers: runs or exported policies to imitate on the policy's own states. `RUN[:STEP]` teaches every skill, and
        must come first; `SKILL=RUN[:STEP]` teaches one skill; `familiar=RUN[:STEP]` teaches every skill, but only in
        states like those of its own training. Where several teach, the last one counts.
      familiar_below: a state is like those of a teacher's training if its observations, in standard deviations from
        their means in that training, have at most this mean square.
      teacher_loss: how far the policy is from its teachers: `kl`, the KL divergence from their distribution of actions
        to the policy's, or `actions`, the squared difference of both most likely actions, summed over actuators. The
        latter has no influence on the policy's noise, and stays small where teachers ask for actions beyond their
        limits: there the KL divergence can be in the hundreds, and its first updates undo what a policy can.
      teacher_weight: weight of that loss, mean over all samples; its first value, if final_teacher_weight is set.
      final_teacher_weight: that weight at the end of a linear change over the whole run; null for no change.
      value_weight: weight of the value's squared error.
      value_warmup: fraction of the run, at its start, in which only the value network is trained and the policy stays
        as it is; for a run that starts from the policy of a parent run without a value network.
      value_clip: how far a value may move from the one at sampling time before it is clipped; null for no limit.
      reward_scale: factor on rewards for learning; reported returns are not scaled.
      normalize_returns: also divide rewards by the running standard deviation of returns.
      advantage_normalization: normalise advantages to mean 0 and standard deviation 1 over each `minibatch` or over the
        whole `batch`.
      max_grad_norm: gradients are scaled down to this global norm; null for no limit.
      normalize_observations: normalise observations by their running mean and standard deviation, clipped at 10; false
        leaves them raw.
      symmetric: make the networks left-right symmetric: in a mirrored state the policy takes the mirrored action, and
        the value is the same; for environments that have this symmetry; doubles the networks' computation.
      action_distribution: `tanh_normal` squashes actions, with a scale for each observation; `clipped_normal` clips
        them, with one scale for all.
      initial_scale: standard deviation of actions at the start, before squashing or clipping; null for 0.69, or 0.61 of
        `clipped_normal`.
      policy_layers: hidden units of the policy network.
      value_layers: hidden units of the value network.
      goal_layers: units of the layers of an encoder that the goal passes before each network; empty for no encoder.
      memory: recurrent cell in front of each network's layers. Minibatches then consist of whole sequences, one for
        each world and iteration, which start from the memory at sampling time; there is no burn-in.
      memory_size: units of the recurrent cell.
      privileged_critic: let the value network also see the privileged observations that the environment hides from
        policies.
      activation: activation function between layers.
      dtype: number type in which layers compute; parameters stay float32.
    """

    unroll_length: int = 32
    num_epochs: int = 4
    num_minibatches: int = 8
    learning_rate: float = 3e-4
    final_learning_rate: float | None = None
    target_kl: float | None = None
    discount: float = 0.99
    gae_lambda: float = 0.95
    clip_ratio: float = 0.2
    entropy_weight: float = 1e-3
    final_entropy_weight: float | None = None
    noise_weight: float = 0.0
    teachers: tuple[str, ...] = ()
    familiar_below: float = 2.5
    teacher_loss: Literal["kl", "actions"] = "kl"
    teacher_weight: float = 1.0
    final_teacher_weight: float | None = None
    value_weight: float = 0.5
    value_warmup: float = 0.0
    value_clip: float | None = None
    reward_scale: float = 0.1
    normalize_returns: bool = False
    advantage_normalization: Literal["minibatch", "batch"] = "minibatch"
    max_grad_norm: float | None = 1.0
    normalize_observations: bool = True
    symmetric: bool = False
    action_distribution: Literal["tanh_normal", "clipped_normal"] = "tanh_normal"
    initial_scale: float | None = None
    policy_layers: tuple[int, ...] = (64, 64, 64)
    value_layers: tuple[int, ...] = (128, 128, 128)
    goal_layers: tuple[int, ...] = ()
    memory: Literal["none", "gru", "lstm"] = "none"
    memory_size: int = 128
    privileged_critic: bool = False
    activation: Literal["elu", "relu", "swish", "tanh"] = "swish"
    dtype: DType = "float32"

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        for name in ("unroll_length", "num_epochs", "num_minibatches", "memory_size"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        for name in ("learning_rate", "clip_ratio", "reward_scale", "familiar_below"):
            require(getattr(self, name) > 0, name, getattr(self, name), "above 0")
        for name in ("final_learning_rate", "target_kl", "max_grad_norm", "value_clip"):
            value = getattr(self, name)
            require(value is None or value > 0, name, value, "above 0, or null for none")
        low, high = SCALE_BOUNDS
        within = self.initial_scale is None or low < self.initial_scale <= high
        require(within, "initial_scale", self.initial_scale, f"above {low} and at most {high}, or null")
        for name in ("discount", "gae_lambda"):
            require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "between 0 and 1")
        require(0 <= self.value_warmup < 1, "value_warmup", self.value_warmup, "at least 0 and below 1")
        for name in ("entropy_weight", "noise_weight", "value_weight", "teacher_weight"):
            require(getattr(self, name) >= 0, name, getattr(self, name), "at least 0")
        for name in ("final_entropy_weight", "final_teacher_weight"):
            value = getattr(self, name)
            require(value is None or value >= 0, name, value, "at least 0, or null for no change")
        general = [teacher for teacher in self.teachers[1:] if "=" not in teacher]
        require(not general, "teachers", self.teachers, "SKILL=RUN for all but the first one")
        for name in ("policy_layers", "value_layers"):
            layers = getattr(self, name)
            require(len(layers) > 0 and min(layers) > 0, name, layers, "one or more positive sizes")
        require(min(self.goal_layers, default=1) > 0, "goal_layers", self.goal_layers, "positive sizes, or none")
        decays = self.final_learning_rate is not None
        one_schedule = not (decays and self.target_kl is not None)
        require(one_schedule, "final_learning_rate", self.final_learning_rate, "null when target_kl adapts the rate")
        low, high = LEARNING_RATE_BOUNDS
        within = self.target_kl is None or low <= self.learning_rate <= high
        require(within, "learning_rate", self.learning_rate, f"between {low} and {high} when target_kl adapts it")
        for name, known in CHOICES.items():
            require(getattr(self, name) in known, name, getattr(self, name), f"one of {', '.join(known)}")
        require(not (self.symmetric and self.privileged_critic), "symmetric", True, "false with privileged_critic")

    @property
    def traced(self) -> list[str]:
        """Names of the hyper-parameters that are traced: changing their values needs no recompilation."""
        names = ["discount", "gae_lambda", "clip_ratio", "entropy_weight", "value_weight", "reward_scale"]
        if self.final_learning_rate is not None:
            names += ["learning_rate", "final_learning_rate"]
        if self.final_entropy_weight is not None:
            names.append("final_entropy_weight")
        if self.teachers:
            names += ["teacher_weight"] + ["final_teacher_weight"] * (self.final_teacher_weight is not None)
        return names

    @property
    def has_memory(self) -> bool:
        """Whether the policy and value networks are recurrent."""
        return self.memory != "none"

    def steps_per_iteration(self, num_envs: int) -> int:
        """Return the control steps of one iteration, of all `num_envs` worlds together."""
        return num_envs * self.unroll_length

    def require_worlds(self, num_envs: int, num_devices: int) -> None:
        """Raise ValueError unless `num_minibatches` divides a device's samples or, with memory, its worlds."""
        minibatches, worlds = self.num_minibatches, num_envs // num_devices
        on_each = " on each device" if num_devices > 1 else ""
        if self.has_memory and worlds % minibatches:
            raise ValueError(
                f"num_minibatches: {minibatches} does not divide {worlds} worlds{on_each} (num_envs), and minibatches "
                "of a policy with memory are of whole worlds; choose sizes that divide"
            )
        if (rows := worlds * self.unroll_length) % minibatches:
            raise ValueError(
                f"num_minibatches: {minibatches} does not divide num_envs {worlds}{on_each} times unroll_length "
                f"{self.unroll_length} = {rows}; choose sizes that divide"
            )
