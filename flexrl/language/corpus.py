"""Generate labelled clauses to train the classifier on, and whole instructions with their plans to test on.

Everything follows from a seed. The splits are: "train"; "S0", the templates and words of training in texts that
training lacks; "S1", templates that training lacks (`HELD_OUT_TEMPLATES`); "S2", words that training lacks
(`lexicon.HELD_OUT`); "S4", instructions of three or four clauses. Clause texts are what `clauses.split` returns.
"""

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from flexrl.language import lexicon
from flexrl.language.clauses import split as split_clauses
from flexrl.language.plan import SKILLS, Plan, Refusal, Segment, Speed, Until
from flexrl.language.words import base_form

Split = Literal["train", "S0", "S1", "S2", "S4"]
UNSUPPORTED = "unsupported"
LABELS = (*SKILLS, UNSUPPORTED)
UNSUPPORTED_SHARE = 0.3
TRIES = 40  # to find a new clause of a family before another family is drawn
HELD_OUT_TEMPLATES = frozenset(  # of clauses, then of instructions
    (
        *("way-verb-speed", "noun-form", "way-first", "speed-comma", "yourself"),
        *("once-you-have", "before-x-y", "followed-by", "instead-of", "no-wait", "numbered", "x-after-y"),
    )
)


COMPOUND = ("power", "speed", "side", "crab")  # first words of verbs of two words


@dataclass(frozen=True)
class Example:
    """A clause text and what it means.

    Attributes:
      text: The text that the classifier reads.
      skill: One of `SKILLS`, or "unsupported".
      speed: The speed that the words ask for, or None.
      template: The name of the word order that made it.
    """

    text: str
    skill: str
    speed: Speed | None
    template: str


@dataclass(frozen=True)
class Instruction:
    """A whole instruction and its plan.

    Attributes:
      text: What a user might write.
      answer: The plan, or the refusal where a part of it cannot be done.
      template: The names of the word orders that made it.
    """

    text: str
    answer: Plan | Refusal
    template: str


@dataclass(frozen=True)
class _Clause:
    """A clause as said, without an amount, and its meaning."""

    words: str
    skill: str
    speed: Speed | None
    template: str
    until: Until | None = None
    verb: bool = True  # whether the words begin with a verb


def clause_examples(split: Split, count: int, seed: int = 0) -> list[Example]:
    """Return different clauses with labels; at least a fifth are unsupported, and each sided one has its mirror image.

    Args:
      split: "train", "S0", "S1" or "S2".
      count: How many examples to return.
      seed: Everything follows from this number.

    Raises:
      ValueError: If the split has no clauses, or fewer different ones than `count`.
    """
    if split not in ("train", "S0", "S1", "S2"):
        raise ValueError(f"split: {split!r} has no clauses; give train, S0, S1 or S2")
    found: dict[str, Example] = {}
    rng = random.Random(f"{seed} clauses {split}")
    for _ in range(2 * count + 100):
        if len(found) >= count:
            return list(found.values())[:count]
        family = _family(rng)
        for _ in range(TRIES):
            state = f"{rng.random()}"
            pair = [_example(random.Random(state), family, side, split) for side in ("left", "right")]
            if all(example is not None and example.text not in found for example in pair):
                found |= {example.text: example for example in pair if example is not None}
                break
    raise ValueError(f"count: {count} is too many for {split}; it has about {len(found)} different clauses")


def instructions(split: Split, count: int, seed: int = 0) -> list[Instruction]:
    """Return different instructions with their plans; about a fifth are to be refused.

    Args:
      split: "train" and "S0" have one or two clauses, "S1" and "S2" one to three, "S4" three or four.
      count: How many instructions to return.
      seed: Everything follows from this number.

    Raises:
      ValueError: If there are fewer different instructions than `count`.
    """
    found: dict[str, Instruction] = {}
    rng = random.Random(f"{seed} instructions {split}")
    for _ in range(60 * count + 1000):
        if len(found) >= count:
            return list(found.values())
        made = _instruction(random.Random(f"{rng.random()}"), split)
        if made is not None and _belongs(split, made.text, made.template, whole=True):
            found.setdefault(made.text.lower(), made)
    raise ValueError(f"count: {count} is too many for {split}; it has about {len(found)} different instructions")


