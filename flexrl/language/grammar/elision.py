"""Give clauses back the words that were left out of them: "turn left, then right" turns twice."""

import re
from dataclasses import dataclass, replace

from flexrl.language.plan import Until
from flexrl.language.wording.words import (
    BACKWARD,
    DIRECTIONS,
    FAST,
    FORWARD,
    JUMPING,
    SIDES,
    SLOW,
    STANDING,
    TURNING,
    directions,
    is_fragment,
)


@dataclass(frozen=True)
class Item:
    """A clause under construction, and where it stands in the instruction.

    Attributes:
      text: Its words so far, normalised.
      until: The amount after which it ends, or None.
      said: The user's own words.
      comma: Whether a comma, or the end of a sentence, stands before it.
      sentence: The index of its sentence in the instruction.
      opens: Whether the instruction begins with it, or ", then" stands before it. A later ", twice" in the same
        sentence repeats the clauses from here on.
      negated: Whether it is not to be done.
    """

    text: str
    until: Until | None
    said: str
    comma: bool
    sentence: int
    opens: bool  # a sentence, or a part of one that begins with "then" after a comma
    negated: bool = False


def correct(old: Item, new: Item, axes: list[str]) -> Item:
    """Return the clause that a correction leaves: "walk two metres; no, three metres" leaves "walk three metres".

    What the correction does not say (verb, direction, speed or amount) is taken from the earlier clause where it fits.

    Args:
      old: The earlier clause.
      new: The words and the amount of the correction.
      axes: What each direction in `new` is: "along" (forward, back), "across" (sides) or "around" (rotation).
    """
    words = new.text.split()
    if not words or (words == ["step"] and new.until and not set(old.text.split()) & (STANDING | JUMPING | TURNING)):
        return replace(old, until=new.until or old.until, said=new.said)
    if is_fragment(words):
        if axes:
            return replace(new, text=with_verb(old, new.text), until=new.until or old.until, comma=old.comma)
        kept = " ".join(word for word in old.text.split() if word not in SLOW | FAST)
        return replace(new, text=f"{kept} {new.text}", until=new.until or old.until, comma=old.comma)
    until = new.until
    if until is None and len(words) == 1 and not set(words) & (STANDING | JUMPING):
        until = old.until
        if until is not None and (until.kind == "degrees") != bool(set(words) & TURNING):
            until = None
    if len(words) == 1 and words[0] in TURNING and set(old.text.split()) & TURNING and directions(old.text.split()):
        new = replace(new, text=_swapped_verb(old, words[0]))
    return replace(new, until=until, comma=old.comma)


def taken_back_from(items: list[Item], text: str, until: Until | None, following: list[str]) -> int:
    """Return the index of the clause that a correction replaces: the last, or the first of several that it says again.

    "Three jumps and a step back; sorry, two jumps and a step back" replaces all from the first jump on.

    Args:
      items: The clauses before the correction.
      text: The words of its first clause, without the amount.
      until: The amount of that clause, or None.
      following: The words of each later piece of the instruction.
    """
    last = len(items) - 1
    again = {*items[last].text.split()} & {word for words in following for word in words.split()}
    words = text.split()
    if words and not is_fragment(words) and words[0] in items[last].text.split():
        return _first_of_the_same(items, last)  # "jump three times, I mean jump twice"
    if not again or _alike(items[last], text, until):
        return last
    index = next((i for i in range(last, -1, -1) if _alike(items[i], text, until)), last)
    if items[index].sentence != items[last].sentence:
        return last
    return _first_of_the_same(items, index)


def _first_of_the_same(items: list[Item], index: int) -> int:
    """Return the index of the first of the clauses up to `index` that repeat the same words."""
    while index and items[index - 1].said == items[index].said and items[index - 1].text == items[index].text:
        index -= 1
    return index


def _alike(item: Item, text: str, until: Until | None) -> bool:
    """Return whether a correction may be meant for a clause.

    If the correction has a verb, the clause must have this verb. If it says only a direction, the clause must name a
    direction, too. If it says only a speed, the clause must name no direction. If it says only an amount, the clause
    must have an amount of the same kind.

    Args:
      item: The clause.
      text: The words of the correction, without the amount.
      until: The amount of the correction, or None.
    """
    words = text.split()
    if not words or words == ["step"]:
        return until is None or (item.until is not None and item.until.kind == until.kind)
    if is_fragment(words):
        return bool(directions(words)) == bool(directions(item.text.split()))
    return words[0] in item.text.split()


def _swapped_verb(old: Item, verb: str) -> str:
    return " ".join([verb, *old.text.split()[1:]])


def with_verb(earlier: Item, text: str) -> str:
    """Give words without a verb the verb of an earlier clause: "right" after "turn left" is "turn right"."""
    words, own = earlier.text.split(), text.split()
    if directions(words) and set(own) & SIDES:
        text = re.sub(r"^back (?=(?:to |over |towards? )?(?:the )?(?:left|right)\b)", "", text)
        own = text.split()
    in_place = set(words) & (STANDING | JUMPING) or words[0] == "be"
    if in_place or (set(words) & TURNING and set(own) & (FORWARD | BACKWARD)):
        return f"{'walk' if set(words) & TURNING else 'go'} {text}"
    if is_fragment(words):
        return text
    drop = DIRECTIONS | (SLOW | FAST if set(own) & (SLOW | FAST) else frozenset())
    stem: list[str] = []
    for word in words:
        if word in drop:
            while stem and stem[-1] in ("to", "the", "your", "my", "towards", "toward", "and", "on", "in"):
                stem.pop()
        elif stem and word == "side" or word == "and":
            continue
        else:
            stem.append(word)
    return " ".join([*stem, text])


def opposite(text: str) -> str:
    """Return the direction opposite to the one that a text names: "right" for "turn left".

    A text without a direction counts as forward, so that "backward" is returned.
    """
    words = set(text.split())
    if words & SIDES:
        return "left" if words & {"right", "rightward", "rightwards"} else "right"
    if "clockwise" in words:
        return "clockwise" if words & {"counter", "anti"} else "counter clockwise"
    return "forward" if words & BACKWARD else "backward"
