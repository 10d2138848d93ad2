import json

import pytest

from flexrl import runs
from flexrl.common.errors import ConfigError
from launch.attempt.trial_folder import folder_of
from launch.plan.states import Progress
from tests.launch import sweeps


@pytest.fixture
def folder(tmp_path):
    (trial,) = sweeps.trials(tmp_path)
    folder = folder_of(trial)
    folder.path.mkdir(parents=True)
    folder.prepare(trial)
    return folder


def write_result(folder, **changes):
    content = {"config_hash": folder.config_hash, "return_mean": 3.5, **changes}
    (folder.path / "result.json").write_text(json.dumps(content))


def test_progress_comes_back_as_it_was_written(folder):
    progress = Progress("failed", 3, 2, 1.5, 65, "error: why")
    folder.write(progress)
    assert folder.progress() == progress


def test_a_trial_without_files_waits(folder):
    assert folder.progress() == Progress()
    assert folder.steps_and_return() == (0, None)
    assert not folder.is_running()


def test_a_result_makes_it_done_whatever_was_recorded(folder):
    folder.write(Progress("failed", 1, 1, 1.0, 1, "why"))
    write_result(folder)
    assert folder.progress().state == "done"


@pytest.mark.parametrize("changes", [{"config_hash": "another"}, {"return_mean": None}, {"return_mean": "many"}])
def test_a_result_of_another_config_or_without_a_return_is_none(folder, changes):
    write_result(folder, **changes)
    assert folder.result() is None


def test_a_done_trial_whose_result_is_damaged_goes_on(folder):
    folder.write(Progress("done", 1))
    (folder.path / "result.json").write_text('{"config_hash"')
    assert (folder.progress().state, folder.progress().reason) == ("stopped", "its result.json is gone or damaged")


def test_running_is_told_while_the_lock_is_held_and_no_longer(folder):
    folder.write(Progress("running", 1))
    with folder.attempt():
        assert folder.progress().state == "running"
        with pytest.raises(BlockingIOError), folder.attempt():
            pass
    assert (folder.progress().state, folder.progress().reason) == ("stopped", "whoever ran it was killed")


@pytest.mark.parametrize("text", ["{", '{"state": "flying"}', '{"attempts": "two"}', '{"tries": 2}'])
def test_a_damaged_record_is_refused_with_its_name(folder, text):
    (folder.path / "progress.json").write_text(text)
    with pytest.raises(ConfigError, match=r"progress\.json"):
        folder.progress()


def test_a_run_begins_from_its_config_and_goes_on_from_its_folder(folder):
    assert folder.command() == ["--config", str(folder.path / "trial.json")]
    (folder.path / "config.yaml").write_text("x")
    assert folder.command() == ["--resume", str(folder.path)]


def test_the_last_line_is_of_the_attempt_that_is_asked_for(folder):
    folder.log.write_text("before\n")
    start = folder.log.stat().st_size
    assert folder.last_line(start) == ""
    folder.log.write_text("before\nTraceback\nerror: why\n\n")
    assert folder.last_line(start) == "error: why"


def test_an_attempt_that_was_killed_counts_the_seconds_of_its_last_heartbeat(folder):
    folder.write(Progress("running", 2, seconds=5.0))
    folder.heartbeat(1, 40.0)  # of another one
    assert folder.settled().seconds == 5.0
    folder.heartbeat(2, 7.5)
    assert (folder.settled().state, folder.settled().seconds) == ("stopped", 12.5)


def test_a_trial_has_a_name_that_can_be_read_and_its_values_are_listed(tmp_path, capsys):
    axes = {"algorithm.learning_rate": [1e-4, 1e-3], "algorithm.policy_layers": [[8, 8]]}
    trials = sweeps.trials(tmp_path, grid=axes)
    for trial in trials:
        folder_of(trial).prepare(trial)
        folder_of(trial).prepare(trial)  # the next attempt
        (trial.folder / "config.yaml").write_text("seed: 0\n")
    names = sorted(path.name for path in (trials[0].folder.parent / "by-values").iterdir())
    assert names == ["1-learning_rate=0.0001,policy_layers=8_8", "2-learning_rate=0.001,policy_layers=8_8"]
    link = trials[0].folder.parent / "by-values" / names[1]
    assert link.resolve() == trials[1].folder.resolve()
    runs.main(["list", "--workspace", str(trials[0].folder.parent)])
    out = capsys.readouterr().out
    assert "algorithm.learning_rate=0.001, algorithm.policy_layers=[8, 8]" in out and out.count("stopped") == 2
