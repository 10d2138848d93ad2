"""Find the amount that begins at a word: "two metres", "half a turn", "three jumps", "do a 180"."""

from dataclasses import dataclass

from flexrl.language.plan import Kind
from flexrl.language.quantities.numbers import FRACTIONS, TIMES, digits, number
from flexrl.language.quantities.units import FEET, unit

TURNING = frozenset("turn rotate spin pivot swivel twist revolve face turns turning swing wheel whirl twirl".split())
EXACTNESS = frozenset("about around roughly approximately approx exactly precisely some circa almost nearly".split())
SIZES = frozenset("small little big large tiny short long giant huge more further another extra careful full".split())
SIZES |= frozenset(
    "vertical high happy lovely proper nice steady equal even normal standing rapid fast measured easy lateral sideward"
    " backward backwards forward forwards back reverse medium regular brisk swift sharp clean solid decent respectable"
    " successive straight lazy leisurely soft light more-or-less equally-sized sideways side-to-side powerful"
    " explosive".split()
)
SIZES |= frozenset(
    "side sideways complete whole entire single quick slow gentle good additional baby consecutive small teeny wee"
    " unhurried".split()
)
KEPT_SIZES = frozenset(
    "lateral sideward backward backwards forward forwards back reverse brisk swift lazy leisurely".split()
)
KEPT_SIZES |= frozenset(
    "side sideways quick slow fast rapid gentle careful small big large little tiny short long giant huge baby".split()
)
SPEEDS = frozenset("slow fast quick rapid brisk swift gentle lazy leisurely careful".split())  # of a turn
SIDES = ("left", "right", "clockwise", "counterclockwise", "anticlockwise")
LEADING = frozenset("for by through of over during at until till within".split())  # dropped before an amount
GOING_ON = frozenset("straight walk walking run running carry press go going move keep march further".split())
JUMPS = frozenset("jump hop leap bounce".split())  # also counted in the singular: "two jump"
REPEATABLE = {
    "jumps": "jump",
    "hops": "hop",
    "leaps": "leap",
    "bounces": "bounce",
    "springs": "spring",
}
SIDESTEPS = frozenset("sidestep sidesteps".split())
BEFORE_COUNT = frozenset(
    "do make give me us take perform execute then exactly only the these those and another".split()
)
TURN_UNITS = frozenset(("turn", "turns", "rotation", "rotations", "revolution", "revolutions", "circle", "circles"))
TURN_UNITS |= frozenset(("spin", "spins", "pirouette", "pivot", "pivots"))


@dataclass(frozen=True)
class Amount:
    """Words that say an amount, and what they say.

    Attributes:
      start: The index of the first of these words in the clause.
      end: The index after the last of them.
      kind: What is measured; None for a count ("twice") or a number without a unit.
      value: How much, in seconds, metres, degrees or steps; else the number itself.
      stays: The words to put in their place: "turn" for "half a turn".
      times: How often the clause is to be done; 0 if the words do not say it.
    """

    start: int
    end: int
    kind: Kind | None  # None: a count of times, or a bare number
    value: float
    stays: tuple[str, ...] = ()
    times: int = 0


def first_amount(words: list[str]) -> Amount | None:
    """Return the first amount among the words of a clause."""
    for start in range(len(words)):
        if words[start] in ("twice", "thrice", "once") and words[start + 1 : start + 2] not in (["you"], ["more"]):
            count = {"once": 1, "twice": 2, "thrice": 3}[words[start]]
            end = start + 1 + (words[start + 1 : start + 2] == ["over"])
            if words[start] != "once" or start or len(words) == 1:
                return Amount(start, end, None, count, times=count)
            continue
        if words[start] == "x" and start + 1 < len(words) and (value := digits(words[start + 1])):
            return Amount(start, start + 2, None, value, times=max(1, round(value)))
        found = _amount_at(words, start)
        if found is not None:
            return found
    return None


def _amount_at(words: list[str], start: int) -> Amount | None:
    """Return the amount whose number begins at the word with index `start`, or None."""
    read = number(words, start)
    if read is None:
        return None
    value, i = read
    sizes: list[str] = []
    while i < len(words) and (words[i] in SIZES or words[i] in SIDES) and i - read[1] < 3:
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
    sides = [size for size in sizes if size in SIDES]
    if article and "side" in sizes:
        return None  # "a side step" is a sidestep
    if word in TIMES and not sides and not article:
        end = i + 1
        end += words[end : end + 1] in (["over"], ["more"], ["total"])
        if words[end : end + 2] in (["in", "total"], ["in", "all"], ["in", "a"], ["a", "row"]):
            end += 2 + (words[end : end + 3] == ["in", "a", "row"])
        return Amount(_lead(words, begin), end, None, value, times=max(1, round(value)))
    if word in SIDESTEPS:
        return (
            Amount(_verb(words, begin), i + 1, "steps", value, ("sidestep", *sides))
            if value >= 1 and not article
            else None
        )
    singular = word in JUMPS and not article and (not start or words[start - 1] in BEFORE_COUNT)
    if (word in REPEATABLE or singular) and not sides and value >= 1:
        begin = _verb(words, begin)
        kept = [size for size in sizes if size in KEPT_SIZES]
        i += 3 * (words[i + 1 : i + 4] == ["in", "a", "row"])
        return Amount(begin, i + 1, None, value, (*kept, REPEATABLE.get(word, word)), times=max(1, round(value)))
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
) -> Amount | None:
    """Return an amount with a unit, with further parts such as "and a half" or "six inches" added.

    Args:
      words: The words of the clause.
      begin: The index of the amount's first word.
      i: The index of the unit.
      value: The number before the unit.
      found: What the unit measures, and its size: ("metres", 1000.0) for "km".
      sizes: Adjectives between number and unit, such as "small".
      sides: "left" and "right" among them.
      article: Whether the number is "a" or "an".
    """
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
        return Amount(_lead(words, begin), end, kind, total)
    kept = [x for x in sizes if x in KEPT_SIZES]
    verb = _verb(words, begin)
    stays = (*kept, "step", *(f"to the {side}" for side in sides)) if verb < begin or begin == 0 else (*kept, *sides)
    if begin and words[begin - 1] in ("step", "steps"):
        stays = (*kept, *sides)
    return Amount(verb if verb < begin else _lead(words, begin), end, kind, total, tuple(" ".join(stays).split()))


