"""Compare a policy whose goal is the embedding of a sentence with one whose goal is the skill itself.

    python -m benchmarks.language_direct

Both are clones of one policy: behavior cloning from the same episodes, with the same network and number of updates. In
one dataset the goal is the skill and its command, in the other the embedding (384 numbers) of a sentence of the
training corpus that asks for the skill. The table shows in how many episodes each skill succeeds at its nominal
command. Its first rows are the original policy and the clone that is told the skill. In the other rows, the other clone
is told sentences: in one row those of training, in one others of the same templates and words (S0), in one sentences of
other templates (S1), and in one sentences with other words (S2). A skill that a set has no sentence for is left out of
its row. Runs and datasets stay in the workspace; what is there is not made again.
"""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.finished_runs import finished_runs
from benchmarks.report import header, save
from envs.tasks.humanoid_skills.goals import COMMAND_SIZE, SKILL_NAMES
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.common.tables import print_table, say
from flexrl.common.types import JsonObject
from flexrl.data.dataset_folder import write_dataset
from flexrl.data.episode import Episode
from flexrl.language.corpus.clauses import clause_examples
from flexrl.language.corpus.types import Split
from flexrl.language.encoder import Encoder
from flexrl.policies.collect_arguments import CollectArguments
from flexrl.policies.dataset_recorder import record_episodes
from flexrl.policies.playback import load_playback
from flexrl.policies.skill_evaluation import examine

TOLD = "benchmarks/told_in_words.py:ToldInWords"
SPLITS: tuple[Split, ...] = ("train", "S0", "S1", "S2")
NUM_SENTENCES = 64  # of each skill and split; where there are less, some count several times
NUM_CLAUSES = {"train": 20_000, "S0": 4_000, "S1": 1_000, "S2": 1_000}  # of which sentences are taken


@dataclass(frozen=True)
class DirectConfig:
    """What is cloned, and for how long.

    Attributes:
      run: policy of humanoid-skills to clone.
      episodes: episodes to record of it, with sampled actions.
      total_steps: control steps in all minibatches of a clone.
      judged: episodes of each skill in evaluations.
      seed: random seed of episodes, sentences and training.
      workspace: folder for datasets and runs.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    run: str = "pretrained/humanoid-skills"
    episodes: int = 512
    total_steps: int = 20_000_000
    judged: int = 128
    seed: int = 0
    workspace: Path = Path("workspace/language-direct")
    out: Path | None = None


def main() -> None:
    """Compare a policy with two clones of it, one told the skill and one told sentences; print and write their success.

    The clones are trained from recorded episodes of the policy.
    """
    with exit_codes():
        config = tyro.cli(DirectConfig, description=__doc__)
        prepare_jax()
        report = header(config)
        report["settings"]["workspace"] = config.workspace.name
        skills = load_playback(config.run, ".", "best").config.task.skills
        skills = tuple(dict.fromkeys(skills))
        tables = write_sentences(skills, config)
        record(config, tables["train"])
        words = ("--env", TOLD, "--task.sentences", str(tables["train"]), "--task.skills", *skills)
        of_skills = clone("skills", ("--env", "humanoid-skills", "--task.skills", *skills), config)
        of_words = clone("words", words, config)
        report["results"] = [
            {"told": "the skill (the policy itself)", **judged(config.run, config, skills)},
            {"told": "the skill (a clone)", **judged(of_skills, config, skills)},
            *({"told": f"sentences of {x}", **judged(of_words, config, skills, tables[x])} for x in SPLITS),
        ]
        report["load_average_after"] = os.getloadavg()
        rows = [
            [row["told"], *("-" if row.get(name) is None else f"{row[name]:.2f}" for name in (*skills, "mean"))]
            for row in report["results"]
        ]
        print_table(["told", *skills, "mean"], rows)
        print(save(report, "language-direct", config.out))


def write_sentences(skills: Sequence[str], config: DirectConfig) -> dict[str, Path]:
    """Write the embeddings (K, 384) of K sentences for each skill to a .npz file, for training and each test set.

    Returns:
      The file of each split: `train`, and the test sets `S0`, `S1` and `S2` that the module describes. A file lacks the
      skills for which its split has no sentence.
    """
    encoder = Encoder()
    config.workspace.mkdir(parents=True, exist_ok=True)
    files = {}
    for split in SPLITS:
        files[split] = config.workspace / f"{split.lower()}.npz"
        if files[split].exists():
            continue
        say(f"writing sentences of {split}")
        rng = np.random.default_rng(config.seed)
        examples = clause_examples(split, NUM_CLAUSES[split], config.seed)
        found = {}
        for skill in skills:
            meant = "stand" if skill == "stand-still" else skill
            texts = [x.text for x in examples if x.skill == meant and x.speed is None]
            if texts:
                found[skill] = encoder(list(rng.choice(texts, NUM_SENTENCES, replace=len(texts) < NUM_SENTENCES)))
        np.savez(files[split], **found)
    return files


def record(config: DirectConfig, sentences: Path) -> None:
    """Record a policy's episodes as two datasets, `skills` and `words`, unless they exist already.

    They differ only in the goals: the recorded ones, or embeddings of sentences that ask for the same skills.

    Args:
      config: the policy, the number of episodes and the workspace.
      sentences: .npz file with the embeddings of sentences by skill.
    """
    folders = [config.workspace / "data" / name for name in ("skills", "words")]
    if all(folder.exists() for folder in folders):
        return
    options = CollectArguments(folders[0], "expert", config.episodes, seed=config.seed)
    recording = record_episodes(config.run, options)
    with np.load(sentences) as file:
        known = dict(file)
    rng = np.random.default_rng(config.seed)
    told = [dataclasses.replace(episode, goal=in_words(episode, known, rng)) for episode in recording.episodes]
    environments = ({}, {"env": TOLD, "config": None, "config_hash": None})
    for folder, episodes, environment in zip(folders, (recording.episodes, told), environments, strict=True):
        metadata = {"dataset_id": f"flexrl/language-direct/{folder.name}-v0"}
        if not folder.exists():
            say(f"writing {len(episodes)} episodes to {folder}")
            write_dataset(folder, episodes, metadata, recording.provenance | environment)


def in_words(episode: Episode, sentences: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Return an episode's goals (T + 1, 384) as embeddings: one sentence for each goal, drawn from those of its skill.

    Args:
      episode: episode of humanoid-skills.
      sentences: embeddings (K, 384) of sentences, by skill.
      rng: source of random numbers.
    """
    is_new = np.any(np.diff(episode.goal, axis=0, prepend=np.nan) != 0, axis=1)
    starts = np.flatnonzero(is_new)
    drawn = []
    for start in starts:
        known = sentences[SKILL_NAMES[int(episode.goal[start, COMMAND_SIZE:].argmax())]]
        drawn.append(known[rng.integers(len(known))])
    return np.repeat(np.array(drawn, np.float32), np.diff(np.append(starts, len(episode.goal))), axis=0)


