"""Where trainings go on from, and what becomes of what is past it: of one run, and of several that train together."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from flexrl.cli.arguments import parse
from flexrl.common.errors import CheckpointError
from flexrl.common.tables import command_line
from flexrl.storage.checkpoint import Checkpoints
from flexrl.storage.run_folder import RunFolder, read_config
from flexrl.train import main
from flexrl.training.members import has_begun, member_configs, newest_common_step, together
from tests.flexrl.runs import ITERATIONS, TINY, outcome

SHORT = [*TINY, "--total-steps", "96", "--num-evaluations", "1"]


def configs(workspace, num, *flags):
    """Of runs that could train together."""
    places = ["--workspace", str(workspace), "--name"]
    return [parse([*TINY, *places, f"run-{i}", "--checkpoint-interval", "25", *flags]).config for i in range(num)]


def save(config, *steps):
    checkpoints = Checkpoints(config.folder, keep=9)
    for step in steps:
        checkpoints.save(step, {"x": np.zeros(3)})
    checkpoints.wait()


def saved(config):
    return Checkpoints(config.folder).steps()


def unseal(config, step):
    (config.folder / "checkpoints" / str(step) / "manifest.json").unlink()


def damage(run, step):
    """Change a byte of a checkpoint's largest file."""
    files = [path for path in (run / "checkpoints" / str(step) / "state").rglob("*") if path.is_file()]
    victim = max(files, key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)


class TestNewestCommonStep:
    def test_is_the_newest_that_all_have_intact(self, tmp_path):
        a, b, c = runs = configs(tmp_path, 3)
        save(a, 25, 50, 75)
        save(b, 25, 50, 75)
        save(c, 50, 75)
        assert newest_common_step(runs) == 75
        unseal(b, 75)  # a kill may leave one unwritten
        assert newest_common_step(runs) == 50
        damage(c.folder, 50)
        assert newest_common_step([a, b]) == 50
        with pytest.raises(CheckpointError, match="run-0 has 25, 50, 75; run-1 has 25, 50, 75; run-2 has 50, 75"):
            newest_common_step(runs)

    def test_is_the_beginning_where_a_first_save_is_missing(self, tmp_path):
        a, b = runs = configs(tmp_path, 2)
        assert newest_common_step(runs) == 0
        save(a, 25)
        assert newest_common_step(runs) == 0
        save(b, 25)
        unseal(b, 25)
        assert newest_common_step(runs) == 0

    def test_is_none_where_one_run_has_nothing_and_another_much(self, tmp_path):
        a, _ = runs = configs(tmp_path, 2)
        save(a, 50)
        with pytest.raises(CheckpointError, match="run-0 has 50; run-1 has no checkpoint. Go on with each alone"):
            newest_common_step(runs)
        assert [len(group) for group in together(runs)] == [1, 1]

    def test_is_not_the_beginning_where_a_run_has_more_than_a_first_save(self, tmp_path):
        a, _ = runs = configs(tmp_path, 2)
        save(a, 10, 20)
        with pytest.raises(CheckpointError, match="run-0 has 10, 20; run-1 has no checkpoint"):
            newest_common_step(runs)

    def test_of_one_run_is_its_own(self, tmp_path):
        (a,) = configs(tmp_path, 1)
        save(a, 50, 75)
        unseal(a, 75)
        assert newest_common_step([a]) == 50
        damage(a.folder, 50)
        with pytest.raises(CheckpointError, match="no intact checkpoint in .*run-0"):
            newest_common_step([a])

    def test_runs_are_grouped_by_what_is_intact(self, tmp_path):
        a, b = runs = configs(tmp_path, 2)
        save(a, 25, 50)
        save(b, 50)
        unseal(a, 50)
        assert together(runs) == [[a], [b]]
        save(b, 75)
        save(a, 50)
        assert together(runs) == [[a, b]]
        damage(b.folder, 50)
        damage(b.folder, 75)
        assert together(runs) == [[b], [a]]  # where it is refused


def test_members_without_a_common_checkpoint_are_refused_in_one_line_and_keep_theirs(tmp_path, capsys):
    main([*SHORT, "--workspace", str(tmp_path), "--name", "group", "--num-seeds", "2"])
    for seed, last in ((0, 3), (1, 2)):
        (tmp_path / "group" / f"seed-{seed}" / "result.json").unlink()  # as if it had not finished
        for step in {1, 2, 3} - {last}:
            shutil.rmtree(tmp_path / "group" / f"seed-{seed}" / "checkpoints" / str(step))
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(["--resume", "group", "--workspace", str(tmp_path)])
    err = capsys.readouterr().err
    assert end.value.code == 65 and err.count("\n") == 1
    assert "seed-0 has 3; seed-1 has 2. Go on with each alone by --resume and its folder" in err
    assert [Checkpoints(tmp_path / "group" / f"seed-{seed}").steps() for seed in (0, 1)] == [[3], [2]]


