"""Train one run, or several in one program, from the start or a checkpoint to the results."""

import functools
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import jax
from jax import Array

from algos.common.types import Policy
from algos.registry import find_algorithm
from envs.types import Env
from flexrl.common.errors import Paused, Preempted
from flexrl.common.types import JsonObject
from flexrl.config.run_config import RunConfig
from flexrl.config.trackers import require_usable
from flexrl.engine.engine import RunState
from flexrl.engine.evaluator import Evaluator, final_key, selection_key, summarize
from flexrl.engine.factory import (
    evaluation_weights,
    make_algorithm,
    make_engine,
    make_env,
    make_evaluation_env,
    make_policy,
    policy_template,
)
from flexrl.engine.training_data import TrainingData, load_training_data
from flexrl.reporting.display import COMPILING, EVALUATING
from flexrl.storage.run_folder import RunFolder
from flexrl.storage.schedule import Schedule
from flexrl.training.hosts import Hosts, Poll, require_all_devices
from flexrl.training.member import Member
from flexrl.training.members import has_begun, newest_common_step
from flexrl.training.preemption import StopRequest, way_on
from flexrl.training.teachers import LoadedTeachers, load_teachers
from flexrl.training.warm_start import Inheritance, inherit


def batch_size(num_members: int) -> int:
    """Return how many of the runs that train together one program computes at once: all on an accelerator, 1 on a CPU.

    On a CPU the runs take turns in the same programs, so each gets, to the bit, the results of a run trained alone.
    """
    return 1 if jax.default_backend() == "cpu" else num_members


def _members(configs: list[RunConfig], resume: bool, group: RunConfig | None) -> list[Member]:
    """Make a member for each run. Members of a `group` start from the same parent, which is loaded once.

    A group is a config with several seeds or variations. A parent is a run or policy that another run starts from.
    """

    @functools.cache
    def of_group() -> Inheritance:
        assert group is not None
        return inherit(group)

    return [
        Member(
            config,
            resume=resume and has_begun(config),
            inherited=of_group if group else functools.cache(functools.partial(inherit, config)),
            num_together=len(configs),
            shows_progress=config is configs[0],
        )
        for config in configs
    ]


def _open_group(config: RunConfig, resume: bool, arguments: list[str]) -> RunFolder:
    """Lock and return the folder of a config with several seeds or variations, which holds one folder for each of them.

    If `resume` is False, write the config and the command line there. If it is True, record in the folder whether the
    runs go on with another physics engine.
    """
    folder = RunFolder(config.folder)
    if resume:
        folder.move(config)
    else:
        folder.start(config, arguments)
    return folder


