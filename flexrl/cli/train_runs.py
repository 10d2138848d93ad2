"""Train the runs that a command line or a config asks for, and say at the end what was reached."""

from pathlib import Path

from flexrl.cli.arguments import Invocation
from flexrl.cli.resumption import finished
from flexrl.common.errors import Diverged, Paused
from flexrl.config.run_config import RunConfig
from flexrl.reporting.ending import summary, summary_of_several
from flexrl.storage.run_folder import read_result
from flexrl.training.hosts import Hosts
from flexrl.training.members import member_configs, require_one_program, require_traced, together, without_diverged
from flexrl.training.preemption import StopRequest
from flexrl.training.trainer import Trainer


def train(invocation: Invocation, arguments: list[str], stop: StopRequest, hosts: Hosts) -> None:
    """Train the runs that a command line asks for, each from the start or from its newest checkpoint.

    A finished run is left as it is. If one of several runs diverges, the others go on without it, also when they are
    resumed later. The diverged run can be resumed alone.

    Args:
      invocation: what the command line asks to train.
      arguments: the command line, which is recorded in the runs' folders.
      stop: tells when the process is asked to stop.
      hosts: this host, among those that train together.

    Raises:
      Paused: after saving, if the command line said to pause and runs have iterations left.
      Preempted: after saving, if the process was asked to stop.
      Diverged: if runs have diverged, once all others are done.
    """
    if invocation.members:
        require_one_program(invocation.members)
        configs = [config for config in invocation.members if not _tells_end(finished(config))]
        group, resume = None, True
    else:
        if invocation.resume and _tells_end(finished(invocation.config)):
            return
        require_traced(invocation.config)
        configs, resume = member_configs(invocation.config), invocation.resume
        group = invocation.config if len(configs) > 1 else None
    configs, divergences = without_diverged(configs) if resume and len(configs) > 1 else (configs, [])
    paused: Paused | None = None
    for each in together(configs) if invocation.members else filter(None, [configs]):
        try:
            with Trainer(each, stop, arguments, hosts, resume=resume, group=group) as trainer:
                divergences += trainer.run(invocation.pause_after)
        except Paused as end:
            paused = end
    if paused:
        raise paused
    if divergences:
        raise Diverged("; ".join(divergences))
    if hosts.is_first:
        _print_summary(configs)


def _tells_end(line: str | None) -> bool:
    """Print a line from `finished`, which says that a training is finished, and return True.

    If the line is None, because the training is not finished, print nothing and return False.
    """
    if line is not None:
        print(line, flush=True)
    return line is not None


def _print_summary(configs: list[RunConfig]) -> None:
    folders: list[Path] = [config.folder for config in configs]
    if len(folders) > 1:
        print(summary_of_several(folders), flush=True)
    elif folders and (result := read_result(folders[0])) is not None:
        print(summary(folders[0], result), flush=True)
