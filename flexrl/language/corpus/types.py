"""Types of the generated corpus: its splits, labelled clauses, and clauses as a user would say them."""

from dataclasses import dataclass
from typing import Literal

from flexrl.language.plan import SKILLS, Speed, Until

Split = Literal["train", "S0", "S1", "S2", "S4"]
UNSUPPORTED = "unsupported"
LABELS = (*SKILLS, UNSUPPORTED)
HELD_OUT_TEMPLATES = frozenset(  # of clauses, then of instructions
    (
        *("way-verb-speed", "noun-form", "way-first", "speed-comma", "yourself"),
        *("once-you-have", "before-x-y", "followed-by", "instead-of", "no-wait", "numbered", "x-after-y"),
    )
)


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
class Said:
    """A generated clause in a user's words, and what it means.

    Holds the words, the skill (or "unsupported"), the speed, the name of the word order, the amount that ends the
    clause (None if there is none yet), and whether the words begin with a verb.
    """

    words: str
    skill: str
    speed: Speed | None
    template: str
    until: Until | None = None
    verb: bool = True  # whether the words begin with a verb
