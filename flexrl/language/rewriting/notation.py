"""Read the notation of programs, lists and dictation as words: "dist=3", "turn_left(90)", "(1) jump", "period"."""

import re

from flexrl.language.rewriting.moods import flags

UNITS_OF_KEYS = {  # what a bare number after "key=" counts
    "metres": "dist distance d len length range",
    "degrees": "angle deg degrees theta rot",
    "seconds": "t time dur duration sec secs seconds wait hold pause stand stop",
    "steps": "steps nsteps paces",
    "times": "reps rep count n times repeat repeats jump jumps hop hops",
}
VERBS = frozenset(
    "wait hold pause stand stop jump hop turn rotate walk run step strafe spin pivot go move back".split()
)
SILENT = frozenset(  # keys that only say what kind of word their value is
    "dir direction heading way side gait skill action cmd command move mode speed pace tempo motion behaviour behavior"
    " task then next do state type manner style".split()
)
_KEY = flags(r"(?<![\w=])([a-z]+) ?= ?(\"?[\w.+-]+\"?)(?: ?(m|s|deg|cm|km|ft|metres|seconds|degrees|steps)\b)?")
_ABSOLUTE = frozenset("speed pace tempo velocity v vel".split())
_ITEM = flags(
    r"(?:^|(?<=[\s;,.]))(?:(?:step|no|nr|number|item|part) ?\.? ?|#)?[(\[]?(\d{1,2})(?:[.):\]]+"
    r"|\s?[-–](?=\s))\s*(?=[a-z])"
)
_DICTATED = flags(
    r"(?<!\ba)(?<!\bthe)(?<!\bthis)(?<!\bthat)(?<!short)(?<!long)(?<!brief)(?<!time)(?<!rest)(?<!full) "
    r"(?:period|comma|semicolon|new ?line)\b(?! of)"
)
REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (flags(pattern), said)
    for pattern, said in (
        (r"(?<=[a-z])\(s\)", "s"),  # "step(s)"
        (r"(?<![\w])([a-z_]{2,})\(([^()]*)\)", r"\1 \2"),
        (r"(?<=[a-z])_(?=[a-z])", " "),
        (r"\b(turn|rotate|walk|step|strafe|go|move|run)(left|right|forwards?|backwards?|back|around)\b", r"\1 \2"),
        (r"\b(stand|get)_?(up)\b(?=\s*(?:[;,.]|$|then))", r"\1 \2"),
        (r"\b(wait|walk|turn|run|jump|hold|stop|forward|back|left|right|step|go)(\d)", r"\1 \2"),
        (r"~ ?(?=\d)", "about "),
        (r"\b(?:speed|pace|gait|skill|action|direction|duration|distance|angle): (?=\w)", ""),
        (r"\brotate\. (?=left|right|c|\d)", "rotate "),
        (r" ?(?:&&|\|+) ?", ", "),
        (r"(?<=[a-z] )& (?=down\b|down )", "and "),
    )
)


def spelled_out(text: str) -> str:
    """Return an instruction whose notation of programs and lists is put in plain words.

    "dist=3" is "3 metres", "turn_left(90)" is "turn left 90", "(1)" begins a sentence, and "period" is a full stop.
    """
    for pattern, said in REWRITES:
        text = pattern.sub(said, text)
    return _DICTATED.sub(".", _KEY.sub(_value, _without_list_marks(text)))


def _without_list_marks(text: str) -> str:
    """Return a text in which "1.", "(2)" and the like begin sentences, if they count from one."""
    found = [int(match[1]) for match in _ITEM.finditer(text)]
    return _ITEM.sub(". ", text) if len(found) > 1 and found == list(range(1, len(found) + 1)) else text


def _value(match: re.Match[str]) -> str:
    """Return a match of "key=value" in words: "dist=3" is "3 metres"; as it is if the key is unknown."""
    key, value, unit = match[1].lower(), match[2].strip('"'), match[3]
    number = re.fullmatch(r"[\d.]+", value)
    if number and key in _ABSOLUTE:
        return match[0]
    said = f"{value} {unit}" if unit else value
    if number and not unit:
        said = next((f"{value} {name}" for name, keys in UNITS_OF_KEYS.items() if key in keys.split()), value)
    if key in VERBS:
        return f", {key} {said}"
    known = key in SILENT or any(key in keys.split() for keys in UNITS_OF_KEYS.values())
    return said if known else match[0]
