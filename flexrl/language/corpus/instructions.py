"""Generate whole instructions with the plans that they mean, to test on.

Each set of instructions is called a split. The splits "train" and "S0" are made alike, of one or two clauses. "S4" has
three or four. "S1" has word orders, and "S2" words, that the clauses which the classifier is trained on lack.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from flexrl.language.corpus.amounts import with_amount
from flexrl.language.corpus.clauses import FAMILIES, belongs
from flexrl.language.corpus.forms import gerund, typed
from flexrl.language.corpus.types import HELD_OUT_TEMPLATES, UNSUPPORTED, Split
from flexrl.language.corpus.wording import draw
from flexrl.language.plan import Plan, Refusal, Segment, Until
from flexrl.language.wording.words import base_form


@dataclass(frozen=True)
class Instruction:
    """A whole instruction and its plan.

    Attributes:
      text: What a user might write.
      answer: The plan, or the refusal where a part of it cannot be done.
      template: The names of the word orders that made it, joined by "+".
    """

    text: str
    answer: Plan | Refusal
    template: str


def instructions(split: Split, count: int, seed: int = 0) -> list[Instruction]:
    """Return different instructions with their plans; about a fifth are to be refused.

    Args:
      split: "train" and "S0" have one or two clauses; "S1" (word orders that the training of the classifier lacks) and
        "S2" (words that it lacks) one to three; "S4" three or four.
      count: How many instructions to return.
      seed: Seed of all random choices.

    Raises:
      ValueError: If there are fewer different instructions than `count`.
    """
    found: dict[str, Instruction] = {}
    rng = random.Random(f"{seed} instructions {split}")
    for _ in range(60 * count + 1000):
        if len(found) >= count:
            return list(found.values())
        made = _instruction(random.Random(f"{rng.random()}"), split)
        if made is not None and belongs(split, made.text, made.template, whole=True):
            found.setdefault(made.text.lower(), made)
    raise ValueError(f"count: {count} is too many for {split}; it has about {len(found)} different instructions")


@dataclass(frozen=True)
class _Part:
    """A clause from which an instruction is made.

    Holds its words with their amount, the segment of a plan that they mean (None if no skill can do it), the same words
    with the verb in -ing, and the name of their word order.
    """

    said: str
    segment: Segment | None  # None: unsupported
    gerund: str  # the same words with the verb in -ing; empty where that does not fit
    template: str


def _part(rng: random.Random, split: Split, refused: bool) -> _Part:
    family = UNSUPPORTED if refused else rng.choices(list(FAMILIES), list(FAMILIES.values()))[0]
    clause_split: Split = "S1" if split == "S1" and rng.random() < 0.4 else "S0" if split == "S1" else split
    clause = draw(rng, family, rng.choice(("left", "right")), clause_split)
    if re.search(r"\ba step\b", clause.words):
        clause = replace(clause, until=Until("steps", 1.0))
    said, until = with_amount(rng, clause) if rng.random() < 0.6 else (clause.words, clause.until)
    said = typed(rng, said, 0.03)
    first, *rest = said.split(" ")
    doing = " ".join([gerund(first), *rest]) if clause.verb and base_form(gerund(first)) == first else ""
    segment = None if family == UNSUPPORTED else Segment(clause.skill, clause.speed, until)
    return _Part(said, segment, doing, clause.template)


def _instruction(rng: random.Random, split: Split) -> Instruction | None:
    """Draw one to four clauses and join them to an instruction; None if no word order of the split can join them."""
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
    """Join clauses to an instruction by a random template, such as "X before doing Y", that the split may use.

    Args:
      rng: Source of all random choices.
      parts: The clauses. A single one stays as it is or is repeated, as in "jump twice".
      split: "S1" joins two or more clauses by held-out templates only, any other split by the usual ones only.

    Yields:
      One tuple: the text, the clauses in the order in which they are to be done, and the names of the templates.
      Clauses that the text takes back or forbids are left out. If no template fits, nothing is yielded.
    """
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
    """Add "please" or the like to some texts, and write some in capitals or with a capital first letter."""
    if rng.random() < 0.25 and not re.match(r"\d|the robot|don't|first|after|before|once|instead|what|how", text):
        text = rng.choice(PREFIXES) + text
    if rng.random() < 0.25:
        text += rng.choice(SUFFIXES)
    kind = rng.random()
    return text.upper() if kind < 0.03 else text[0].upper() + text[1:] if kind < 0.4 else text
