"""Record a policy's episodes as a dataset: `python -m flexrl.collect RUN --tier expert --out DIR`."""

import sys

from flexrl.common.errors import exit_codes
from flexrl.policies.collect_arguments import CollectArguments


def main(arguments: list[str]) -> None:
    """Run `flexrl.collect` with a command line: write episodes of a run's policies to the dataset's folder `--out`."""
    with exit_codes():
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        from flexrl.common.flags import parse_tool

        run, options = parse_tool(CollectArguments, arguments, "flexrl.collect")
        collect(run, options)


def collect(run: str, options: CollectArguments) -> None:
    """Run episodes with policies of a run, write them to the folder `options.out`, and print the dataset's statistics.

    Episodes run in the run's environment, without changes to its task that only help training, as in evaluations.

    Args:
      run: folder of a run or of an exported policy, or a run's name.
      options: how many episodes to run, with the policies of which checkpoints, and where to write them.

    Raises:
      ConfigError: if there is no such run or step, or the folder `options.out` exists.
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
