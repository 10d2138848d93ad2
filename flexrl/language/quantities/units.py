"""Units of time, length, angle and footsteps, by their spellings."""

import math
from functools import cache

from flexrl.language.plan import Kind

UNITS: dict[str, tuple[Kind, float]] = {  # by spelling, the kind and its size in SI units
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), ("seconds", 1.0)),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), ("seconds", 60.0)),
    **dict.fromkeys(("hour", "hours", "hr", "hrs"), ("seconds", 3600.0)),
    **dict.fromkeys(("millisecond", "milliseconds", "ms", "msec"), ("seconds", 0.001)),
    **dict.fromkeys(("metre", "metres", "meter", "meters", "m", "mtr", "mtrs"), ("metres", 1.0)),
    **dict.fromkeys(("centimetre", "centimetres", "centimeter", "centimeters", "cm", "cms"), ("metres", 0.01)),
    **dict.fromkeys(("millimetre", "millimetres", "millimeter", "millimeters", "mm"), ("metres", 0.001)),
    **dict.fromkeys(("kilometre", "kilometres", "kilometer", "kilometers", "km", "kms"), ("metres", 1000.0)),
    **dict.fromkeys(("foot", "feet", "ft"), ("metres", 0.3048)),
    **dict.fromkeys(("yard", "yards", "yd", "yds"), ("metres", 0.9144)),
    **dict.fromkeys(("inch", "inches"), ("metres", 0.0254)),
    **dict.fromkeys(("mile", "miles", "mi"), ("metres", 1609.344)),
    **dict.fromkeys(("degree", "degrees", "deg", "degs"), ("degrees", 1.0)),
    **dict.fromkeys(("radian", "radians", "rad", "rads"), ("degrees", 180 / math.pi)),
    **dict.fromkeys(("step", "steps", "pace", "paces", "footstep", "footsteps", "stride", "strides"), ("steps", 1.0)),
}
FEET = ("feet", "foot", "ft")
NOT_UNITS = frozenset("food foots fleet feel feed pacer mine smile while stop stops stem spin sets set space".split())


def near(word: str, target: str) -> bool:
    """Return whether two words differ by one typing error at most.

    An error is a letter that is inserted, deleted, replaced, or swapped with the next one.
    """
    if abs(len(word) - len(target)) > 1:
        return False
    i = 0
    while i < min(len(word), len(target)) and word[i] == target[i]:
        i += 1
    a, b = word[i:], target[i:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and len(b) > 1 and a[2:] == b[2:])


@cache
def unit(word: str) -> tuple[Kind, float] | None:
    """Return what a unit measures, and its size in that: "km" is ("metres", 1000.0). None if the word is no unit.

    A word of four letters or more may have one typing error, if that leaves no doubt about the unit.
    """
    if word in UNITS:
        return UNITS[word]
    if len(word) < 4 or word in NOT_UNITS:
        return None
    close = {UNITS[known] for known in UNITS if len(known) >= 5 and near(word, known)}
    if not close and word in ("fete", "fett", "feets", "foots", "mile's", "setps", "stpes", "degs", "meeter"):
        return UNITS["feet"] if word.startswith("f") else UNITS["step"] if word.startswith("s") else UNITS["metre"]
    return next(iter(close)) if len(close) == 1 else None
