"""Make one HTML page about a run, with all pictures and videos inside the file."""

import base64
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.common.html import document, svg, table
from flexrl.common.nested import flat
from flexrl.reporting.comparison import differing_fields
from flexrl.reporting.curves import draw_metrics, draw_returns, read_curve
from flexrl.reporting.terms import draw_terms, meanings
from flexrl.reporting.verdict import RULE, verdict
from flexrl.storage.lineage import lineage
from flexrl.storage.run_folder import CHANGES
from flexrl.storage.run_view import RunRecord

DIFFERS = ("field", "this run", "default")
MAX_CLIP_BYTES = 5_000_000
CLIPS = {
    ".mp4": '<video controls loop src="data:video/mp4;base64,{}"></video>',
    ".gif": '<img alt="" src="data:image/gif;base64,{}">',
}


def page(
    record: RunRecord, beside: list[RunRecord], records: list[RunRecord], chosen: Mapping[str, tuple[object, object]]
) -> str:
    """Return the whole page about a run as HTML.

    It begins with a judgement whether the run has learned, and with one of the run's videos if there are any.

    Args:
      record: the run that the page is about.
      beside: other runs whose learning curves are drawn with the run's, and whose configs are compared with it.
      records: runs among which to look for those that started from this run.
      chosen: fields that are not at their defaults, with value and default.
    """
    problems = list(record.problems)
    clips = _clips(record.folder / "videos")
    sections = {
        "Learning curves": _curves([record, *beside], problems),
        "Reward and velocity": _terms(record),
        "Skills": _skills(record.folder / "skills.json", problems),
        "Clips": "".join(clips[1:]),
        "What differs from the defaults": table(((name, *map(str, row)) for name, row in chosen.items()), DIFFERS)
        if chosen
        else "",
        "What differs between the runs": _compared([record, *beside]),
        "Summary": _summary(record),
        "Lineage": f"<pre>{escape(chr(10).join(lineage(record, records)))}</pre>",
        "What the terms mean": table(_meanings(record).items()),
        "Config": table(flat(record.config).items()),
    }
    return document(record.name, sections, problems, _lead(record, clips))


def _lead(record: RunRecord, clips: list[str]) -> str:
    """Return the HTML of the top of the page: whether the run has learned, how this is judged, and a video.

    `clips` holds the HTML of each video of the run, of which the first is shown.
    """
    found = verdict(record)
    best = record.final_return
    result = record.result or {}
    final = (
        f"<p>Final evaluation: {best:,.1f} ± {result.get('return_interval', 0):,.1f}.</p>" if best is not None else ""
    )
    box = (
        f'<div class="verdict {found.word.rpartition(" ")[2]}"><strong>{found.word.capitalize()}</strong>\n'
        f"<p>{escape(found.reason)}</p>{final}\n"
        f"<details><summary>How this is judged</summary><p>{escape(RULE)}</p></details></div>"
    )
    clip = f"<div>{clips[0]}</div>" if clips else ""
    return f'<div class="lead">{box}{clip}</div>\n'


def _terms(record: RunRecord) -> str:
    figure = draw_terms(record)
    return "" if figure is None else svg(figure)


def _compared(records: list[RunRecord]) -> str:
    """Return an HTML table of the fields in which the configs of runs differ; empty for fewer than two runs."""
    if len(records) < 2:
        return ""
    rows = ((name, *map(str, values)) for name, values in differing_fields(records).items())
    return table(rows, ("field", *(record.name for record in records)))


def _meanings(record: RunRecord) -> dict[str, str]:
    try:
        return meanings(record, record.metrics()[-1:])
    except ConfigError:
        return meanings(record, [])  # `_curves` says that the file is damaged


def _summary(record: RunRecord) -> str:
    summary = {name: value for name, value in record.summary().items() if name not in ("name", "problems")}
    result = flat(record.result or {})
    kept = ("stopped_early", "return_mean", "return_interval", "episode_length_mean", "evaluation.step", "device")
    kept += ("timing.seconds",)
    summary |= {name: result[name] for name in kept if result.get(name) is not None}
    recorded = flat(record.metadata)
    kept = ("started", "git.commit", "git.changed", "config_hash", "versions.jax", "versions.mujoco")
    summary |= {name: recorded[name] for name in kept if name in recorded}
    if isinstance(changes := recorded.get(CHANGES), list):
        before = (each for each in changes if isinstance(each, dict))
        texts = (f"{each.get('from')} until iteration {each.get('iteration')}" for each in before)
        summary["total_steps_before"] = ", ".join(texts)
    if isinstance(recorded.get("command"), list):
        summary["command"] = " ".join(map(str, recorded["command"]))
    return table((name.replace("_", " "), value) for name, value in summary.items())


def _curves(records: list[RunRecord], problems: list[str]) -> str:
    """Return drawings (SVG) of the evaluations and training metrics of runs; empty if none can be read.

    For each run that cannot be read, add a line to `problems`.
    """
    curves, metrics = [], {}
    for record in records:
        try:
            curves.append(read_curve(record))
            metrics[record.name] = record.metrics()
        except ConfigError as error:
            problems.append(str(error))
    return svg(draw_returns(curves)) + svg(draw_metrics(metrics)) if curves else ""


def _skills(path: Path, problems: list[str]) -> str:
    """Return HTML about what `flexrl.skills` measured and wrote to the file `path`; empty if there is no such file.

    If the file is damaged, add a line to `problems` and return an empty text.
    """
    if not path.exists():
        return ""
    try:
        report = json.loads(path.read_bytes())
        rows = [{"skill": name, **row} for name, row in report["skills"].items()]
        switching = {name: report[name] for name in ("switching", "switching_with_pushes")}
        text = f"<p>Iteration {report['step']}, {report['episodes']} episodes each.</p>"
        text += table((row.values() for row in rows), rows[0])
        text += table(flat(switching).items())
        if "transitions" in report:
            text += "<p>Success of the skill in the column after a switch from the one in the row:</p>"
            text += _matrix(report["transitions"])
        return text
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        problems.append(f"{path.name}: is damaged ({type(error).__name__}: {error})")
        return ""


def _matrix(rows: dict[str, dict[str, float]]) -> str:
    """Return an HTML table of the numbers `rows[row][column]`, coloured from red (0) to green (1)."""
    header = "".join(f"<th>{escape(name)}</th>" for name in rows)
    lines = (
        f"<tr><th>{escape(name)}</th>{''.join(_coloured(row.get(other)) for other in rows)}</tr>\n"
        for name, row in rows.items()
    )
    return f'<table class="matrix"><thead><tr><td></td>{header}</tr></thead>\n{"".join(lines)}</table>\n'


def _coloured(value: float | None) -> str:
    if value is None:
        return "<td></td>"
    return f'<td style="background: hsl({120 * value:.0f} 60% 75%)">{value:.2f}</td>'


def _clips(folder: Path) -> list[str]:
    """Return HTML for each video in a folder, `final.mp4` first: small ones are embedded, others only named."""
    files = [path for path in folder.glob("*") if path.suffix in CLIPS]
    return [_clip(path) for path in sorted(files, key=lambda path: (path.name != "final.mp4", path.name))]


def _clip(path: Path) -> str:
    size = path.stat().st_size
    caption = f"<p>{escape(path.name)}, {size / 1e6:.1f} MB{'' if size < MAX_CLIP_BYTES else ': left out'}</p>\n"
    if size >= MAX_CLIP_BYTES:
        return caption
    return CLIPS[path.suffix].format(base64.b64encode(path.read_bytes()).decode()) + caption
