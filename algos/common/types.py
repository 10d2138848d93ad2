"""What a learner is to the engine, and a policy to whoever runs it."""

from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

from flax import struct
from jax import Array

from envs.types import Observation

Train = TypeVar("Train")  # an algorithm's train state
State = TypeVar("State")  # of a source
BatchOut = TypeVar("BatchOut", covariant=True)  # what a source gives
BatchIn = TypeVar("BatchIn", contravariant=True)  # what an algorithm learns from


class Policy(Protocol):
    """Acts in B worlds; a pytree, so that it passes through compiled programs."""

    def init_carry(self, num_envs: int) -> Any:
        """Memory at the start: empty, hidden states or a context window. It resets itself on `is_first`."""
        ...

    def act(self, carry: Any, observation: Observation, key: Array) -> tuple[Any, Array, Any]:
        """Memory, actions (B, A) in [-1, 1], and what the learner wants to know of them."""
        ...


@struct.dataclass
class Rollout:
    """T control steps of B worlds."""

    observation: Observation  # (T, B, ...) acted on
    next_observation: Observation  # (T, B, ...) that followed, before any reset
    info: Any  # (T, B, ...) from the policy
    reward: Array  # (T, B)
    terminated: Array  # (T, B) bool
    truncated: Array  # (T, B) bool
    carry: Any  # (B, ...) the policy's memory before the first step


class Source(Protocol[State, BatchOut]):
    """Where training data comes from."""

    def init(self, policy: Policy, key: Array) -> State:
        """State before the first sample."""
        ...

    def sample(self, data: Any, state: State, policy: Policy, key: Array) -> tuple[State, BatchOut, dict[str, Array]]:
        """The next state, a batch for `Algorithm.update`, and scalar metrics; `data` never changes in a run."""
        ...


class SteppingSource(Source[State, BatchOut], Protocol[State, BatchOut]):
    """A source that steps worlds."""

    def reweighted(self, weights: Mapping[str, Array]) -> Self:
        """The same source, in whose worlds rewards have other weights."""
        ...


class Algorithm(Protocol[Train, BatchIn]):
    """Frozen and hashable: holds what shapes the program. Numbers that do not are in `hyper`."""

    def init(self, key: Array) -> Train:
        """Fresh train state."""
        ...

    def init_hyper(self) -> dict[str, Array]:
        """The traced hyper-parameters, at their configured values."""
        ...

    def update(
        self, train: Train, batch: BatchIn, hyper: dict[str, Array], key: Array
    ) -> tuple[Train, dict[str, Array]]:
        """The next train state and scalar metrics; `hyper` also holds `progress`, the part of the run that is done."""
        ...

    def summary(self) -> str:
        """Parts and sizes of the networks, on one line."""
        ...

    def policy(self, train: Train, *, deterministic: bool = False) -> Policy:
        """The policy that a train state holds."""
        ...
