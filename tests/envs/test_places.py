"""Places to write to are tried before anything is computed, and refused in one line."""

import errno

import pytest

from envs.errors import ConfigError
from envs.places import require_file, require_free, require_writable, writing_to


def test_a_place_is_made_and_left_empty(tmp_path):
    require_writable(tmp_path / "new" / "folder" / "x.png")
    assert (tmp_path / "new" / "folder").is_dir() and not any((tmp_path / "new" / "folder").iterdir())


@pytest.mark.parametrize("require", [require_free, require_file, require_writable])
def test_a_place_that_cannot_be_written_is_refused_with_the_reason(require, tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "x.png", tmp_path / ("long" * 100) / "x.png"):
        with pytest.raises(ConfigError, match=r"out: .* cannot be written \(.*\); name a place .* by --out"):
            require(path)


def test_a_taken_place_and_a_folder_where_a_file_is_asked_for_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="is there already; name another"):
        require_free(tmp_path)
    with pytest.raises(ConfigError, match="is a folder; name a file"):
        require_file(tmp_path)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), BlockingIOError(errno.EAGAIN, "taken")])
def test_a_full_disk_and_a_taken_lock_are_told_by_others(error, tmp_path):
    with pytest.raises(type(error)) as raised, writing_to(tmp_path, "workspace"):
        raise error
    assert raised.value is error