def test_members_always_have_a_checkpoint_in_common(tmp_path, monkeypatch):
    """Also where each would keep one alone: a save begins once all have the one before, which they keep until then."""
    saves = []

    def write(self, step, *rest):
        if "seed-1" in str(self._folder):
            time.sleep(0.1)  # it is always behind
        saves.append(("begins", step))
        real_write(self, step, *rest)
        saves.append(("ends", step))

    real_write = Checkpoints._write
    monkeypatch.setattr(Checkpoints, "_write", write)
    main([*SHORT, "--workspace", str(tmp_path), "--name", "group", "--num-seeds", "2", "--keep-checkpoints", "1"])
    for step in (2, 3):
        assert saves.index(("begins", step)) > max(i for i, each in enumerate(saves) if each == ("ends", step - 1))
    assert [Checkpoints(tmp_path / "group" / f"seed-{seed}").steps() for seed in (0, 1)] == [[2, 3]] * 2


@pytest.fixture
def copy(trained, tmp_path):
    """A finished run that may be changed."""
    shutil.copytree(trained / "parent", tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    return tmp_path / "run"


def test_a_run_that_goes_back_makes_later_checkpoints_and_a_later_best_anew(trained, copy):
    damage(copy, ITERATIONS)
    (copy / "best.json").write_text(json.dumps({"step": ITERATIONS, "score": 1e9}))
    main(["--resume", str(copy)])
    checkpoints = Checkpoints(copy)
    assert checkpoints.steps()[-1] == ITERATIONS
    assert all(checkpoints.is_intact(step) for step in checkpoints.steps())
    assert checkpoints.best()["score"] < 1e9
    assert outcome(copy)["leaves"] == outcome(trained / "parent")["leaves"]


def test_a_run_that_cannot_be_restored_keeps_all_of_its_checkpoints(copy, capsys):
    before = Checkpoints(copy).steps()
    damage(copy, ITERATIONS)
    text = (copy / "config.yaml").read_text()
    assert text.count("policy_layers:\n  - 8\n") == 1
    (copy / "config.yaml").write_text(text.replace("policy_layers:\n  - 8\n", "policy_layers:\n  - 4\n"))
    with pytest.raises(SystemExit) as end:
        main(["--resume", str(copy)])
    assert end.value.code == 65 and "does not fit" in capsys.readouterr().err
    assert Checkpoints(copy).steps() == before


def test_a_group_that_was_stopped_in_its_first_seconds_goes_on(tmp_path):
    """Its folder and one member's are there, another's is not."""
    group = parse([*SHORT, "--workspace", str(tmp_path), "--name", "group", "--num-seeds", "2"]).config
    begun, other = member_configs(group)
    for config in (group, begun):
        RunFolder(config.folder).start(config, [])
    assert not has_begun(other)
    main(["--resume", "group", "--workspace", str(tmp_path)])
    main([*SHORT, "--workspace", str(tmp_path), "--name", "alone", "--seed", "1"])
    assert outcome(other.folder) == outcome(tmp_path / "alone")
    assert json.loads((begun.folder / "result.json").read_text())["iterations"] == 3
    assert read_config(other.folder) == other


STOPPED_AFTER_A_TRAINING = """
import os, signal, sys, time
from flexrl.cli.arguments import parse
from flexrl.training.hosts import Hosts
from flexrl.training.preemption import StopRequest
from flexrl.training.trainer import Trainer
stop = StopRequest()
with Trainer([parse(sys.argv[1:]).config], stop, [], Hosts(), resume=False) as trainer:
    trainer.run()
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(60)
"""


def test_a_process_that_is_stopped_between_two_trainings_ends_with_75(tmp_path):
    """As it goes from one group of a pack to the next."""
    command = [sys.executable, "-c", STOPPED_AFTER_A_TRAINING, *SHORT, "--workspace", str(tmp_path), "--name", "run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 75 and "Traceback" not in done.stderr, done.stderr
    way_on = command_line("flexrl.train", "--resume", str(tmp_path / "run"))
    assert done.stderr.endswith(f"stopped: asked to; go on by {way_on}\n")


def test_a_pack_of_several_groups_pauses_them_all(tmp_path, capsys):
    flags = [*TINY, "--total-steps", "96", "--num-evaluations", "3", "--workspace", str(tmp_path), "--name"]
    for i in range(2):
        file = tmp_path / f"{i}.yaml"
        main_config = parse([*flags, f"run-{i}"]).config
        RunFolder(main_config.folder).start(main_config, [])
        shutil.copy(main_config.folder / "config.yaml", file)
    with pytest.raises(SystemExit) as end:
        main(["--resume", "run-0", "--workspace", str(tmp_path), "--pause-after", "2"])
    assert end.value.code == 10
    with pytest.raises(SystemExit) as end:
        main(["--members", *(str(tmp_path / f"{i}.yaml") for i in range(2)), "--pause-after", "2"])
    assert end.value.code == 10
    assert [Checkpoints(tmp_path / f"run-{i}").steps()[-1] for i in range(2)] == [2, 2]


@pytest.mark.slow
def test_a_group_that_is_stopped_while_it_starts_goes_on(tmp_path):
    command = [sys.executable, "-m", "flexrl.train", "--workspace", str(tmp_path)]
    flags = [*SHORT, "--name", "group", "--num-seeds", "2"]
    process = subprocess.Popen([*command, *flags], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "group" / "config.yaml").exists():
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 75, err
    done = subprocess.run([*command, "--resume", "group"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all((tmp_path / "group" / f"seed-{seed}" / "result.json").exists() for seed in (0, 1))
