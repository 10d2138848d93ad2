"""A humanoid that follows instructions in real time. Physics keeps the clock, in a thread of its own.

Whoever asks for something leaves a request, which is done before the next control step. Whoever looks takes the newest
`Snapshot`, and never makes the physics wait.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


from envs.success import MIN_STANDING_HEIGHT
from flexrl.execution.schedule import Schedule, schedule_of
from flexrl.execution.worlds import FALLEN_HEIGHT
from flexrl.language.plan import Plan, Segment, Until
from flexrl.serving.live_body import STANDING, LiveBody, Reading

Source = Literal["instruction", "drive", "recovery", "reset"]
DRIVE_SECONDS = 1.0  # s that a driven skill lasts unless it is asked for again; then the body stands
FALLEN_SECONDS = 3.0  # s that a fallen body lies before it is helped
MAX_LAG_SECONDS = 0.25  # s that physics tries to catch up with the clock; it drops more
SPEED_SECONDS = 2.0  # s over which the speed of the simulation is measured


@dataclass(frozen=True)
class Task:
    """The plan that the body follows.

    Attributes:
      number: counts the plans of the session.
      text: the instruction, or what led to the plan.
      source: who asked for it.
      plan: the plan.
      schedule: its arrays.
      asked_at: s, monotonic clock, when it was asked for.
    """

    number: int
    text: str
    source: Source
    plan: Plan
    schedule: Schedule
    asked_at: float


@dataclass(frozen=True)
class Snapshot:
    """The session after a control step.

    Attributes:
      number: control steps of the session.
      seconds: s simulated since the session began.
      body: which body.
      reading: what was read of the body.
      task: the plan that it follows.
      reaction_ms: ms from asking for the plan to the end of the first control step under it.
      fallen_seconds: s that the body has been lying although it was not asked to stand up; 0 if it stands.
      is_paused: whether the clock stands.
      speed: simulated seconds per second; None until it has been measured.
      notice: what happened by itself, in a line; empty if nothing did.
    """

    number: int
    seconds: float
    body: LiveBody
    reading: Reading
    task: Task
    reaction_ms: float | None
    fallen_seconds: float
    is_paused: bool
    speed: float | None
    notice: str


class Session:
    """The live body, its plan and its clock."""

    def __init__(self, body: LiveBody) -> None:
        """Let a body stand. `start` starts the clock."""
        self._body = body
        self._requests: deque[Callable[[], None]] = deque()
        self._numbers = 0
        self._lock = threading.Lock()  # guards `_numbers`, so that plans are numbered in their order
        self._number, self._seconds = 0, 0.0
        self._is_paused = False
        self._fallen, self._has_tried = 0.0, False
        self._notice = ""
        self._reaction: float | None = None
        self._walls: deque[float] = deque(maxlen=1 + round(SPEED_SECONDS / body.control_period))
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.failure: BaseException | None = None
        self._task = self._new_task("", "reset", STANDING)
        self._snapshot = self._taken(body.read())

    @property
    def snapshot(self) -> Snapshot:
        """The newest state."""
        return self._snapshot

    @property
    def body(self) -> LiveBody:
        """The present body."""
        return self._snapshot.body

    def follow(self, text: str, plan: Plan, asked_at: float | None = None) -> int:
        """Follow a plan from the next control step on. Return its number."""
        return self._give(self._new_task(text, "instruction", plan, asked_at))

    def drive(self, skill: str, asked_at: float | None = None) -> int:
        """Do a skill for `DRIVE_SECONDS`, or go on with it if it is driven already. Return the plan's number."""
        plan = Plan((Segment(skill, None, Until("seconds", DRIVE_SECONDS)),))
        return self._give(self._new_task(f"driven: {skill}", "drive", plan, asked_at))

    def push(self, forward: float, left: float) -> None:
        """Add a velocity (m/s) in the body's heading frame."""
        self._requests.append(lambda: self._pushed(forward, left))

    def pause(self, is_paused: bool) -> None:
        """Stop the clock, or let it run again."""

        def change() -> None:
            self._is_paused = is_paused
            self._walls.clear()

        self._requests.append(change)

    def reset(self, notice: str = "") -> None:
        """Put the body back onto its feet."""
        self._requests.append(lambda: self._put_back(notice))

    def replace(self, body: LiveBody) -> None:
        """Go on with another policy's body."""

        def change() -> None:
            self._body = body
            self._put_back(f"{body.name} was loaded")

        self._requests.append(change)

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Start the clock. `on_failure` is called if a control step raises; the error is kept in `failure`."""

        def run() -> None:
            try:
                self._keep_time()
            except BaseException as error:  # kept, for the main thread to raise
                self.failure = error
                on_failure()

        self._thread = threading.Thread(target=run, name="physics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the clock for good."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def advance(self) -> Snapshot:
        """Do what was asked for, and take a control step unless the clock stands. The clock's thread calls this."""
        task = self._task
        while self._requests:
            self._requests.popleft()()
        if self._is_paused:
            reading = self._snapshot.reading if self._task is task else self._body.read()
        else:
            task = self._task
            reading = self._body.step()
            self._number += 1
            self._seconds += self._body.control_period
            if self._reaction is None:
                self._reaction = 1000 * (time.monotonic() - task.asked_at)
            self._walls.append(time.monotonic())
            self._watch(reading)
            if self._task is not task:
                reading = self._body.read()
        self._snapshot = self._taken(reading)
        return self._snapshot

    def _keep_time(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            self.advance()
            due += self._body.control_period
            early = due - time.monotonic()
            if early > 0:
                self._stop.wait(early)
            elif early < -MAX_LAG_SECONDS:
                due = time.monotonic()

    def _new_task(self, text: str, source: Source, plan: Plan, asked_at: float | None = None) -> Task:
        with self._lock:
            self._numbers += 1
            schedule = schedule_of(plan, is_endless=True)
            at = time.monotonic() if asked_at is None else asked_at
            return Task(self._numbers, text, source, plan, schedule, at)

    def _give(self, task: Task) -> int:
        self._requests.append(lambda: self._begin(task))
        return task.number

    def _begin(self, task: Task) -> None:
        self._body.begin(task.schedule)
        self._task, self._reaction, self._notice = task, None, ""
        if task.source != "recovery":
            self._has_tried = False

    def _put_back(self, notice: str) -> None:
        self._body.reset()
        self._fallen, self._has_tried = 0.0, False
        self._task, self._reaction, self._notice = self._new_task("", "reset", STANDING), None, notice

    def _pushed(self, forward: float, left: float) -> None:
        w, x, y, z = self._snapshot.reading.qpos[3:7]
        heading = math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
        cos, sin = math.cos(heading), math.sin(heading)
        self._body.push(cos * forward - sin * left, sin * forward + cos * left)

    def _watch(self, reading: Reading) -> None:
        """Help a body that has been lying for long: let it stand up if it can, or else put it back."""
        if reading.diverged:
            self._put_back("the physics became non-finite, so the body was put back onto its feet")
            return
        is_rising = "stand-up" in (x.skill for x in self._task.plan.segments[reading.segment : reading.segment + 1])
        if reading.height >= MIN_STANDING_HEIGHT or is_rising:
            self._fallen = 0.0
        elif reading.height < FALLEN_HEIGHT or self._fallen > 0:
            self._fallen += self._body.control_period
        if self._fallen < FALLEN_SECONDS:
            return
        if "stand-up" in self._body.taught and not self._has_tried:
            self._has_tried, self._fallen = True, 0.0
            self._begin(self._new_task("stand up", "recovery", Plan((Segment("stand-up"),))))
            self._notice = "it fell, and tries to stand up"
        else:
            self._put_back("it fell, and was put back onto its feet")

    def _taken(self, reading: Reading) -> Snapshot:
        return Snapshot(
            number=self._number,
            seconds=self._seconds,
            body=self._body,
            reading=reading,
            task=self._task,
            reaction_ms=self._reaction,
            fallen_seconds=self._fallen,
            is_paused=self._is_paused,
            speed=self._speed(),
            notice=self._notice,
        )

    def _speed(self) -> float | None:
        if len(self._walls) < self._walls.maxlen // 4:
            return None
        simulated = (len(self._walls) - 1) * self._body.control_period
        return simulated / max(self._walls[-1] - self._walls[0], 1e-9)
