"""Runs that are killed or stopped, in real processes, end as if nothing had happened."""

import random
import signal
import time

import pytest

from tests.flexrl import runs

NUM_KILLS = 10
NUM_KILLS_IN_SAVES = 5


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def undisturbed(workspace):
    runs.finish(runs.start(workspace, "undisturbed"))
    return runs.outcome(workspace / "undisturbed")


def assert_same(outcome, expected):
    assert outcome.keys() == expected.keys()
    for part, value in expected.items():
        assert outcome[part] == value, part


@pytest.mark.slow
def test_a_run_killed_ten_times_ends_bit_identical(workspace, undisturbed):
    random_source = random.Random(0)
    run = workspace / "killed"
    in_saves = 0
    for attempt in range(NUM_KILLS):
        process = runs.start(workspace, "killed", *(["--resume"] if (run / "config.yaml").exists() else []))
        target = runs.num_rows(run) + random_source.randint(1, 2)
        wants_save = attempt < NUM_KILLS_IN_SAVES
        while process.poll() is None:
            far_enough = runs.num_rows(run) >= target
            if far_enough and (not wants_save or runs.unfinished_saves(run)):
                break
            time.sleep(0 if far_enough else 0.01)
        assert process.poll() is None, "the run ended before it could be killed: " + process.communicate()[1]
        if not wants_save:
            time.sleep(random_source.uniform(0, 0.05))
        runs.kill(process)
        in_saves += bool(runs.unfinished_saves(run))
    assert in_saves >= 4
    runs.finish(runs.start(workspace, "killed", "--resume"))
    assert_same(runs.outcome(run), undisturbed)


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)


MOMENTS = {
    "compiling": lambda run: (run / "config.yaml").exists(),
    "stepping": lambda run: runs.num_rows(run) >= 3,
    "saving": lambda run: runs.num_rows(run) >= 3 and runs.unfinished_saves(run),
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_asked_to_stop_saves_exits_75_and_goes_on(workspace, undisturbed, moment):
    name = f"stopped-{moment}"
    run = workspace / name
    process = runs.start(workspace, name)
    wait_for(lambda: MOMENTS[moment](run), process)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)  # asking twice changes nothing
    out, err = process.communicate(timeout=60)
    assert process.returncode == 75, out + err
    assert "--resume" in err
    assert "Traceback" not in err
    assert not runs.unfinished_saves(run)
    saved = [int(p.name) for p in (run / "checkpoints").glob("*")]
    assert max(saved, default=0) == runs.num_rows(run)  # nothing lost that was done
    runs.finish(runs.start(workspace, name, "--resume"))
    assert_same(runs.outcome(run), undisturbed)


@pytest.mark.slow
def test_a_damaged_newest_checkpoint_is_noticed_and_the_run_still_ends_the_same(workspace, undisturbed):
    run = workspace / "damaged"
    process = runs.start(workspace, "damaged")
    wait_for(lambda: runs.num_rows(run) >= 5, process)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    newest = max(run.glob("checkpoints/*"), key=lambda p: int(p.name))
    victim = max((p for p in newest.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    process = runs.start(workspace, "damaged", "--resume")
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert f"checkpoint {newest.name} is damaged" in err
    assert victim.name in err
    assert_same(runs.outcome(run), undisturbed)


@pytest.mark.slow
def test_a_second_trainer_in_one_folder_refuses(workspace, undisturbed):
    first = runs.start(workspace, "shared")
    wait_for(lambda: runs.num_rows(workspace / "shared") >= 1, first)
    first.send_signal(signal.SIGSTOP)  # or it may end before the second one looks
    second = runs.start(workspace, "shared", "--resume")
    _, err = second.communicate()
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 65
    assert f"process {first.pid}" in err
    assert "Traceback" not in err
    runs.finish(first)
    assert_same(runs.outcome(workspace / "shared"), undisturbed)
