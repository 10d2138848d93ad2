"""Correct typing errors: a word that is no English word becomes the one word of the vocabulary that it is close to."""

import re
from functools import cache
from pathlib import Path

from flexrl.language.quantities.numbers import NUMBERS
from flexrl.language.quantities.units import UNITS
from flexrl.language.wording.short_forms import SHORT_FORMS
from flexrl.language.wording.vocabulary import phrase_table

REAL_WORDS = Path(__file__).with_name("real_words.txt")  # English words that are close to one of the vocabulary
CONNECTIVES = (
    "then after before while until twice thrice again repeat first finally next please could would should "
    "without instead once times times afterwards"
    " followed about around robot actually sorry don't stop same other opposite slowly quickly direction "
    "degrees minute minutes"
    " couple few dozen pair seconds second metres meters metre meter steps paces quarter half forward backward"
).split()
_WORD = re.compile(r"(?<![\w'])(?:[A-Za-z]+(?:\d+[A-Za-z]*)?|[24][A-Za-z]+)(?![\w'])")
_FRO = re.compile(
    r"\bfro\b(?! \w+(?: \w+)? (?:and|to)\b)(?= (?:\d|a |an |one|two|three|four|five|six|seven|eight|nine|ten|half))",
    re.IGNORECASE,
)


def corrected(text: str) -> str:
    """Return a text with its typing errors corrected; a word that is close to no known word stays as it is."""
    return _WORD.sub(lambda match: _corrected(match[0]), text)


@cache
def _corrected(word: str) -> str:
    lower = re.sub(r"([a-z])\1{2,}", r"\1\1", word.lower())  # "slooowly"
    if lower != word.lower():
        single = re.sub(r"([a-z])\1", r"\1", lower)
        word = lower if lower in _vocabulary() else single if single in _vocabulary() else word
        lower = word.lower()
    if lower in SHORT_FORMS:
        return SHORT_FORMS[lower]
    if not lower.isalpha():
        return word
    if len(lower) < 4 or lower in _vocabulary() or lower in _known():
        return word
    return _closest(lower) or word


def _closest(word: str) -> str | None:
    """Return the word of the vocabulary that a mistyped word stands for; None if there is none, or more than one.

    It may be one edit away, and two from a word of eight letters or more; forms with and without -s count as one.
    """
    for most in (1, 2) if len(word) >= 8 else (1,):
        close = [known for known in _vocabulary(rare=False) if len(known) >= 4 and distance(word, known, most) <= most]
        close = [known for known in close if most == 1 or known[0] == word[0]]
        if any(re.fullmatch(rf"{known}(?:r|er|y|d|ed|en|ly|or)", word) for known in close):
            return None  # "charger" is a word of its own
        swapped = [known for known in close if sorted(known) == sorted(word)]
        close = swapped if len(swapped) == 1 else close
        same = [known for known in close if known[0] == word[0]]
        stems = {known.removesuffix("s") for known in same or close}
        if len(stems) == 1:
            return min(same or close, key=lambda known: (abs(len(known) - len(word)), known))
    return None


@cache
def _vocabulary(rare: bool = True) -> frozenset[str]:
    """Return the words that instructions for the skills consist of, with order words, numbers and units.

    Without `rare`, the rarer verbs are left out: typing errors are corrected to the other words only.
    """
    table = phrase_table(rare)
    words = {word for phrase, meaning in table.items() if meaning.kind != "bad" for word in phrase.split()}
    verbs = {phrase for phrase, meaning in table.items() if meaning.kind in ("go", "turn", "run", "jump", "strafe")}
    words |= {f"{verb}{ending}" for verb in verbs if " " not in verb for ending in ("s", "ing")}
    return frozenset({word for word in {*words, *CONNECTIVES, *UNITS, *NUMBERS} if word.isalpha()})


@cache
def _known() -> frozenset[str]:
    """Return words that are spelled right and so stay as they are, such as "dance", beside those of the vocabulary."""
    bad = {word for phrase, meaning in phrase_table().items() if meaning.kind == "bad" for word in phrase.split()}
    bad |= {"abort", "gait", "dist", "angle", "theta", "reps", "deg", "dir", "cmd", "seq"}
    bad |= {"oops", "whoops", "ooh", "nope", "yeah", "okay", "hmmm", "please", "thanks"}
    bad |= {phrase.split()[0] for phrase, meaning in phrase_table().items() if meaning.kind == "turn"}
    forms = {f"{word}{ending}" for word in bad for ending in ("", "s", "ing", "ed", f"{word[-1]}ing")}
    return frozenset(forms) | frozenset(REAL_WORDS.read_text(encoding="utf-8").split())


def distance(a: str, b: str, most: int) -> int:
    """Return how many edits part two words, a swap of neighbours being one; `most` + 1 if there are more."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, last, row = row, before, [i]
        for j, y in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
