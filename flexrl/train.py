"""Train a policy: `python -m flexrl.train --algo ppo --env humanoid-walk`."""

import contextlib
import sys
from typing import TYPE_CHECKING

from flexrl.errors import exit_codes
from flexrl.stop import StopRequest

if TYPE_CHECKING:
    from flexrl.arguments import Invocation
    from flexrl.hosts import Hosts


def main(arguments: list[str]) -> None:
    """Parse, build, run; the exit code says how it ended (`flexrl.errors`)."""
    stop = StopRequest()  # before the slow imports, so that no request is missed
    with contextlib.closing(stop), exit_codes():
        from flexrl.startup import prepare_jax

        prepare_jax()
        from flexrl.hosts import join_hosts

        hosts, others = join_hosts(arguments)
        from flexrl.arguments import parse

        run(parse(others), arguments, stop, hosts)


def run(invocation: "Invocation", arguments: list[str], stop: StopRequest, hosts: "Hosts") -> None:
    """Train what was asked for, from the start or from the newest checkpoint."""
    from flexrl.members import has_begun, member_configs, require_one_program, require_traced, together
    from flexrl.resumption import finished
    from flexrl.trainer import Trainer

    if invocation.members:
        require_one_program(invocation.members)
        for configs in together([config for config in invocation.members if not _tells_end(finished(config))]):
            with Trainer(configs, stop, arguments, hosts, resumes=list(map(has_begun, configs))) as trainer:
                trainer.run(invocation.pause_after)
        return
    if invocation.resume and _tells_end(finished(invocation.config)):
        return
    require_traced(invocation.config)
    configs = member_configs(invocation.config)
    group = invocation.config if len(configs) > 1 else None
    resumes = [invocation.resume] * len(configs)
    with Trainer(configs, stop, arguments, hosts, resumes=resumes, group=group) as trainer:
        trainer.run(invocation.pause_after)


def _tells_end(line: str | None) -> bool:
    """Print that a run is finished, where it is."""
    if line is not None:
        print(line, flush=True)
    return line is not None


if __name__ == "__main__":
    main(sys.argv[1:])
