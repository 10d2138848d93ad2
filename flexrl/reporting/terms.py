"""Draw what a task measures, such as parts of the reward and the forward velocity, and explain metrics by name."""

from typing import TYPE_CHECKING

from flexrl.common.types import JsonObject
from flexrl.storage.run_view import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PREFIX = "evaluation/"
SPEEDS = ("forward_velocity", "x_velocity", "velocity_error", "speed")
MEANINGS = {
    "return_mean": "sum of rewards in an episode, averaged over the episodes of an evaluation",
    "return_interval": "half the width of the 95 % interval of that mean",
    "episode_length_mean": "control steps until an episode ends, averaged over episodes",
    "terminated_fraction": "share of episodes that ended before their time limit, such as by a fall",
    "success_rate": "share of episodes that ended at their goal",
    "forward_velocity": "velocity of the torso along x in m/s, averaged over control steps",
    "x_velocity": "velocity of the torso along x in m/s, averaged over control steps",
    "velocity_error": "distance between the commanded and the measured velocity in m/s",
    "turn_error": "difference between the commanded and the measured yaw rate in rad/s",
    "ctrl_cost": "what the reward loses by squared actuator controls, per control step",
    "fallen": "share of control steps in which the body has fallen",
    "air_seconds": "seconds for which both feet were in the air",
    "overflowed": "control steps in which MJX-Warp's buffers had no room for all contacts; must be 0",
}
TRAINING = {
    "episode/return": "return of the episodes that ended in an iteration, with exploration",
    "episode/length": "control steps of these episodes",
    "policy/entropy": "randomness of the policy; it falls while the policy settles",
    "policy/kl": "how far an update moved the policy (KL divergence)",
    "policy/clip_fraction": "share of samples for which PPO's clipping cut the update",
    "value/loss": "mean squared error of the value network",
    "value/explained_variance": "share of the variance of returns that the value network explains; 1 is perfect",
    "update/learning_rate": "step size of the optimizer",
}


def reward_parts(record: RunRecord) -> list[str]:
    """Return the names of the parts of the reward that evaluations have, such as `reward_forward` and `ctrl_cost`."""
    names = dict.fromkeys(name.removeprefix(PREFIX) for row in record.evaluations for name in row)
    return [name for name in names if name.startswith("reward_") or name.endswith("_cost")]


def draw_terms(record: RunRecord) -> "Figure | None":
    """Draw the parts of the reward and the velocities that a run's evaluations measured, over control steps.

    Return None if they measured neither, or if there are fewer than two evaluations.
    """
    from matplotlib.figure import Figure

    parts = reward_parts(record)
    speeds = [name for name in SPEEDS if any(PREFIX + name in row for row in record.evaluations)]
    panels = [
        (names, label)
        for names, label in ((parts, "per control step"), (speeds, "m/s"))
        if names and len(record.evaluations) > 1
    ]
    if not panels:
        return None
    figure = Figure(figsize=(6 * len(panels), 3.4), layout="constrained")
    for axes, (names, label) in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels, strict=True):
        for i, name in enumerate(names):
            points = [(row["control_steps"], row.get(PREFIX + name)) for row in record.evaluations]
            known = [point for point in points if point[1] is not None]
            line = ("-", "--", ":")[i // 10 % 3]
            axes.plot(*zip(*known, strict=True), line, marker=".", label=name.removeprefix("reward_"))
        axes.set(xlabel="control steps", ylabel=label)
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize="medium")
    return figure


def meanings(record: RunRecord, rows: list[JsonObject]) -> dict[str, str]:
    """Return texts that say what metrics mean, by the names of the metrics.

    The metrics are those of the run's evaluations, and those in `rows` of its training. A metric without a
    known meaning is left out.
    """
    measured = {name for row in record.evaluations for name in row}
    trained = {name for row in rows for name in row}
    found = {name: text for name, text in MEANINGS.items() if PREFIX + name in measured}
    if any(name.startswith("reward_") for name in reward_parts(record)):
        found["reward_..."] = "a part of the reward, already times its weight, per control step; the parts add up"
    return found | {name: text for name, text in TRAINING.items() if name in trained}
