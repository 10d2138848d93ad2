"""`Walker2d-v5`: walk forward on two legs, in a plane."""

from envs.tasks.gymnasium_v5.planar import UprightConfig, UprightTask


class Walker2dV5(UprightTask):
    """Gymnasium's `Walker2d-v5`: velocity, survival and control cost.

    Observation (17): as in `UprightTask`.
    Source: gymnasium 1.4 `envs/mujoco/walker2d_v5.py`.
    """

    Config = UprightConfig
    gymnasium_file = "walker2d_v5.xml"
