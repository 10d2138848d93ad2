"""Compare runs: the returns that they reached, how soon, and the fields in which their configs differ."""

from collections.abc import Mapping, Sequence

from flexrl.common.nested import flat
from flexrl.common.types import JsonObject
from flexrl.config.run_config import PLACE
from flexrl.reporting.curves import Curve
from flexrl.storage.run_view import RunRecord

FRACTIONS = (0.5, 0.9)  # of the best return of all runs


def compare(curves: list[Curve]) -> list[JsonObject]:
    """Return for each run its last, best and final return, and when it reached fractions of the best of all runs.

    The keys are `name`, `last_return`, `best_return`, `final_return`, and for each of `FRACTIONS`, such as 50 %,
    `steps_to_50_percent` (control steps) and `seconds_to_50_percent` (of training). They are None for a run that has
    not reached that return, and for all runs if the best return is not positive.
    """
    best = max(value for curve in curves for value in curve.returns)
    return [_row(curve, best) for curve in curves]


def _row(curve: Curve, best: float) -> JsonObject:
    row: JsonObject = {"name": curve.name, "last_return": curve.returns[-1], "best_return": max(curve.returns)}
    row["final_return"] = curve.final
    for fraction in FRACTIONS:
        reached = curve.first_reaching(fraction * best) if best > 0 else None
        percent = f"{100 * fraction:.0f}_percent"
        row[f"steps_to_{percent}"], row[f"seconds_to_{percent}"] = reached or (None, None)
    return row


def differing_fields(records: list[RunRecord]) -> Mapping[str, Sequence[object]]:
    """Return by name the fields in which the configs of runs differ, each with one value for each run.

    The value is None for a run whose config lacks the field. Fields that only say where results go are left out.
    """
    configs = [flat(record.config) for record in records]
    names = dict.fromkeys(name for config in configs for name in config if name not in PLACE)
    values = {name: [config.get(name) for config in configs] for name in names}
    return {name: row for name, row in values.items() if any(value != row[0] for value in row)}
