"""Prints the state of a pipeline's stages."""

from collections import Counter
from collections.abc import Sequence

from flexrl.common.tables import print_table
from launch.pipelines.stages import Stage
from launch.plan.states import Progress
from launch.show.tables import told


def print_status(stages: Sequence[Stage], progress: Sequence[Progress]) -> None:
    """Print a row for each stage, and how many stages are in each state.

    Args:
      stages: the stages in their order.
      progress: the progress of each stage.
    """
    rows = [
        (stage.name, stage.key, each.state, each.attempts, f"{each.seconds:.0f}", each.reason)
        for stage, each in zip(stages, progress, strict=True)
    ]
    print_table(("stage", "key", "state", "attempts", "seconds", "reason"), rows)
    print(f"{stages[0].pipeline}: {told(Counter(each.state for each in progress))}")
