"""What a pod tells whoever watches it: a termination message at its end, and lines of its log until then."""

import dataclasses
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flexrl.common.decoding import decode_as
from flexrl.common.errors import ConfigError
from launch.plan.states import Progress

MAX_BYTES = 4096  # that Kubernetes keeps of a container's termination message
LINE = re.compile(r"^trial \d+ ([0-9a-f]+): step (\d+)(?:, return (\S+))?$", re.MULTILINE)
RESULT = re.compile(r"^result ([0-9a-f]+) (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True)
class PodReport:
    """The end of a trial in a pod.

    Attributes:
      key: of the trial.
      progress: as recorded in the trial's folder.
      steps: control steps done.
      mean_return: of the newest evaluation.
      result: the run's; none where it is not done, or does not fit.
    """

    key: str
    progress: Progress
    steps: int = 0
    mean_return: float | None = None
    result: dict[str, Any] | None = None


def encode(reports: Sequence[PodReport]) -> str:
    """Reports as a termination message; without results, or with short reasons, where that would be too long."""
    text = _text(reports)
    if len(text.encode()) > MAX_BYTES:
        text = _text([dataclasses.replace(report, result=None) for report in reports])
    length = MAX_BYTES // 8
    while len(text.encode()) > MAX_BYTES:
        text = _text([_short(report, length) for report in reports])
        length //= 2
    return text


def _text(reports: Sequence[PodReport]) -> str:
    return json.dumps([dataclasses.asdict(report) for report in reports], separators=(",", ":"))


def _short(report: PodReport, length: int) -> PodReport:
    progress = dataclasses.replace(report.progress, reason=report.progress.reason[:length])
    return dataclasses.replace(report, progress=progress, result=None)


def decode(message: str | None, key: str) -> PodReport | None:
    """The report on a trial in a termination message, if it is one; where a pod was killed it is something else."""
    try:
        content = json.loads(message or "")
        found = [each for each in content if each["key"] == key] if isinstance(content, list) else []
        return decode_as(PodReport, found[0], "termination message") if found else None
    except (ValueError, TypeError, KeyError, ConfigError):
        return None


def line(number: int, key: str, steps: int, mean_return: float | None) -> str:
    """How far a trial is, for the log."""
    return f"trial {number} {key}: step {steps}" + ("" if mean_return is None else f", return {mean_return!r}")


def last_line(log: str, key: str) -> tuple[int, float | None]:
    """Steps and return in the last such line of a log, about a trial."""
    found = [(steps, mean_return) for of, steps, mean_return in LINE.findall(log) if of == key]
    if not found:
        return 0, None
    steps, mean_return = found[-1]
    return int(steps), float(mean_return) if mean_return else None


def result_line(key: str, result: dict[str, Any]) -> str:
    """A trial's result, for the log: a termination message has no room for many."""
    return f"result {key} {json.dumps(result)}"


def results(log: str) -> dict[str, dict[str, Any]]:
    """Results in a log, by key."""
    return {key: json.loads(text) for key, text in RESULT.findall(log)}
