"""Exit codes of `launch.sweep` besides those of a run (`flexrl.common.errors`), and how it exits with one."""

import sys
from typing import NoReturn

EXIT_FAILED = 1  # some trials failed


def leave(line: str, code: int) -> NoReturn:
    """Print one line to standard error and end the process with an exit code."""
    print(" ".join(line.split()), file=sys.stderr, flush=True)
    raise SystemExit(code)
