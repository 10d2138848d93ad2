"""One training run, from start or checkpoint to result."""

import time
from typing import Self

from jax import Array

from flexrl.build import make_engine, make_env, make_evaluation_env
from flexrl.checkpoint import Checkpoints
from flexrl.config import RunConfig
from flexrl.engine import Run
from flexrl.errors import Diverged
from flexrl.evaluation import Evaluator, evaluation_key
from flexrl.files import write_json
from flexrl.machine import device_name
from flexrl.render import draw_video
from flexrl.report import Reporter
from flexrl.run_folder import RunFolder
from flexrl.stop import StopRequest


class Trainer:
    """Owns a run's folder and state while it trains."""

    def __init__(self, config: RunConfig, stop: StopRequest, *, resume: bool, arguments: list[str]) -> None:
        """Lock the folder, and initialise or restore the run.

        Raises:
          ConfigError: if the folder is in use, or holds a run although a new one was asked for.
          CheckpointError: if there are checkpoints and none can be used.
        """
        self._config = config
        self._stop = stop
        self._folder = RunFolder(config.folder)
        if not resume:
            self._folder.start(config, arguments)
        print(f"{config.folder}: {config.algo} on {config.env}, {config.num_envs} worlds, {config.physics} physics")
        self._engine = make_engine(config, make_env(config))
        self._evaluator = Evaluator(make_evaluation_env(config), config.evaluation_episodes)
        self._checkpoints = Checkpoints(config.folder, config.keep_checkpoints)
        self._run = self._first_run(resume)
        self._iteration = int(self._run.step)
        self._metrics: dict[str, Array] | None = None  # of the newest iteration, while its row is not written
        self._reporter = Reporter(config.folder, config, self._iteration)
        stop.on_request(self._save)

    def __enter__(self) -> Self:
        """The trainer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the outputs, however the run ended."""
        self._reporter.close()
        self._checkpoints.close()

    def train(self) -> None:
        """Iterate to the end.

        Raises:
          Preempted: after saving, when asked to stop.
          Diverged: after too many updates in a row that were not finite.
        """
        self._evaluate_if_due()
        if not self._has_ended():
            self._engine.compile()
            self._checkpoints.warm_up()
        self._reporter.restart_clock()
        while not self._has_ended():
            if self._stop.requested:
                self._stop.answer()
            with self._stop.state_in_use():
                self._iterate()
            self._evaluate_if_due()

    def finish(self) -> None:
        """Write `result.json` and draw the video."""
        self._checkpoints.wait()
        evaluation = self._reporter.last_evaluation()
        assert evaluation is not None
        seconds = self._reporter.training_seconds()
        control_steps = evaluation["control_steps"]
        result = {
            "name": self._config.name,
            "config_hash": self._config.hash(),
            "algo": self._config.algo,
            "env": self._config.env,
            "seed": self._config.seed,
            "steps": control_steps,
            "iterations": self._iteration,
            "stopped_early": self._stopped_early(),
            "device": device_name(),
            "physics": self._config.physics,
            **{k.removeprefix("evaluation/"): v for k, v in evaluation.items() if k.startswith("evaluation/")},
            "timing": {"seconds": seconds, "steps_per_second": control_steps / seconds},
        }
        write_json(self._config.folder / "result.json", result)
        if result["stopped_early"]:
            print(f"stopped early: {result['stopped_early']}", flush=True)
        if self._config.video:
            draw_video(self._config.folder)

    def _has_ended(self) -> bool:
        return self._iteration >= self._config.num_iterations or self._stopped_early() is not None

    def _stopped_early(self) -> str | None:
        evaluations = self._reporter.evaluations()
        if not evaluations or evaluations[-1]["step"] != self._iteration:
            return None
        return self._config.early_stop.reason(evaluations, self._reporter.training_seconds())

    def _first_run(self, resume: bool) -> Run:
        if self._checkpoints.no_save_ended():
            if resume:
                print("no checkpoint was saved yet: starts from the beginning", flush=True)
            return self._engine.init(self._config.seed)
        step, run = self._checkpoints.restore(self._engine.template())
        self._checkpoints.forget_after(step)
        print(f"goes on after iteration {step}", flush=True)
        return run

    def _iterate(self) -> None:
        """One iteration; the row of the one before is written while this one runs."""
        run, metrics = self._engine.step(self._run)
        self._write_row()
        self._run, self._metrics, self._iteration = run, metrics, self._iteration + 1
        if self._config.saves_after(self._iteration):
            self._save_in_background()

    def _write_row(self) -> None:
        if self._metrics is None:
            return
        metrics, self._metrics = self._metrics, None
        row = self._reporter.iteration(self._iteration, metrics)
        if row["update/skipped_in_a_row"] >= self._config.max_skipped_updates:
            raise Diverged(
                f"{row['update/skipped_in_a_row']} updates in a row were not finite (max_skipped_updates "
                f"{self._config.max_skipped_updates}) at iteration {row['step']}; the newest checkpoint is good: lower "
                "the learning rate, or look at the task's rewards"
            )

    def _evaluate_if_due(self) -> None:
        """Evaluate after the newest iteration, if that is due and was not done before an interruption."""
        last = self._reporter.last_evaluation()
        if not self._config.evaluates_after(self._iteration) or (last and last["step"] == self._iteration):
            return
        started = time.monotonic()
        evaluation = self._evaluator(self._engine.policy(self._run), evaluation_key(self._config.seed))
        with self._stop.state_in_use():
            self._write_row()
            self._reporter.evaluation(self._iteration, evaluation, time.monotonic() - started)
            self._save_in_background(score=evaluation["return_mean"])

    def _save_in_background(self, score: float | None = None) -> None:
        self._write_row()
        self._reporter.sync()
        self._checkpoints.save(self._iteration, self._run, score)

    def _save(self) -> None:
        if self._iteration > 0:
            self._save_in_background()
            self._checkpoints.wait()