def mirror(text: str) -> str:
    """Return a text with left and right, and the senses of rotation, exchanged."""

    def other(match: re.Match[str]) -> str:
        if match["side"]:
            return {"left": "right", "right": "left"}[match["side"]] + (match["ending"] or "")
        return "counter clockwise" if match[0] == "clockwise" else "clockwise"

    sides = r"\b(?P<side>left|right)(?P<ending>wards?)?\b"
    return re.sub(rf"\b(?:counter|anti)[ -]?clockwise\b|\bclockwise\b|{sides}", other, text)


FAMILIES = {  # with their weights among the supported
    **{"walk-forward": 3, "walk-backward": 3, "strafe": 3, "walk-forward-side": 2, "walk-backward-side": 2},
    **{"turn": 3, "run": 3, "jump": 2, "stand": 2, "stand-up": 2},
}


def _family(rng: random.Random) -> str:
    if rng.random() < UNSUPPORTED_SHARE:
        return UNSUPPORTED
    return rng.choices(list(FAMILIES), list(FAMILIES.values()))[0]


def _example(rng: random.Random, family: str, side: str, split: Split) -> Example | None:
    """Return a clause as the classifier reads it, or None if it is not one clause or belongs to another split."""
    clause = _clause(rng, family, side, split)
    said = _amount(rng, clause)[0] if rng.random() < 0.3 else clause.words
    said = _typed(rng, _broken(rng, said), 0.12)
    reading = split_clauses(said)
    texts = {part.text for part in reading.clauses}
    if len(texts) != 1 or (reading.impossible and clause.skill != UNSUPPORTED):
        return None
    text = texts.pop()
    if not text or not _belongs(split, text, clause.template):
        return None
    return Example(text, clause.skill, clause.speed, clause.template)


