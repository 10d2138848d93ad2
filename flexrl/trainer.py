"""A training, from start or checkpoint to result: of one run, or of several in one program."""

from typing import Any, Self

import jax
from jax import Array

from envs.types import Env
from flexrl.build import make_algorithm, make_engine, make_env, make_evaluation_env
from flexrl.config import RunConfig
from flexrl.engine import Run
from flexrl.errors import CheckpointError
from flexrl.evaluation import Evaluator
from flexrl.member import Member
from flexrl.members import member_configs, require_traced
from flexrl.run_folder import RunFolder
from flexrl.stop import StopRequest
from flexrl.training_data import load_training_data


class Trainer:
    """Owns the state of its members while they train, all at the same iteration."""

    def __init__(self, config: RunConfig, stop: StopRequest, *, resume: bool, arguments: list[str]) -> None:
        """Lock the folders, and initialise or restore the members.

        Raises:
          ConfigError: if a folder is in use, or holds a run although a new one was asked for; if the parent does not
            fit; if the dataset cannot be used.
          CheckpointError: if there are checkpoints and none can be used.
        """
        self._config = config
        self._stop = stop
        env = make_env(config)
        data = load_training_data(config, env.spec)
        require_traced(config, make_algorithm(config, env))
        configs = member_configs(config)
        if len(configs) > 1:
            self._group = RunFolder(config.folder)
            if not resume:
                self._group.start(config, arguments)
        self._members = [
            Member(each, data, resume=resume, arguments=arguments, shows_progress=each is configs[0])
            for each in configs
        ]
        learns_from = f"{config.num_envs} worlds" if data is None else data.summary
        print(f"{config.folder}: {config.algo} on {config.env}, {learns_from}, {config.physics} physics")
        # On a CPU each is stepped alone by the same programs, and so is to the bit what it would be alone.
        self._batch_size = 1 if jax.default_backend() == "cpu" else len(configs)
        self._engine = make_engine(config, env, self._batch_size, data and data.arrays)
        print(f"networks: {self._engine.algorithm.summary()}")
        self._evaluator = Evaluator(make_evaluation_env(config), config.evaluation_episodes)
        self._iteration, runs = self._first_runs(env, resume)
        size = self._batch_size
        self._batches = [self._engine.join(runs[i : i + size]) for i in range(0, len(runs), size)]
        self._metrics: list[dict[str, Array]] | None = None  # of the newest iteration, while its rows are not written
        for member in self._members:
            member.report_from(self._iteration)
        stop.on_request(self._save)

    def __enter__(self) -> Self:
        """The trainer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the outputs, however the training ended."""
        for member in self._members:
            member.close()

    def train(self) -> None:
        """Iterate to the end.

        Raises:
          Preempted: after saving, when asked to stop.
          Diverged: after too many updates in a row that were not finite.
        """
        self._evaluate_if_due()
        if not self._has_ended():
            self._engine.compile()
            for member in self._members:
                member.checkpoints.warm_up()
        for member in self._members:
            member.reporter.restart_clock()
        while not self._has_ended():
            if self._stop.requested:
                self._stop.answer()
            with self._stop.state_in_use():
                self._iterate()
            self._evaluate_if_due()

    def finish(self) -> None:
        """Write results and draw videos."""
        for member in self._members:
            member.finish(self._iteration)

    def _has_ended(self) -> bool:
        stopped = all(member.stopped_early(self._iteration) for member in self._members)
        return self._iteration >= self._config.num_iterations or stopped

    def _first_runs(self, env: Env, resume: bool) -> tuple[int, list[Run]]:
        """Where the members stand together, and their state."""
        without = [member for member in self._members if member.checkpoints.no_save_ended()]
        if without:
            if any(len(member.checkpoints.steps()) > 1 for member in self._members):
                raise CheckpointError(
                    f"{without[0].config.folder}: has no checkpoint, and other runs have several; restore the folder "
                    "from a copy, or go on with each of the others alone by --resume and its folder"
                )
            if resume:
                print("no checkpoint was saved yet: starts from the beginning", flush=True)
            for member in self._members:
                member.checkpoints.forget_after(0)
            return 0, [member.begin(self._engine, make_algorithm(member.config, env)) for member in self._members]
        restored = [member.restore(self._engine) for member in self._members]
        step = min(number for number, _ in restored)  # one may have been saved, and another not yet
        runs = [
            run if number == step else member.restore(self._engine, step)[1]
            for member, (number, run) in zip(self._members, restored, strict=True)
        ]
        for member in self._members:
            member.checkpoints.forget_after(step)
        print(f"goes on after iteration {step}", flush=True)
        return step, runs

    def _iterate(self) -> None:
        """One iteration; the rows of the one before are written while this one runs."""
        stepped = [self._engine.step(batch) for batch in self._batches]
        self._write_rows()
        self._batches, self._metrics = [run for run, _ in stepped], [metrics for _, metrics in stepped]
        self._iteration += 1
        if self._config.saves_after(self._iteration):
            self._save_in_background([None] * len(self._members))

    def _write_rows(self) -> None:
        if self._metrics is None:
            return
        metrics, self._metrics = self._metrics, None
        for i, member in enumerate(self._members):
            member.write_row(self._iteration, self._of_member(metrics, i))

    def _evaluate_if_due(self) -> None:
        """Evaluate after the newest iteration, if that is due and was not done before an interruption."""
        if not any(member.needs_evaluation(self._iteration) for member in self._members):
            return
        policies = [self._engine.policy(self._of_member(self._batches, i)) for i in range(len(self._members))]
        found = [
            member.evaluate(self._evaluator, policy) for member, policy in zip(self._members, policies, strict=True)
        ]
        with self._stop.state_in_use():
            self._write_rows()
            for member, (evaluation, seconds) in zip(self._members, found, strict=True):
                if member.needs_evaluation(self._iteration):
                    member.reporter.evaluation(self._iteration, evaluation, seconds)
            self._save_in_background([evaluation["return_mean"] for evaluation, _ in found])

    def _save_in_background(self, scores: list[float | None]) -> None:
        self._write_rows()
        for i, (member, score) in enumerate(zip(self._members, scores, strict=True)):
            member.save(self._iteration, self._of_member(self._batches, i), score)

    def _of_member(self, batches: list[Any], i: int) -> Any:
        return self._engine.member(batches[i // self._batch_size], i % self._batch_size)

    def _save(self) -> None:
        if self._iteration > 0:
            self._save_in_background([None] * len(self._members))
            for member in self._members:
                member.checkpoints.wait()
