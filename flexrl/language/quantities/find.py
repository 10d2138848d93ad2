"""Find how far, how long or how often in the words of one clause.

`find_quantity("walk two and a half metres")` gives 2.5 metres and the text "walk". All text is normalised first:
lower case, plain quotes, no punctuation except inside numbers.
"""

import re
import unicodedata
from dataclasses import dataclass

from flexrl.language.plan import Until
from flexrl.language.quantities.amounts import TURNING, first_amount
from flexrl.language.quantities.numbers import ONES

HALF_TURN = ("turn around", "turn round", "about turn", "about face", "u turn", "uturn", "spin around", "spin round")
HALF_TURN += ("turn right around", "turn back around", "turn yourself around", "pivot around", "rotate around")
HALF_TURN += (
    "swivel around",
    "swing around",
    "whirl around",
    "turn about",
    "turnaround",
    "turn arround",
    "spin right round",
    "spin right around",
    "turn right round",
    "face about",
    "spins around",
    "turns around",
    "turn on your heel",
    "turn on your heels",
    "reverse direction",
    "reverse your direction",
    "switch direction",
    "reverse course",
    "come about",
    "do a u ey",
)
_HALF_TURN = re.compile(rf"\b(?:{'|'.join(said.replace('turn ', 'turn(?:ing|ed)? ') for said in HALF_TURN)})\b")
OPPOSITE = re.compile(
    r"\b(?:(?:turn|rotate|spin|pivot|swivel)(?: (?:around|round|yourself))* )?(?:to |and )?face(?: in)?"
    r"(?: the| your)? (?:(?:other|opposite) (?:way|direction|side)|behind(?: you| yourself)?|backwards?|rear)\b"
    r"|\b(?:turn|rotate|spin|pivot|swivel) (?:to |in )?the (?:other|opposite) (?:way|direction|side)\b"
)
PADDING = re.compile(  # words before an amount that add nothing to it
    r" ?\ba (?:distance|total|period|duration|length|angle|count) of\b ?"
    rf"|\b(?:a|another|an) (?:further|good|additional|extra|total|full)"
    rf"(?= (?:\d|(?:{'|'.join(ONES[2:])}|half|twenty)\b))"
)
FULL_WAY = re.compile(
    r" (?:(?:all|completely|fully|the whole|whole|full) (?:the )?(?:way )?(?:around|round)|full circle"
    r"|right the way (?:around|round)|in a (?:full|complete) (?:circle|turn))\b"
)
HALF_WAY = re.compile(r" (?:half ?way|half the way|half way) (?:around|round)\b")


@dataclass(frozen=True)
class Quantity:
    """What a clause says about how long, how far and how often.

    Attributes:
      until: The amount after which the clause ends, or None.
      times: How often the clause is to be done.
      text: The normalised clause without the amount and the count.
      bare: A number without a unit, such as the 3 of "three backward", or None.
      conflict: Two amounts that contradict each other, in words, or None.
      counted: Whether the clause says how often.
    """

    until: Until | None
    times: int
    text: str
    bare: float | None = None
    conflict: str | None = None
    counted: bool = False


def normalise(text: str) -> str:
    """Return text in lower case with single spaces, without punctuation except points inside numbers."""
    text = re.sub(r"(\d)([½¼¾])", r"\1 \2", text)
    for sign, words in (("½", "1/2"), ("¼", "1/4"), ("¾", "3/4"), ("°", " degrees "), ("º", " degrees ")):
        text = text.replace(sign, words)
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("`", "'").replace("‘", "'")
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    text = re.sub(r"(?<!\d)\.(?=\d)", " 0.", text)
    text = re.sub(r"(?<=\d)'(?=\s|$)", " feet", text)
    text = re.sub(r"(?<=\d)\"", " inches", text)
    text = re.sub(r"(?<=\d)(?=[a-z])", " ", text)
    text = re.sub(r"\bx(?=\d)", "x ", text)
    text = re.sub(r"(?<!\d)/|/(?!\d)|(?<!\d)\.|\.(?!\d)", " ", text)
    text = re.sub(r"(?<![\w])-(?=\d)", " minus ", text)
    return " ".join(re.sub(r"[^\w\s'./]|_", " ", text).replace(" '", " ").replace("' ", " ").strip("'").split())


def find_quantity(clause: str) -> Quantity:
    """Return the amount and the count that a clause names, and the clause without them."""
    text = normalise(clause)
    until, times, counted = None, 1, False
    text = re.sub(r"\b(?:a |one )?right angle\b", "90 degrees", text)
    text = PADDING.sub(" ", text)
    if OPPOSITE.search(text):
        text = OPPOSITE.sub("turn around", text, count=1)
    words = text.split()
    conflict: str | None = None
    bare: float | None = None
    while True:
        amount = first_amount(words)
        if amount is None:
            break
        said = " ".join(words[amount.start : amount.end])
        words = words[: amount.start] + list(amount.stays) + words[amount.end :]
        if amount.times:
            times, counted = times * amount.times, True
        elif amount.kind is None:
            bare = amount.value
        elif words[amount.start - 1 : amount.start] == ["minus"]:
            conflict = f"minus {said}"
        elif until is None:
            until = (amount.kind, amount.value, said)
        elif until[0] == amount.kind and until[1] != amount.value:
            conflict = f"{until[2]} and {said}"
        elif until[0] != amount.kind:
            conflict = f"{until[2]} and {said}"
    text = " ".join(words)
    if until is not None and until[0] == "degrees" and text in ("left", "right", "to the left", "to the right"):
        text = f"turn {text}"
    degrees = _whole_turn(text)
    if degrees:
        text = degrees[1]
        if until is None:
            until = ("degrees", degrees[0], text)
    if until is None:
        return Quantity(None, times, text, bare, conflict, counted)
    kind, value, said = until
    value = round(value, 2)
    try:
        found = Until(kind, round(value) if kind == "steps" and value != round(value) else value)
    except ValueError:
        return Quantity(None, times, text, bare, conflict or said, counted)
    return Quantity(found, times, text, None, conflict, counted)


def is_half_turn(text: str) -> bool:
    """Return whether words name half a turn without an angle, as "spin round" does."""
    return _HALF_TURN.search(text) is not None


def _whole_turn(text: str) -> tuple[float, str] | None:
    """Return the angle of a half or a full turn that a clause asks for, and the text to go on with.

    Words that only tell the angle are taken out of the text; words that also name the action stay in it.

    Args:
      text: the normalised clause, without its amounts such as "90 degrees".

    Returns:
      Degrees, 180 or 360, and the text: (360, "spin") for "spin all the way round", (180, "turn around") for
      "turn around". None if the clause asks for neither turn.
    """
    if set(text.split()) & TURNING:
        if FULL_WAY.search(text):
            return 360.0, FULL_WAY.sub("", text)
        if HALF_WAY.search(text):
            return 180.0, HALF_WAY.sub("", text)
    if _HALF_TURN.search(text):
        return 180.0, text
    return None
