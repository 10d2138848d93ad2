"""Protocols of policies, sources of training data and algorithms, as the training engine uses them."""

from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

from flax import struct
from jax import Array

from envs.types import Observation

Params = dict[str, Any]  # a network's parameters: nested dicts of arrays
Train = TypeVar("Train")  # an algorithm's train state
State = TypeVar("State")  # of a source
BatchOut = TypeVar("BatchOut", covariant=True)  # what a source gives
BatchIn = TypeVar("BatchIn", contravariant=True)  # what an algorithm learns from


class Policy(Protocol):
    """Acts in B worlds: `init_carry` makes its memory, and `act` turns observations into actions.

    It is a pytree, so that compiled programs can take it as an argument.
    """

    def init_carry(self, num_envs: int) -> Any:
        """Return the memory before the first step of `num_envs` worlds: nothing, hidden states, or a context window.

        `act` clears it where an episode begins (`is_first`).
        """
        ...

    def act(self, carry: Any, observation: Observation, key: Array) -> tuple[Any, Array, Any]:
        """Return the new memory, actions (B, A) in [-1, 1], and what the learner needs to know about the actions.

        For PPO the last is each action's value before tanh or clipping, and the distribution that it was drawn from.
        """
        ...


@struct.dataclass
class Taught:
    """The action distributions of teachers, which are policies to imitate, in B worlds.

    `loc` and `scale` are those of normal distributions before tanh or clipping. `is_taught` tells which worlds have a
    teacher.
    """

    loc: Array  # (B, A) of their distributions of raw actions; of no meaning where no teacher takes the goal
    scale: Array  # (B, A) of the same
    is_taught: Array  # (B,) bool: whether one does


@struct.dataclass
class Rollout:
    """Training data: T consecutive control steps of B worlds.

    Each step has the observations before and after it, what the policy told about its action (such as the
    log-density), the reward, and whether the episode ended. The policy's memory before the first step comes along.
    """

    observation: Observation  # (T, B, ...) that the policy acted on
    next_observation: Observation  # (T, B, ...) after the action, before any reset
    info: Any  # (T, B, ...) last result of `Policy.act`
    reward: Array  # (T, B)
    terminated: Array  # (T, B) bool
    truncated: Array  # (T, B) bool
    carry: Any  # (B, ...) the policy's memory before the first step
    taught: Taught | None = None  # (T, B, ...) what teachers would have done, if there are any


class Source(Protocol[State, BatchOut]):
    """A source of training data, which steps worlds, or draws from a dataset, or both."""

    def init(self, policy: Policy, key: Array) -> State:
        """Return the source's state before the first sample."""
        ...

    def sample(self, data: Any, state: State, policy: Policy, key: Array) -> tuple[State, BatchOut, dict[str, Array]]:
        """Return the next state, a batch for `Algorithm.update`, and scalar metrics.

        Args:
          data: what stays the same throughout a run: a dataset to draw from, or teachers to imitate. A source that
            needs neither ignores it.
          state: the source's state, from `init` or the last sample.
          policy: the current policy, for sources that step worlds.
          key: random key of this sample.
        """
        ...


class SteppingSource(Source[State, BatchOut], Protocol[State, BatchOut]):
    """A source that steps worlds to get its data."""

    def reweighted(self, weights: Mapping[str, Array]) -> Self:
        """Return a copy of the source whose worlds use other reward weights: `weights` has values by their names."""
        ...


class Algorithm(Protocol[Train, BatchIn]):
    """A learning algorithm: makes a train state, updates it by batches of training data, and makes a policy of it.

    It is immutable and hashable, and holds everything that shapes the compiled program. Hyper-parameters that may
    change without recompiling are passed to `update` as `hyper`.
    """

    def init(self, key: Array) -> Train:
        """Return a new train state: random parameters, a fresh optimizer state, and whatever else `update` changes."""
        ...

    def init_hyper(self) -> dict[str, Array]:
        """Return the hyper-parameters that may change without recompiling, by name, at their configured values."""
        ...

    def update(
        self, train: Train, batch: BatchIn, hyper: dict[str, Array], key: Array
    ) -> tuple[Train, dict[str, Array]]:
        """Learn from a batch. Return the next train state and scalar metrics.

        Args:
          train: the train state.
          batch: training data, from `Source.sample`.
          hyper: the hyper-parameters of `init_hyper`, and `progress`: the fraction of the run that is done.
          key: random key of this update.
        """
        ...

    def summary(self) -> str:
        """Describe the networks' parts and sizes on one line."""
        ...

    def policy(self, train: Train, *, deterministic: bool = False) -> Policy:
        """Return the policy of a train state; with `deterministic`, it acts without random draws."""
        ...
