"""What a pod tells whoever watches it: a termination message at its end, and lines of its log until then."""

import dataclasses
import json
import re
from dataclasses import dataclass
from typing import Any

from flexrl.config import decode_as
from flexrl.errors import ConfigError
from launch.states import Progress

MAX_BYTES = 4096  # that Kubernetes keeps of a container's termination message
LINE = re.compile(r"^trial \d+ [0-9a-f]+: step (\d+)(?:, return (\S+))?$", re.MULTILINE)


@dataclass(frozen=True)
class PodReport:
    """The end of a pod.

    Attributes:
      progress: as recorded in the trial's folder.
      steps: control steps done.
      mean_return: of the newest evaluation.
      result: the run's; none where it is not done, or does not fit.
    """

    progress: Progress
    steps: int = 0
    mean_return: float | None = None
    result: dict[str, Any] | None = None


def encode(report: PodReport) -> str:
    """The report as a termination message; without the result where that would be too long."""
    text = json.dumps(dataclasses.asdict(report), separators=(",", ":"))
    if len(text.encode()) <= MAX_BYTES:
        return text
    progress = dataclasses.replace(report.progress, reason=report.progress.reason[: MAX_BYTES // 8])
    return json.dumps(dataclasses.asdict(dataclasses.replace(report, progress=progress, result=None)))


def decode(message: str | None) -> PodReport | None:
    """The report in a termination message, if it is one; where a pod was killed it is something else."""
    try:
        content = json.loads(message or "")
        return decode_as(PodReport, content, "termination message") if isinstance(content, dict) else None
    except (ValueError, ConfigError):
        return None


def line(number: int, key: str, steps: int, mean_return: float | None) -> str:
    """How far a trial is, for the log."""
    return f"trial {number} {key}: step {steps}" + ("" if mean_return is None else f", return {mean_return!r}")


def last_line(log: str) -> tuple[int, float | None]:
    """Steps and return in the last such line of a log."""
    found = LINE.findall(log)
    if not found:
        return 0, None
    steps, mean_return = found[-1]
    return int(steps), float(mean_return) if mean_return else None
