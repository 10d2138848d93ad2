"""The clock of a gait: it tells when each foot is to swing, and how high.

A left-right symmetric policy that stands straight cannot choose a foot to begin with; the clock chooses for it. For
half of a stride the right foot swings, then the left one. The clock's speed depends on how fast the torso moves, and
not on the commanded velocity.

Source: Siekmann et al. 2021, "Sim-to-real learning of all common bipedal gaits via periodic reward composition".
"""

import math

import jax.numpy as jnp
from jax import Array

from envs.types import Reflection

STRIDES, STRIDES_PER_METRE = 0.8, 0.2  # strides in a second at rest, and more for each m/s of the torso
SWING_HEIGHT = 0.1  # m, of a sole in the middle of its swing
FIRM = 0.4  # sine of the phase from which on a foot is well within its swing or its stance
CLOCK_SIZE = 2  # numbers of a clock, as a policy observes it


def later(phase: Array, velocity: Array, period: float) -> Array:
    """Return the phase () of a gait's clock after one more control step, rad in [0, 2 pi).

    The clock tells when each foot is to swing: in the first half of the phase the right one, then the left one.

    Args:
      phase: phase () before the step, rad.
      velocity: horizontal velocity (2,) of the torso, m/s; the clock runs faster with its size.
      period: duration of the step, s.
    """
    speed = jnp.sqrt(jnp.square(velocity).sum())
    return jnp.mod(phase + 2 * math.pi * period * (STRIDES + STRIDES_PER_METRE * speed), 2 * math.pi)


def shown(phase: Array) -> Array:
    """Return what a policy observes of the gait's clock, (2,): sine and cosine of its phase () in rad."""
    return jnp.stack([jnp.sin(phase), jnp.cos(phase)])


def mirror() -> Reflection:
    """Return how the sine and cosine of the gait clock's phase change when left and right change places.

    The mirrored clock is half a stride later, so that both numbers change their sign.
    """
    return Reflection((0, 1), (-1, -1))


def swings(phase: Array) -> Array:
    """Return where the right and the left foot (2,) are to be at a phase () in rad of the gait's clock.

    A number above 0 asks for the foot to be in the air (swing), one below 0 for it to be on the floor (stance). The
    numbers are the sine of the phase for the right foot, and minus the sine for the left one.
    """
    return jnp.sin(phase) * jnp.array([1.0, -1.0])


def asked_height(phase: Array) -> Array:
    """Return the height (2,) in m that the gait's clock asks for, of the right and the left sole, at a phase () in rad.

    It is 0 while the foot is to be on the floor, and 10 cm in the middle of its time in the air.
    """
    return SWING_HEIGHT * jnp.square(jnp.maximum(swings(phase), 0))
