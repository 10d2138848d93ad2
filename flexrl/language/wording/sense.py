"""Read a clause of which every word is known: which skill, without its side, it asks for, and how fast.

A clause with a word that is not in the vocabulary is left to the classifier of `flexrl.language.head`.
"""

import re
from dataclasses import dataclass

from flexrl.language.plan import Kind, Speed
from flexrl.language.wording.manner import manner_of
from flexrl.language.wording.vocabulary import Meaning, phrase_table
from flexrl.language.wording.words import base_form

LONGEST = 8  # words of a phrase
COSTS = {"unknown": 1000, "particle": 100, "bad": 9}  # of a phrase, by its kind, when words are cut; 10 for others
A_TURN = re.compile(  # "take a left" turns, "take a step left" does not
    r"\b(?:(?:take|make|hang|do|pull|throw|bang|hook|perform|execute|give)(?: me| us)? (?:a|an|another)(?: "
    r"(?:hard|sharp|quick|slow|big|little|full|slight|gentle|wide|tight|small|swift))? "
    r"(?:left|right)(?: hander)?"
    r"|(?:left|right)(?: hand)? (?:face|turn|about turn|wheel|about face)|(?:a|an|one|make|do)? ?(?:left"
    r"|right)(?: hand)? turn|(?:wheel|swing) (?:left|right))\b"
)
SPEED_NAMES: dict[str, Speed] = {"quick": "fast", "swift": "fast", "slow": "slow", "gentle": "slow"}


@dataclass(frozen=True)
class Sense:
    """What a clause asks for.

    Attributes:
      family: a skill without its side: "stand", "forward", "backward", "strafe", "turn", "run", "jump" or "stand-up";
        "unsupported" for what no skill can do.
      speed: "slow" or "fast", if the words of the clause say so; else None.
    """

    family: str
    speed: Speed | None


UNSUPPORTED = Sense("unsupported", None)
DETERMINERS = frozenset("the my his her this that these those our their your its".split())
LIGHT_VERBS = frozenset("do take make have give get go perform execute try".split())  # "do the old one two"


def sense_of(text: str, kind: Kind | None = None, unknown: frozenset[str] = frozenset()) -> Sense | None:
    """Return what a clause asks for, or None if a word is not known or the words do not say enough.

    Args:
      text: the clause without its amount, as `Clause.text`.
      kind: what the amount that was taken out of the clause measures; None without an amount.
      unknown: words that count as not known; for tests of what unseen words do.
    """
    words = text.split()
    if (match := A_TURN.search(text)) and not unknown & set(words):
        rest = _meanings((text[: match.start()] + text[match.end() :]).split(), unknown)
        if all(meaning.kind in ("speed", "plain", "place") for meaning in rest):
            paces: set[Speed] = {meaning.speed for meaning in rest if meaning.speed is not None}
            paces |= {SPEED_NAMES[word] for word in match[0].split() if word in SPEED_NAMES}
            return Sense("turn", next(iter(paces)) if len(paces) == 1 else None)
    found = _meanings(words, unknown)
    if any(meaning.kind in ("bad", "particle") for meaning in found):
        return UNSUPPORTED
    if any(meaning.kind == "unknown" for meaning in found):
        return UNSUPPORTED if not unknown and _has_object(words, found) else None
    if len(found) == 0:
        return None
    verbs = [meaning for meaning in found if meaning.kind in FAMILIES]
    ways = {meaning.value for meaning in found if meaning.kind == "way"}
    turning = any(meaning.kind == "turning" for meaning in found)
    said: set[Speed] = {meaning.speed for meaning in found if meaning.speed is not None and meaning.kind == "speed"}
    places = {meaning.value for meaning in found if meaning.kind == "place"}
    family = _family(verbs, ways, turning, places, kind)
    if family is None:
        return None
    inherent: set[Speed] = {meaning.speed for meaning in verbs if meaning.speed is not None}
    speeds = said or inherent
    return Sense(family, next(iter(speeds)) if len(speeds) == 1 else None)


