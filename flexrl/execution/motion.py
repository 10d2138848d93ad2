"""What a plan measures on the body: how it moves, where its feet touch the floor, and how long it flies or stands."""

import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.success import MIN_STANDING_HEIGHT
from envs.tasks.humanoid_skills.rewards import STANDING_HEIGHT

MIN_SWING_SECONDS = 0.04  # s without contact after which a foot's next contact is a step, and no trembling


@struct.dataclass
class BodyMotion:
    """How one world's body moves after a control step.

    Holds the velocity (forward, left, turn), the torso's height and tilt, and whether each foot touches the floor.
    """

    velocity: Array  # (3,) forward m/s, left m/s, turn rad/s, like a command
    height: Array  # () m, of the torso; of a robot, scaled such that it stands as high as the humanoid
    touches: Array  # (2,) bool: whether each foot is on the floor
    tilt: Array  # () sine of the angle between the torso's axis and the vertical


@struct.dataclass
class Contacts:
    """Three timers (s) of one world's body, for counting footsteps and jumps.

    `swing`: how long each foot has been off the floor; `flight`: how long both have been, with the torso high;
    `standing`: how long the torso has been at standing height. Each is 0 while its condition does not hold.
    """

    swing: Array  # (2,) s without contact, each foot
    flight: Array  # () s with neither foot on the floor and the torso high
    standing: Array  # () s with the torso at standing height

    @classmethod
    def first(cls) -> "Contacts":
        """Return the timers of a body that has just been put into the world: all are 0."""
        return cls(jnp.zeros(2), jnp.zeros(()), jnp.zeros(()))

    def after(self, motion: BodyMotion, period: float) -> "Contacts":
        """Return the timers one control step later. A timer grows by `period` while its condition holds, and else is 0.

        The condition of `swing` is, for each foot, that it does not touch the floor. That of `flight` is that neither
        foot does and the torso is above `STANDING_HEIGHT`. That of `standing` is that the torso is at
        `MIN_STANDING_HEIGHT` or above, whether or not the feet touch the floor.

        Args:
          motion: the body's motion after the control step.
          period: s of a control step.
        """
        flies = ~motion.touches.any() & (motion.height > STANDING_HEIGHT)
        stands = motion.height >= MIN_STANDING_HEIGHT
        return Contacts(
            swing=jnp.where(motion.touches, 0, self.swing + period),
            flight=jnp.where(flies, self.flight + period, 0),
            standing=jnp.where(stands, self.standing + period, 0),
        )

    def num_steps(self, motion: BodyMotion) -> Array:
        """Return how many footsteps end in a control step, 0 to 2.

        Counted are feet that touch the floor again after at least `MIN_SWING_SECONDS` without contact. `self` must hold
        the contacts before the control step, and `motion` the body's motion after it.
        """
        return (motion.touches & (self.swing >= MIN_SWING_SECONDS)).sum()
