"""What the trainer asks of every algorithm's hyper-parameters."""

from algos.common.hindsight import Hindsight


class AlgorithmConfig:
    """Base of an algorithm's hyper-parameters: a frozen dataclass, whose fields are the flags `--algorithm.*`.

    The attributes below hold for algorithms that have no such hyper-parameter. A subclass that has one defines a field
    of the same name. Every subclass defines `steps_per_iteration`.

    Attributes:
      symmetric: whether networks are left-right symmetric: mirrored inputs give mirrored outputs.
      normalize_observations: whether networks read observations with mean 0 and standard deviation 1.
      online: whether an algorithm that learns from a dataset also steps worlds (simulated environments).
      dataset: folder of the dataset to learn from; None if none was named.
      any_environment: whether the dataset may come from another environment of the same sizes.
      memory_limit_mb: megabytes above which a dataset is streamed from disk; None to load any into memory.
      condition: what a policy that learns from a dataset is conditioned on: `none`, `return` or `goal`.
      hindsight: how to choose reached states as goals, with condition `goal`.
      best_fraction: share of the dataset's steps to learn from, taken from the episodes of the highest return.
    """

    symmetric: bool = False
    normalize_observations: bool = True
    online: bool = False
    dataset: str | None = None
    any_environment: bool = False
    memory_limit_mb: float | None = None
    condition: str = "none"
    hindsight: Hindsight = Hindsight()
    best_fraction: float = 1.0

    @property
    def traced(self) -> list[str]:
        """Names of the fields that are traced: changing their values needs no recompilation."""
        return []

    @property
    def reads_clock(self) -> bool:
        """Whether learning uses how many control steps of an episode have passed or are left until the time limit.

        If so, a dataset with an episode longer than the environment's time limit is refused.
        """
        return False

    def steps_per_iteration(self, num_envs: int) -> int:
        """Return the number of control steps that one training iteration counts.

        An algorithm that only steps worlds counts the steps of all `num_envs` worlds. One that learns from a dataset
        counts the steps in its minibatches.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no steps_per_iteration")

    def require_worlds(self, num_envs: int, num_devices: int) -> None:
        """Raise ValueError if a device's share of the worlds cannot be split evenly into minibatches.

        This base accepts any numbers; an algorithm that splits worlds replaces it.

        Args:
          num_envs: number of worlds on all devices together.
          num_devices: number of devices.
        """
