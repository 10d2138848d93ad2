"""Numbers in digits and in words, such as "two and a half" and "a couple of"."""

import re
from functools import cache

from flexrl.language.quantities.units import FEET, near, unit

ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
ONES += "seventeen eighteen nineteen".split()
NUMBERS = {word: float(i) for i, word in enumerate(ONES)}
NUMBERS |= {w: 10.0 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
NUMBERS |= {"fourty": 40.0, "fiveteen": 15.0, "to": 2.0, "too": 2.0}  # "to" only before a unit
FRACTIONS = {"half": 0.5, "quarter": 0.25, "quarters": 0.25, "third": 1 / 3, "thirds": 1 / 3, "halves": 0.5}
TIMES = frozenset(("times", "time", "x", "tiems", "timse", "tmes"))
NOT_NUMBERS = frozenset(
    "right light night might sight tight fight weight height eighth their there these event".split()
)


MISTYPED = {"thre": 3.0, "tree": 3.0, "fiev": 5.0, "fvie": 5.0, "tow": 2.0, "foru": 4.0, "fuor": 4.0, "sevn": 7.0}
MISTYPED |= {"siz": 6.0, "nien": 9.0, "nin": 9.0, "fiv": 5.0}


@cache
def _number_word(word: str) -> float | None:
    """Return the value of a number word, also of a mistyped one; None for other words."""
    if word in NUMBERS:
        return NUMBERS[word]
    if word in MISTYPED:
        return MISTYPED[word]
    if len(word) < 5 or word in NOT_NUMBERS:
        return None
    close = {value for known, value in NUMBERS.items() if len(known) >= 5 and near(word, known)}
    return next(iter(close)) if len(close) == 1 else None


def digits(word: str) -> float | None:
    """Return the value of a number in digits, such as "2.5" or "3/4"; None for other words."""
    if re.fullmatch(r"\d+(\.\d+)?", word):
        return float(word)
    if match := re.fullmatch(r"(\d+)/(\d+)", word):
        return float(match[1]) / float(match[2]) if float(match[2]) else None
    return None


def number(words: list[str], start: int) -> tuple[float, int] | None:
    """Return the number that begins at a word, and the index after it; None if there is none.

    Reads "17.5", "2 1/2", "a hundred and twenty", "two point five", "two and a half", "half a", "a couple of",
    "a few", "a dozen", "half a dozen", "three quarters of a", "a", "an" and "one".
    """

    def at(i: int) -> str:
        return words[i] if i < len(words) else ""

    i = start
    if at(i) in ("a", "the") and at(i + 1) in ("couple", "coupe", "few", "dozen", "pair"):
        i += 1
    if at(i) in ("couple", "coupe", "few", "dozen", "pair"):
        if at(i) == "few" and i == start:
            return None
        return {"few": 3.0, "dozen": 12.0}.get(at(i), 2.0), i + (2 if at(i + 1) == "of" else 1)
    if at(i) == "half" and at(i + 1) in ("a", "an", "of"):
        i += 2 + (at(i + 1) == "of" and at(i + 2) == "a")
        return (6.0, i + 1) if at(i) == "dozen" else (0.5, i)
    if at(i) in ("a", "one", "an", "the") and at(i + 1) in ("half", "quarter", "third"):
        after = i + 2
        after += at(after) == "of"
        return FRACTIONS[at(i + 1)], after + (at(after) in ("a", "an"))
    if at(i) in ("half", "quarter"):
        return FRACTIONS[at(i)], i + 1
    if at(i) == "another" and unit(at(i + 1)) is not None:
        return 1.0, i + 1
    if at(i) == "point" and NUMBERS.get(at(i + 1), 10) < 10:
        return _and_a_half(0.0, words, i)
    value = digits(at(i))
    if value is not None:
        i += 1
        if "/" in at(i - 1) and at(i) == "of":
            return value, i + 1 + (at(i + 1) in ("a", "an"))
        if re.fullmatch(r"\d+/\d+", at(i)):
            value, i = value + (digits(at(i)) or 0), i + 1
    elif at(i) in ("a", "an") and at(i + 1) not in ("hundred", "thousand"):
        return _and_a_half(1.0, words, i + 1) if at(i + 1) == "one" else (1.0, i + 1)
    else:
        found = _spelled(words, i)
        if found is None:
            return None
        value, i = found
    if at(i) == "dozen":
        value, i = value * 12, i + 1
    if at(i) in ("hundred", "thousand") and digits(words[start]) is not None:
        value, i = value * (100 if at(i) == "hundred" else 1000), i + 1
    if at(i) in ("quarters", "thirds", "halves", "tenths"):
        value, i = value * FRACTIONS.get(at(i), 0.1), i + 1
        i += at(i) == "of"
        return value, i + (at(i) in ("a", "an"))
    return _and_a_half(value, words, i)


def _and_a_half(value: float, words: list[str], i: int) -> tuple[float, int]:
    """Add "and a half" or "point five", if it begins at word `i`, to a number; return sum and next index."""
    if words[i : i + 1] == ["point"]:
        digits = ""
        while i + 1 < len(words) and NUMBERS.get(words[i + 1], 10) < 10:
            digits, i = digits + str(int(NUMBERS[words[i + 1]])), i + 1
        return (float(f"{int(value)}.{digits}"), i + 1) if digits else (value, i)
    for phrase, more in (("and a half", 0.5), ("and half", 0.5), ("and a quarter", 0.25), ("and three quarters", 0.75)):
        size = len(phrase.split())
        if words[i : i + size] == phrase.split() and words[i + size : i + size + 1] not in (["turn"], ["a"]):
            return value + more, i + size
    return value, i


def _spelled(words: list[str], i: int) -> tuple[float, int] | None:
    """Return a whole number in words such as "a hundred and twenty" or "forty five", and the index after it."""
    total, part, start = 0.0, 0.0, i
    while i < len(words):
        word = words[i]
        if word in ("a", "one") and words[i + 1 : i + 2] in (["hundred"], ["thousand"]) and i == start:
            part = 1.0
        elif word == "hundred":
            part = max(part, 1.0) * 100
        elif word == "thousand":
            total, part = total + max(part, 1.0) * 1000, 0.0
        elif word == "and" and i > start and words[i - 1] in ("hundred", "thousand"):
            if i + 1 >= len(words) or _number_word(words[i + 1]) is None:
                break
        else:
            value = _number_word(word)
            following = words[i + 1] if i + 1 < len(words) else ""
            if value is None or (word not in NUMBERS and unit(following) is None and following not in TIMES):
                break
            if word in ("to", "too") and (i > start or unit(following) is None or following in FEET):
                break
            if part % 100 and not (part % 10 == 0 and 20 <= part % 100 and 0 < value < 10):
                break
            part += value
        i += 1
    return (total + part, i) if i > start else None
