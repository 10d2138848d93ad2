"""`HalfCheetah-v5`: run forward, in a plane."""

from dataclasses import dataclass

from envs.tasks.gymnasium_v5.planar import PlanarConfig, PlanarTask


@dataclass(frozen=True)
class HalfCheetahV5Config(PlanarConfig):
    """What the cheetah is rewarded for; fields as in `PlanarConfig` and `GymnasiumConfig`."""

    reset_noise_scale: float = 0.1


class HalfCheetahV5(PlanarTask):
    """Gymnasium's `HalfCheetah-v5`: velocity and control cost; episodes never terminate.

    Observation (17): as in `PlanarTask`.
    Source: gymnasium 1.4 `envs/mujoco/half_cheetah_v5.py`.
    """

    Config = HalfCheetahV5Config
    gymnasium_file = "half_cheetah.xml"
    first_velocities = "normal"
