"""Load the policies that a run imitates."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from algos.common.teachers import Teachers
from algos.ppo.config import FAMILIAR_STATES, PPOConfig
from algos.ppo.policy import PPOPolicy
from envs.physics import resolve_backend
from envs.tasks.humanoid_skills.clock import CLOCK_SIZE
from envs.tasks.humanoid_skills.goals import COMMAND_SIZE, SKILL_NAMES
from envs.types import EnvSpec
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.config.run_config import RunConfig
from flexrl.engine.factory import make_algorithm, make_evaluation_env
from flexrl.engine.training_data import require_recorded
from flexrl.policies.playback import load_policy_of
from flexrl.storage.checkpoint import leaves_of
from flexrl.storage.policy_file import digest
from flexrl.storage.run_folder import find_run, read_config


@dataclass(frozen=True)
class LoadedTeachers:
    """The policies that a run imitates. Checkpoints hold nothing of them.

    Attributes:
      names: the policies as the config names them: `RUN[:STEP]`, or `SKILL=RUN[:STEP]`.
      arrays: the policies, with the sizes of their observations.
      sha256: SHA-256 of their arrays.
    """

    names: tuple[str, ...]
    arrays: Teachers
    sha256: str

    @property
    def record(self) -> JsonObject:
        """What `metadata.json` says of the policies: `sha256` and their names, `teachers`."""
        return {"sha256": self.sha256, "teachers": list(self.names)}

    @property
    def summary(self) -> str:
        """A phrase that names the policies that the run imitates (its teachers)."""
        return f"the actions of {', '.join(self.names)}"

    def require_same(self, run: Path) -> None:
        """Refuse to resume a run that began by imitating other policies (teachers).

        Raises:
          ConfigError: if the SHA-256 is not the one that the run recorded.
        """
        require_recorded(run, self.sha256, f"teachers: {', '.join(self.names)}", "teachers")


def load_teachers(config: RunConfig, spec: EnvSpec) -> LoadedTeachers | None:
    """Load the teachers (policies to imitate) that a run's config names. Return None if the config names none.

    Raises:
      ConfigError: if a teacher is missing, has a memory, or sees something else than the run's policy.
      CheckpointError: if a teacher's checkpoint is damaged.
    """
    algorithm = config.algorithm
    if not isinstance(algorithm, PPOConfig) or not algorithm.teachers:
        return None
    policies, obs_sizes, reads_goal, columns, familiar_only = [], [], [], [], []
    for name in algorithm.teachers:
        skill, _, place = name.rpartition("=")
        familiar_only.append(skill == FAMILIAR_STATES)
        skill = "" if familiar_only[-1] else skill
        try:
            policy, sees = _load(place, config.workspace, algorithm.action_distribution)
            _require_fit(sees, spec, skill, config)
        except ConfigError as error:
            raise ConfigError(f"teachers: {name}: {error}") from None
        policies.append(policy)
        obs_sizes.append(sees.obs_size)
        reads_goal.append(sees.goal_size > 0)
        columns.append(COMMAND_SIZE + SKILL_NAMES.index(skill) if skill else None)
    teachers = Teachers(
        tuple(policies),
        tuple(obs_sizes),
        tuple(reads_goal),
        tuple(columns),
        tuple(familiar_only),
        algorithm.familiar_below,
    )
    return LoadedTeachers(algorithm.teachers, teachers, digest(leaves_of(teachers)))


def _load(place: str, workspace: str, distribution: str) -> tuple[PPOPolicy, EnvSpec]:
    """Return the policy of `RUN[:STEP]`, and the sizes of its environment.

    Refuse a policy that has a memory, another action distribution than `distribution`, or was not trained by PPO.
    """
    run, colon, step = place.rpartition(":")
    folder = find_run(run if colon else place, workspace)
    config = dataclasses.replace(read_config(folder), physics=resolve_backend("auto"))
    if config.algo != "ppo":
        raise ConfigError(f"was trained by {config.algo}; choose a teacher that ppo trained")
    if config.algorithm.has_memory:
        raise ConfigError("has a memory; choose a teacher without one")
    if config.algorithm.action_distribution != distribution:
        raise ConfigError(
            f"has the action_distribution {config.algorithm.action_distribution}, and this run {distribution}; "
            "choose the same"
        )
    env = make_evaluation_env(config, num_worlds=1)
    policy = load_policy_of(folder, make_algorithm(config, env), step if colon else "best")[1]
    assert isinstance(policy, PPOPolicy)
    return policy, env.spec


def _require_fit(sees: EnvSpec, spec: EnvSpec, skill: str, config: RunConfig) -> None:
    own = spec.obs_size - CLOCK_SIZE if getattr(config.task, "gait_clock", False) else spec.obs_size
    same = sees.obs_size in (own, spec.obs_size) and sees.action_size == spec.action_size
    if not same or sees.goal_size not in (0, spec.goal_size):
        raise ConfigError(
            f"sees {sees.obs_size} observations and {sees.goal_size} numbers of goal and takes {sees.action_size} "
            f"actions; {config.env} has {spec.obs_size}, {spec.goal_size} (or none) and {spec.action_size}"
        )
    if skill and config.env != "humanoid-skills":
        raise ConfigError(f"{skill} is a skill of humanoid-skills, and this run is of {config.env}")
    if skill and skill not in SKILL_NAMES:
        raise ConfigError(f"{skill!r} is unknown; known: {', '.join(SKILL_NAMES)}")
