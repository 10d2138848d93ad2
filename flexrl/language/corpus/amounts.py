"""Draw amounts for the training corpus, such as "two and a half metres", in a user's words and as values."""

import random
import re

from flexrl.language.corpus.types import UNSUPPORTED, Said
from flexrl.language.plan import Until

NUMBERS = {
    2: "two",
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    7: "seven",
    8: "eight",
    9: "nine",
    10: "ten",
    12: "twelve",
}
NUMBERS |= {15: "fifteen", 20: "twenty", 30: "thirty", 45: "forty-five", 90: "ninety", 180: "a hundred and eighty"}
NUMBERS |= {60: "sixty", 120: "one hundred and twenty", 25: "twenty five", 100: "a hundred"}
METRES = (
    *((unit, 1.0) for unit in ("metres", "meters", "m", "metrs")),
    ("feet", 0.3048),
    ("yards", 0.9144),
    ("ft", 0.3048),
)
ODD_AMOUNTS: dict[str, tuple[tuple[str, float], ...]] = {
    "metres": (("two and a half metres", 2.5), ("a couple of metres", 2.0), ("half a metre", 0.5), ("a metre", 1.0)),
    "seconds": (("half a minute", 30.0), ("a minute", 60.0), ("a few seconds", 3.0), ("a couple of seconds", 2.0)),
    "degrees": (
        ("a quarter turn", 90.0),
        ("half a turn", 180.0),
        ("a full turn", 360.0),
        ("a quarter of a turn", 90.0),
    ),
    "steps": (("a dozen steps", 12.0), ("a couple of steps", 2.0), ("a few steps", 3.0), ("one pace", 1.0)),
}


def with_amount(rng: random.Random, clause: Said) -> tuple[str, Until | None]:
    """Add a random amount, such as "for two metres", to a clause; return the new words and the amount.

    A clause that has an amount already, or that none fits, keeps its words and its amount, which may be None.
    """
    if clause.until is not None or clause.skill in (UNSUPPORTED, "jump", "stand-up"):
        return clause.words, clause.until
    if clause.skill == "stand":
        kind = "seconds"
    elif clause.skill.startswith("turn"):
        kind = "degrees"
    else:
        kind = rng.choice(("metres", "metres", "seconds", "steps"))
    turns = clause.template == "noun" or re.search(
        r"\b(?:step|steps|pace|stride)\b|^(?:a|take|make|do|have)\b", clause.words
    )
    if turns and kind in ("degrees", "steps", "metres"):
        return clause.words, None
    if re.search(r"\b(?:for a|a bit|a little|some more|a short)\b", clause.words):
        return clause.words, None
    words, value = spoken(rng, kind)
    if kind == "seconds" or (kind == "metres" and rng.random() < 0.4):
        words = f"for {words}"
    elif kind == "degrees" and "turn" not in words and rng.random() < 0.4:
        words = f"by {words}"
    return f"{clause.words} {words}", Until(kind, round(value, 2))


def spoken(rng: random.Random, kind: str) -> tuple[str, float]:
    """Draw an amount in "seconds", "metres", "degrees" or "steps"; return its words, and its value in that kind."""
    if rng.random() < 0.25:
        return rng.choice(ODD_AMOUNTS[kind])
    if kind == "degrees":
        value = rng.choice((30, 45, 60, 90, 120, 180))
        said = NUMBERS[value] if rng.random() < 0.4 else str(value)
        return f"{said} {rng.choice(('degrees', 'degrees', 'deg', 'degres'))}", float(value)
    value = rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20))
    said = NUMBERS[value] if rng.random() < 0.5 else str(value)
    if kind == "steps":
        return f"{said} {rng.choice(('steps', 'paces'))}", float(value)
    if kind == "seconds":
        return f"{said} {rng.choice(('seconds', 'seconds', 's', 'secs', 'secnods'))}", float(value)
    unit, size = rng.choice(METRES)
    if said.isdigit() and rng.random() < 0.3:
        said, value = f"{value}.5", value + 0.5
    return f"{said} {unit}", value * size
