"""Compare plans with those that instructions mean: the share of instructions that are read exactly right."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.language.interpreter import Interpreter
from flexrl.language.plan import Plan, Refusal, from_json


@dataclass(frozen=True)
class Meant:
    """An instruction (`text`), and the plan or refusal that a correct reader gives for it (`answer`)."""

    text: str
    answer: Plan | Refusal


def read_meant(file: Path) -> list[Meant]:
    """Read a JSONL file of instructions with their plans.

    Raises:
      ConfigError: naming the line that is not in order.
    """
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            row.pop("kind", None)
            rows.append(Meant(*from_json(row)))
        except (ValueError, AttributeError) as error:
            raise ConfigError(f"{file}: line {number}: {error}") from None
    return rows


def is_same(found: Plan | Refusal, meant: Plan | Refusal) -> bool:
    """Return whether two answers mean the same: both refuse, or all segments agree in skill, speed and amount."""
    if isinstance(found, Refusal) or isinstance(meant, Refusal):
        return isinstance(found, Refusal) and isinstance(meant, Refusal)
    if len(found.segments) != len(meant.segments):
        return False
    for a, b in zip(found.segments, meant.segments, strict=True):
        if (a.skill, a.speed) != (b.skill, b.speed) or (a.until is None) != (b.until is None):
            return False
        if a.until and b.until and (a.until.kind != b.until.kind or abs(a.until.amount - b.until.amount) > 0.011):
            return False
    return True


def score(
    interpreter: Interpreter, rows: Sequence[Meant]
) -> tuple[dict[str, float], list[tuple[Meant, Plan | Refusal]]]:
    """Return how well instructions are read, and each one that was read wrong, with the answer that was found.

    Returns:
      Shares from 0 to 1. `exact`: of the instructions with a plan, those whose plan is found exactly; `accepted`: of
      the same, those that are not refused; `falsely_accepted`: of the instructions to be refused, those that are not.
      A share over no instructions is left out.
    """
    answers = interpreter.read([row.text for row in rows])
    pairs = list(zip(rows, answers, strict=True))
    meant = [(row, found) for row, found in pairs if isinstance(row.answer, Plan)]
    refused = [(row, found) for row, found in pairs if isinstance(row.answer, Refusal)]
    shares = {}
    if meant:
        shares["exact"] = sum(is_same(found, row.answer) for row, found in meant) / len(meant)
        shares["accepted"] = sum(isinstance(found, Plan) for _, found in meant) / len(meant)
    if refused:
        shares["falsely_accepted"] = sum(isinstance(found, Plan) for _, found in refused) / len(refused)
    return shares, [(row, found) for row, found in pairs if not is_same(found, row.answer)]
