"""`import flexrl.gym` registers the environments with Gymnasium: `gymnasium.make("flexrl/HumanoidSkills-v0")`."""

from envs.bridges.registration import register

register()