def clone(name: str, environment: Sequence[str], config: DirectConfig) -> str:
    """Train a clone of a policy by behavior cloning; go on with a run that was interrupted.

    Args:
      name: name of the run and of the dataset that it learns from, `skills` or `words`.
      environment: flags of `flexrl.train` that choose the environment and its task.
      config: workspace, number of control steps, and random seed.

    Returns:
      The run's folder.
    """
    flags = ["--algo", "bc", *environment, "--algorithm.dataset", str(config.workspace / "data" / name)]
    flags += ["--algorithm.policy-layers", "256", "256", "256", "--algorithm.goal-layers", "128", "64"]
    flags += ["--total-steps", str(config.total_steps), "--num-evaluations", "4", "--no-video", "--name", name]
    flags += ["--seed", str(config.seed), "--workspace", str(config.workspace)]
    finished_runs(flags)
    return str(config.workspace / name)


def judged(run: str, config: DirectConfig, skills: Sequence[str], sentences: Path | None = None) -> JsonObject:
    """Evaluate a policy on each skill at its nominal command, such as the skill's usual velocity.

    Args:
      run: the policy.
      config: number of episodes and random seed.
      skills: names of the skills.
      sentences: .npz file of the sentences whose embeddings the policy is told; None for a policy that is told the
        skill.

    Returns:
      Share of episodes that succeeded, by skill; their `mean`; and `falls_while_switching`, per episode in which the
      skill changes.
    """

    def asked(task: Any) -> Any:
        changes: JsonObject = {"command_spread": 0.0}
        if sentences is not None:
            with np.load(sentences) as file:
                changes |= {"sentences": str(sentences), "skills": tuple(x for x in skills if x in file)}
        return dataclasses.replace(task, **changes)

    playback = load_playback(run, ".", "best", num_episodes=config.judged, task=asked, is_randomized=False)
    found = examine(playback, config.judged, 0, config.seed)
    success = {name: row["success"] for name, row in found["skills"].items()}
    return success | {
        "mean": float(np.mean(list(success.values()))),
        "falls_while_switching": found["switching"]["falls_per_episode"],
    }


if __name__ == "__main__":
    main()
