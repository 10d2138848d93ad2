"""Gymnasium's MuJoCo tasks, version 5, with the same models, rewards and names."""

from envs.tasks.gymnasium_v5.ant import AntV5
from envs.tasks.gymnasium_v5.half_cheetah import HalfCheetahV5
from envs.tasks.gymnasium_v5.hopper import HopperV5
from envs.tasks.gymnasium_v5.humanoid import HumanoidV5
from envs.tasks.gymnasium_v5.humanoid_standup import HumanoidStandupV5
from envs.tasks.gymnasium_v5.walker2d import Walker2dV5

__all__ = ["AntV5", "HalfCheetahV5", "HopperV5", "HumanoidStandupV5", "HumanoidV5", "Walker2dV5"]
