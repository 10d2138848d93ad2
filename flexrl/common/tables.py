"""Print tables and format numbers for people. In a file or a pipe, a table is wider than on a terminal."""

import sys
from collections.abc import Iterable

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
