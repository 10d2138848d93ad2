"""Find the runs that a run's networks came from (ancestors), and the runs that began from its own (descendants).

A run's parent is the run or exported policy whose networks it began with (`--parent`).
"""

from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.common.tables import cell
from flexrl.storage.run_folder import find_run
from flexrl.storage.run_view import RunRecord, read_run


def parent_folder(record: RunRecord) -> Path | None:
    """Return the folder of the run whose networks this run began with; None if there is none or it is gone."""
    if record.parent is None:
        return None
    try:
        return find_run(record.parent.rpartition(":")[0], str(record.folder.parent)).resolve()
    except ConfigError:
        return None


def ancestors(record: RunRecord) -> list[RunRecord]:
    """Return the run whose networks this run began with, the one before that, and so on, while folders exist."""
    found: list[RunRecord] = []
    while (folder := parent_folder(record)) and folder not in [older.folder for older in found]:
        record = read_run(folder)
        found.append(record)
    return found


def children(record: RunRecord, records: list[RunRecord]) -> list[RunRecord]:
    """Return those of `records` that began with the networks of the run `record`."""
    return [other for other in records if parent_folder(other) == record.folder.resolve()]


def lineage(record: RunRecord, records: list[RunRecord]) -> list[str]:
    """Return lines that show a run's family: its ancestors, itself (marked `*`) and its descendants in `records`.

    Each generation is indented further than the one before.
    """
    chain = [*reversed(ancestors(record)), record]
    oldest = chain[0]
    lines = [f"{oldest.parent} (not there)"] if oldest.parent and parent_folder(oldest) is None else []
    for relative in chain[:-1]:
        lines.append(_line(relative, len(lines)))
    return lines + _family(record, records, len(lines), marked=True)


def _family(record: RunRecord, records: list[RunRecord], depth: int, *, marked: bool = False) -> list[str]:
    lines = [_line(record, depth, marked=marked)]
    others = [other for other in records if other.folder.resolve() != record.folder.resolve()]
    for child in children(record, others):
        lines += _family(child, others, depth + 1)
    return lines


def _line(record: RunRecord, depth: int, *, marked: bool = False) -> str:
    origin = f" from iteration {record.parent.rpartition(':')[2]}" if record.parent else ""
    best = f", best return {cell(max(record.returns))}" if record.returns else ""
    return f"{'  ' * depth}{'* ' if marked else ''}{record.name}{origin}: {record.state}{best}"
