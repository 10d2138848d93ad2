"""`humanoid-skills` whose goals are the embeddings of sentences, for `benchmarks.language_direct`."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from envs.errors import ConfigError
from envs.physics import PhysicsOptions
from envs.tasks.humanoid_skills.goals import SKILL_NAMES, Goals
from envs.tasks.humanoid_skills.task import HumanoidSkills, HumanoidSkillsConfig
from envs.types import EnvState


@dataclass(frozen=True)
class ToldInWordsConfig(HumanoidSkillsConfig):
    """The config of `humanoid-skills`, with the sentences whose embeddings are its goals.

    Attributes:
      sentences: .npz file with the embeddings (K, 384) of K sentences for each skill, under the skill's name.
    """

    sentences: str = ""


class ToldInWords(HumanoidSkills):
    """`humanoid-skills`, in which the goal (384) is the embedding of a sentence that asks for the skill.

    Each skill has several sentences. Which one is used is drawn for each episode, and another one is used when the goal
    changes. A sentence names no command: it asks for the skill at its nominal one, such as its usual velocity.
    """

    Config = ToldInWordsConfig

    def __init__(self, config: ToldInWordsConfig, options: PhysicsOptions) -> None:
        """Build the environment, and read the embeddings of the sentences for each of its skills."""
        super().__init__(config, options)
        if not config.sentences:
            raise ConfigError("task.sentences: is empty; name a file that benchmarks.language_direct wrote")
        with np.load(config.sentences) as file:
            known = {name: file[name] for name in config.skills}
        rows = np.zeros((len(SKILL_NAMES), *next(iter(known.values())).shape), np.float32)
        for name, embeddings in known.items():
            rows[SKILL_NAMES.index(name)] = embeddings
        self._sentences = jnp.asarray(rows)

    @property
    def mirror(self) -> None:
        """None, for the task has no left-right symmetry: the mirror image of a sentence is unknown."""

    def reset(self, key: Array) -> EnvState:
        """Start an episode of `humanoid-skills`, in which the goal is the embedding of a sentence."""
        key, key_sentence = jax.random.split(key)
        return self._told(super().reset(key), jax.random.randint(key_sentence, (), 0, self._sentences.shape[1]))

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Make a control step of `humanoid-skills`, in which the goal is the embedding of a sentence."""
        return self._told(super().step(state, action), state.info["drawn"])

    def _told(self, state: EnvState, drawn: Array) -> EnvState:
        goals: Goals = state.info["goals"]
        number = (drawn + goals.end) % self._sentences.shape[1]
        return state.replace(goal=self._sentences[goals.skill, number], info=state.info | {"drawn": drawn})
