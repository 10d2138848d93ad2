"""Send a run's rows to Weights & Biases.

Rows are numbered, and W&B takes each number once. Offline, each process that sends rows writes files of its
own, and all these files bear the run's id.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flexrl.config.trackers import WITHOUT_SERVER
from flexrl.tracking.run_facts import TrackedRow, TrackedRun
from flexrl.tracking.sender import Ended
from flexrl.tracking.wandb_files import last_row

if TYPE_CHECKING:
    from wandb import Run

STEPS = "control_steps"
FINISHED = "wandb_finished"  # note in the run's folder: W&B has the result
MAX_TAG = 64  # characters
EXIT_CODES = {"finished": 0, "stopped": 75, "failed": 1}
START_SECONDS, FINISH_SECONDS = 15.0, 10.0  # limits; a run that is asked to stop may wait for both


class WandbTracker:
    """Sends a run to a W&B project. Rows that could not be sent stay in the run's folder, for `wandb sync`."""

    name = "wandb"

    def __init__(self, run: TrackedRun) -> None:
        """Store the run that is to be sent to Weights & Biases (W&B). Send nothing yet: `begin` first contacts W&B.

        Args:
          run: the training run, with its folder, config and names in W&B. Rows of metrics are passed to `send`.
        """
        self._tracked = run
        self._run: Run | None = None
        self._had = -1  # number of the last row that W&B has

    def begin(self) -> None:
        """Create the run in W&B, or resume it, and send its config. Do nothing if W&B has the run's result already."""
        has_result = self._tracked.noted(FINISHED)
        if has_result and not self._tracked.result:  # a finished run continues to a larger total_steps
            self._tracked.note(FINISHED, False)
            has_result = False
        if self._run is None and not has_result:  # W&B itself repeats requests of a run it has
            self._run = self._make()
            self._run.define_metric(STEPS, hidden=True)
            self._run.define_metric("*", step_metric=STEPS)
            self._run.save(self._tracked.config_file, base_path=self._tracked.folder, policy="now")
            self._had = last_row(self._tracked.folder) if self._run.offline else self._run.starting_step - 1

    def send(self, rows: Sequence[TrackedRow]) -> None:
        """Hand the rows that W&B does not have over to its client, which sends them."""
        if self._run is None:
            return
        for row in rows:
            if row.number > self._had:
                self._run.log(row.values | {STEPS: row.control_steps}, step=row.number)
                self._had = row.number

    def end(self, ended: Ended) -> None:
        """Finish the run in W&B. If training finished, send the result and the videos first."""
        if self._run is None:
            return
        if ended == "finished":
            self._hand_over_result(self._run)
        if ended == "stopped":
            self._run.mark_preempting()
        self._run.finish(EXIT_CODES[ended])
        if ended == "finished":
            self._tracked.note(FINISHED, True)

    def _hand_over_result(self, run: "Run") -> None:
        import wandb

        run.summary.update(self._tracked.result)
        run.save(self._tracked.result_file, base_path=self._tracked.folder, policy="now")
        step = max(self._had, run.step)  # that of the last row: the next number is a later row's if the run continues
        for video in self._tracked.videos:
            run.log({f"videos/{video.stem}": wandb.Video(str(video), format="mp4")}, step=step)

    def _make(self) -> "Run":
        import wandb

        run = self._tracked
        settings = wandb.Settings(
            silent=True,
            console="off",  # do not send what the process prints
            disable_code=True,
            disable_git=True,
            symlink=False,  # a mounted bucket has no links
            init_timeout=START_SECONDS,
            finish_timeout=FINISH_SECONDS,
            finish_timeout_raises=True,
        )
        offline = wandb.setup(settings).settings.mode in WITHOUT_SERVER
        return wandb.init(
            project=run.project,
            id=run.key,
            name=run.name,
            group=run.group,
            job_type="train",
            tags=[run.tags[name][:MAX_TAG] for name in ("algo", "env")],
            config=run.config | {"run": run.tags},
            dir=str(run.folder),
            resume=None if offline else "allow",
            reinit="create_new",
            settings=settings,
        )
