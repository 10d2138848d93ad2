"""One run of a training: its folder, rows, checkpoints and result, as if it were trained alone."""

import sys
from collections.abc import Callable
from typing import Any

from jax import Array

from algos.common.types import Algorithm, Policy
from flexrl.common.files import write_json
from flexrl.common.warp_buffers import FLAGS
from flexrl.config.run_config import RunConfig
from flexrl.engine.engine import Engine, Run
from flexrl.engine.factory import make_policy, policy_template, reward_weights
from flexrl.engine.training_data import TrainingData
from flexrl.reporting.progress import Reporter, final_line
from flexrl.storage.checkpoint import Checkpoints
from flexrl.storage.divergence import forget_divergence, note_divergence
from flexrl.storage.provenance import device_name
from flexrl.storage.run_folder import RunFolder
from flexrl.storage.schedule import Schedule
from flexrl.tracking.sender import Ended
from flexrl.training.final_video import draw_video
from flexrl.training.members import KEPT_TOGETHER
from flexrl.training.warm_start import Inheritance


class Member:
    """What a run leaves on the disk, while it trains."""

    def __init__(
        self,
        config: RunConfig,
        *,
        resume: bool,
        inherited: Callable[[], Inheritance],
        num_together: int = 1,
        shows_progress: bool = True,
    ) -> None:
        """Read what it begins from; nothing is written.

        Args:
          config: of the run.
          resume: go on with it, rather than begin it.
          inherited: loads what it takes from its parent, if it has one.
          num_together: runs in this training; several keep checkpoints of the same iteration.
          shows_progress: print a line now and then.

        Raises:
          ConfigError: if the parent does not fit.
          CheckpointError: if the parent's checkpoint is damaged.
        """
        self.config = config
        keep = max(config.keep_checkpoints, KEPT_TOGETHER if num_together > 1 else 1)
        self.checkpoints = Checkpoints(config.folder, keep)
        self.divergence: str | None = None  # why it has diverged, if it has
        self.resume = resume
        self._inherited = inherited
        if config.parent and not resume:
            inherited()
        self._shows_progress = shows_progress
        self._told_of_overflow: set[str] = set()
        self._folder: RunFolder  # once it is open
        self.schedule: Schedule  # once the folder says what totals the run had before
        self.reporter: Reporter  # once the run is there

    def open(self, data: TrainingData | None, *, arguments: list[str]) -> None:
        """Lock the folder, and record what is new.

        Raises:
          ConfigError: if the folder is in use, or holds a run although a new one was asked for; if the dataset is
            another than the one that the run began with.
        """
        self._folder = RunFolder(self.config.folder)
        forget_divergence(self.config.folder)
        if not self.resume:
            parent = self._inherited().record if self.config.parent else None
            self._folder.start(self.config, arguments, parent, data and data.record)
            return
        if data is not None:
            data.require_same(self.config.folder)
        self._folder.move(self.config)

    def change_total(self, iteration: int) -> None:
        """Note in the folder that the run goes on from this iteration to another total of steps, if it does."""
        if self.resume:
            self._folder.change_total(self.config, iteration)

    def begin(self, engine: Engine, algorithm: Algorithm) -> Run:
        """The run before its first iteration, with its own hyper-parameters."""
        run = engine.init(self.config.seed, algorithm, reward_weights(self.config))
        if self.config.parent is None:
            return run
        inheritance = self._inherited()
        if self._shows_progress:
            print(inheritance.summary(), flush=True)
        return engine.place(run.replace(train=inheritance.into(run.train)))

    def restore(self, engine: Engine, step: int) -> Run:
        """The run as it was after so many iterations.

        Raises:
          CheckpointError: if that checkpoint is not there, damaged, or of other sizes.
        """
        return engine.place(self.checkpoints.restore(engine.template(), step)[1])

    def report_from(self, iteration: int) -> None:
        """Open the rows after so many iterations; later ones are cut. A score that a kill left unnoted is noted."""
        self.reporter = Reporter(self.schedule, iteration, self._shows_progress)
        for row in self.reporter.evaluations():
            self.checkpoints.note_score(row["step"], row["evaluation/return_mean"])

    def write_row(self, iteration: int, metrics: dict[str, Array]) -> None:
        """Write an iteration's row; after too many updates in a row that were not finite, the run has diverged."""
        row = self.reporter.iteration(iteration, metrics)
        self._tell_of_overflow("episode/overflowed", row, self.config.steps_per_iteration)
        self.notice_divergence(iteration, row)
        if self.divergence:
            self.reporter.sync()
            note_divergence(self.config.folder, iteration, self.divergence)
            self.end("failed")

    def notice_divergence(self, iteration: int, metrics: dict[str, Any]) -> None:
        """Note here alone that the run has diverged, if an iteration's metrics say so."""
        skipped, limit = metrics["update/skipped_in_a_row"], self.config.max_skipped_updates
        if skipped >= limit:
            self.divergence = (
                f"{self.config.folder}: {skipped} updates in a row were not finite (max_skipped_updates {limit}) at "
                f"iteration {iteration}; the newest checkpoint is good: lower the learning rate, or look at the "
                "task's rewards"
            )

    def needs_evaluation(self, iteration: int) -> bool:
        """Whether an evaluation is due, and was not made before an interruption."""
        last = self.reporter.last_evaluation()
        return self.schedule.evaluates_after(iteration) and not (last and last["step"] == iteration)

    def write_evaluation(self, iteration: int, evaluation: dict[str, Any], seconds: float) -> None:
        """Write the row of an evaluation, then note its score, of an iteration that is saved; once."""
        if not self.needs_evaluation(iteration):
            return
        row = self.reporter.evaluation(iteration, evaluation, seconds)
        num_steps = round(evaluation["episode_length_mean"] * evaluation["num_episodes"])
        self._tell_of_overflow("evaluation/overflowed", row, num_steps)
        self.reporter.sync()
        self.checkpoints.note_score(iteration, evaluation["return_mean"])

    def _tell_of_overflow(self, name: str, row: dict[str, Any], num_steps: int) -> None:
        """Say once on standard error that MJX-Warp left contacts out, where a row's number says so."""
        if row.get(name) and name not in self._told_of_overflow:
            self._told_of_overflow.add(name)
            print(
                f"{self.config.folder}: contacts were left out in {row[name]:,} of {num_steps:,} control steps at "
                f"iteration {row['step']}, and maybe later; raise {FLAGS} ({name})",
                file=sys.stderr,
                flush=True,
            )

    def save(self, iteration: int, run: Run) -> None:
        """Write a checkpoint in the background, after all rows that it builds on."""
        self.reporter.sync()
        self.checkpoints.save(iteration, run)

    def stopped_early(self, iteration: int) -> str | None:
        """Why the run is over before its last iteration, if it is."""
        evaluations = self.reporter.evaluations()
        if not evaluations or evaluations[-1]["step"] != iteration:
            return None
        return self.config.early_stop.reason(evaluations, self.reporter.training_seconds())

    def chosen_policy(self, algorithm: Algorithm) -> tuple[int, Policy]:
        """The iteration that `best` names, and its policy: what evaluating, drawing and exporting a run take.

        Raises:
          CheckpointError: if that checkpoint is damaged.
        """
        self.checkpoints.wait()
        step, restored = self.checkpoints.restore(policy_template(algorithm), self.checkpoints.find("best"))
        return step, make_policy(algorithm, restored)

    def finish(self, iteration: int, step: int, final: dict[str, Any]) -> None:
        """Write `result.json` and draw the video.

        Args:
          iteration: the last one.
          step: the one whose policy was chosen.
          final: what its final evaluation found.
        """
        config, stopped = self.config, self.stopped_early(iteration)
        chosen = next(row for row in self.reporter.evaluations() if row["step"] == step)
        seconds = self.reporter.training_seconds()
        control_steps = iteration * config.steps_per_iteration
        evaluation = {
            "policy": "best",
            "step": step,
            "control_steps": chosen["control_steps"],
            "stream": "final",
            "seed": config.seed,
            "return_when_chosen": chosen["evaluation/return_mean"],
        }
        result = {
            "name": config.name,
            "config_hash": config.hash(),
            "algo": config.algo,
            "env": config.env_name,
            "seed": config.seed,
            "steps": control_steps,
            "iterations": iteration,
            "stopped_early": stopped,
            "device": device_name(),
            "physics": config.physics,
            **final,
            "evaluation": evaluation,
            "timing": {"seconds": seconds, "steps_per_second": control_steps / seconds},
        }
        write_json(config.folder / "result.json", result)
        if stopped:
            print(f"stopped early: {stopped}", flush=True)
        print(final_line(config.folder.name, final, evaluation), flush=True)
        if config.video:
            draw_video(config.folder)

    def end(self, ended: Ended) -> None:
        """Tell trackers how the run ended; waits for nothing."""
        self.reporter.end(ended)

    def close(self) -> None:
        """Close the outputs, after `end`."""
        self.reporter.close()
        self.checkpoints.close()
        self._folder.close()
