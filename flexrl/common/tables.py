"""Print tables and notes, and format numbers and commands for people.

In a file or a pipe, a table is wider than on a terminal.
"""

import contextlib
import shlex
import shutil
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

SLOW = 2.0  # s after which a command that prints nothing says what it does
WIDTH = 240  # of a table in a file or a pipe, in characters


def print_table(columns: Iterable[str], rows: Iterable[Iterable[object]], title: str | None = None) -> None:
    """Print rows as a table under the names of their columns. Columns with numbers are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    rows = [list(row) for row in rows]
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    for i, name in enumerate(columns):
        numeric = any(is_number(row[i]) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(cell, row))
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, markup=False, emoji=False)
    console.print(table)


def cell(value: object) -> str:
    """Format a value briefly: `-` for None, small floats with three digits, large numbers with commas."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if is_number(value) else str(value)


def is_number(value: object) -> bool:
    """Return whether a value is an int or a float, but not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def say(text: str) -> None:
    """Print on standard error what a command does now, so that standard output holds only its results."""
    print(f"{text} ...", file=sys.stderr, flush=True)


@contextlib.contextmanager
def say_if_slow(text: str) -> Iterator[None]:
    """Print on standard error what a command does, if it is not done within `SLOW` seconds."""
    timer = threading.Timer(SLOW, say, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def clock(seconds: float) -> str:
    """Format a duration as `M:SS` or `H:MM:SS`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def command_line(module: str, *arguments: str) -> str:
    """Return a command that runs a module with this Python, ready to be pasted into a shell in this folder."""
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        name = str(python.relative_to(Path.cwd()))
    else:
        name = "python" if shutil.which("python") == str(python) else str(python)
    return shlex.join([name, "-m", module, *arguments])