class Trainer:
    """Trains one run, or several together (its members), to the end: compiles, iterates, evaluates and saves.

    It is a context manager, and holds the members' training state. All members are at the same iteration.
    """

    def __init__(
        self,
        configs: list[RunConfig],
        stop: StopRequest,
        arguments: list[str],
        hosts: Hosts,
        *,
        resume: bool,
        group: RunConfig | None = None,
    ) -> None:
        """Lock the folders, then initialise or restore the members. Of several hosts only the first one writes.

        Args:
          configs: configs of the members; they differ in folder, seed and traced numbers (inputs of the program) only.
          stop: tells when the process is asked to stop.
          arguments: the command line.
          hosts: this host, among those that train together.
          resume: go on with those members that have begun; without it, all must be new.
          group: config whose seeds or variations the members are, and whose folder holds theirs; None if there is none.

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
        self._batch_size = batch_size(len(configs))
        env = make_env(config, self._batch_size)
        data = load_teachers(config, env.spec) or load_training_data(config, env.spec)
        self._engine = make_engine(config, env, self._batch_size, data and data.arrays)
        self._members = _members(configs, resume, group)
        self._writers = self._members if hosts.is_first else []
        self._group_folder = _open_group(group, resume, arguments) if group else None
        for member in self._writers:
            member.open(data, arguments=arguments)
        self._way_on = way_on(arguments, (group or config).folder, hosts.num)
        stop.go_on_by(self._way_on)
        self._announce([group] if group else configs, data)
        num_episodes = config.evaluation_episodes
        judged_in = make_evaluation_env(config, num_episodes * self._batch_size)
        self._evaluator = Evaluator(judged_in, num_episodes, num_policies=self._batch_size, allows_overflow=True)
        self._iteration, runs = self._first_runs(env, resume)
        size = self._batch_size
        self._batches = [self._engine.join(runs[i : i + size]) for i in range(0, len(runs), size)]
        # Metrics of the newest iteration by batch, until their rows are written.
        self._metrics: dict[int, dict[str, Array]] | None = None
        for member in self._writers:
            member.report_from(self._iteration)
        stop.on_request(self._save, only_between_steps=hosts.num > 1)

    def __enter__(self) -> Self:
        """Return the trainer itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Tell the trackers how the training ended, and close all outputs."""
        self._stop.forget()
        stopped = kind is not None and issubclass(kind, Preempted)
        for member in self._going_on().values():
            member.end("finished" if kind is None else "stopped" if stopped else "failed")
        for member in self._writers:
            member.close()
        if self._group_folder:
            self._group_folder.close()

    def run(self, pause_after: int | None = None) -> list[str]:
        """Train to the end, write the results and draw the videos.

        Args:
          pause_after: number of evaluations after which to save and pause; None to train to the end.

        Returns:
          A line for each member that diverged, which says why. All other members have finished.

        Raises:
          Paused: after saving, if `pause_after` left iterations to do.
          Preempted: after saving, if the process was asked to stop.
        """
        self._evaluate_if_due()
        self._pause_if_due(pause_after)
        if not self._has_ended():
            self._compile()
            for member in self._writers:
                member.checkpoints.warm_up()
        for member in self._writers:
            member.reporter.restart_clock()
        poll = Poll(self._hosts)
        while not self._has_ended():
            if poll.any(self._stop.requested):
                self._stop.answer()
            with self._stop.state_in_use():
                self._iterate()
            self._evaluate_if_due()
            self._pause_if_due(pause_after)
        self._finish()
        return [member.divergence for member in self._writers if member.divergence]

    def _compile(self) -> None:
        """Compile the programs of training and evaluation side by side, so that no evaluation waits for its own."""
        self._show(COMPILING)
        algorithm, weights = self._engine.algorithm, evaluation_weights(self._config)
        policy = jax.eval_shape(functools.partial(make_policy, algorithm), policy_template(algorithm))
        with ThreadPoolExecutor(1) as pool:
            building = [self._evaluator.compile(pool, policy, weights)] if self._hosts.is_first else []
            self._engine.compile()
            for program in building:
                program.result()

    def _announce(self, places: list[RunConfig], data: TrainingData | LoadedTeachers | None) -> None:
        """Print where results go (the folders of `places`), and the algorithm, the environment, data and networks.

        `data` is the dataset or the policies that the runs learn from; None if there are none.
        """
        config = self._config
        worlds = [f"{config.num_envs} worlds"] if find_algorithm(config.algo).steps_worlds(config.algorithm) else []
        learns_from = " and ".join(worlds + ([] if data is None else [data.summary]))
        folders = ", ".join(str(each.folder) for each in places)
        self._say(f"{folders}: {config.algo} on {config.env}, {learns_from}, {config.physics} physics")
        self._say(f"networks: {self._engine.algorithm.summary()}")

    def _say(self, text: str) -> None:
        if self._hosts.is_first:
            print(text, flush=True)

    def _show(self, activity: str) -> None:
        for member in self._writers:
            member.reporter.doing(activity)

    def _has_ended(self) -> bool:
        if self._iteration >= self._config.num_iterations or all(member.divergence for member in self._members):
            return True
        if not self._may_evaluate():
            return False
        return self._hosts.decided(all(member.stopped_early(self._iteration) for member in self._going_on().values()))

    def _may_evaluate(self) -> bool:
        """Return whether an evaluation of any member is scheduled right after the newest iteration.

        True does not mean that it is still to be made: it may have been made before the run was interrupted. Every
        host computes this by itself.
        """
        return any(member.schedule.evaluates_after(self._iteration) for member in self._members)

    def _going_on(self) -> dict[int, Member]:
        """Return the members that have not diverged, by index; none at hosts that write nothing (all but the first)."""
        return {i: member for i, member in enumerate(self._writers) if not member.divergence}

    def _pause_if_due(self, pause_after: int | None) -> None:
        """Save and raise `Paused` after `pause_after` evaluations, unless the training has ended."""
        schedule = self._members[0].schedule
        done = schedule.evaluations_until(self._iteration)
        if pause_after is not None and done >= pause_after and not self._has_ended():
            with self._stop.state_in_use():
                self._save()
            total = schedule.evaluations_until(self._config.num_iterations)
            raise Paused(f"after evaluation {done} of {total}; go on by {self._way_on}")

    def _first_runs(self, env: Env, resume: bool) -> tuple[int, list[RunState]]:
        """Find the newest iteration that every member has saved, load each member at it, and remove later checkpoints.

        If there is none, initialise the members.

        Returns:
          The iteration, 0 for new members, and each member's run.
        """
        newest = newest_common_step([member.config for member in self._members]) if self._hosts.is_first else 0
        step = self._hosts.shared(newest)
        if step:
            self._say(f"goes on after iteration {step}")
            runs = [member.restore(self._engine, step) for member in self._members]
        else:
            if any(member.resume for member in self._members):
                self._say("no checkpoint was saved yet: starts from the beginning")
            runs = [member.begin(self._engine, make_algorithm(member.config, env)) for member in self._members]
        if self._group and self._group_folder and resume:
            self._group_folder.change_total(self._group, step)
        for member in self._writers:
            member.change_total(step)
            member.checkpoints.forget_after(step)
        self._hosts.shared(step)  # the other hosts wait until the first one has written
        for member in self._members:
            member.schedule = Schedule.of(member.config)
        return step, runs

    def _iterate(self) -> None:
        """Run one iteration. While the device computes it, write the metrics of the iteration before."""
        in_use = {i // self._batch_size for i in self._going_on()} if self._writers else range(len(self._batches))
        stepped = {number: self._engine.step(self._batches[number]) for number in in_use}
        self._write_rows()
        for number, (run, _) in stepped.items():
            self._batches[number] = run
        self._metrics = {number: metrics for number, (_, metrics) in stepped.items()}
        for metric in jax.tree.leaves(self._metrics):  # before the next iteration is queued
            metric.copy_to_host_async()
        self._iteration += 1
        if any(member.schedule.saves_after(self._iteration) for member in self._members):
            self._save_in_background()

    def _write_rows(self) -> None:
        """Write the metrics of the newest iteration, if not done yet. Report members that diverge at this iteration."""
        if self._metrics is None:
            return
        metrics, self._metrics = jax.device_get(self._metrics), None
        if not self._writers:
            for i, member in enumerate(self._members):  # from the same metrics as at the first host
                member.notice_divergence(self._iteration, self._of_member(metrics, i))
        for i, member in self._going_on().items():
            member.write_row(self._iteration, self._of_member(metrics, i))
            if member.divergence and self._going_on():
                print(f"diverged: {member.divergence}. The others go on", file=sys.stderr, flush=True)

    def _evaluate_if_due(self) -> None:
        """Evaluate the members if that is due after the newest iteration and was not done before an interruption."""
        going_on = self._going_on()
        if not self._may_evaluate():
            return
        if not self._hosts.decided(any(member.needs_evaluation(self._iteration) for member in going_on.values())):
            return
        self._show(EVALUATING)
        started = time.monotonic()
        learners = [batch.replace(source=None) for batch in self._batches]
        policies = {i: self._engine.policy(self._of_member(learners, i)) for i in going_on}
        found = self._evaluations(policies, selection_key)
        seconds = time.monotonic() - started
        with self._stop.state_in_use():
            for i, evaluation in found.items():
                going_on[i].write_evaluation(self._iteration, evaluation, seconds)

    def _evaluations(self, policies: Mapping[int, Policy], key_of: Callable[[int], Array]) -> dict[int, JsonObject]:
        """Run the evaluation episodes of some members' policies, and return statistics over them by member's index.

        Args:
          policies: the policies to evaluate, by member's index.
          key_of: function from a member's seed to the random key of its episodes.
        """
        if not policies:
            return {}
        configs = [self._writers[i].config for i in policies]
        keys, weights = [key_of(config.seed) for config in configs], [evaluation_weights(config) for config in configs]
        episodes = self._evaluator.episodes_of_each(list(zip(policies.values(), keys, weights, strict=True)))
        return dict(zip(policies, map(summarize, episodes), strict=True))

    def _finish(self) -> None:
        """Evaluate each member's best policy in other episodes than those that chose it, and write the results."""
        self._show(EVALUATING)
        chosen = {i: member.chosen_policy(self._engine.algorithm) for i, member in self._going_on().items()}
        found = self._evaluations({i: policy for i, (_, policy) in chosen.items()}, final_key)
        self._hosts.decided(True)  # the other hosts wait here for the first one
        for i, (step, _) in chosen.items():
            self._writers[i].finish(self._iteration, step, found[i])

    def _save_in_background(self) -> None:
        """Save all members that have not diverged, once all earlier saves have ended.

        So none is more than one checkpoint ahead, and all keep a checkpoint of the same iteration.
        """
        self._write_rows()
        runs = [self._engine.on_host(self._of_member(self._batches, i)) for i in range(len(self._members))]
        for member in self._going_on().values():
            member.checkpoints.wait()
        for i, member in self._going_on().items():
            member.save(self._iteration, runs[i])

    def _of_member(self, batches: Any, i: int) -> Any:
        """Return from `batches` the part of the run with index `i`, such as its training state or its metrics.

        One program computes a batch of runs at a time: one run on a CPU, all runs on an accelerator. `batches` holds
        one tree of arrays for each batch. If a batch has several runs, they lie along the leading axis of its arrays.
        """
        return self._engine.member(batches[i // self._batch_size], i % self._batch_size)

    def _save(self) -> None:
        """Save all members that have not diverged, and wait until that is done."""
        if self._iteration > 0:
            self._save_in_background()
            for member in self._going_on().values():
                member.checkpoints.wait()
