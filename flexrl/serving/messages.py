"""What clients send and get, as pydantic models: the schemas of the HTTP API."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from flexrl.serving.driving import FORWARD, LEFT, TURN
from flexrl.serving.limits import MAX_TEXT
from flexrl.serving.plan_progress import SegmentProgress, progress_of
from flexrl.serving.session import Snapshot, heading_of

MAX_PUSH = 2.0  # m/s


class Request(BaseModel):
    """The JSON body of a request, in which unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Instruction(Request):
    """What to do, in words."""

    text: Annotated[str, Field(description=f"an instruction of at most {MAX_TEXT} characters")]


class Velocity(Request):
    """A velocity to move with for a second; send it again to go on."""

    forward: Annotated[float, Field(ge=FORWARD[0], le=FORWARD[1], description="m/s")] = 0.0
    left: Annotated[float, Field(ge=LEFT[0], le=LEFT[1], description="m/s")] = 0.0
    turn: Annotated[float, Field(ge=TURN[0], le=TURN[1], description="rad/s, to the left")] = 0.0


class Push(Request):
    """A velocity that is added to the body's own at once. Forward and left are as the body sees them."""

    forward: Annotated[float, Field(ge=-MAX_PUSH, le=MAX_PUSH, description="m/s")] = 0.0
    left: Annotated[float, Field(ge=-MAX_PUSH, le=MAX_PUSH, description="m/s")] = 0.0


class Pause(Request):
    """Whether the simulation is to stand still (true) or to go on (false)."""

    paused: bool


class Choice(Request):
    """The name of the policy to go on with."""

    name: Annotated[str, Field(max_length=500)]


class Answer(BaseModel):
    """An instruction that was read: its plan, or why it is refused.

    Each of `segments` has a `skill`, a `speed`, an `until` such as `{"metres": 2.5}`, or null, and a `confidence`.
    A refused instruction has no segments, a `reason`, and null as `number`. States name the plan by the same `number`.
    """

    text: str
    accepted: bool
    segments: list[dict[str, Any]]
    reason: str | None
    number: int | None


class Started(BaseModel):
    """The number of the plan that begins with the next control step."""

    number: int


class Accepted(BaseModel):
    """The request is done before the next control step."""

    accepted: bool = True


class Names(BaseModel):
    """The policies that can be chosen, and the present one."""

    names: list[str]
    present: str


class Health(BaseModel):
    """The server works: its simulation goes on, or was paused."""

    status: str = "ok"


class Problem(BaseModel):
    """Why a request was not done, in one line."""

    detail: str


class Pose(BaseModel):
    """Where the torso is in the world: place and height in m, heading in rad (0 along x, positive to the left)."""

    x: float  # m
    y: float  # m
    height: float  # m
    heading: float  # rad, 0 along x, positive to the left


class Motion(BaseModel):
    """How the torso moves, seen from the body: forward and left in m/s, turn in rad/s, positive to the left."""

    forward: float  # m/s
    left: float  # m/s
    turn: float  # rad/s


class PlanState(BaseModel):
    """The plan that the body follows.

    Attributes:
      number: counts the plans since the start.
      text: the instruction, or the velocity in words; empty after a reset.
      source: what led to the plan: `instruction`, `drive` (a velocity to move with) or `reset` (the body stands).
      segments: the plan's skills in their order, and how much of each has been done.
      is_done: whether the plan has ended; then the body stands.
      reaction_ms: ms from the request to the end of the first control step under the plan; null before.
    """

    number: int
    text: str
    source: str
    segments: list[SegmentProgress]
    is_done: bool
    reaction_ms: float | None


class State(BaseModel):
    """The body and its plan after a control step.

    Attributes:
      policy: name of the policy.
      seconds: s simulated since the start.
      pose: where the torso is.
      motion: how it moves.
      plan: the plan that it follows.
      is_fallen: whether the body lies on the floor.
      is_paused: whether the simulation stands still.
      speed: simulated seconds per second of real time; null until it has been measured.
      notice: why the body was put back onto its feet, in a line; empty once a new plan began.
    """

    policy: str
    seconds: float
    pose: Pose
    motion: Motion
    plan: PlanState
    is_fallen: bool
    is_paused: bool
    speed: float | None
    notice: str


def state_of(snapshot: Snapshot) -> State:
    """Return a snapshot of the session in the form in which clients get it."""
    reading, task = snapshot.reading, snapshot.task
    x, y, height = (round(float(value), 4) for value in reading.qpos[:3])
    forward, left, turn = (round(float(value), 4) for value in reading.velocity)
    return State(
        policy=snapshot.body.name,
        seconds=round(snapshot.seconds, 4),
        pose=Pose(x=x, y=y, height=height, heading=round(heading_of(reading.qpos), 4)),
        motion=Motion(forward=forward, left=left, turn=turn),
        plan=PlanState(
            number=task.number,
            text=task.text,
            source=task.source,
            segments=progress_of(task.plan, task.schedule, reading),
            is_done=reading.segment >= len(task.plan.segments),
            reaction_ms=None if snapshot.reaction_ms is None else round(snapshot.reaction_ms, 2),
        ),
        is_fallen=snapshot.is_fallen,
        is_paused=snapshot.is_paused,
        speed=None if snapshot.speed is None else round(snapshot.speed, 4),
        notice=snapshot.notice,
    )
