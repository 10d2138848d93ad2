"""Train a policy: `python -m flexrl.train --algo ppo --env humanoid-walk`."""

import contextlib
import sys
from typing import TYPE_CHECKING

from flexrl.common.errors import Diverged, Paused, exit_codes
from flexrl.training.preemption import StopRequest

if TYPE_CHECKING:
    from flexrl.cli.arguments import Invocation
    from flexrl.training.hosts import Hosts


def main(arguments: list[str]) -> None:
    """Parse the command line and train. The exit code says how that ended (see `flexrl.common.errors`)."""
    stop = StopRequest()  # before the slow imports, so that no signal is missed
    with contextlib.closing(stop), exit_codes():
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        from flexrl.training.hosts import join_hosts

        hosts, others = join_hosts(arguments)
        from flexrl.cli.arguments import parse

        run(parse(others), arguments, stop, hosts)


def run(invocation: "Invocation", arguments: list[str], stop: StopRequest, hosts: "Hosts") -> None:
    """Train the runs that a command line asks for, each from the start or from its newest checkpoint.

    A finished run is left as it is. If one of several runs diverges, the others go on without it, also when they are
    resumed later. It can be resumed alone.

    Raises:
      Paused: after saving, if runs have iterations left where the command line said to pause.
      Preempted: after saving, if the process was asked to stop.
      Diverged: if runs have diverged, once all others are done.
    """
    from flexrl.cli.resumption import finished
    from flexrl.training.members import member_configs, require_one_program, require_traced, together, without_diverged
    from flexrl.training.trainer import Trainer

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


def _tells_end(line: str | None) -> bool:
    """Print a line that says that a run is finished, if there is one. Return whether there is."""
    if line is not None:
        print(line, flush=True)
    return line is not None


if __name__ == "__main__":
    main(sys.argv[1:])
