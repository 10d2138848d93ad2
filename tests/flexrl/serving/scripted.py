"""A body whose motion is scripted: it does at once what its schedule commands, or falls when it is told to."""

import dataclasses
import functools
import math

import mujoco
import numpy as np

from envs.robots.models import feeling_humanoid
from flexrl.serving.live_body import Reading

TAUGHT = ("stand", "walk-forward", "walk-backward", "strafe-left", "strafe-right", "turn-left", "turn-right", "run")
SIZE = 32  # segments of a schedule
compiled = functools.cache(lambda: feeling_humanoid().compile())


class ScriptedBody:
    """Moves along the command of the present segment, and measures seconds only."""

    def __init__(self, name="scripted", period=0.01):
        self.name, self.control_period, self.taught, self.velocities = name, period, TAUGHT, None
        self.model: mujoco.MjModel = compiled()
        self.recovers = False
        self.falls_at, self.steps, self.pushes = None, 0, []
        self.fails = False
        self.reset()

    def reset(self):
        self.qpos = np.array([0, 0, 1.28, 1, 0, 0, 0] + [0.0] * 17)
        self.schedule, self.segment, self.seconds = None, 0, 0.0
        self.velocity = np.zeros(3)

    def begin(self, schedule):
        self.schedule, self.segment, self.seconds = schedule, 0, 0.0

    def push(self, x, y):
        self.pushes.append((x, y))

    def step(self):
        if self.fails:
            raise FloatingPointError("the script fails")
        self.steps += 1
        if self.schedule is not None and self.segment < self.schedule.count:
            self.velocity = np.asarray(self.schedule.commands[self.segment], float)
            self.seconds += self.control_period
            if self.seconds >= self.schedule.amounts[self.segment] - 1e-9:
                self.segment, self.seconds = self.segment + 1, 0.0
        else:
            self.velocity = np.zeros(3)
        self.qpos[:2] += self.velocity[:2] * self.control_period
        if self.falls_at == self.steps:
            self.qpos[2] = 0.3
        return self.read()

    def read(self):
        done = np.array([float(i < self.segment) for i in range(SIZE)])
        return Reading(
            self.qpos.copy(), self.velocity, self.qpos[2], self.segment, self.seconds, done, np.zeros(SIZE, bool)
        )


def turned(reading, heading):
    """A reading with another heading (rad)."""
    qpos = reading.qpos.copy()
    qpos[3:7] = math.cos(heading / 2), 0, 0, math.sin(heading / 2)
    return dataclasses.replace(reading, qpos=qpos)
