"""`Walker2d-v5`: walk forward on two legs, in a plane."""

from envs.tasks.gymnasium_v5.planar import UprightConfig, UprightTask


class Walker2dV5(UprightTask):
    """Gymnasium's `Walker2d-v5`: rewards forward velocity and survival, less control cost; a fall ends an episode.

    Observation (17): positions (m, rad; without x), then velocities (m/s, rad/s), clipped to [-10, 10].
    Source: gymnasium 1.4 `envs/mujoco/walker2d_v5.py`.
    """

    Config = UprightConfig
    gymnasium_file = "walker2d_v5.xml"
