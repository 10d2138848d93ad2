"""From an instruction to a plan, or to a refusal that names the words that were not understood.

Clauses, amounts, and left and right are read by rules; what a clause asks for is said by the classifier of
`flexrl.language.head`. An instruction of which any part cannot be done is refused whole.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flexrl.language.encoder import Encoder
from flexrl.language.grammar.clauses import Clause, split
from flexrl.language.head import Classifier, Head, Reading
from flexrl.language.plan import Kind, Plan, Refusal, Segment, Speed, measures_of
from flexrl.language.wording.sense import compatible, sense_of
from flexrl.language.wording.words import FAST, SLOW

FOLDER = Path(__file__).parents[2] / "pretrained" / "instructions"
FILE = "head.npz"
EXAMPLES = (
    '"walk forward 3 metres", "turn left 90 degrees", "run for 5 seconds", "step to the right", "jump twice", "stop"'
)
ASIDE = re.compile(  # where "right" is no side
    r"(?<!the )(?<!your )(?<!turn )(?<!rotate )(?<!spin )(?<!pivot )(?<!step )(?<!face )\bright (?:now|away)\b"
    r"|(?<!the )(?<!your )\bright (?:here|there|where|after|ahead|behind|up|in front|round|around|about(?! "
    r"face| turn))\b"
    r"|\b(?:all |al)right\b|\bright yourself\b"
)
LEFTWARD = re.compile(r"\bleft\w*\b|\b(?:counter|anti)[ -]?clock[ -]?wise\b")
RIGHTWARD = re.compile(r"\bright\w*\b|(?<!counter[ -])(?<!anti[ -])\bclock[ -]?wise\b")
SIDED = {  # by family: the skill without a side, and how one with a side is called
    "forward": ("walk-forward", "walk-forward-{}"),
    "backward": ("walk-backward", "walk-backward-{}"),
    "strafe": (None, "strafe-{}"),
    "turn": ("turn-left", "turn-{}"),  # "turn around" says no side
}


class Interpreter:
    """Reads instructions in words into plans or refusals."""

    def __init__(self, encoder: Encoder, head: Classifier, unknown: frozenset[str] = frozenset()) -> None:
        """Make an interpreter of an encoder and a trained classifier.

        Args:
          encoder: computes the embeddings that the classifier reads.
          head: the classifier, which reads clauses with words that the vocabulary lacks.
          unknown: words that count as missing from the vocabulary, to measure how well new words are read.
        """
        self._encoder, self._head, self._unknown = encoder, head, unknown

    @classmethod
    def load(cls, folder: Path = FOLDER, encoder: Path | None = None) -> "Interpreter":
        """Load the classifier in a folder, and the encoder of the installed package or of another folder.

        Raises:
          ConfigError: if one of them is missing or damaged.
        """
        return cls(Encoder(encoder), Head.load(folder / FILE))

    def compile_ahead(self) -> None:
        """Compile what reads clauses of unknown words, so that no instruction waits for that."""
        self._encoder.compile_ahead()
        self._head(["zorb"], self._encoder(["zorb"]))

    def __call__(self, instruction: str) -> Plan | Refusal:
        """Return the plan that one instruction asks for, or why it is refused."""
        return self.read([instruction])[0]

    def read(self, instructions: Sequence[str]) -> list[Plan | Refusal]:
        """Return the plan or the refusal of each instruction; clauses of all are encoded together."""
        split_up = [_split(text) for text in instructions]
        clauses = [clause for each in split_up if not isinstance(each, Refusal) for clause in each]
        found = self._readings(clauses)
        return [each if isinstance(each, Refusal) else _planned(each, found) for each in split_up]

    def _readings(self, clauses: Sequence[Clause]) -> dict[tuple[str, Kind | None], Reading]:
        """Return what clauses ask for, by their text and the kind of their amount (None without an amount).

        A clause is read by the vocabulary, or by the classifier if it has unknown words or the vocabulary does not
        suffice. Equal clauses are read once.
        """
        found: dict[tuple[str, Kind | None], Reading] = {}
        unsure: list[tuple[str, Kind | None]] = []
        for key in dict.fromkeys(map(_key, clauses)):
            sense = sense_of(*key, self._unknown)
            if sense is None:
                unsure.append(key)
            else:
                found[key] = Reading(sense.family, sense.speed, 1.0, sense.family != "unsupported")
        if unsure:
            texts = [text for text, _ in unsure]
            possible = [compatible(*key) for key in unsure]
            for key, reading in zip(unsure, self._head(texts, self._encoder(texts), possible), strict=True):
                found[key] = replace(reading, speed=speed_of(key[0]) or reading.speed)
        return found


def _key(clause: Clause) -> tuple[str, Kind | None]:
    return clause.text, clause.until and clause.until.kind


def _split(instruction: str) -> tuple[Clause, ...] | Refusal:
    if not instruction.strip():
        return Refusal(f"nothing was asked for; try {EXAMPLES}")
    try:
        reading = split(instruction)
    except ValueError as error:
        return Refusal(" ".join(str(error).split()))
    if reading.impossible:
        return Refusal(f"cannot be done: {'; '.join(map(repr, reading.impossible))}")
    return reading.clauses or Refusal(f"nothing was asked for; try {EXAMPLES}")


def _planned(clauses: tuple[Clause, ...], found: dict[tuple[str, Kind | None], Reading]) -> Plan | Refusal:
    try:
        return Plan(tuple(_segment(clause, found[_key(clause)]) for clause in clauses))
    except _NotUnderstood as error:
        return Refusal(str(error))
    except ValueError as error:  # an amount beyond its limit, or too many segments
        return Refusal(" ".join(str(error).split()))


class _NotUnderstood(Exception):
    """A clause asks for something that the robot has no skill for; the message says what."""


def _segment(clause: Clause, reading: Reading) -> Segment:
    said = clause.said.strip() or clause.text
    if not reading.is_known:
        raise _NotUnderstood(f"{said!r} was not understood as something that can be done; try {EXAMPLES}")
    side = side_of(clause.text)
    if side == "both":
        raise _NotUnderstood(f"{said!r} names left and right; say one of them")
    if reading.family in SIDED:
        alone, sided = SIDED[reading.family]
        skill = sided.format(side) if side else alone
        if skill is None:
            raise _NotUnderstood(f"{said!r} does not say to which side; add left or right")
    elif side and reading.family != "stand":
        raise _NotUnderstood(f"{said!r}: {reading.family} goes straight only; leave {side} out, or turn first")
    else:
        skill = reading.family
    if clause.until is not None and clause.until.kind not in measures_of(skill):
        raise _NotUnderstood(f"{said!r}: {reading.family} cannot be measured in {clause.until.kind}")
    speed = None if reading.family == "stand" else reading.speed
    return Segment(skill, speed, clause.until, round(reading.confidence, 3))


def side_of(text: str) -> str | None:
    """Return which side the words of a clause name: `left`, `right`, `both`, or None."""
    text = ASIDE.sub(" ", text.lower())
    left, right = LEFTWARD.search(text), RIGHTWARD.search(text)
    return "both" if left and right else "left" if left else "right" if right else None


def speed_of(text: str) -> Speed | None:
    """Return the speed that words of a clause say; None if they say none, or both slow and fast."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    slow, fast = bool(words & SLOW), bool(words & FAST)
    return None if slow == fast else "slow" if slow else "fast"
