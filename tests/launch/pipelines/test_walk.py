"""`launch.pipeline run` with real processes of a fake command."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from launch import stage as stage_command
from launch.pipelines.stage_folder import stage_folder
from launch.pipelines.stage_process import Watch, attempt
from tests.launch.pipelines.conftest import FAKE, fake

pytestmark = pytest.mark.usefixtures("fake_stages")


def text(stage):
    return (stage.output / "text").read_text()


def times(folder):
    return {path: path.stat().st_mtime_ns for path in Path(folder).rglob("*") if path.is_file()}


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_stages_run_in_order_and_a_second_run_does_nothing(tmp_path, stages_of, command):
    fields = {"a": fake("a"), "b": fake("b", "a"), "c": fake("c", "a", "b")}
    stages = stages_of(fields)
    assert "3 stages, 0 done, 3 to run" in command("plan")[1]
    code, out, _ = command("run")
    assert code == 0 and f"the output of c is in {stages['c'].output}" in out
    assert text(stages["c"]) == "c(a(), b(a()))"
    before = times(tmp_path / "workspace")
    code, out, _ = command("run")
    assert code == 0 and out.count("done before") == 3
    assert times(tmp_path / "workspace") == before
    assert "3 done" in command("status")[1]


def test_a_changed_stage_reruns_only_what_follows_from_it(stages_of, command):
    stages_of({"a": fake("a"), "b": fake("b"), "c": fake("c", "b")})
    command("run")
    stages = stages_of({"a": fake("a"), "b": fake("x"), "c": fake("c", "b")})
    code, out, _ = command("run")
    assert code == 0 and f"a {stages['a'].key}: done before" in out and out.count("done before") == 1
    assert text(stages["c"]) == "c(x())"


def test_a_broken_stage_stops_the_pipeline_and_a_rerun_begins_there(tmp_path, stages_of, command):
    mended = tmp_path / "mended"
    stages = stages_of({"a": fake("a"), "b": fake("b", "a", needs=mended), "c": fake("c", "b")})
    code, out, error = command("run")
    *log, line = error.splitlines()
    assert code == 1
    assert line.startswith(f"error: stage b is broken after 1 attempts: error: {mended} is missing;")
    assert "begins at b" in line and f"  error: {mended} is missing" in log
    assert "c " not in out and not stages["c"].folder.exists()
    assert "1 done, 1 failed, 1 waiting" in command("status")[1]
    before = times(stages["a"].folder)
    mended.touch()
    code, out, _ = command("run")
    assert code == 0 and f"a {stages['a'].key}: done before" in out and text(stages["c"]) == "c(b(a()))"
    assert times(stages["a"].folder) == before


def test_a_crash_is_tried_again_and_its_half_written_output_is_removed(tmp_path, stages_of, command):
    stages = stages_of({"a": fake("a", crashes=tmp_path / "crashed")})
    code, out, _ = command("run")
    assert code == 0 and "waiting: exit code 1: RuntimeError: the first time; it is tried again" in out
    assert text(stages["a"]) == "a()" and stage_folder(stages["a"]).progress().attempts == 2


def test_crashes_are_tried_again_as_often_as_the_file_says(stages_of, command):
    stages_of({"a": {"command": [FAKE, "a", "<out>", "not-there"]}}, retries=1)
    code, _, error = command("run")
    assert code == 1 and "stage a is broken after 2 attempts: exit code 1: FileNotFoundError" in error


def test_a_command_that_ends_well_without_its_output_is_broken(stages_of, command):
    stages_of({"a": {"command": ["flexrl.dataset", "--help", "<out>"]}}, retries=0)
    code, _, error = command("run")
    assert code == 1 and "ended without a result" in error


def test_a_full_disk_ends_a_run_with_74_and_costs_no_retry(tmp_path, stages_of, command):
    stages = stages_of({"a": fake("a", fills=tmp_path / "freed")})
    code, _, error = command("run")
    assert code == 74 and "the disk is full" in error
    (tmp_path / "freed").touch()
    assert command("run")[0] == 0 and stage_folder(stages["a"]).progress().failures == 0


def test_a_workspace_that_cannot_be_written_is_refused_in_one_line(stages_of, command):
    stages_of({"a": fake("a")})
    code, _, error = command("run", "--workspace", "/proc/nope")
    assert code == 65 and error.startswith("error: workspace: /proc/nope/chain/a-") and error.count("\n") == 1


def test_output_that_was_removed_is_made_again(stages_of, command):
    stages = stages_of({"a": fake("a"), "b": fake("b", "a")})
    command("run")
    (stages["a"].output / "text").unlink()
    stages["a"].output.rmdir()
    code, out, _ = command("run")
    assert code == 0 and text(stages["a"]) == "a()" and f"b {stages['b'].key}: done before" in out


def test_a_signal_stops_a_run_with_75_and_the_next_one_goes_on(tmp_path, stages_of, command):
    stages = stages_of({"a": fake("a", waits=tmp_path / "go"), "b": fake("b", "a")})

    def stop():
        until((stages["a"].output / "began").exists)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop)
    thread.start()
    code, _, error = command("run")
    thread.join()
    assert code == 75 and error == "stopped: asked to, in stage a; run again to go on\n"
    assert "1 stopped, 1 waiting" in command("status")[1]
    (tmp_path / "go").touch()
    assert command("run")[0] == 0 and text(stages["b"]) == "b(a())"


def test_a_stage_that_outlived_its_launcher_is_waited_for_and_not_run_twice(tmp_path, stages_of, command):
    stages = stages_of({"a": fake("a", waits=tmp_path / "go")})
    launcher = subprocess.Popen([sys.executable, "-m", "launch.stage", stages["a"].text()])
    until((stages["a"].output / "began").exists)
    launcher.kill()
    launcher.wait()
    assert "1 running" in command("status")[1]
    threading.Timer(1.0, (tmp_path / "go").touch).start()
    code, out, _ = command("run")
    assert code == 0 and "is run by another process; waits for it" in out and text(stages["a"]) == "a()"


def test_a_stage_alone_ends_as_its_process_and_says_what_it_needs(tmp_path, stages_of, capfd):
    stages = stages_of({"a": fake("a"), "b": fake("b", "a", needs=tmp_path / "mended")})
    for name, code, said in (
        ("b", 65, "its input a is not done"),
        ("a", 0, "stage a " + stages["a"].key + ": done"),
        ("b", 65, "is missing"),
    ):
        with pytest.raises(SystemExit) as end:
            stage_command.main([stages[name].text()])
        printed = "".join(capfd.readouterr())
        assert end.value.code == code and said in printed
    assert "b begins" in printed  # a pod's log shows that of the stage


@pytest.mark.parametrize("arguments", [[], ["x"], ["[]"], ['{"name": "a"}'], ["{}", "{}"]])
def test_what_is_no_stage_is_refused_in_one_line(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        stage_command.main(arguments)
    error = capsys.readouterr().err
    assert end.value.code == 65 and error.startswith("error: stage") and error.count("\n") == 1


def test_a_training_is_resumed_and_a_command_begins_anew(stages_of):
    from tests.launch.sweeps import TINY

    stages = stages_of({"a": {"train": TINY}, "b": fake("b", "a")})
    folder = stage_folder(stages["a"])
    folder.path.mkdir(parents=True)
    folder.begin()
    assert folder.arguments() == ["flexrl.train", "--config", str(folder.path / "trial.json")]
    content = json.loads((folder.path / "trial.json").read_text())
    assert (content["name"], content["workspace"]) == (folder.path.name, str(folder.path.parent))
    (folder.path / "config.yaml").write_text("stored")
    assert folder.arguments() == ["flexrl.train", "--resume", str(folder.path)]
    folder.finish(1.0)
    assert folder.result() is None  # without result.json the run is not done
    (folder.path / "result.json").write_text("{}")
    folder.finish(1.0)
    assert folder.result() == {"key": stages["a"].key, "seconds": 1.0}
    assert attempt(stages["a"], Watch([], 1.0), 0).state == "done"
