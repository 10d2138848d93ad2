"""A humanoid that follows instructions in real time. Physics keeps the clock, in a thread of its own.

Other threads leave requests, which are done before the next control step, and read the newest `Snapshot`. So they never
make the physics wait.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from envs.success import MIN_STANDING_HEIGHT
from flexrl.execution.executor import FALLEN_HEIGHT
from flexrl.execution.schedule import Schedule, schedule_of
from flexrl.language.plan import Plan
from flexrl.serving.driving import drive_of
from flexrl.serving.live_body import STANDING, Body, Reading
from flexrl.serving.scene import Posing

Source = Literal["instruction", "drive", "reset"]
FALLEN_SECONDS = 1.0  # s that a fallen body lies before it is put back onto its feet
RISING_SECONDS = 10.0  # s after which one that has learnt to get up is put back, too
MAX_LAG_SECONDS = 0.25  # s that physics tries to catch up with the clock; it drops more
SPEED_SECONDS = 2.0  # s over which the speed of the simulation is measured


@dataclass(frozen=True)
class Task:
    """The plan that the body follows.

    Attributes:
      number: counts the plans of the session.
      text: the instruction, or what else led to the plan.
      source: what the plan comes from: `instruction`, `drive` (a velocity) or `reset`.
      plan: the plan.
      schedule: the plan as arrays.
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
      seconds: s simulated since the session began.
      at: s, monotonic clock, when the snapshot was taken.
      body: the body that was stepped.
      reading: how the body moves, and how far it is with its plan.
      poses: (nbody, 7) float32: the position (m) and the quaternion (w, x, y, z) of each body in the world.
      task: the plan that the body follows.
      reaction_ms: ms from asking for the plan to the end of the first control step under it; None before.
      is_fallen: whether the body lies on the floor.
      is_paused: whether the simulation stands still.
      speed: simulated seconds per second of real time; None until it has been measured.
      notice: why the body was put back onto its feet, in a line; empty once a new plan began.
    """

    seconds: float
    at: float
    body: Body
    reading: Reading
    poses: np.ndarray
    task: Task
    reaction_ms: float | None
    is_fallen: bool
    is_paused: bool
    speed: float | None
    notice: str


class Session:
    """One body that is simulated in real time, the plan that it follows, and the thread that steps it."""

    def __init__(self, body: Body) -> None:
        """Let a body stand. Nothing moves before `start` is called."""
        self._requests: deque[Callable[[], None]] = deque()
        self._numbers = 0
        self._lock = threading.Lock()  # guards `_numbers` and the order of requests, so that the newest plan wins
        self._seconds, self._fallen = 0.0, 0.0
        self._is_paused, self._changed = False, False
        self._notice = ""
        self._reaction: float | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.failure: BaseException | None = None
        self._take(body)
        self._task = self._task_of("", "reset", STANDING, schedule_of(STANDING, is_endless=True), time.monotonic())
        self._snapshot = self._taken(body.read())

    @property
    def snapshot(self) -> Snapshot:
        """The state after the newest control step."""
        return self._snapshot

    def follow(self, text: str, plan: Plan, asked_at: float | None = None) -> int:
        """Follow a plan from the next control step on, and return the number that the session gives to it.

        Args:
          text: the instruction that asked for the plan.
          plan: the plan.
          asked_at: s, monotonic clock, when it was asked for; None for now.
        """
        schedule = schedule_of(plan, self._snapshot.body.velocities, is_endless=True)
        return self._ask(text, "instruction", plan, schedule, asked_at)

    def drive(self, forward: float, left: float, turn: float, asked_at: float | None = None) -> int:
        """Move with a velocity (m/s, m/s, rad/s) for `driving.DRIVE_SECONDS`. Return the number of this new plan."""
        body = self._snapshot.body
        drive = drive_of(forward, left, turn, body.taught, body.velocities)
        return self._ask(drive.text, "drive", drive.plan, drive.schedule, asked_at)

    def push(self, forward: float, left: float) -> None:
        """Add a velocity (m/s, forward and left as the body sees them) to the body's own at once."""
        self._requests.append(lambda: self._pushed(forward, left))

    def pause(self, is_paused: bool) -> None:
        """Stop the simulation (True), or let it go on (False)."""

        def change() -> None:
            self._is_paused = is_paused
            self._walls.clear()

        self._requests.append(change)

    def reset(self) -> None:
        """Put the body back onto its feet."""
        self._requests.append(lambda: self._put_back("put back onto its feet"))

    def replace(self, body: Body) -> None:
        """Go on with another policy's body, which first stands still."""

        def change() -> None:
            self._take(body)
            self._put_back(f"{body.name} was loaded")

        self._requests.append(change)

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Start the thread that steps the body in real time.

        If a control step raises, the error is kept in `failure`, and `on_failure` is called.
        """

        def run() -> None:
            try:
                self._keep_time()
            except BaseException as error:  # kept, for the main thread to raise
                self.failure = error
                on_failure()

        self._thread = threading.Thread(target=run, name="physics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread that steps the body, for good."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def advance(self) -> Snapshot:
        """Do what other threads asked for, take a control step unless paused, and return the state after it.

        The physics thread calls this.
        """
        self._changed = False
        while self._requests:
            self._requests.popleft()()
        if not self._is_paused:
            reading = self._body.step()
            self._seconds += self._body.control_period
            now = time.monotonic()
            self._walls.append(now)
            if self._reaction is None:
                self._reaction = 1000 * (now - self._task.asked_at)
            self._changed = False
            self._watch(reading)
            self._snapshot = self._taken(self._body.read() if self._changed else reading)
        else:
            self._snapshot = self._taken(self._body.read() if self._changed else self._snapshot.reading)
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

    def _ask(self, text: str, source: Source, plan: Plan, schedule: Schedule, asked_at: float | None) -> int:
        at = time.monotonic() if asked_at is None else asked_at
        with self._lock:
            task = self._task_of(text, source, plan, schedule, at)
            self._requests.append(lambda: self._begin(task))
        return task.number

    def _task_of(self, text: str, source: Source, plan: Plan, schedule: Schedule, asked_at: float) -> Task:
        self._numbers += 1
        return Task(self._numbers, text, source, plan, schedule, asked_at)

    def _take(self, body: Body) -> None:
        self._body, self._posing = body, Posing(body.model)
        self._walls: deque[float] = deque(maxlen=1 + round(SPEED_SECONDS / body.control_period))

    def _begin(self, task: Task) -> None:
        self._body.begin(task.schedule)
        self._task, self._reaction, self._notice, self._changed = task, None, "", True

    def _put_back(self, notice: str) -> None:
        self._body.reset()
        self._fallen = 0.0
        with self._lock:
            schedule = schedule_of(STANDING, is_endless=True)
            self._task = self._task_of("", "reset", STANDING, schedule, time.monotonic())
        self._reaction, self._notice, self._changed = None, notice, True

    def _pushed(self, forward: float, left: float) -> None:
        heading = heading_of(self._snapshot.reading.qpos)
        cos, sin = math.cos(heading), math.sin(heading)
        self._body.push(cos * forward - sin * left, sin * forward + cos * left)
        self._changed = True

    def _watch(self, reading: Reading) -> None:
        """Put the body back onto its feet if it has fallen for too long, or if its physics is no longer finite.

        Too long is `FALLEN_SECONDS`, or `RISING_SECONDS` for a body that gets up by itself.

        Args:
          reading: how the body moves after a control step.
        """
        if not np.isfinite(reading.qpos).all():
            self._put_back("the physics became non-finite: put back onto its feet")
        elif reading.height >= MIN_STANDING_HEIGHT:
            self._fallen = 0.0
        elif reading.height < FALLEN_HEIGHT or self._fallen > 0:
            self._fallen += self._body.control_period
            if self._fallen > (RISING_SECONDS if self._body.recovers else FALLEN_SECONDS):
                self._put_back("it fell: put back onto its feet")

    def _taken(self, reading: Reading) -> Snapshot:
        return Snapshot(
            seconds=self._seconds,
            at=time.monotonic(),
            body=self._body,
            reading=reading,
            poses=self._posing(reading.qpos),
            task=self._task,
            reaction_ms=self._reaction,
            is_fallen=self._fallen > 0,
            is_paused=self._is_paused,
            speed=self._speed(),
            notice=self._notice,
        )

    def _speed(self) -> float | None:
        if len(self._walls) < (self._walls.maxlen or 0) // 4:
            return None
        simulated = (len(self._walls) - 1) * self._body.control_period
        return simulated / max(self._walls[-1] - self._walls[0], 1e-9)


def heading_of(qpos: np.ndarray) -> float:
    """Return the heading (rad, 0 along x, positive to the left) of a body with a free root joint."""
    w, x, y, z = map(float, qpos[3:7])
    return math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
