import errno

import pytest

from flexrl.common.errors import CheckpointError, ConfigError, Diverged, Preempted, Unavailable, exit_codes


def orbax_full():
    """What a full disk looks like when Orbax reports it."""
    cause = ValueError("RESOURCE_EXHAUSTED: Error writing [No space left on device]")
    error = RuntimeError("save failed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("seed: -1"), 65),
        (CheckpointError("no intact checkpoint"), 65),
        (Unavailable("gs://runs: did not answer"), 69),
        (Diverged("20 updates"), 70),
        (OSError(errno.ENOSPC, "No space left on device"), 74),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 74),
        (orbax_full(), 74),
        (Preempted("asked to"), 75),
        (PermissionError(errno.EACCES, "Permission denied", "/of/another"), 65),
        (OSError(errno.EROFS, "Read-only file system", "/of/another"), 65),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/a/file/x"), 65),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "/a/folder"), 65),
    ],
)
def test_an_expected_end_is_one_line_and_its_exit_code(error, code, capsys):
    with pytest.raises(SystemExit) as end, exit_codes():
        raise error
    assert end.value.code == code
    line = capsys.readouterr().err
    assert (getattr(error, "filename", None) or str(error)) in line
    assert line.count("\n") == 1


def test_ctrl_c_is_one_line_too(capsys):
    with pytest.raises(SystemExit) as end, exit_codes():
        raise KeyboardInterrupt
    assert end.value.code == 130 and capsys.readouterr().err == "stopped: by Ctrl-C\n"


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        ValueError("a bug"),
        OSError(errno.EIO, "Input/output error"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "/of/ours"),
        PermissionError("of a library"),
    ],
)
def test_a_crash_keeps_its_traceback(error):
    with pytest.raises(type(error)), exit_codes():
        raise error


def test_a_package_of_an_extra_that_is_missing_is_named_with_the_extra(capsys):
    with pytest.raises(SystemExit) as end, exit_codes():
        raise ModuleNotFoundError("No module named 'minari.storage'", name="minari.storage")
    assert end.value.code == 65
    assert capsys.readouterr().err == "error: minari is not installed; pip install 'flex-rl[data]'\n"


def test_a_module_that_no_extra_has_keeps_its_traceback():
    with pytest.raises(ModuleNotFoundError), exit_codes():
        raise ModuleNotFoundError("No module named 'flexrl.nowhere'", name="flexrl.nowhere")
