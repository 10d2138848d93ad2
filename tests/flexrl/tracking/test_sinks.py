"""MLflow's local store and W&B's offline mode, read back by MLflow's client and from W&B's files."""

import contextlib
import dataclasses
import http.server
import json
import os
import sqlite3
import threading
import time

import pytest
import wandb

from flexrl.common.errors import ConfigError
from flexrl.config.run_config import decode, encode
from flexrl.config.trackers import Tracking, require_packages, require_usable
from flexrl.storage.divergence import note_divergence
from flexrl.storage.run_folder import RunFolder
from flexrl.track import main as track
from flexrl.tracking import sender as delivery
from flexrl.tracking import wandb_files
from tests.flexrl import tracked
from tests.flexrl.tracked import EVALUATED, NUM_ITERATIONS, STEPS, config, told, write


@pytest.fixture(scope="module", autouse=True)
def alone():
    """Trackers reach nobody, and have time on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in tracked.ALONE.items():
            patch.setenv(name, value)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for ended in delivery.CLOSE_SECONDS:
            patch.setitem(delivery.CLOSE_SECONDS, ended, 300.0)
        yield


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """One store for all tests, for making one takes seconds; begun once by a process that was killed."""
    workspace = tmp_path_factory.mktemp("tracked")
    with contextlib.closing(sqlite3.connect(workspace / "mlflow.db.tmp")) as half_made:
        half_made.execute("create table _alembic_tmp_experiments (id integer)")
    return workspace


@pytest.fixture(scope="module")
def whole(workspace):
    """A run from start to end."""
    run = config(workspace, "whole", seed=7)
    write(run, 1, NUM_ITERATIONS, "finished")
    return run


def test_mlflow_has_every_number_at_its_control_steps(workspace, whole):
    run = tracked.mlflow_runs(workspace)["whole"]
    assert run.info.status == "FINISHED"
    found = tracked.mlflow_points(workspace, run)
    assert found == tracked.points(told(whole.folder))
    assert [step for step, _ in found["evaluation/return_mean"]] == [STEPS * i for i in EVALUATED]
    assert len(found["episode/return"]) == NUM_ITERATIONS and "policy/loss" not in found
    assert run.data.params["algorithm.unroll_length"] == "4" and run.data.params["seed"] == "7"
    assert not {"workspace", "name", "tracking.project"} & run.data.params.keys()
    assert (run.data.tags["env"], run.data.tags["config_hash"]) == ("humanoid-walk", whole.hash())
    assert run.data.metrics["result/return_mean"] == 30.0
    files = {each.path for each in tracked.client(workspace).list_artifacts(run.info.run_id)}
    assert files == {"config.yaml", "result.json"}


def test_wandb_has_every_row_in_order(whole):
    (part,) = tracked.wandb_parts(whole.folder)
    assert part.rows == told(whole.folder)
    assert part.numbers == sorted(set(part.numbers))
    assert (part.run.project, part.run.display_name, part.run.job_type) == ("walks", "whole", "train")
    assert {each.key: json.loads(each.value_json) for each in part.run.config.update}["num_envs"] == 8
    assert part.exit_code == 0 and part.summary["result/return_mean"] == 30.0


def test_a_run_that_diverged_has_failed_also_when_it_is_sent_afterwards(workspace):
    run = config(workspace, "diverged")
    write(run, 1, 5, "failed")
    note_divergence(run.folder, 5, "20 updates in a row were not finite")
    track([str(run.folder)])
    assert tracked.mlflow_runs(workspace)["diverged"].info.status == "FAILED"


def test_rows_written_anew_after_an_interruption_are_there_once(workspace):
    run = config(workspace, "cut")
    write(run, 1, 15, "stopped")
    write(run, 11, 13, ended="stopped", noise=0.5)  # from the checkpoint of iteration 10; evaluated before
    write(run, 14, NUM_ITERATIONS, ended="finished")
    there = tracked.mlflow_runs(workspace)["cut"]
    assert there.info.status == "FINISHED"
    steps = [STEPS * i for i in range(1, NUM_ITERATIONS + 1)]
    for name, expected in {"timing/seconds": steps, "evaluation/return_mean": [STEPS * i for i in EVALUATED]}.items():
        assert [step for step, _ in tracked.mlflow_points(workspace, there)[name]] == expected
    parts = tracked.wandb_parts(run.folder)
    assert len({part.run.run_id for part in parts}) == 1 and len(parts) == 3
    numbers = [number for part in parts for number in part.numbers]
    assert numbers == sorted(set(numbers)) and len(numbers) == NUM_ITERATIONS + len(EVALUATED)
    assert [part.exit_code for part in parts] == [75, 75, 0]


def test_a_finished_run_that_goes_on_to_a_larger_total_is_followed(workspace):
    run = config(workspace, "longer")
    write(run, 1, 15, "stopped")
    (run.folder / "videos").mkdir()
    (run.folder / "videos" / "final.mp4").write_bytes(b"drawn at the end")
    write(run, 16, NUM_ITERATIONS, "finished")
    more = dataclasses.replace(run, total_steps=40 * STEPS)
    RunFolder(run.folder).change_total(more, NUM_ITERATIONS)
    write(more, 31, 35, "stopped")
    assert tracked.mlflow_runs(workspace)["longer"].info.status == "KILLED"
    write(more, 36, 40, "finished")
    there = tracked.mlflow_runs(workspace)["longer"]
    assert there.info.status == "FINISHED"
    assert there.data.tags["changed.total_steps"] == str(40 * STEPS)
    assert there.data.tags["config_hash"] == more.hash() != run.hash()
    assert tracked.mlflow_points(workspace, there) == tracked.points(told(run.folder))
    parts = tracked.wandb_parts(run.folder)
    assert [row for part in parts for row in part.rows] == told(run.folder)
    assert [part.exit_code for part in parts] == [75, 0, 75, 0]
    assert parts[-1].summary["result/return_mean"] == 30.0


@pytest.mark.parametrize("some", [False, True])
def test_rows_that_wandb_had_not_written_when_it_was_killed_are_handed_over_again(workspace, some):
    run = config(workspace, f"lost-{some}", to=["wandb"])
    write(run, 1, 15, "stopped")
    deadline = time.monotonic() + 60  # a run that was stopped does not wait for W&B's own process to write
    while [part.exit_code for part in tracked.wandb_parts(run.folder)] != [75]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (path,) = wandb_files.parts(run.folder)
    os.truncate(path, path.read_bytes().rindex(b"episode/return") if some else wandb_files.HEADER)
    write(run, 16, NUM_ITERATIONS, "finished")
    parts = tracked.wandb_parts(run.folder)
    assert (len(parts[0].rows) > 0) == some
    assert len(parts) == 2 and len(parts[1].rows) > NUM_ITERATIONS - 15 + 2  # those after, with their evaluations
    assert [row for part in parts for row in part.rows] == told(run.folder)


def test_what_was_not_told_is_sent_afterwards_and_once(workspace, capsys):
    run = config(workspace, "late", to=())
    write(run, 1, NUM_ITERATIONS, "finished")
    assert not (run.folder / "tracking.json").exists()
    command = ["late", "--workspace", str(workspace), "--project", "walks"]
    with pytest.raises(SystemExit) as end:
        track(command)
    assert end.value.code == 65 and "names no tracker; choose one by --to" in capsys.readouterr().err
    for _ in range(2):
        track([*command, "--to", "mlflow", "wandb"])
        assert "mlflow, wandb: all 33 rows are there" in capsys.readouterr().out
    there = tracked.mlflow_runs(workspace)["late"]
    assert tracked.mlflow_points(workspace, there) == tracked.points(told(run.folder))
    assert len(tracked.client(workspace).get_metric_history(there.info.run_id, "result/return_mean")) == 1
    (part,) = tracked.wandb_parts(run.folder)
    assert part.rows == told(run.folder) and part.exit_code == 0


def test_runs_of_a_group_are_children_of_one_parent(workspace):
    group = {"to": ["mlflow"], "project": "walks", "group": "pair"}
    for name in ("one", "two"):
        write(config(workspace / "pair", name, tracking=group), 1, 2, "stopped")
    runs = tracked.mlflow_runs(workspace)
    parent = runs["pair"]
    assert {runs[name].data.tags["mlflow.parentRunId"] for name in ("one", "two")} == {parent.info.run_id}
    assert "mlflow.parentRunId" not in parent.data.tags and runs["one"].info.status == "KILLED"
    assert not (workspace / "pair" / "mlflow.db").exists()


def test_a_server_that_is_away_costs_no_time_and_is_told_when_it_is_back(workspace, monkeypatch, capsys):
    secret = "canary-0b5e"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:{secret}@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", secret)
    run = config(workspace, "away", to=["mlflow"])
    write(run, 1, 5, "stopped")
    err = capsys.readouterr().err
    assert err.count("mlflow takes no rows") == 1 and "was not told 5 of 5 rows" in err
    assert len(told(run.folder)) == 5
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    write(run, 6, 7, "stopped")
    assert "tracking" not in capsys.readouterr().err
    there = tracked.mlflow_runs(workspace)["away"]
    assert [step for step, _ in tracked.mlflow_points(workspace, there)["episode/return"]] == [
        STEPS * i for i in range(1, 8)
    ]
    texts = [path.read_bytes() for path in run.folder.rglob("*") if path.is_file()]
    assert secret not in err and not any(secret.encode() in text for text in texts)


class Unstable:
    """A tracker that fails at chosen calls, once it has taken a part of what it was given."""

    name = "unstable"

    def __init__(self, fails):
        self.fails, self.calls, self.rows, self.had, self.ended = fails, 0, [], 0, None

    def begin(self):
        self.had = len(self.rows)

    def send(self, rows):
        self.calls += 1
        new = [row for row in rows if row >= self.had]
        if self.calls in self.fails:
            self.rows += new[: len(new) // 2]
            raise ConnectionError(f"call {self.calls}")
        self.rows += new

    def end(self, ended):
        self.ended = ended


def test_a_tracker_that_fails_in_the_middle_of_a_batch_has_each_row_once(monkeypatch, capsys):
    for name in ("SEND_SECONDS", "RETRY_SECONDS", "CLOSING_RETRY_SECONDS"):
        monkeypatch.setattr(delivery, name, 0.001)
    monkeypatch.setattr(delivery, "BATCH_ROWS", 10)
    tracker = Unstable(fails={1, 2, 4, 7})
    sending = delivery.Delivery(tracker, range(25))
    for row in range(25, 100):
        sending.add(row)
        time.sleep(0.001)
    sending.end("finished")
    assert sending.close()
    assert tracker.rows == list(range(100)) and tracker.ended == "finished"
    assert capsys.readouterr().err.count("\n") == 1


def test_a_server_that_never_answers_holds_nobody_up_for_longer_than_the_end_may_take(workspace, monkeypatch, capsys):
    asked = threading.Event()
    answer = threading.Event()

    class Silent(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.set()
            answer.wait()

        do_POST = do_GET

    monkeypatch.setitem(delivery.CLOSE_SECONDS, "stopped", 0.2)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        run = config(workspace, "silent", to=["mlflow"])
        write(run, 1, 1, "stopped")
        assert asked.wait(60) and not answer.is_set()
        assert "was not told 1 of 1 rows" in capsys.readouterr().err
        answer.set()
        server.shutdown()


def test_a_package_that_is_not_installed_is_refused_by_the_name_of_its_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    require_packages(Tracking())
    with pytest.raises(ConfigError, match=r"'wandb' needs wandb; pip install -e '\.\[wandb\]' in the clone"):
        require_packages(Tracking(to=("wandb",)))


def test_wandb_without_a_key_is_refused_before_anything_starts(monkeypatch, tmp_path):
    wandb.teardown()  # it remembers that it was offline
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="'wandb' has no key; set WANDB_API_KEY"):
        require_usable(Tracking(to=("wandb",)))
    monkeypatch.setenv("WANDB_API_KEY", "short")
    with pytest.raises(ConfigError, match="'wandb' refuses its key"):
        require_usable(Tracking(to=("wandb",)))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"to": ["neptune"]}, "tracking.to.0: 'neptune'"),
        ({"to": ["wandb", "wandb"]}, "names a tracker twice"),
        ({"project": "a/b"}, "tracking.project: 'a/b'"),
        ({"group": ""}, "tracking.group: ''"),
        ({"server": "x"}, "tracking.server: is not a field"),
    ],
)
def test_a_bad_field_is_refused_by_name_and_value(tmp_path, fields, named):
    with pytest.raises(ConfigError) as refused:
        config(tmp_path, "bad", tracking=fields)
    assert named in str(refused.value)


def test_tracking_is_no_part_of_what_a_run_is(tmp_path):
    one, other = config(tmp_path, "x"), config(tmp_path, "x", to=())
    assert one.hash() == other.hash() and decode(encode(one), "test") == one
