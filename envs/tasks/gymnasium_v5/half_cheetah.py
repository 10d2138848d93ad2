"""`HalfCheetah-v5`: run forward, in a plane."""

from dataclasses import dataclass

from envs.tasks.gymnasium_v5.planar import PlanarConfig, PlanarTask


@dataclass(frozen=True)
class HalfCheetahV5Config(PlanarConfig):
    """What the cheetah is rewarded for: forward velocity less a cost of control.

    The fields are those of `PlanarConfig` and `GymnasiumConfig`, under Gymnasium's names. As in Gymnasium, the noise on
    first states is 0.1 by default.
    """

    reset_noise_scale: float = 0.1


class HalfCheetahV5(PlanarTask):
    """Gymnasium's `HalfCheetah-v5`: rewards forward velocity, less control cost; episodes never terminate.

    Observation (17): positions (m, rad; without x), then velocities (m/s, rad/s).
    Source: gymnasium 1.4 `envs/mujoco/half_cheetah_v5.py`.
    """

    Config = HalfCheetahV5Config
    gymnasium_file = "half_cheetah.xml"
    first_velocities = "normal"
