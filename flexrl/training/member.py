"""A member: one of the runs that one program trains, which may also be the only one.

Each member writes its own folder, rows of metrics, checkpoints and result.
"""

import sys
from collections.abc import Callable

from jax import Array

from algos.common.types import Algorithm, Policy
from flexrl.common.files import write_json
from flexrl.common.types import JsonObject
from flexrl.common.warp_buffers import FLAGS
from flexrl.config.run_config import RunConfig
from flexrl.engine.engine import Engine, RunState
from flexrl.engine.factory import make_policy, policy_template, reward_weights
from flexrl.engine.training_data import TrainingData
from flexrl.reporting.display import DRAWING
from flexrl.reporting.ending import final_line
from flexrl.reporting.progress import Reporter
from flexrl.storage.checkpoint import Checkpoints
from flexrl.storage.divergence import forget_divergence, note_divergence
from flexrl.storage.provenance import device_name
from flexrl.storage.run_folder import RunFolder
from flexrl.storage.schedule import Schedule
from flexrl.tracking.sender import Ended
from flexrl.training.final_video import draw_video
from flexrl.training.members import KEPT_TOGETHER
from flexrl.training.teachers import LoadedTeachers
from flexrl.training.warm_start import Inheritance


class Member:
    """One run while it trains, and what it writes to its folder: config, metrics, checkpoints and result."""

    def __init__(
        self,
        config: RunConfig,
        *,
        resume: bool,
        inherited: Callable[[], Inheritance],
        num_together: int = 1,
        shows_progress: bool = True,
    ) -> None:
        """Prepare the run and load what it takes from its parent (the run or policy that it starts from).

        Nothing is written.

        Args:
          config: config of the run.
          resume: go on with the run, rather than start it.
          inherited: loads what the run takes from its parent; called only if the run has a parent.
          num_together: number of runs in this training; if there are several, each keeps enough checkpoints that all
            have one of the same iteration.
          shows_progress: show iterations as well; without it, only evaluations.

        Raises:
          ConfigError: if the parent does not fit.
          CheckpointError: if the parent's checkpoint is damaged.
        """
        self.config = config
        keep = max(config.keep_checkpoints, KEPT_TOGETHER if num_together > 1 else 1)
        self.checkpoints = Checkpoints(config.folder, keep)
        self.divergence: str | None = None  # why the run has diverged, None if it has not
        self.resume = resume
        self._inherited = inherited
        if config.parent and not resume:
            inherited()
        self._shows_progress = shows_progress
        self._told_of_overflow: set[str] = set()
        self._folder: RunFolder  # set by `open`
        self.schedule: Schedule  # set by the trainer, once the folder holds every change of the total
        self.reporter: Reporter  # set by `report_from`

    def open(self, data: TrainingData | LoadedTeachers | None, *, arguments: list[str]) -> None:
        """Lock the run's folder, and record how the run starts or what changes when it is resumed.

        Args:
          data: the dataset or the teachers that the run learns from, if any.
          arguments: the command line.

        Raises:
          ConfigError: if the folder is in use, or holds a run although a new one was asked for; if the dataset is not
            the one that the run began with.
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
        """Record in a resumed run's folder that its total of steps changes at this iteration, if the total is new."""
        if self.resume:
            self._folder.change_total(self.config, iteration)

    def begin(self, engine: Engine, algorithm: Algorithm) -> RunState:
        """Return the run's state before its first iteration, with the arrays that it takes from its parent, if any.

        `algorithm` has this run's own hyper-parameters, such as the learning rate. Those that are inputs of the
        compiled program may differ from the ones of the engine's algorithm.
        """
        run = engine.init(self.config.seed, algorithm, reward_weights(self.config))
        if self.config.parent is None:
            return run
        inheritance = self._inherited()
        if self._shows_progress:
            print(inheritance.summary(), flush=True)
        return engine.place(run.replace(train=inheritance.into(run.train)))

    def restore(self, engine: Engine, step: int) -> RunState:
        """Load the run from its checkpoint of iteration `step`.

        Raises:
          CheckpointError: if that checkpoint is missing, damaged, or of other shapes.
        """
        return engine.place(self.checkpoints.restore(engine.template(), step)[1])

    def report_from(self, iteration: int) -> None:
        """Open the files of metrics and evaluations, and remove the rows of iterations after `iteration`.

        The returns of all evaluations are entered in `best.json` again, because the process may have been killed after
        it wrote an evaluation's row and before it wrote `best.json`.
        """
        self.reporter = Reporter(self.schedule, iteration, self._shows_progress)
        for row in self.reporter.evaluations():
            self.checkpoints.note_score(row["step"], row["evaluation/return_mean"])

    def write_row(self, iteration: int, metrics: dict[str, Array]) -> None:
        """Write an iteration's metrics to the run's folder and trackers.

        If too many successive updates were not finite, the run has diverged: set `divergence`, write the reason to the
        folder, and tell the trackers that the run failed. No error is raised.
        """
        row = self.reporter.iteration(iteration, metrics)
        self._tell_of_overflow("episode/overflowed", row, self.config.steps_per_iteration)
        self.notice_divergence(iteration, row)
        if self.divergence:
            self.reporter.sync()
            note_divergence(self.config.folder, iteration, self.divergence)
            self.end("failed")

    def notice_divergence(self, iteration: int, metrics: JsonObject) -> None:
        """Set `divergence` if an iteration's metrics say that the run has diverged. Nothing is written."""
        skipped, limit = metrics["update/skipped_in_a_row"], self.config.max_skipped_updates
        if skipped >= limit:
            self.divergence = (
                f"{self.config.folder}: {skipped} updates in a row were not finite (max_skipped_updates {limit}) at "
                f"iteration {iteration}; the newest checkpoint is good: lower the learning rate, or look at the "
                "task's rewards"
            )

    def needs_evaluation(self, iteration: int) -> bool:
        """Return whether an evaluation is due after this iteration and was not made before an interruption."""
        last = self.reporter.last_evaluation()
        return self.schedule.evaluates_after(iteration) and not (last and last["step"] == iteration)

    def write_evaluation(self, iteration: int, evaluation: JsonObject, seconds: float) -> None:
        """Write an evaluation's statistics, and enter its mean return in `best.json`. If they are there, do nothing.

        Args:
          iteration: the iteration after which the run was evaluated.
          evaluation: the statistics, as `flexrl.engine.evaluator.summarize` returns them.
          seconds: how long the evaluation took.
        """
        if not self.needs_evaluation(iteration):
            return
        row = self.reporter.evaluation(iteration, evaluation, seconds)
        num_steps = round(evaluation["episode_length_mean"] * evaluation["num_episodes"])
        self._tell_of_overflow("evaluation/overflowed", row, num_steps)
        self.reporter.sync()
        self.checkpoints.note_score(iteration, evaluation["return_mean"])

    def _tell_of_overflow(self, name: str, row: JsonObject, num_steps: int) -> None:
        """Warn on standard error, once for each `name`, if `row[name]` says that MJX-Warp left contacts out.

        `num_steps` is the number of control steps that the row is about.
        """
        if row.get(name) and name not in self._told_of_overflow:
            self._told_of_overflow.add(name)
            print(
                f"{self.config.folder}: contacts were left out in {row[name]:,} of {num_steps:,} control steps at "
                f"iteration {row['step']}, and maybe later; raise {FLAGS} ({name})",
                file=sys.stderr,
                flush=True,
            )

    def save(self, iteration: int, run: RunState) -> None:
        """Save a checkpoint in the background, once all rows up to this iteration are on disk."""
        self.reporter.sync()
        self.checkpoints.save(iteration, run)

    def stopped_early(self, iteration: int) -> str | None:
        """Return why `early_stop` ends the run after this iteration; None if it goes on."""
        evaluations = self.reporter.evaluations()
        if not evaluations or evaluations[-1]["step"] != iteration:
            return None
        return self.config.early_stop.reason(evaluations, self.reporter.training_seconds())

    def chosen_policy(self, algorithm: Algorithm) -> tuple[int, Policy]:
        """Return the iteration of highest evaluation return, and its policy. Other commands call that step `best`.

        Raises:
          CheckpointError: if that checkpoint is damaged.
        """
        self.checkpoints.wait()
        step, restored = self.checkpoints.restore(policy_template(algorithm), self.checkpoints.find("best"))
        return step, make_policy(algorithm, restored)

    def finish(self, iteration: int, step: int, final: JsonObject) -> None:
        """Write `result.json`, print the final evaluation and draw the video.

        Args:
          iteration: the run's last iteration.
          step: the iteration whose policy was chosen.
          final: statistics of that policy's final evaluation.
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
            self.reporter.doing(DRAWING)
            draw_video(config.folder)

    def end(self, ended: Ended) -> None:
        """Tell the trackers how the run ended, without waiting for them."""
        self.reporter.end(ended)

    def close(self) -> None:
        """Close the run's metrics, trackers, checkpoints and folder. Call `end` first."""
        self.reporter.close()
        self.checkpoints.close()
        self._folder.close()