def said_pace(text: str) -> str | None:
    """Return the speed of words that say how to move: "at a brisk pace" gives "quickly", the slow ones give "slowly".

    Words of manner that say no speed, such as "confidently", give None. Any other text is returned unchanged, and so is
    a single word that does not end in -ly.
    """
    found = _meanings(text.split(), frozenset())
    if not found or not (" " in text or text.endswith("ly")):
        return text
    if len(found) != 1 or found[0].kind not in ("speed", "plain") or manner_of(text) is None and found[0].speed is None:
        return text
    return {"slow": "slowly", "fast": "quickly", None: None}[found[0].speed]


def _has_object(words: list[str], found: list[Meaning]) -> bool:
    """Return whether a clause does something to a thing that it names by an unknown word: "walk the xylophone".

    That is so if "the", "my" or the like stands before the unknown word (unless the clause begins with "do", "take" or
    the like), or if the unknown word follows a verb of standing or jumping with which the clause begins.

    Args:
      words: the words of the clause.
      found: the meanings of its phrases, from `_meanings`.
    """
    strange = {meaning.value for meaning in found if meaning.kind == "unknown"}
    if strange & DETERMINERS and words[0] not in LIGHT_VERBS:
        return True
    return found[0].kind in ("stand", "stand-up", "jump") and found[1].kind == "unknown" if len(found) > 1 else False


def compatible(text: str, kind: Kind | None) -> frozenset[str]:
    """Return which skills, without their side, the directions of a clause and its amount leave possible.

    A clause with "backward" cannot be "run", for example, and one with an amount in degrees is "turn".

    Args:
      text: the words of the clause, without its amount.
      kind: what the amount measures; None if there is none.
    """
    found = _meanings(text.split(), frozenset())
    ways = {meaning.value for meaning in found if meaning.kind == "way"}
    families = set(FAMILIES_OF_KIND[kind])
    if any(meaning.kind == "turning" for meaning in found):
        families &= {"turn"}
    if ways & {"left", "right"}:
        families -= {"run", "jump", "stand-up", "stand"}
        families -= {"forward"} if not ways & {"forward", "diagonal"} else {"strafe"}
        families -= set() if ways & {"backward", "diagonal"} else {"backward"}
    elif ways & {"sideways"}:
        families &= {"strafe"}
    if ways & {"forward"}:
        families -= {"backward", "jump", "stand-up", "turn"}
    if ways & {"backward"}:
        families -= {"forward", "run", "jump", "stand", "turn"}
    return frozenset(families)


FAMILIES = ("go", "strafe", "back", "turn", "run", "jump", "stand", "stand-up")
_MOVES = frozenset(("forward", "backward", "strafe", "run"))
FAMILIES_OF_KIND: dict[Kind | None, frozenset[str]] = {
    None: _MOVES | {"turn", "jump", "stand", "stand-up"},
    "metres": _MOVES,
    "steps": _MOVES,
    "degrees": frozenset(("turn",)),
    "seconds": _MOVES | {"turn", "stand"},
}


def _meanings(words: list[str], unknown: frozenset[str]) -> list[Meaning]:
    """Cut words into known phrases, and return the meanings of the phrases in order.

    Of all ways to cut them, the one with the lowest sum of `COSTS` is taken: above all few unknown words, then few
    phrases. The meaning of an unknown word has the kind "unknown", and as its value the word before it.

    Args:
      words: the words of a clause.
      unknown: words that count as unknown, even if they are in the vocabulary.
    """
    best: list[tuple[int, tuple[Meaning, ...]]] = [(0, ())]
    for end in range(1, len(words) + 1):
        cost, meanings = best[-1]
        before = words[end - 2] if end > 1 else ""
        options = [(cost + COSTS["unknown"], (*meanings, Meaning("unknown", before)))]
        for start in range(max(0, end - LONGEST), end):
            meaning = _meaning(words[start:end], unknown)
            if meaning is not None:
                cost, meanings = best[start]
                options.append((cost + COSTS.get(meaning.kind, 10), (*meanings, meaning)))
        best.append(min(options, key=lambda option: option[0]))
    return list(best[-1][1])


