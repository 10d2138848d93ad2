"""A training, from start or checkpoint to result: of one run, or of several in one program."""

from collections.abc import Sequence
from typing import Any, Self

import jax
from jax import Array

from algos.registry import ALGORITHMS
from envs.types import Env
from flexrl.build import make_algorithm, make_engine, make_env, make_evaluation_env
from flexrl.config import RunConfig
from flexrl.engine import Run
from flexrl.errors import CheckpointError, Paused, Preempted
from flexrl.evaluation import Evaluator
from flexrl.hosts import Hosts, require_all_devices
from flexrl.member import Member
from flexrl.run_folder import RunFolder
from flexrl.schedule import Schedule
from flexrl.stop import StopRequest
from flexrl.tracking import require_usable
from flexrl.training_data import TrainingData, load_training_data


class Trainer:
    """Owns the state of its members while they train, all at the same iteration."""

    def __init__(
        self,
        configs: list[RunConfig],
        stop: StopRequest,
        arguments: list[str],
        hosts: Hosts,
        *,
        resumes: list[bool],
        group: RunConfig | None = None,
    ) -> None:
        """Lock the folders, and initialise or restore the members; of several hosts only the first one writes.

        Args:
          configs: of the members; they differ in place, seed and traced numbers.
          stop: asks to save and end.
          arguments: of the command line.
          hosts: that train them together.
          resumes: for each member, whether it has begun before.
          group: config whose folder holds those of several members, where there is one.

        Raises:
          ConfigError: if a folder is in use, or holds a run although a new one was asked for; if the parent does not
            fit; if the dataset or a tracker cannot be used; if several hosts would not use all of their devices.
          CheckpointError: if there are checkpoints and none can be used.
        """
        config = configs[0]
        require_all_devices(hosts, config.num_devices)
        if hosts.is_first:
            require_usable(config.tracking)
        self._config = config
        self._group = group
        self._stop = stop
        self._hosts = hosts
        env = make_env(config)
        data = load_training_data(config, env.spec)
        # On a CPU each is stepped alone by the same programs, and so is to the bit what it would be alone.
        self._batch_size = 1 if jax.default_backend() == "cpu" else len(configs)
        self._engine = make_engine(config, env, self._batch_size, data and data.arrays)
        if group:
            self._group_folder = RunFolder(group.folder)
            if resumes[0]:
                self._group_folder.move(group)
            else:
                self._group_folder.start(group, arguments)
        pairs = list(zip(configs, resumes, strict=True))
        self._members = [Member(each, resume=resume, shows_progress=each is config) for each, resume in pairs]
        self._writers = self._members if hosts.is_first else []
        for member in self._writers:
            member.open(data, arguments=arguments)
        self._announce([group] if group else configs, data)
        self._evaluator = Evaluator(make_evaluation_env(config), config.evaluation_episodes)
        self._iteration, runs = self._first_runs(env, any(resumes))
        size = self._batch_size
        self._batches = [self._engine.join(runs[i : i + size]) for i in range(0, len(runs), size)]
        self._metrics: list[dict[str, Array]] | None = None  # of the newest iteration, while its rows are not written
        for member in self._writers:
            member.report_from(self._iteration)
        stop.on_request(self._save, only_between_steps=hosts.num > 1)

    def __enter__(self) -> Self:
        """The trainer itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the outputs, however the training ended."""
        stopped = kind is not None and issubclass(kind, Preempted)
        for member in self._writers:
            member.end("finished" if kind is None else "stopped" if stopped else "failed")
        for member in self._writers:
            member.close()
        if self._group:
            self._group_folder.close()

    def run(self, pause_after: int | None = None) -> None:
        """Iterate to the end, write results and draw videos.

        Args:
          pause_after: so many evaluations, save and leave the rest for another time.

        Raises:
          Paused: after saving, when there is a rest.
          Preempted: after saving, when asked to stop.
          Diverged: after too many updates in a row that were not finite.
        """
        self._evaluate_if_due()
        self._pause_if_due(pause_after)
        if not self._has_ended():
            self._engine.compile()
            for member in self._writers:
                member.checkpoints.warm_up()
        for member in self._writers:
            member.reporter.restart_clock()
        while not self._has_ended():
            if self._hosts.any(self._stop.requested):
                self._stop.answer()
            with self._stop.state_in_use():
                self._iterate()
            self._evaluate_if_due()
            self._pause_if_due(pause_after)
        for member in self._writers:
            member.finish(self._iteration)

    def _announce(self, places: list[RunConfig], data: TrainingData | None) -> None:
        config = self._config
        worlds = [f"{config.num_envs} worlds"] if ALGORITHMS[config.algo].steps_worlds(config.algorithm) else []
        learns_from = " and ".join(worlds + ([] if data is None else [data.summary]))
        folders = ", ".join(str(each.folder) for each in places)
        self._say(f"{folders}: {config.algo} on {config.env}, {learns_from}, {config.physics} physics")
        self._say(f"networks: {self._engine.algorithm.summary()}")

    def _say(self, text: str) -> None:
        if self._hosts.is_first:
            print(text, flush=True)

    def _has_ended(self) -> bool:
        if self._iteration >= self._config.num_iterations:
            return True
        return self._hosts.decided(all(member.stopped_early(self._iteration) for member in self._writers))

    def _pause_if_due(self, pause_after: int | None) -> None:
        schedule = self._members[0].schedule
        done = schedule.evaluations_until(self._iteration)
        if pause_after is not None and done >= pause_after and not self._has_ended():
            total = schedule.evaluations_until(self._config.num_iterations)
            self._stop.leave(Paused(f"after evaluation {done} of {total}; go on with --resume"))

    def _first_runs(self, env: Env, resume: bool) -> tuple[int, list[Run]]:
        """Where the members stand together, and their state."""
        step = self._hosts.shared(self._newest_step() if self._hosts.is_first else 0)
        for member in self._writers:
            member.checkpoints.forget_after(step)
        if self._group and resume:
            self._group_folder.change_total(self._group, step)
        for member in self._writers:
            member.change_total(step)
        self._hosts.shared(step)  # the other hosts read what the first one has noted
        for member in self._members:
            member.schedule = Schedule.of(member.config)
        if step:
            self._say(f"goes on after iteration {step}")
            return step, [member.restore(self._engine, step) for member in self._members]
        if resume:
            self._say("no checkpoint was saved yet: starts from the beginning")
        return 0, [member.begin(self._engine, make_algorithm(member.config, env)) for member in self._members]

    def _newest_step(self) -> int:
        """The newest iteration from which all members can go on, 0 for the beginning."""
        without = [member for member in self._members if member.checkpoints.no_save_ended()]
        if not without:  # one may have been saved, and another not yet
            return min(member.checkpoints.intact()[0] for member in self._members)
        if any(len(member.checkpoints.steps()) > 1 for member in self._members):
            raise CheckpointError(
                f"{without[0].config.folder}: has no checkpoint, and other runs have several; restore the folder "
                "from a copy, or go on with each of the others alone by --resume and its folder"
            )
        return 0

    def _iterate(self) -> None:
        """One iteration; the rows of the one before are written while this one runs."""
        stepped = [self._engine.step(batch) for batch in self._batches]
        self._write_rows()
        self._batches, self._metrics = [run for run, _ in stepped], [metrics for _, metrics in stepped]
        self._iteration += 1
        if any(member.schedule.saves_after(self._iteration) for member in self._members):
            self._save_in_background()

    def _write_rows(self) -> None:
        if self._metrics is None:
            return
        metrics, self._metrics = self._metrics, None
        for i, member in enumerate(self._writers):
            member.write_row(self._iteration, self._of_member(metrics, i))

    def _evaluate_if_due(self) -> None:
        """Evaluate after the newest iteration, if that is due and was not done before an interruption."""
        if not self._hosts.decided(any(member.needs_evaluation(self._iteration) for member in self._writers)):
            return
        policies = [self._engine.policy(self._of_member(self._batches, i)) for i in range(len(self._members))]
        found = [
            member.evaluate(self._evaluator, policy)
            for member, policy in zip(self._members, policies, strict=True)
            if self._hosts.is_first
        ]
        with self._stop.state_in_use():
            self._write_rows()
            for member, (evaluation, seconds) in zip(self._writers, found, strict=True):
                if member.needs_evaluation(self._iteration):
                    member.reporter.evaluation(self._iteration, evaluation, seconds)
            self._save_in_background([evaluation["return_mean"] for evaluation, _ in found])

    def _save_in_background(self, scores: Sequence[float] = ()) -> None:
        self._write_rows()
        runs = [self._engine.on_host(self._of_member(self._batches, i)) for i in range(len(self._members))]
        for i, member in enumerate(self._writers):
            member.save(self._iteration, runs[i], scores[i] if scores else None)

    def _of_member(self, batches: list[Any], i: int) -> Any:
        return self._engine.member(batches[i // self._batch_size], i % self._batch_size)

    def _save(self) -> None:
        if self._iteration > 0:
            self._save_in_background()
            for member in self._writers:
                member.checkpoints.wait()