def _belongs(split: Split, text: str, template: str, whole: bool = False) -> bool:
    """Return whether a text belongs to a split, by its words, its templates and a hash that parts S0 from training."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    new_words = bool(words & lexicon.HELD_OUT) or any(base_form(word) in lexicon.HELD_OUT for word in words)
    new_words |= any(word.removesuffix("s") in lexicon.HELD_OUT for word in words)
    new_templates = bool(HELD_OUT_TEMPLATES & set(template.split("+")))
    if split == "S1":
        return new_templates and not new_words
    if split == "S2":
        return new_words and not new_templates
    if new_words or new_templates:
        return False
    if whole or split == "S4":
        return True
    held = len(text.split()) > 2 and hashlib.sha256(min(text, mirror(text)).encode()).digest()[0] < 26
    return held == (split == "S0")


def _clause(rng: random.Random, family: str, side: str, split: Split) -> _Clause:
    """Return a clause of a family, such as "turn", for one side."""
    if family == UNSUPPORTED:
        return _unsupported(rng, side, split)
    if family == "stand":
        words = rng.choice(lexicon.STAND)
        tails = lexicon.STAND_TAILS if len(words.split()) < 4 else ("",)
        return _Clause(f"{words} {rng.choice(tails)}".strip(), "stand", None, "plain")
    if family == "stand-up":
        return _with_speed(rng, _Clause(rng.choice(lexicon.STAND_UP), "stand-up", None, "plain"), 0.15)
    if family == "jump":
        speed = rng.choice((None, None, None, None, None, "slow", "fast"))
        words = rng.choice(lexicon.JUMP[speed])
        clause = _Clause(words, "jump", speed, "plain")
        if len(words.split()) < 3 and rng.random() < 0.4:
            clause = replace(clause, words=f"{words} {rng.choice(lexicon.JUMP_TAILS)}")
        return clause if speed else _with_speed(rng, clause, 0.4)
    if family == "run":
        speed = rng.choice((None, None, "slow", "fast"))
        ways = [way for way in lexicon.FORWARD if "front" not in way]
        return _joined(rng, rng.choice(lexicon.RUN[speed]), rng.choice(["", *ways]), "run", speed, split)
    if family == "turn":
        return _turn(rng, side, split)
    if family == "strafe":
        speed = rng.choice((None, None, None, "slow", "fast"))
        way = rng.choice(lexicon.STRAFE_WAYS).format(side=side)
        verb = rng.choice(lexicon.STRAFE[speed])
        if "sideways" in verb or "lateral" in verb:
            way = way.replace("sideways ", "")
        return _joined(rng, verb, way, f"strafe-{side}", speed, split)
    along = "backward" if "backward" in family else "forward"
    speed = rng.choice((None, None, None, "slow", "fast"))
    if family.endswith("-side"):
        way = rng.choice(lexicon.DIAGONAL_WAYS)
        way = way.format(side=side, along=rng.choice(lexicon.ALONG[along]), corner=rng.choice(lexicon.CORNERS[along]))
        return _joined(rng, rng.choice(lexicon.WALK[speed]), way, f"walk-{along}-{side}", speed, split)
    if along == "forward" and rng.random() < 0.25:
        return _with_speed(rng, _Clause(rng.choice(lexicon.BARE_WALK), family, None, "plain"), 0.5)
    if along == "backward" and rng.random() < 0.35:
        clause = _Clause(rng.choice(lexicon.RETREAT[speed]), family, speed, "plain")
        return clause if speed else _with_speed(rng, clause, 0.5)
    way = rng.choice(lexicon.FORWARD if along == "forward" else lexicon.BACKWARD)
    return _joined(rng, rng.choice(lexicon.WALK[speed]), way, family, speed, split)


def _turn(rng: random.Random, side: str, split: Split) -> _Clause:
    """Return a clause that turns on the spot; without a direction it turns left."""
    kind = rng.random()
    if kind < 0.12:
        return _with_speed(rng, _Clause(rng.choice(lexicon.BARE_TURNS), "turn-left", None, "plain"), 0.4)
    if kind < 0.22:
        words, skill = rng.choice(lexicon.HALF_TURNS), "turn-left"
        if rng.random() < 0.5:
            words, skill = f"{words} to the {side}", f"turn-{side}"
        return _with_speed(rng, _Clause(words, skill, None, "plain", Until("degrees", 180.0)), 0.4)
    rotation = rng.randrange(len(lexicon.ROTATIONS["left"]))
    names = {"side": side, "turn": lexicon.ROTATIONS[side][rotation]}
    if kind < 0.4:
        return _with_speed(rng, _Clause(rng.choice(lexicon.TURNS).format(**names), f"turn-{side}", None, "noun"), 0.4)
    speed = rng.choice((None, None, None, "slow", "fast"))
    way = rng.choice(lexicon.TURN_WAYS).format(**names)
    return _joined(rng, rng.choice(lexicon.TURN[speed]), way, f"turn-{side}", speed, split)


def _unsupported(rng: random.Random, side: str, split: Split) -> _Clause:
    """Return a clause that no skill can do: three of four are close to the skills, one is about something else."""
    near = rng.random() < 0.72
    words = rng.choice(lexicon.NEAR if near else lexicon.FAR)
    words = re.sub(r"\{noise\}", lambda _: _noise(rng), words)
    names = {"object": lexicon.OBJECTS, "place": lexicon.PLACES, "part": lexicon.PARTS, "move": lexicon.MOVES}
    names["topic"] = lexicon.TOPICS
    words = words.format(side=side, **{name: rng.choice(values) for name, values in names.items()})
    if split == "S1" and near and not re.match(r"an? ", words):
        first, *rest = words.split()
        return _Clause(" ".join(("do some", _gerund(first), *rest)), UNSUPPORTED, None, "noun-form", verb=False)
    if near and rng.random() < 0.25:
        words = f"{words} {rng.choice(lexicon.SLOWLY + lexicon.QUICKLY)}"
    return _Clause(words, UNSUPPORTED, None, "near" if near else "far", verb=near)


def _noise(rng: random.Random) -> str:
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 9)))


def _with_speed(rng: random.Random, clause: _Clause, share: float) -> _Clause:
    """Add speed words to a clause in some share of the cases."""
    if rng.random() >= share:
        return clause
    speed = rng.choice(("slow", "fast", None))
    words = {"slow": lexicon.SLOWLY, "fast": lexicon.QUICKLY, None: lexicon.PLAINLY}[speed]
    return replace(clause, words=f"{clause.words} {rng.choice(words)}", speed=speed)


def _joined(rng: random.Random, verb: str, way: str, skill: str, speed: Speed | None, split: Split) -> _Clause:
    """Join a verb, a way and, at times, speed words in one of the word orders."""
    adverb = ""
    if speed is None and rng.random() < 0.5:
        speed = rng.choice(("slow", "fast", None))
        adverb = rng.choice({"slow": lexicon.SLOWLY, "fast": lexicon.QUICKLY, None: lexicon.PLAINLY}[speed])
    elif speed is not None and rng.random() < 0.15:
        adverb = rng.choice(lexicon.SLOWLY if speed == "slow" else lexicon.QUICKLY)
    single = adverb if " " not in adverb and adverb not in ("slow", "fast", "quick", "") else ""
    first, *rest = verb.split()
    orders: dict[str, tuple[str, ...]] = {
        "verb-way-speed": (verb, way, adverb),
        "verb-speed-way": (verb, adverb, way),
        "progressive": (_gerund(first), *rest, way, adverb),
        "third-person": ("the robot", *(verb.split() if first in COMPOUND else (_third(first), *rest)), way, adverb),
        "make": ("make", verb, way, adverb),
        "way-verb-speed": (way, verb, adverb),
        "noun-form": ("do some", _gerund(first), *rest, way, adverb),
        "way-first": (way, adverb, verb),
        "yourself": (first, "yourself", *rest, way, adverb),
        "speed-comma": (f"{adverb},", verb, way) if adverb else (way, verb),
    }
    if single:
        orders["speed-verb-way"] = (adverb, verb, way)
    weights = {
        "verb-way-speed": 8,
        "verb-speed-way": 3,
        "speed-verb-way": 3,
        "progressive": 1,
        "third-person": 1,
        "make": 0.5,
    }
    names = [name for name in orders if (name in HELD_OUT_TEMPLATES) == (split == "S1" and bool(way))]
    name = rng.choices(names, [weights.get(name, 2) for name in names])[0]
    return _Clause(" ".join(part for part in orders[name] if part), skill, speed, name, verb=name.startswith("verb"))


def _gerund(verb: str) -> str:
    """Return the -ing form of a verb."""
    if verb in ("swivel", "travel"):
        return verb + "ling"
    if verb.endswith("ee") or verb in ("be", "tiptoe"):
        return verb + "ing"
    if verb.endswith("e"):
        return verb[:-1] + "ing"
    doubled = re.search(r"(?:^|[^aeiou])[aeiou][bdgmnpt]$", verb) and verb not in (
        "wander",
        "pivot",
        "gallop",
        "travel",
    )
    return verb + (verb[-1] if doubled else "") + "ing"


def _third(verb: str) -> str:
    """Return the third person of a verb."""
    if verb.endswith(("sh", "ch", "ss", "o", "x")):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"


def _broken(rng: random.Random, words: str) -> str:
    """Return words as a writer of another first language might put them, in one case of ten."""
    kind = rng.random()
    if kind < 0.04:
        return re.sub(r"\b(?:the|your|a) ", "", words)
    if kind < 0.06:
        return re.sub(r"\bto (?:the|your)\b", "in the", words)
    if kind < 0.08:
        return re.sub(r"\b(left|right)$", r"\1 side", words)
    return words


def _typed(rng: random.Random, words: str, share: float) -> str:
    """Return words with one typing error in some share of the cases; never in a word that decides the side."""
    if rng.random() >= share:
        return words
    parts = words.split(" ")
    long = [
        i
        for i, part in enumerate(parts)
        if re.fullmatch(r"[a-z]{5,}", part) and not re.match(r"left|right|.*wise", part)
    ]
    if not long:
        return words
    i = rng.choice(long)
    part, k = parts[i], rng.randrange(1, len(parts[i]) - 1)
    kinds = (
        part[:k] + part[k + 1] + part[k] + part[k + 2 :],
        part[:k] + part[k + 1 :],
        part[:k] + part[k] + part[k:],
        part[:k] + rng.choice("abcdefghijklmnopqrstuvwxyz") + part[k + 1 :],
    )
    parts[i] = rng.choice(kinds)
    return " ".join(parts)


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


def _amount(rng: random.Random, clause: _Clause) -> tuple[str, Until | None]:
    """Return the words of a clause with an amount, and the amount; as they are where no amount fits."""
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
    words, value = _spoken(rng, kind)
    if kind == "seconds" or (kind == "metres" and rng.random() < 0.4):
        words = f"for {words}"
    elif kind == "degrees" and "turn" not in words and rng.random() < 0.4:
        words = f"by {words}"
    return f"{clause.words} {words}", Until(kind, round(value, 2))


def _spoken(rng: random.Random, kind: str) -> tuple[str, float]:
    """Return an amount of a kind in words, and its value in SI units."""
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


@dataclass(frozen=True)
class _Part:
    """A clause of an instruction with its amount, and its meaning."""

    said: str
    segment: Segment | None  # None: unsupported
    gerund: str  # the same words with the verb in -ing; empty where that does not fit
    template: str


def _part(rng: random.Random, split: Split, refused: bool) -> _Part:
    family = UNSUPPORTED if refused else rng.choices(list(FAMILIES), list(FAMILIES.values()))[0]
    clause_split: Split = "S1" if split == "S1" and rng.random() < 0.4 else "S0" if split == "S1" else split
    clause = _clause(rng, family, rng.choice(("left", "right")), clause_split)
    if re.search(r"\ba step\b", clause.words):
        clause = replace(clause, until=Until("steps", 1.0))
    said, until = _amount(rng, clause) if rng.random() < 0.6 else (clause.words, clause.until)
    said = _typed(rng, said, 0.03)
    first, *rest = said.split(" ")
    gerund = " ".join([_gerund(first), *rest]) if clause.verb and base_form(_gerund(first)) == first else ""
    segment = None if family == UNSUPPORTED else Segment(clause.skill, clause.speed, until)
    return _Part(said, segment, gerund, clause.template)


def _instruction(rng: random.Random, split: Split) -> Instruction | None:
    """Return an instruction of parts joined by templates, or None if the parts do not fit the templates drawn."""
    longest = {"S4": (3, 4), "train": (1, 2), "S0": (1, 2)}.get(split, (1, 3))
    count = rng.randint(*longest)
    refused = rng.randrange(count) if rng.random() < 0.2 else -1
    parts = [_part(rng, split, i == refused) for i in range(count)]
    made = list(_composed(rng, parts, split))
    if not made:
        return None
    text, order, names = made[0]
    bad = [part.said for part in order if part.segment is None]
    segments = tuple(part.segment for part in order if part.segment is not None)
    answer = Refusal(bad[0]) if bad else Plan(segments)
    template = "+".join([*names, *(part.template for part in parts)])
    return Instruction(_polite(rng, text), answer, template)


def _composed(rng: random.Random, parts: list[_Part], split: Split) -> Iterator[tuple[str, list[_Part], list[str]]]:
    """Yield a text of the parts, the parts in the order of their doing, and the names of the templates."""
    if len(parts) == 1:
        part = parts[0]
        kind = rng.random()
        jump = part.segment is not None and part.segment.skill == "jump"
        if jump and kind < 0.5:
            times, said = rng.choice(((2, "twice"), (3, "three times"), (4, "4 times"), (2, "two times")))
            yield f"{part.said} {said}", [part] * times, ["times"]
        elif kind < 0.1:
            yield f"{part.said}, twice", [part, part], ["twice"]
        else:
            yield part.said, [part], ["single"]
        return
    first, second, *rest = parts
    pairs = {
        "then": (f"{first.said} then {second.said}", [first, second]),
        "comma-then": (f"{first.said}, then {second.said}", [first, second]),
        "and-then": (f"{first.said} and then {second.said}", [first, second]),
        "and": (f"{first.said} and {second.said}", [first, second]),
        "comma": (f"{first.said}, {second.said}", [first, second]),
        "sentence": (f"{first.said}. {second.said}", [first, second]),
        "after-that": (f"{first.said}. After that, {second.said}", [first, second]),
        "first": (f"first {first.said}, then {second.said}", [first, second]),
        "semicolon": (f"{first.said}; {second.said}", [first, second]),
        "numbered": (f"1. {first.said} 2. {second.said}", [first, second]),
        "no-wait": (f"{first.said}, no wait, {second.said}", [second]),
        "sorry": (f"{first.said}, sorry, {second.said}", [second]),
    }
    if first.gerund:
        pairs["after-x-y"] = (f"after {first.gerund}, {second.said}", [first, second])
        pairs["do-not"] = (f"don't {first.said}, {second.said}", [second])
        pairs["instead-of"] = (f"instead of {first.gerund}, {second.said}", [second])
        pairs["x-after-y"] = (f"{second.said} after {first.gerund}", [first, second])
        pairs["once-you-have"] = (f"once you have finished {first.gerund}, {second.said}", [first, second])
    if second.gerund:
        pairs["x-before-y"] = (f"{first.said} before {second.gerund}", [first, second])
        pairs["before-x-y"] = (f"before {second.gerund}, {first.said}", [first, second])
        pairs["followed-by"] = (f"{first.said} followed by {second.gerund}", [first, second])
    corrections = {"no-wait", "sorry", "do-not", "instead-of"}
    names = [name for name in pairs if (name in HELD_OUT_TEMPLATES) == (split == "S1")]
    names = [name for name in names if name not in corrections or (first.segment and second.segment)]
    if rest:
        names = [name for name in names if name not in {"x-after-y", "before-x-y", "x-before-y", *corrections}]
    if not names:
        return
    name = rng.choice(names)
    text, order = pairs[name]
    used = [name]
    for part in rest:
        link = rng.choice((", then ", " and then ", ", ", ". Then ", ", and ", ". After that, ", "; "))
        text, order = f"{text}{link}{part.said}", [*order, part]
    yield text, order, used


PREFIXES = (
    "please ",
    "could you ",
    "can you please ",
    "robot, ",
    "now ",
    "ok, ",
    "i want you to ",
    "would you kindly ",
)
PREFIXES += ("hey robot, ", "i'd like you to ", "go ahead and ", "let's ", "just ", "you should ")
SUFFIXES = (" please", ", please", " thanks", ", thank you", " for me", " now", "!", ".", " plz", ", robot")


def _polite(rng: random.Random, text: str) -> str:
    """Return a text with politeness before or after it, and in one of several casings."""
    if rng.random() < 0.25 and not re.match(r"\d|the robot|don't|first|after|before|once|instead|what|how", text):
        text = rng.choice(PREFIXES) + text
    if rng.random() < 0.25:
        text += rng.choice(SUFFIXES)
    kind = rng.random()
    return text.upper() if kind < 0.03 else text[0].upper() + text[1:] if kind < 0.4 else text
