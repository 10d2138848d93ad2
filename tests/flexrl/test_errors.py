import errno

import pytest

from flexrl.errors import CheckpointError, ConfigError, Diverged, Preempted, exit_codes


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
        (Diverged("20 updates"), 70),
        (OSError(errno.ENOSPC, "No space left on device"), 74),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 74),
        (orbax_full(), 74),
        (Preempted("asked to"), 75),
    ],
)
def test_an_expected_end_is_one_line_and_its_exit_code(error, code, capsys):
    with pytest.raises(SystemExit) as end, exit_codes():
        raise error
    assert end.value.code == code
    line = capsys.readouterr().err
    assert str(error) in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("a bug"), OSError(errno.EIO, "Input/output error")])
def test_a_crash_keeps_its_traceback(error):
    with pytest.raises(type(error)), exit_codes():
        raise error
