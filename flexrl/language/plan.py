"""Plans: the ordered skills that an instruction asks for, and their JSON form.

A plan in JSON is `{"text": ..., "accepted": true, "segments": [...], "reason": null}`; a refused instruction has
`"accepted": false`, no segments and a reason. A segment is `{"skill": ..., "speed": ..., "until": ...,
"confidence": ...}`, where `until` is null or has one key, for example `{"metres": 2.5}`. The confidence may be left
out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

Speed = Literal["slow", "fast"]
Kind = Literal["seconds", "metres", "degrees", "steps"]

SKILLS = (
    "stand",
    "walk-forward",
    "walk-backward",
    "strafe-left",
    "strafe-right",
    "walk-forward-left",
    "walk-forward-right",
    "walk-backward-left",
    "walk-backward-right",
    "turn-left",
    "turn-right",
    "run",
    "jump",
    "stand-up",
)
SPEEDS: tuple[Speed, ...] = get_args(Speed)
LARGEST: dict[Kind, float] = {"seconds": 7200.0, "metres": 50_000.0, "degrees": 36_000.0, "steps": 10_000.0}
MAX_SEGMENTS = 32
MEASURES: dict[str, tuple[Kind, ...]] = {  # by the first word of a skill: by what it may end
    "stand": ("seconds",),
    "walk": ("seconds", "metres", "steps"),
    "strafe": ("seconds", "metres", "steps"),
    "turn": ("seconds", "degrees"),
    "run": ("seconds", "metres", "steps"),
    "jump": (),
    "stand-up": (),
}


@dataclass(frozen=True)
class Until:
    """When a segment ends: after so many seconds, metres, degrees or steps.

    Attributes:
      kind: What is measured.
      amount: How much of it; above zero, and at most `LARGEST[kind]`. Steps are whole numbers.

    Raises:
      ValueError: If the kind is unknown or the amount is outside its limits.
    """

    kind: Kind
    amount: float

    def __post_init__(self) -> None:
        """Raise ValueError if the kind is unknown or the amount is outside its limits."""
        if self.kind not in LARGEST:
            raise ValueError(f"until: unknown key {self.kind!r}; give one of {', '.join(LARGEST)}")
        if isinstance(self.amount, bool) or not isinstance(self.amount, int | float):
            raise ValueError(f"until.{self.kind}: {self.amount!r} is not a number")
        if not (math.isfinite(self.amount) and 0 < self.amount <= LARGEST[self.kind]):
            raise ValueError(f"until.{self.kind}: {self.amount} must be above 0 and at most {LARGEST[self.kind]:g}")
        if self.kind == "steps" and self.amount != int(self.amount):
            raise ValueError(f"until.steps: {self.amount} must be a whole number")


@dataclass(frozen=True)
class Segment:
    """One skill of a plan.

    Attributes:
      skill: One of `SKILLS`.
      speed: "slow", "fast", or None for the skill's usual speed.
      until: When the segment ends; None leaves that to whoever runs the plan.
      confidence: How sure the classifier is of the skill, from 0 to 1.

    Raises:
      ValueError: If a value is unknown or outside its limits.
    """

    skill: str
    speed: Speed | None = None
    until: Until | None = None
    confidence: float = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError if a value is unknown or outside its limits."""
        if self.skill not in SKILLS:
            raise ValueError(f"skill: unknown {self.skill!r}; give one of {', '.join(SKILLS)}")
        if self.speed is not None and self.speed not in SPEEDS:
            raise ValueError(f"speed: unknown {self.speed!r}; give null or one of {', '.join(SPEEDS)}")
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence: {self.confidence} must be between 0 and 1")
        measures = measures_of(self.skill)
        if self.until is not None and self.until.kind not in measures:
            raise ValueError(f"until: {self.skill} cannot end by {self.until.kind}; give {_any_of(measures)}")


@dataclass(frozen=True)
class Plan:
    """The segments that an instruction asks for, in the order in which they are to be done.

    Raises:
      ValueError: If there are no segments or more than `MAX_SEGMENTS`.
    """

    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        """Raise ValueError if there are no segments, or too many."""
        if not 1 <= len(self.segments) <= MAX_SEGMENTS:
            raise ValueError(f"segments: {len(self.segments)} of them; a plan has 1 to {MAX_SEGMENTS}")