def _turn_at(
    words: list[str], begin: int, i: int, value: float, sizes: list[str], sides: list[str], article: bool
) -> Amount | None:
    """Return an amount in turns: "half a turn", "a full turn", "two right turns"; None for a plain "a turn".

    Args:
      words: The words of the clause.
      begin: The index of the amount's first word.
      i: The index of the word "turn", "circle" or the like.
      value: The number before that word.
      sizes: Adjectives between number and that word, such as "full".
      sides: "left" and "right" among them.
      article: Whether the number is "a" or "an".
    """
    if words[i] in ("circle", "circles") and (value >= 1 or (begin and words[begin - 1] == "in")):
        return None
    full = {"full", "complete", "whole", "entire"} & set(sizes)
    if sides and value >= 1 and not full:
        if article or value == 1:
            return None
        begin = _verb(words, begin)
        return Amount(begin, i + 1, None, value, ("turn", sides[0]), times=round(value))
    if value >= 1 and not full and (article or not {"rotation", "rotations", "revolution"} & {words[i]}):
        if article or value == 1:
            return (
                None
                if article or words[i] not in ("revolution", "rotation")
                else Amount(begin, i + 1, "degrees", 360.0)
            )
    end = i + 1
    end += words[end : end + 1] in (["around"], ["round"])
    verb = _verb(words, begin)
    turning = any(word in TURNING for word in words[:verb]) or any(word in TURNING for word in words[end:])
    stays = () if turning else ("turn",)
    stays += tuple(sides) + tuple(size for size in sizes if size in SPEEDS)
    start = verb if verb < begin else _lead(words, begin)
    return Amount(start, end, "degrees", value * 360.0, stays)


def _unitless(words: list[str], start: int, begin: int, read: tuple[float, int], article: bool) -> Amount | None:
    """Return degrees for "turn 90" and "do a 180", and otherwise a number without a unit; None if it is no amount.

    Args:
      words: The words of the clause.
      start: The index of the number's first word.
      begin: The index of the first word that belongs to it, such as "about"; `start` if there is none.
      read: The number, and the index after its last word.
      article: Whether the number is "a" or "an".
    """
    value, end = read
    if words[start] in ("to", "too", "the"):
        return None
    if article:
        follow = number(words, end)
        if follow and follow[0] in (90.0, 180.0, 270.0, 360.0, 540.0, 720.0):
            verb = _verb(words, begin)
            turning = any(word in TURNING for word in words)
            return Amount(verb, follow[1], "degrees", follow[0], () if turning else ("turn",))
        return None
    if words[start] == "half" or (words[start] in ("a", "one") and words[start + 1 : start + 2] == ["half"]):
        return None
    sides_only = {*words[:start], *words[end:]} <= {"left", "right", "to", "the", "your"}
    if (any(word in TURNING for word in words) or (sides_only and value >= 15)) and (
        value >= 10 or words[end - 1] == "quarter"
    ):
        return Amount(_lead(words, begin), end, "degrees", value if value >= 1 else value * 360)
    if value in (180.0, 360.0) and begin and words[begin - 1] in ("a", "do", "pull"):
        return Amount(_verb(words, begin), end, "degrees", value, ("turn",))
    lone = words[start] == "one" and words[end : end + 1] not in (
        ["back"],
        ["backward"],
        ["backwards"],
        ["forward"],
        ["to"],
    )
    if lone or words[start] in ("a", "an") or value < 1:
        return None
    return Amount(_lead(words, begin), end, None, value)


def _lead(words: list[str], begin: int) -> int:
    """Return where an amount begins, with words such as "for" and "about" before its number: an index into the words.

    Args:
      words: The words of the clause.
      begin: The index of the amount's first word, which is returned if no such words stand before it.
    """
    while begin and (words[begin - 1] in LEADING or words[begin - 1] in EXACTNESS):
        if words[begin - 1] in ("around", "over", "round") and begin > 1 and words[begin - 2] in TURNING:
            break
        begin -= 1
    return begin


def _verb(words: list[str], begin: int) -> int:
    """Return the index of a "take", "make" or "do" right before the amount at `begin`, or `begin` if there is none."""
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
