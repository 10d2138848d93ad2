"""Searches whose trials get results here, without a training."""

from pathlib import Path

from flexrl.common.files import write_json
from launch.attempt.trial_folder import folder_of
from launch.plan.states import Progress
from launch.plan.trials import Trial, load_planner
from launch.search.growing import GrowingTrials
from tests.launch import sweeps

SEEDS = list(range(10, 50))  # of `tests.launch.fake_training`, which then returns the seed
RATE, SEED = "algorithm.learning_rate", "seed"
FIELDS = {SEED: {"choice": SEEDS}, RATE: {"log_uniform": [1e-4, 1e-2]}}


def fields(trials: int, parallel: int, **others) -> dict:
    """The fields of a sweep that searches."""
    search = {"sampler": "tpe", "trials": trials, "parallel": parallel}
    return {"random": {"fields": FIELDS}, "search": search, **others}


def growing(folder: Path, workspace: str = "workspace", **others) -> GrowingTrials:
    """The trials so far of a sweep with these fields."""
    return GrowingTrials(load_planner(sweeps.write(folder, **others), folder / workspace))


def finish(trial: Trial) -> None:
    """Give a trial the result that the fake training has."""
    folder_of(trial).prepare(trial)
    write_json(trial.folder / "result.json", {"config_hash": trial.key, "return_mean": float(trial.config.seed)})


def end(trial: Trial, progress: Progress) -> None:
    """Let a trial end without a result."""
    folder_of(trial).prepare(trial)
    folder_of(trial).write(progress)


def undisturbed(folder: Path, **others) -> list[Trial]:
    """All trials of a search that nothing disturbs, in a workspace of its own."""
    search = growing(folder, "undisturbed", **others)
    begun = 0
    while begun < len(search.trials):
        for trial in search.trials[begun:]:
            begun += 1
            finish(trial)
        search.grow()
    return search.trials
