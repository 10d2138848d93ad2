"""Find how far, how long or how often in the words of one clause.

`find_quantity("walk two and a half metres")` gives 2.5 metres and the text "walk". All text is normalised first:
lower case, plain quotes, no punctuation except inside numbers.
"""

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from flexrl.language.plan import Kind, Until

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
ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
ONES += "seventeen eighteen nineteen".split()
NUMBERS = {word: float(i) for i, word in enumerate(ONES)}
NUMBERS |= {w: 10.0 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
NUMBERS |= {"fourty": 40.0, "fiveteen": 15.0, "to": 2.0, "too": 2.0}  # "to" only before a unit
FRACTIONS = {"half": 0.5, "quarter": 0.25, "quarters": 0.25, "third": 1 / 3, "thirds": 1 / 3, "halves": 0.5}
TURNING = frozenset("turn rotate spin pivot swivel twist revolve face turns turning swing wheel whirl twirl".split())
EXACTNESS = frozenset("about around roughly approximately approx exactly precisely some circa almost nearly".split())
SIZES = frozenset("small little big large tiny short long giant huge more further another extra careful full".split())
SIZES |= frozenset("complete whole entire single quick slow gentle good additional baby consecutive small".split())
KEPT_SIZES = frozenset("quick slow gentle careful small big large little tiny short long giant huge baby".split())
LEADING = frozenset("for by through of over during at until till within".split())  # dropped before an amount
FEET = ("feet", "foot", "ft")
GOING_ON = frozenset("straight walk walking run running carry press go going move keep march further".split())
REPEATABLE = {"jumps": "jump", "hops": "hop", "leaps": "leap", "bounces": "bounce", "springs": "spring"}
TIMES = frozenset(("times", "time", "x", "tiems", "timse", "tmes"))
HALF_TURN = ("turn around", "turn round", "about turn", "about face", "u turn", "uturn", "spin around", "spin round")
HALF_TURN += ("turn right around", "turn back around", "turn yourself around", "pivot around", "rotate around")
HALF_TURN += ("swivel around", "swing around", "whirl around", "turn about", "turnaround", "turn arround")
OPPOSITE = re.compile(
    r"\b(?:(?:turn|rotate|spin|pivot|swivel)(?: (?:around|round|yourself))* )?(?:to |and )?(?:face|look)(?: in)?"
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
TURN_UNITS = frozenset(("turn", "turns", "rotation", "rotations", "revolution", "revolutions", "circle", "circles"))
TURN_UNITS |= frozenset(("spin", "spins", "pirouette", "pivot", "pivots"))


@dataclass(frozen=True)
class Quantity:
    """What a clause says about its end.

    Attributes:
      until: The amount in SI units, or None.
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


def _near(word: str, target: str) -> bool:
    """Return whether one insertion, deletion, replacement or swap of neighbours turns a word into another."""
    if abs(len(word) - len(target)) > 1:
        return False
    i = 0
    while i < min(len(word), len(target)) and word[i] == target[i]:
        i += 1
    a, b = word[i:], target[i:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and len(b) > 1 and a[2:] == b[2:])


NOT_UNITS = frozenset("food foots fleet feel feed pacer mine smile while stop stops stem spin sets set space".split())


@cache
def unit(word: str) -> tuple[Kind, float] | None:
    """Return the kind and SI size of a unit, also where one letter of a word of at least five letters is wrong."""
    if word in UNITS:
        return UNITS[word]
    if len(word) < 4 or word in NOT_UNITS:
        return None
    close = {UNITS[known] for known in UNITS if len(known) >= 5 and _near(word, known)}
    if not close and word in ("fete", "fett", "feets", "foots", "mile's", "setps", "stpes", "degs", "meeter"):
        return UNITS["feet"] if word.startswith("f") else UNITS["step"] if word.startswith("s") else UNITS["metre"]
    return next(iter(close)) if len(close) == 1 else None


NOT_NUMBERS = frozenset(
    "right light night might sight tight fight weight height eighth their there these event".split()
)


MISTYPED = {"thre": 3.0, "tree": 3.0, "fiev": 5.0, "fvie": 5.0, "tow": 2.0, "foru": 4.0, "fuor": 4.0, "sevn": 7.0}
MISTYPED |= {"siz": 6.0, "nien": 9.0, "nin": 9.0, "fiv": 5.0}


@cache
def _number_word(word: str) -> float | None:
    """Return the value of a number word, also of a mistyped one; those count only before a unit."""
    if word in NUMBERS:
        return NUMBERS[word]
    if word in MISTYPED:
        return MISTYPED[word]
    if len(word) < 5 or word in NOT_NUMBERS:
        return None
    close = {value for known, value in NUMBERS.items() if len(known) >= 5 and _near(word, known)}
    return next(iter(close)) if len(close) == 1 else None


def _digits(word: str) -> float | None:
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
    if at(i) == "point" and NUMBERS.get(at(i + 1), 10) < 10:
        return _and_a_half(0.0, words, i)
    value = _digits(at(i))
    if value is not None:
        i += 1
        if "/" in at(i - 1) and at(i) == "of":
            return value, i + 1 + (at(i + 1) in ("a", "an"))
        if re.fullmatch(r"\d+/\d+", at(i)):
            value, i = value + (_digits(at(i)) or 0), i + 1
    elif at(i) in ("a", "an") and at(i + 1) not in ("hundred", "thousand"):
        return _and_a_half(1.0, words, i + 1) if at(i + 1) == "one" else (1.0, i + 1)
    else:
        found = _spelled(words, i)
        if found is None:
            return None
        value, i = found
    if at(i) == "dozen":
        value, i = value * 12, i + 1
    if at(i) in ("hundred", "thousand") and _digits(words[start]) is not None:
        value, i = value * (100 if at(i) == "hundred" else 1000), i + 1
    if at(i) in ("quarters", "thirds", "halves", "tenths"):
        value, i = value * FRACTIONS.get(at(i), 0.1), i + 1
        i += at(i) == "of"
        return value, i + (at(i) in ("a", "an"))
    return _and_a_half(value, words, i)


def _and_a_half(value: float, words: list[str], i: int) -> tuple[float, int]:
    """Add "and a half", "and three quarters" or "point five" that follows a whole number."""
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


@dataclass(frozen=True)
class _Amount:
    """A stretch of words that says an amount, what it says, and the words that stay in its place."""

    start: int
    end: int
    kind: Kind | None  # None: a count of times, or a bare number
    value: float
    stays: tuple[str, ...] = ()
    times: int = 0


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
        amount = _first_amount(words)
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


def _whole_turn(text: str) -> tuple[float, str] | None:
    """Return the degrees of "turn around" or "spin all the way round", and the text without the latter."""
    if set(text.split()) & TURNING:
        if FULL_WAY.search(text):
            return 360.0, FULL_WAY.sub("", text)
        if HALF_WAY.search(text):
            return 180.0, HALF_WAY.sub("", text)
    if any(re.search(rf"\b{phrase}\b", text) for phrase in HALF_TURN):
        return 180.0, text
    return None


def _first_amount(words: list[str]) -> _Amount | None:
    """Return the first amount among the words of a clause."""
    for start in range(len(words)):
        if words[start] in ("twice", "thrice", "once") and words[start + 1 : start + 2] not in (["you"], ["more"]):
            count = {"once": 1, "twice": 2, "thrice": 3}[words[start]]
            end = start + 1 + (words[start + 1 : start + 2] == ["over"])
            if words[start] != "once" or start or len(words) == 1:
                return _Amount(start, end, None, count, times=count)
            continue
        if words[start] == "x" and start + 1 < len(words) and (value := _digits(words[start + 1])):
            return _Amount(start, start + 2, None, value, times=max(1, round(value)))
        found = _amount_at(words, start)
        if found is not None:
            return found
    return None


def _amount_at(words: list[str], start: int) -> _Amount | None:
    """Return the amount whose number begins at a word."""
    read = number(words, start)
    if read is None:
        return None
    value, i = read
    sizes: list[str] = []
    while i < len(words) and (words[i] in SIZES or words[i] in ("left", "right")) and i - read[1] < 3:
        sizes.append(words[i])
        i += 1
    if i < len(words) and words[i] == "of" and words[i + 1 : i + 2] not in (["the"], []):
        i += 1
    word = words[i] if i < len(words) else ""
    begin = start
    while (
        begin
        and words[begin - 1] != "minus"
        and (words[begin - 1] in EXACTNESS or words[begin - 1] in ("another", "next", "only", "just"))
    ):
        begin -= 1
        if words[begin] == "around" and begin and words[begin - 1] in TURNING:
            begin += 1
            break
    article = words[start] in ("a", "an") and read[1] == start + 1
    if begin and words[begin - 1] in ("on", "with", "onto", "both", "at") and word in (*FEET, "pace", "step", "stride"):
        if words[begin - 1] != "on" or begin < 2 or words[begin - 2] not in GOING_ON:
            return None  # "on one foot", "at a slow pace"
    if (
        article
        and word == "second"
        and words[i + 1 : i + 2]
        and words[i + 1] in (*TIMES, *TURN_UNITS, "jump", "step", "hop")
    ):
        return None
    sides = [size for size in sizes if size in ("left", "right")]
    if word in TIMES and not sides and not article:
        end = i + 1
        end += words[end : end + 1] in (["over"], ["more"], ["total"])
        if words[end : end + 2] in (["in", "total"], ["in", "all"], ["in", "a"], ["a", "row"]):
            end += 2 + (words[end : end + 3] == ["in", "a", "row"])
        return _Amount(_lead(words, begin), end, None, value, times=max(1, round(value)))
    if word in REPEATABLE and not sides and value >= 1:
        begin = _verb(words, begin)
        kept = [size for size in sizes if size in KEPT_SIZES]
        return _Amount(begin, i + 1, None, value, (*kept, REPEATABLE[word]), times=max(1, round(value)))
    if word in TURN_UNITS:
        return _turn_at(words, begin, i, value, sizes, sides, article)
    found = unit(word) if word else None
    if found is not None and not (sides and found[0] != "steps"):
        return _measured(words, begin, i, value, found, sizes, sides, article)
    return _unitless(words, start, begin, read, article)


def _measured(
    words: list[str],
    begin: int,
    i: int,
    value: float,
    found: tuple[Kind, float],
    sizes: list[str],
    sides: list[str],
    article: bool,
) -> _Amount | None:
    """Return an amount with a unit at word `i`, with further parts such as "and a half" or "six inches" added."""
    kind, size = found
    if words[i] in ("s", "m", "min", "sec", "mi") and article:
        return None
    total, end = value * size, i + 1
    while end < len(words):
        skip = end + (words[end] == "and")
        if words[skip : skip + 2] in (["a", "half"], ["a", "quarter"]) and skip > end:
            after = unit(words[skip + 2]) if skip + 2 < len(words) else None
            if after is None and words[skip + 2 : skip + 3] not in (["turn"], ["a"]):
                total, end = total + FRACTIONS[words[skip + 1]] * size, skip + 2
                continue
        more = number(words, skip)
        other = unit(words[more[1]]) if more and more[1] < len(words) else None
        if more is None or other is None or other[0] != kind or kind == "steps" or other[1] >= size:
            break
        total, end = total + more[0] * other[1], more[1] + 1
    if words[end : end + 2] == ["in", "total"]:
        end += 2
    if kind != "steps":
        end += words[end : end + 1] in (["long"], ["worth"])
        return _Amount(_lead(words, begin), end, kind, total)
    kept = [x for x in sizes if x in KEPT_SIZES]
    verb = _verb(words, begin)
    stays = (*kept, "step", *(f"to the {side}" for side in sides)) if verb < begin or begin == 0 else (*kept, *sides)
    if begin and words[begin - 1] in ("step", "steps"):
        stays = (*kept, *sides)
    return _Amount(verb if verb < begin else _lead(words, begin), end, kind, total, tuple(" ".join(stays).split()))


def _turn_at(
    words: list[str], begin: int, i: int, value: float, sizes: list[str], sides: list[str], article: bool
) -> _Amount | None:
    """Return an amount in turns: "half a turn", "a full turn", "two right turns"; None for a plain "a turn"."""
    if words[i] in ("circle", "circles") and (value >= 1 or (begin and words[begin - 1] == "in")):
        return None
    full = {"full", "complete", "whole", "entire"} & set(sizes)
    if sides and value >= 1 and not full:
        if article or value == 1:
            return None
        begin = _verb(words, begin)
        return _Amount(begin, i + 1, None, value, ("turn", sides[0]), times=round(value))
    if value >= 1 and not full and (article or not {"rotation", "rotations", "revolution"} & {words[i]}):
        if article or value == 1:
            return (
                None
                if article or words[i] not in ("revolution", "rotation")
                else _Amount(begin, i + 1, "degrees", 360.0)
            )
    end = i + 1
    end += words[end : end + 1] in (["around"], ["round"])
    verb = _verb(words, begin)
    turning = any(word in TURNING for word in words[:verb]) or any(word in TURNING for word in words[end:])
    stays = () if turning else ("turn",)
    stays += tuple(sides)
    start = verb if verb < begin else _lead(words, begin)
    return _Amount(start, end, "degrees", value * 360.0, stays)


def _unitless(words: list[str], start: int, begin: int, read: tuple[float, int], article: bool) -> _Amount | None:
    """Return degrees for "turn 90" and "do a 180", and otherwise a number without a unit."""
    value, end = read
    if words[start] in ("to", "too", "the"):
        return None
    if article:
        follow = number(words, end)
        if follow and follow[0] in (90.0, 180.0, 270.0, 360.0, 540.0, 720.0):
            verb = _verb(words, begin)
            turning = any(word in TURNING for word in words)
            return _Amount(verb, follow[1], "degrees", follow[0], () if turning else ("turn",))
        return None
    if words[start] == "half" or (words[start] in ("a", "one") and words[start + 1 : start + 2] == ["half"]):
        return None
    if any(word in TURNING for word in words) and (value >= 10 or words[end - 1] == "quarter"):
        return _Amount(_lead(words, begin), end, "degrees", value if value >= 1 else value * 360)
    if value in (180.0, 360.0) and begin and words[begin - 1] in ("a", "do", "pull"):
        return _Amount(_verb(words, begin), end, "degrees", value, ("turn",))
    lone = words[start] == "one" and words[end : end + 1] not in (
        ["back"],
        ["backward"],
        ["backwards"],
        ["forward"],
        ["to"],
    )
    if lone or words[start] in ("a", "an") or value < 1:
        return None
    return _Amount(_lead(words, begin), end, None, value)


def _lead(words: list[str], begin: int) -> int:
    """Return the index of a preposition such as "for" that leads to an amount, or the index itself."""
    while begin and (words[begin - 1] in LEADING or words[begin - 1] in EXACTNESS):
        if words[begin - 1] in ("around", "over", "round") and begin > 1 and words[begin - 2] in TURNING:
            break
        begin -= 1
    return begin


def _verb(words: list[str], begin: int) -> int:
    """Return the index of a "take", "make" or "do" right before an amount of steps or turns, or the index itself."""
    if begin and words[begin - 1] in ("take", "make", "do", "perform", "execute", "taking", "making", "doing", "go"):
        return begin - 1
    if begin and words[begin - 1] in (
        "takes",
        "makes",
        "does",
        "taken",
        "made",
        "done",
        "perform",
        "completed",
        "complete",
    ):
        return begin - 1
    return begin
