"""How a pod reports on its trials: by lines in its log while it runs, and by a termination message at its end."""

import dataclasses
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from flexrl.common.decoding import decode_as
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from launch.plan.states import Progress

MAX_BYTES = 4096  # Kubernetes cuts a container's termination message off after these
LINE = re.compile(r"^trial \d+ ([0-9a-f]+): step (\d+)(?:, return (\S+))?$", re.MULTILINE)
RESULT = re.compile(r"^result ([0-9a-f]+) (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True)
class PodReport:
    """How a trial in a pod ended.

    Attributes:
      key: the trial's key.
      progress: the progress that was recorded in the trial's folder.
      steps: control steps done.
      mean_return: mean return of the newest evaluation.
      result: the run's result; None if the run is not done, or the result does not fit into the message.
    """

    key: str
    progress: Progress
    steps: int = 0
    mean_return: float | None = None
    result: JsonObject | None = None


def encode(reports: Sequence[PodReport]) -> str:
    """Return the reports on a pod's trials as its termination message, which may have at most `MAX_BYTES`.

    If it would be longer, leave out the results, then also cut the texts that say why a trial stopped or failed.
    """
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
    """Return the report on a trial in a termination message; None if there is none, as when the pod was killed."""
    try:
        content = json.loads(message or "")
        found = [each for each in content if each["key"] == key] if isinstance(content, list) else []
        return decode_as(PodReport, found[0], "termination message") if found else None
    except (ValueError, TypeError, KeyError, ConfigError):
        return None


def line(number: int, key: str, steps: int, mean_return: float | None) -> str:
    """Return the log line that tells a trial's steps and newest mean return."""
    return f"trial {number} {key}: step {steps}" + ("" if mean_return is None else f", return {mean_return!r}")


def last_line(log: str, key: str) -> tuple[int, float | None]:
    """Return the control steps and the mean return that the last progress line about a trial in a pod's log tells.

    Return (0, None) if the log has no such line. The return is None if the line has none. `line` writes these lines.

    Args:
      log: text of the log.
      key: the trial's key.
    """
    found = [(steps, mean_return) for of, steps, mean_return in LINE.findall(log) if of == key]
    if not found:
        return 0, None
    steps, mean_return = found[-1]
    return int(steps), float(mean_return) if mean_return else None


def result_line(key: str, result: JsonObject) -> str:
    """Return the log line that holds a trial's result: a termination message has no room for many results."""
    return f"result {key} {json.dumps(result)}"


def results(log: str) -> dict[str, JsonObject]:
    """Return the results in the result lines of a log, by the trials' keys."""
    return {key: json.loads(text) for key, text in RESULT.findall(log)}
