"""Make deliberate faults in single lines, one at a time, and check that the fast tests notice each.

    python -m tests.faults

Each fault is made in a copy of the repository, where the tests of its room then run until the first one fails. The
command ends with 1 if a fault is not noticed, and with 2 if a line that it changes is no longer there: change the list.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("algos", "envs", "flexrl", "launch", "pretrained", "tests", "pyproject.toml")


@dataclass(frozen=True)
class Fault:
    """A fault in one line.

    Attributes:
      what: what is wrong then, in a few words.
      file: file that has the line.
      right: part of the line; occurs once in the file.
      wrong: what stands there instead.
      tests: files or folders of the tests that should notice it.
    """

    what: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]


GAE = ("tests/algos/ppo/test_gae.py",)
PPO = ("tests/algos/ppo", "tests/algos/test_probe_environments.py")
NORMALIZER = ("tests/algos/common/test_normalization.py",)
DT = ("tests/algos/dt",)
CHECKPOINT = ("tests/flexrl/storage/test_checkpoint.py",)
PLAN = ("tests/launch/plan",)
EVALUATOR = ("tests/flexrl/engine/test_evaluator.py",)

FAULTS = (
    Fault(
        "a terminated step is valued by what follows",
        "algos/ppo/gae.py",
        "jnp.where(terminated_TB, 0, next_value_TB)",
        "next_value_TB",
        GAE,
    ),
    Fault(
        "advantages reach over a time limit", "algos/ppo/gae.py", "terminated_TB | truncated_TB", "terminated_TB", GAE
    ),
    Fault("lambda is left out", "algos/ppo/gae.py", "discount * gae_lambda)", "discount)", GAE),
    Fault("advantages run forwards", "algos/ppo/gae.py", "reverse=True", "reverse=False", GAE),
    Fault(
        "the ratio is the wrong way round",
        "algos/ppo/learner.py",
        "distribution.log_density(samples.raw_action) - samples.old_log_density",
        "samples.old_log_density - distribution.log_density(samples.raw_action)",
        PPO,
    ),
    Fault(
        "entropy is a cost",
        "algos/ppo/learner.py",
        '- hyper["entropy_weight"] * entropy',
        '+ hyper["entropy_weight"] * entropy',
        PPO,
    ),
    Fault(
        "the value network learns advantages",
        "algos/ppo/learner.py",
        "target_TB = advantage_TB + value_TB",
        "target_TB = advantage_TB",
        PPO,
    ),
    Fault(
        "a gradient that is not finite is applied",
        "algos/ppo/learner.py",
        "finite = jnp.isfinite(grad_norm)",
        "finite = jnp.isfinite(grad_norm) | True",
        PPO,
    ),
    Fault(
        "advantages are not centred", "algos/ppo/learner.py", "return (advantage - mean) /", "return advantage /", PPO
    ),
    Fault(
        "a large KL divergence raises the rate",
        "algos/ppo/learner.py",
        "jnp.where(kl > high, 1 / LEARNING_RATE_FACTOR",
        "jnp.where(kl > high, LEARNING_RATE_FACTOR",
        PPO,
    ),
    Fault(
        "every epoch has the same order",
        "algos/ppo/learner.py",
        "shuffled_rows(key, num_rows))(keys)",
        "shuffled_rows(keys[0], num_rows))(keys)",
        PPO,
    ),
    Fault(
        "the means' distance is dropped",
        "algos/common/normalization.py",
        "sum_squares + jnp.square(delta) * (self.count * num_new / count)",
        "sum_squares",
        NORMALIZER,
    ),
    Fault(
        "new rows count twice in the mean",
        "algos/common/normalization.py",
        "delta * (num_new / count)",
        "delta * (2 * num_new / count)",
        NORMALIZER,
    ),
    Fault(
        "normalised rows are not clipped",
        "algos/common/normalization.py",
        "jnp.clip((rows - self.mean) / jnp.maximum(self.std, 1e-4), -clip, clip)",
        "(rows - self.mean) / jnp.maximum(self.std, 1e-4)",
        NORMALIZER,
    ),
    Fault(
        "a token sees the future",
        "algos/dt/transformer.py",
        "jnp.tril(jnp.ones((length, length), bool))",
        "jnp.ones((length, length), bool)",
        DT,
    ),
    Fault("padding is attended to", "algos/dt/transformer.py", " & is_real[:, None, :]", "", DT),
    Fault(
        "the action is read from the action's token",
        "algos/dt/transformer.py",
        "[:, :, -2]  # the last token",
        "[:, :, -1]  # the last token",
        DT,
    ),
    Fault(
        "padding counts in the loss",
        "algos/dt/learner.py",
        "jnp.where(windows.valid, error, 0).sum() / num_steps",
        "error.sum() / num_steps",
        DT,
    ),
    Fault(
        "the warm-up never ends",
        "algos/dt/learner.py",
        'jnp.minimum((num_done + 1) / hyper["warmup_updates"], 1)',
        '(num_done + 1) / hyper["warmup_updates"]',
        DT,
    ),
    Fault(
        "windows reach into the episode after",
        "algos/dt/windows.py",
        "jnp.minimum(first + over, end - begin - 1)",
        "first + over",
        DT,
    ),
    Fault(
        "the lowest score is best",
        "flexrl/storage/checkpoint.py",
        'score > best["score"]',
        'score < best["score"]',
        CHECKPOINT,
    ),
    Fault(
        "the best checkpoint is removed",
        "flexrl/storage/checkpoint.py",
        'if best is None or step != best["step"]:',
        "if True:",
        CHECKPOINT,
    ),
    Fault(
        "files are not compared",
        "flexrl/storage/checkpoint.py",
        'if problem := find_difference(folder, manifest["files"]):',
        "if problem := None:",
        CHECKPOINT,
    ),
    Fault(
        "later checkpoints stay",
        "flexrl/storage/checkpoint.py",
        "if later > step:",
        "if later > step + 10**9:",
        CHECKPOINT,
    ),
    Fault(
        "a best step from later stays",
        "flexrl/storage/checkpoint.py",
        'if best is not None and best["step"] > step:',
        "if best is not None and False:",
        CHECKPOINT,
    ),
    Fault(
        "rewards after an episode's end count",
        "flexrl/engine/evaluator.py",
        "jnp.where(running, transition.reward, 0)",
        "transition.reward",
        EVALUATOR,
    ),
    Fault(
        "settled steps after an episode's end count",
        "flexrl/engine/evaluator.py",
        "running & (time >= self._settling_steps)",
        "time >= self._settling_steps",
        EVALUATOR,
    ),
    Fault(
        "the interval of a mean does not narrow with more episodes",
        "flexrl/engine/evaluator.py",
        "1.96 * return_std / math.sqrt(num)",
        "1.96 * return_std",
        EVALUATOR,
    ),
    Fault(
        "the next value of a network with memory is of a fresh memory",
        "algos/ppo/learner.py",
        "next_inputs, jnp.zeros_like(is_first))",
        "next_inputs, is_first)",
        PPO,
    ),
    Fault(
        "the distance of the episodes' means is dropped",
        "flexrl/data/flat_dataset.py",
        "its_squares + np.square(delta) * (count * length / (count + length))",
        "its_squares",
        ("tests/flexrl/data/test_flat_dataset.py",),
    ),
    Fault(
        "the last action stays the first one",
        "envs/tasks/humanoid_skills/task.py",
        '"last_action": action,',
        '"last_action": state.info["last_action"],',
        ("tests/envs/tasks/test_humanoid_skills.py",),
    ),
    Fault(
        "unfinished episodes count",
        "algos/common/rollout.py",
        "jnp.where(done, x, 0).sum()",
        "x.sum()",
        ("tests/algos/common/test_rollout.py",),
    ),
    Fault(
        "episodes are always collected without exploration",
        "flexrl/policies/dataset_recorder.py",
        "dataclasses.replace(policy, deterministic=options.deterministic)",
        "dataclasses.replace(policy, deterministic=True)",
        ("tests/flexrl/policies/test_collect.py",),
    ),
    Fault(
        "later checkpoints stay when a run is resumed from an earlier one",
        "flexrl/training/trainer.py",
        "            member.checkpoints.forget_after(step)\n",
        "",
        ("tests/flexrl/training/test_members.py", "tests/flexrl/training/test_trainer.py"),
    ),
    Fault(
        "a crash is tried once too often", "launch/plan/states.py", "failures > retries", "failures > retries + 1", PLAN
    ),
    Fault("a trial that diverged is tried again", "launch/plan/states.py", "if code in NO_RETRY:", "if False:", PLAN),
    Fault(
        "a preempted trial pays a retry",
        "launch/plan/states.py",
        "if code in (EXIT_PREEMPTED, EXIT_STORAGE) or event.asked:",
        "if event.asked:",
        PLAN,
    ),
    Fault(
        "the worst trials go on",
        "launch/plan/halving.py",
        "key=lambda i: -progress[i]",
        "key=lambda i: progress[i]",
        PLAN,
    ),
    Fault(
        "two equal trials are both sent",
        "launch/plan/trials.py",
        "        _require_distinct(self.path, [*before, *trials])\n",
        "",
        PLAN,
    ),
)


def main() -> int:
    """Make every fault, run its tests, and print what noticed it. Return the exit code."""
    gone = [fault for fault in FAULTS if (ROOT / fault.file).read_text(encoding="utf-8").count(fault.right) != 1]
    for fault in gone:
        print(f"{fault.file}: {fault.right!r} must occur once")
    if gone:
        return 2
    noticed_by = []
    with tempfile.TemporaryDirectory() as copy:
        for name in COPIED:
            source, target = ROOT / name, Path(copy) / name
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        for fault in FAULTS:
            noticed_by.append(_noticed_by(fault, Path(copy)))
            print(f"{fault.file}: {fault.what}: noticed by {noticed_by[-1] or 'nothing'}", flush=True)
    print(f"{sum(map(bool, noticed_by))} of {len(FAULTS)} faults were noticed")
    return 0 if all(noticed_by) else 1


def _noticed_by(fault: Fault, copy: Path) -> str | None:
    """Return the first test that fails with the fault, or None."""
    file = copy / fault.file
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", "-n", "2", "-p", "no:cacheprovider"]
        flags = f"--xla_backend_optimization_level=0 {os.environ.get('XLA_FLAGS', '')}"
        environment = os.environ | {"PYTHONPATH": str(copy), "XLA_FLAGS": flags}
        ended = subprocess.run([*command, *fault.tests], cwd=copy, env=environment, capture_output=True, text=True)
    finally:
        file.write_text(text, encoding="utf-8")
    failed = [line.split(" - ")[0] for line in ended.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if bool(failed) != bool(ended.returncode):
        raise SystemExit(f"{fault.what}: pytest ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return failed[0].split(maxsplit=1)[1] if failed else None


if __name__ == "__main__":
    sys.exit(main())
