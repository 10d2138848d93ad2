import subprocess
import sys
from pathlib import Path

import pytest

from envs.drawing import require_writable
from envs.errors import ConfigError
from envs.gl import find_gl

ROOT = Path(__file__).parents[2]


def test_a_file_below_a_file_and_a_folder_in_its_place_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    for path in (tmp_path / "file" / "x.mp4", tmp_path / "folder.mp4"):
        with pytest.raises(ConfigError, match=rf"out: {path} cannot be written in .*; name a file elsewhere by --out"):
            require_writable(path)


def test_new_folders_and_a_file_that_is_there_can_be_written(tmp_path):
    (tmp_path / "x.mp4").touch()
    require_writable(tmp_path / "x.mp4")
    require_writable(tmp_path / "new" / "newer" / "x.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]


@pytest.mark.skipif(find_gl() is None, reason="no GL library")
@pytest.mark.parametrize(
    "command",
    [("flexrl.render", "pretrained/humanoid-skills"), ("envs", "preview", "humanoid-walk")],
)
def test_a_program_that_draws_refuses_in_one_line_what_cannot_be_written(command, tmp_path):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "x.mp4"
    done = subprocess.run([sys.executable, "-m", *command, "--out", str(out)], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (65, "")
    assert (
        done.stderr == f"error: out: {out} cannot be written in {tmp_path / 'file'}; name a file elsewhere by --out\n"
    )