@dataclass(frozen=True)
class Refusal:
    """Why an instruction cannot be carried out.

    Attributes:
      reason: The words that cannot be done, in short; not empty.

    Raises:
      ValueError: If the reason is empty.
    """

    reason: str

    def __post_init__(self) -> None:
        """Raise ValueError if the reason is empty."""
        if not self.reason.strip():
            raise ValueError("reason: is empty; say which words cannot be done")


def measures_of(skill: str) -> tuple[Kind, ...]:
    """Return the kinds of amount after which a skill may end, such as metres; none for one that ends by itself."""
    return MEASURES.get(skill, MEASURES[skill.split("-")[0]])


def _any_of(measures: tuple[Kind, ...]) -> str:
    return f"null or {' or '.join(measures)}" if measures else "null"


def to_json(text: str, answer: Plan | Refusal) -> dict[str, Any]:
    """Return an instruction and its plan or refusal as values that `json.dumps` writes."""
    if isinstance(answer, Refusal):
        return {"text": text, "accepted": False, "segments": [], "reason": answer.reason}
    return {"text": text, "accepted": True, "segments": [_segment_to_json(x) for x in answer.segments], "reason": None}


def from_json(content: object) -> tuple[str, Plan | Refusal]:
    """Return the instruction and the plan or refusal of one decoded JSON object.

    Raises:
      ValueError: If a key is missing or unknown, or a value is wrong; one line with the field, value and limit.
    """
    row = _keys("plan", content, ("text", "accepted", "segments", "reason"))
    text, accepted, segments, reason = row["text"], row["accepted"], row["segments"], row["reason"]
    if not isinstance(text, str):
        raise ValueError(f"text: {text!r} must be a string")
    if not isinstance(accepted, bool):
        raise ValueError(f"accepted: {accepted!r} must be true or false")
    if not isinstance(segments, list):
        raise ValueError(f"segments: {segments!r} must be a list")
    if not accepted:
        if segments:
            raise ValueError(f"segments: {len(segments)} of them; a refused instruction has none")
        if not isinstance(reason, str):
            raise ValueError(f"reason: {reason!r} must be a string where accepted is false")
        return text, Refusal(reason)
    if reason is not None:
        raise ValueError(f"reason: {reason!r} must be null where accepted is true")
    return text, Plan(tuple(_segment_from_json(i, x) for i, x in enumerate(segments)))


def _segment_to_json(segment: Segment) -> dict[str, Any]:
    until, measured = segment.until, None
    if until is not None:
        measured = {until.kind: int(until.amount) if until.amount == int(until.amount) else until.amount}
    confidence = round(segment.confidence, 3)
    return {"skill": segment.skill, "speed": segment.speed, "until": measured, "confidence": confidence}


def _segment_from_json(index: int, content: object) -> Segment:
    name = f"segments[{index}]"
    given = {"confidence": 1.0, **content} if isinstance(content, Mapping) else content
    row = _keys(name, given, ("skill", "speed", "until", "confidence"))
    try:
        return Segment(row["skill"], row["speed"], _until_from_json(row["until"]), row["confidence"])
    except ValueError as error:
        raise ValueError(f"{name}.{error}") from None


def _until_from_json(content: object) -> Until | None:
    if content is None:
        return None
    if not isinstance(content, Mapping) or len(content) != 1:
        raise ValueError(f"until: {content!r} must be null or have one key of {', '.join(LARGEST)}")
    ((kind, amount),) = content.items()
    return Until(cast(Kind, kind), amount)


def _keys(name: str, content: object, keys: tuple[str, ...]) -> Mapping[str, Any]:
    """Return a mapping that has exactly these keys, or raise ValueError with the name of the first that differs."""
    if not isinstance(content, Mapping):
        raise ValueError(f"{name}: {content!r} must be an object with {', '.join(keys)}")
    for key in content:
        if key not in keys:
            raise ValueError(f"{name}: unknown key {key!r}; the keys are {', '.join(keys)}")
    for key in keys:
        if key not in content:
            raise ValueError(f"{name}: the key {key!r} is missing; the keys are {', '.join(keys)}")
    return content
