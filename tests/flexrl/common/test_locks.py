"""A lock is refused only to who meets another that keeps it, however often others ask."""

import subprocess
import sys

import pytest

from flexrl.common.errors import ConfigError
from flexrl.common.locks import is_held
from flexrl.storage.run_folder import RunFolder, is_in_use
from launch.local.runner import submitting

NUM_STARTS = 100
ASK_FOR_EVER = """
import sys
from pathlib import Path
from flexrl.common.locks import is_held
print(flush=True)
while True:
    is_held(Path(sys.argv[1]))
"""


@pytest.fixture
def asked(tmp_path):
    """Files' locks, each asked for in a tight loop by two processes."""
    processes = []

    def ask(name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        for _ in range(2):
            process = subprocess.Popen([sys.executable, "-c", ASK_FOR_EVER, str(path)], stdout=subprocess.PIPE)
            processes.append(process)
            assert process.stdout is not None
            process.stdout.readline()
        return path

    yield ask
    for process in processes:
        process.kill()
        process.communicate()


def test_no_training_is_kept_from_starting_by_who_looks_at_its_folder(asked):
    folder = asked("run/lock").parent
    for _ in range(NUM_STARTS):
        training = RunFolder(folder)
        assert is_in_use(folder)
        training.close()
        assert not is_in_use(folder)


def test_no_sweep_is_kept_from_starting_by_who_asks_for_its_status(asked):
    path = asked("sweep/submit.lock")
    for _ in range(NUM_STARTS):
        with submitting(path.parent):
            assert is_held(path)
        assert not is_held(path)


def test_a_folder_in_which_another_trains_is_refused(tmp_path):
    training = RunFolder(tmp_path / "run")
    with pytest.raises(ConfigError, match="process .* is training in this folder; wait for it"):
        RunFolder(tmp_path / "run")
    training.close()
    RunFolder(tmp_path / "run").close()
