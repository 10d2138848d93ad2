"""One run of a training: its folder, rows, checkpoints and result, as if it were trained alone."""

import sys
import time
from typing import Any

from jax import Array

from algos.types import Algorithm, Policy
from flexrl.build import reward_weights
from flexrl.checkpoint import Checkpoints
from flexrl.config import RunConfig
from flexrl.delivery import Ended
from flexrl.engine import Engine, Run
from flexrl.errors import Diverged
from flexrl.evaluation import Evaluator, evaluation_key
from flexrl.files import write_json
from flexrl.machine import device_name
from flexrl.parent import inherit
from flexrl.render import draw_video
from flexrl.report import Reporter
from flexrl.run_folder import RunFolder
from flexrl.schedule import Schedule
from flexrl.training_data import TrainingData


class Member:
    """What a run leaves on the disk, while it trains."""

    def __init__(self, config: RunConfig, *, resume: bool, shows_progress: bool = True) -> None:
        """Read what it begins from; nothing is written.

        Raises:
          ConfigError: if the parent does not fit.
          CheckpointError: if the parent's checkpoint is damaged.
        """
        self.config = config
        self.checkpoints = Checkpoints(config.folder, config.keep_checkpoints)
        self._resume = resume
        begins = not resume or self.checkpoints.no_save_ended()
        self._inheritance = inherit(config) if begins and config.parent else None
        self._shows_progress = shows_progress
        self._told_of_overflow = False
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
        if not self._resume:
            parent = self._inheritance and self._inheritance.record
            self._folder.start(self.config, arguments, parent, data and data.record)
            return
        if data is not None:
            data.require_same(self.config.folder)
        self._folder.move(self.config)

    def change_total(self, iteration: int) -> None:
        """Note in the folder that the run goes on from this iteration to another total of steps, if it does."""
        if self._resume:
            self._folder.change_total(self.config, iteration)

    def begin(self, engine: Engine, algorithm: Algorithm) -> Run:
        """The run before its first iteration, with its own hyper-parameters."""
        run = engine.init(self.config.seed, algorithm, reward_weights(self.config))
        if self._inheritance is None:
            return run
        print(self._inheritance.summary(), flush=True)
        return engine.place(run.replace(train=self._inheritance.into(run.train)))

    def restore(self, engine: Engine, step: int) -> Run:
        """The run as it was after so many iterations.

        Raises:
          CheckpointError: if that checkpoint is not there, damaged, or of other sizes.
        """
        return engine.place(self.checkpoints.restore(engine.template(), step)[1])

    def report_from(self, iteration: int) -> None:
        """Open the rows after so many iterations; later ones are cut."""
        self.reporter = Reporter(self.schedule, iteration, self._shows_progress)

    def write_row(self, iteration: int, metrics: dict[str, Array]) -> None:
        """Write an iteration's row.

        Raises:
          Diverged: after too many updates in a row that were not finite.
        """
        row = self.reporter.iteration(iteration, metrics)
        if row.get("episode/overflowed") and not self._told_of_overflow:
            self._told_of_overflow = True
            print(
                f"{self.config.folder}: contacts were left out in {row['episode/overflowed']:,} of "
                f"{self.config.steps_per_iteration:,} control steps at iteration {row['step']}, and maybe later; raise "
                "--warp.contacts-per-world or --warp.constraints-per-world (episode/overflowed in metrics.jsonl)",
                file=sys.stderr,
                flush=True,
            )
        skipped, limit = row["update/skipped_in_a_row"], self.config.max_skipped_updates
        if skipped >= limit:
            raise Diverged(
                f"{self.config.folder}: {skipped} updates in a row were not finite (max_skipped_updates {limit}) at "
                f"iteration {row['step']}; the newest checkpoint is good: lower the learning rate, or look at the "
                "task's rewards"
            )

    def needs_evaluation(self, iteration: int) -> bool:
        """Whether an evaluation is due, and was not made before an interruption."""
        last = self.reporter.last_evaluation()
        return self.schedule.evaluates_after(iteration) and not (last and last["step"] == iteration)

    def evaluate(self, evaluator: Evaluator, policy: Policy) -> tuple[dict[str, Any], float]:
        """What an evaluation found, and the seconds that it took."""
        started = time.monotonic()
        weights = reward_weights(self.config)
        return evaluator(policy, evaluation_key(self.config.seed), weights), time.monotonic() - started

    def save(self, iteration: int, run: Run, score: float | None = None) -> None:
        """Write a checkpoint in the background, after all rows that it builds on."""
        self.reporter.sync()
        self.checkpoints.save(iteration, run, score)

    def stopped_early(self, iteration: int) -> str | None:
        """Why the run is over before its last iteration, if it is."""
        evaluations = self.reporter.evaluations()
        if not evaluations or evaluations[-1]["step"] != iteration:
            return None
        return self.config.early_stop.reason(evaluations, self.reporter.training_seconds())

    def finish(self, iteration: int) -> None:
        """Write `result.json` and draw the video."""
        self.checkpoints.wait()
        config, evaluation = self.config, self.reporter.last_evaluation()
        assert evaluation is not None
        seconds = self.reporter.training_seconds()
        control_steps = evaluation["control_steps"]
        result = {
            "name": config.name,
            "config_hash": config.hash(),
            "algo": config.algo,
            "env": config.env_name,
            "seed": config.seed,
            "steps": control_steps,
            "iterations": iteration,
            "stopped_early": self.stopped_early(iteration),
            "device": device_name(),
            "physics": config.physics,
            **{k.removeprefix("evaluation/"): v for k, v in evaluation.items() if k.startswith("evaluation/")},
            "timing": {"seconds": seconds, "steps_per_second": control_steps / seconds},
        }
        write_json(config.folder / "result.json", result)
        if result["stopped_early"]:
            print(f"stopped early: {result['stopped_early']}", flush=True)
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
