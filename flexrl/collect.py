"""Record a policy's episodes as a dataset: `python -m flexrl.collect RUN --tier expert --out DIR`."""

import sys

from flexrl.common.errors import exit_codes
from flexrl.policies.collect_arguments import CollectArguments


def main(arguments: list[str]) -> None:
    """Parse the command line, record episodes of a run's policies, and write them as a dataset."""
    with exit_codes():
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        from flexrl.common.flags import parse_tool

        run, options = parse_tool(CollectArguments, arguments, "flexrl.collect")
        collect(run, options)


def collect(run: str, options: CollectArguments) -> None:
    """Run episodes of a run's policies, write them as a dataset, and print the dataset's statistics.

    The environment is the one of evaluations: the run's own, without changes to the task that only help training.

    Raises:
      ConfigError: if there is no such run or step, or the folder exists.
      CheckpointError: if a checkpoint is damaged.
    """
    from envs.places import require_free
    from flexrl.common.tables import say
    from flexrl.data.dataset_folder import write_dataset
    from flexrl.data.statistics import print_statistics
    from flexrl.policies.dataset_recorder import record_episodes

    require_free(options.out)
    recording = record_episodes(run, options)
    say(f"writing {len(recording.episodes)} episodes to {options.out}")
    found = write_dataset(options.out, recording.episodes, recording.minari_metadata, recording.provenance)
    print(f"{options.out}: {recording.summary}")
    print_statistics(found)


if __name__ == "__main__":
    main(sys.argv[1:])
