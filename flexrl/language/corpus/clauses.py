"""Generate labelled clauses, such as "walk slowly to the left", to train the classifier on.

A seed decides all random choices. A clause belongs to one split: "train"; "S0", other texts of the same templates
(word orders) and words; "S1", with templates that training lacks (`HELD_OUT_TEMPLATES`); "S2", with words that training
lacks (`lexicon.HELD_OUT`). Clause texts are what `grammar.clauses.split` returns.
"""

import hashlib
import random
import re

from flexrl.language.corpus import lexicon
from flexrl.language.corpus.amounts import with_amount
from flexrl.language.corpus.forms import broken, mirror, typed
from flexrl.language.corpus.types import HELD_OUT_TEMPLATES, UNSUPPORTED, Example, Split
from flexrl.language.corpus.wording import draw
from flexrl.language.grammar.clauses import split as split_clauses
from flexrl.language.wording.words import base_form

UNSUPPORTED_SHARE = 0.3
TRIES = 40  # to find a new clause of a family before another family is drawn
FAMILIES = {  # with their weights among the supported
    **{"walk-forward": 3, "walk-backward": 3, "strafe": 3, "walk-forward-side": 2, "walk-backward-side": 2},
    **{"turn": 3, "run": 3, "jump": 2, "stand": 2, "stand-up": 2},
}


def clause_examples(split: Split, count: int, seed: int = 0) -> list[Example]:
    """Return different labelled clauses; those that name a side come in mirrored pairs, left and right.

    At least a fifth are unsupported: they ask for what no skill can do.

    Args:
      split: "train"; "S0", other texts made like those of "train"; "S1", with word orders that "train" lacks; "S2",
        with words that it lacks.
      count: How many examples to return.
      seed: Seed of all random choices.

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


def _family(rng: random.Random) -> str:
    if rng.random() < UNSUPPORTED_SHARE:
        return UNSUPPORTED
    return rng.choices(list(FAMILIES), list(FAMILIES.values()))[0]


def _example(rng: random.Random, family: str, side: str, split: Split) -> Example | None:
    """Draw a random labelled clause, sometimes with an amount, an error of grammar or a typing error.

    Args:
      rng: Source of all random choices.
      family: What the clause asks for: "unsupported", or a key of `FAMILIES`, such as "turn".
      side: "left" or "right", for the families that have a side.
      split: The split that the clause has to belong to.

    Returns:
      The clause; None if the drawn words are not read as one clause, or belong to another split.
    """
    clause = draw(rng, family, side, split)
    said = with_amount(rng, clause)[0] if rng.random() < 0.3 else clause.words
    said = typed(rng, broken(rng, said), 0.12)
    reading = split_clauses(said)
    texts = {part.text for part in reading.clauses}
    if len(texts) != 1 or (reading.impossible and clause.skill != UNSUPPORTED):
        return None
    text = texts.pop()
    if not text or not belongs(split, text, clause.template):
        return None
    return Example(text, clause.skill, clause.speed, clause.template)


def belongs(split: Split, text: str, template: str, whole: bool = False) -> bool:
    """Return whether a text of the corpus belongs to a split.

    "S1" has texts of held-out templates (word orders), and "S2" texts with held-out words. Clauses with neither go
    to "train", except about a tenth of those with more than two words: a hash of the text sends these to "S0". Texts
    with both belong to no split.

    Args:
      split: The split.
      text: A clause, or a whole instruction.
      template: The names of the templates that made it, joined by "+".
      whole: Whether the text is a whole instruction. If it has nothing held out, it then belongs to "S0", to "S4"
        (instructions of several clauses) and to "train" alike.
    """
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
