"""Train a policy: `python -m flexrl.train --algo ppo --env humanoid-walk`."""

import contextlib
import sys

from flexrl.cli.train_help import SHORT_HELP
from flexrl.common.errors import exit_codes
from flexrl.training.preemption import StopRequest


def main(arguments: list[str]) -> None:
    """Run `flexrl.train` with a command line: train the run, or the runs, that it describes.

    The exit code is 0 if the training has finished. Other endings, such as a pause, a divergence or wrong input, have
    the codes `EXIT_...` of `flexrl.common.errors`.
    """
    if {"-h", "--help"} & set(arguments):
        print(SHORT_HELP)  # before the slow imports
        return
    stop = StopRequest()  # before the slow imports, so that no signal is missed
    with contextlib.closing(stop), exit_codes():
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        from flexrl.training.hosts import join_hosts, leaving_at_once

        hosts, others = join_hosts(arguments)
        from flexrl.cli.arguments import parse

        invocation = parse(others)
        from flexrl.cli.train_runs import train

        with leaving_at_once(hosts):
            train(invocation, arguments, stop, hosts)


if __name__ == "__main__":
    main(sys.argv[1:])
