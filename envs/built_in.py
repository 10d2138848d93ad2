"""Our environments: where each name's task is. Imports nothing, so that naming them costs nothing."""

BUILT_IN = {
    "humanoid-walk": "envs.humanoid_walk:HumanoidWalk",
    "humanoid-skills": "envs.humanoid_skills.task:HumanoidSkills",
    "humanoid-goal": "envs.humanoid_goal:HumanoidGoal",
    "dmc-humanoid-stand": "envs.dmc_humanoid:DMCHumanoidStand",
    "dmc-humanoid-walk": "envs.dmc_humanoid:DMCHumanoidWalk",
    "dmc-humanoid-run": "envs.dmc_humanoid:DMCHumanoidRun",
}
