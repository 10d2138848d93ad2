"""What the trainer asks of every algorithm's hyper-parameters."""

from algos.common.hindsight import Hindsight


class AlgorithmConfig:
    """Base of an algorithm's hyper-parameters: a frozen dataclass, whose fields are the flags `--algorithm.*`.

    A field in a subclass replaces the attribute of the same name here, which says what is true where there is no such
    field. Every subclass defines `steps_per_iteration`.

    Attributes:
      symmetric: whether networks do in the mirror the mirror image of what they do.
      normalize_observations: whether networks read observations with mean 0 and standard deviation 1.
      online: whether an offline algorithm also steps worlds.
      dataset: folder that an offline algorithm learns from; None where none was named.
      any_environment: whether the dataset may come from another environment of the same sizes.
      memory_limit_mb: a dataset of more megabytes is streamed from the disk; None to hold any.
      condition: what an offline policy is asked for: `none`, `return` or `goal`.
      hindsight: which states are goals, where that is the condition.
      best_fraction: part of the dataset's steps that is learnt from, in the episodes of the highest return.
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
        """Fields that may change without compiling the program anew."""
        return []

    @property
    def reads_clock(self) -> bool:
        """Whether the policy needs to know how old an episode is."""
        return False

    def steps_per_iteration(self, num_envs: int) -> int:
        """Return the control steps of one iteration: of all worlds together, or learnt from a dataset."""
        raise NotImplementedError(f"{type(self).__name__} defines no steps_per_iteration")

    def require_worlds(self, num_envs: int, num_devices: int) -> None:
        """Raise ValueError if this many worlds on this many devices cannot be shared by minibatches."""
