"""Options of physics and of domain randomization, in a module without heavy imports."""

from dataclasses import dataclass
from typing import Literal

Range = tuple[float, float]


@dataclass(frozen=True)
class Randomization:
    """What differs between worlds and between episodes. A range (low, high) is drawn from uniformly; null is off.

    Attributes:
      friction: factor on the sliding friction; one for all of a model's geoms and contact pairs.
      mass: factor on each body's mass and inertia, drawn for each body.
      com_offset: m, offset of the root body's centre of mass, drawn for each axis.
      gain: factor on each actuator's gain, drawn for each actuator.
      push_interval: s between pushes, drawn anew after each push.
      push_velocity: m/s by which a push changes the root's horizontal velocity.
      observation_noise: standard deviation of Gaussian noise on observations, in their own units.
      action_delay: control steps by which actions are delayed.
      num_variants: number of model variants, which are made once at the start; each reset draws one.
      seed: random seed of the variants.
    """

    friction: Range | None = None
    mass: Range | None = None
    com_offset: Range | None = None
    gain: Range | None = None
    push_interval: Range | None = None
    push_velocity: Range = (0.1, 1.0)
    observation_noise: float = 0.0
    action_delay: int = 0
    num_variants: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        for name in ("friction", "mass", "com_offset", "gain", "push_interval", "push_velocity"):
            value = getattr(self, name)
            if value is not None and value[0] > value[1]:
                raise ValueError(f"{name}: {value} must be a range (low, high) with low not above high")
            if value is not None and name != "com_offset" and value[0] < 0:
                raise ValueError(f"{name}: {value} must not be negative")
        for name in ("mass", "push_interval"):
            value = getattr(self, name)
            if value is not None and value[0] == 0:
                raise ValueError(f"{name}: {value} must be above 0")
        for name, low in (("observation_noise", 0), ("action_delay", 0), ("num_variants", 1), ("seed", 0)):
            if getattr(self, name) < low:
                raise ValueError(f"{name}: {getattr(self, name)} must be at least {low}")

    @property
    def varies_model(self) -> bool:
        """Whether worlds run on different models."""
        return any(x is not None for x in (self.friction, self.mass, self.com_offset, self.gain))

    @property
    def acts_in_episode(self) -> bool:
        """Whether worlds are disturbed while they run: by pushes, noisy observations or delayed actions."""
        return self.push_interval is not None or self.observation_noise > 0 or self.action_delay > 0


@dataclass(frozen=True)
class WarpOptions:
    """How MJX-Warp runs flex-rl's own environments. Other backends ignore these options.

    Attributes:
      contacts_per_world: room for contacts, per world, in a buffer that all worlds share; null for the task's own size.
      constraints_per_world: rows for constraints in each world's buffer; null for the task's own size.
      graph_mode: how a GPU replays a step's kernels. `warp` records a CUDA graph for each set of addresses that XLA
        gives the arrays; `warp_staged` and `warp_staged_ex` record one graph and copy the arrays to its addresses,
        within the graph or before it; `none` launches kernels one by one.
    """

    contacts_per_world: int | None = None
    constraints_per_world: int | None = None
    graph_mode: Literal["warp", "warp_staged", "warp_staged_ex", "none"] = "warp"

    def __post_init__(self) -> None:
        """Raise ValueError for a buffer without room."""
        for name in ("contacts_per_world", "constraints_per_world"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}: {value} must be at least 1, or null for the task's own size")


@dataclass(frozen=True)
class PhysicsOptions:
    """Which physics a run uses, and how. A task passes these options on to `make_physics`.

    Attributes:
      backend: `auto`, `native`, `mjx-jax` or `mjx-warp`.
      max_worlds: largest number of worlds that one program steps; it sizes Warp's shared contact buffer.
      randomization: how the simulated model varies.
      warp: how MJX-Warp runs.
    """

    backend: str = "auto"
    max_worlds: int = 1
    randomization: Randomization = Randomization()
    warp: WarpOptions = WarpOptions()