def _meaning(words: list[str], unknown: frozenset[str]) -> Meaning | None:
    """Return the meaning of a phrase, also with its first word in -ing or in the third person."""
    if unknown and unknown & {*words, *map(_stem, words)}:
        return None
    table, phrase = phrase_table(), " ".join(words)
    found = table.get(phrase) or table.get(" ".join([_stem(words[0]), *words[1:]]))
    if found is None and (manner := manner_of(phrase)) is not None:
        return Meaning("speed", speed=manner[0]) if manner[0] else Meaning("plain")
    return found


def _stem(word: str) -> str:
    """Return the base form of a word in -ing or in the third person."""
    if word.endswith("ing") and len(word) > 4:
        return base_form(word)
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("shes", "ches", "sses", "oes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def _family(verbs: list[Meaning], ways: set[str], turning: bool, places: set[str], kind: Kind | None) -> str | None:
    """Return which skill, without its side, the phrases of a clause ask for, such as "forward", "strafe" or "turn".

    The answer is "unsupported" if no skill can do it, and None if the phrases do not go together or say too little.

    Args:
      verbs: meanings of the verbs.
      ways: directions, such as "forward", "left" and "diagonal".
      turning: whether a sense of rotation is said.
      places: "spot" or "air", where the clause says "on the spot" or "in the air".
      kind: what the amount of the clause measures, or None.
    """
    kinds = {verb.kind for verb in verbs}
    along, sides = ways & {"forward", "backward"}, ways & {"left", "right"}
    if "straight" in ways:
        along = along or (set() if sides or kinds & {"turn", "jump", "stand", "stand-up"} else {"forward"})
        ways = ways - {"straight"}
    if kinds == {"stand", "go"} or len(along) > 1:
        return None
    if len(kinds) > 1:
        kinds -= {"go"}  # "go jogging", "walk around and turn"
    if len(kinds) > 1:
        return None
    if not kinds:
        return _without_verb(along, sides, ways, turning, bool(places), kind)
    (verb,) = kinds
    if turning and verb not in ("turn", "go"):
        return None
    if places & {"air"} and verb in ("turn", "stand") or places & {"spot"} and verb in ("go", "run", "back", "strafe"):
        return "unsupported"
    if verb == "turn" or (turning and verb == "go"):
        if along and not (along == {"backward"} and "around" in ways):
            return None
        return "turn" if not ways & {"sideways", "diagonal"} else None
    if verb in ("jump", "stand", "stand-up"):
        if verb == "jump" and (along or sides or "sideways" in ways):
            return "unsupported"
        if verb == "stand" and ways <= {"around"} or not ways:
            return verb
        return None
    if places or "around" in ways:
        return None
    if verb == "run":
        return "unsupported" if ways & {"backward", "sideways", "diagonal"} else "run"
    if verb == "back":
        return "backward" if along <= {"backward"} and "sideways" not in ways else None
    if kind == "degrees" and verb == "go" and not along:
        return "turn"
    if along == {"backward"}:
        return "backward"
    if along == {"forward"} or (sides and "diagonal" in ways):
        return "forward"
    if sides or verb == "strafe" or "sideways" in ways:
        return "strafe"
    return "forward" if "diagonal" not in ways else None


def _without_verb(
    along: set[str], sides: set[str], ways: set[str], turning: bool, in_place: bool, kind: Kind | None
) -> str | None:
    """Return which skill, without its side, a clause without a verb asks for: "turn" for "left" with 90 degrees.

    The answer is "unsupported" if the clause names no direction and no footsteps. It is None if the words do not go
    together, such as "forward" with degrees.

    Args:
      along: those of "forward" and "backward" that the clause says, at most one.
      sides: those of "left" and "right" that it says.
      ways: all directions that it says, such as "forward", "left", "diagonal" and "around".
      turning: whether it says a sense of rotation, such as "clockwise".
      in_place: whether it says "on the spot", "in the air" or the like.
      kind: what its amount measures, such as "degrees"; None if it has no amount.
    """
    if kind == "degrees" or turning:
        return "turn" if (sides or turning or "around" in ways) and not along else None
    if in_place or "around" in ways:
        return None
    if along:
        return "forward" if along == {"forward"} else "backward"
    if sides:
        return "forward" if "diagonal" in ways else "strafe"
    if "sideways" in ways:
        return "strafe"
    return "forward" if kind == "steps" else "unsupported"
