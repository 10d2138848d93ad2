"""`import flexrl.gym` names our environments to Gymnasium: `gymnasium.make("flexrl/HumanoidSkills-v0")`."""

from envs.bridges.registration import register

register()
