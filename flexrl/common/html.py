"""Build self-contained HTML pages: pictures are embedded, no other file is loaded and no script runs."""

import io
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

from flexrl.common.tables import cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 66em; margin: 2em auto; padding: 0 1em; color: #222 }
h1 { margin-bottom: .3em; overflow-wrap: anywhere }
h2 { margin-top: 2em; border-bottom: 2px solid #e4e7eb; padding-bottom: .2em }
.lead { display: flex; flex-wrap: wrap; gap: 1.5em; align-items: flex-start; margin: 1em 0 }
.lead > * { flex: 1 1 22em; min-width: 0 }
.verdict { border-left: .5em solid #888; background: #f5f6f8; border-radius: 4px; padding: .8em 1.2em }
.verdict strong { font-size: 1.9em; line-height: 1.2 }
.learned { border-color: #2a9d4a } .rising { border-color: #2374c4 }
.flat { border-color: #d9920a } .diverged { border-color: #c22 }
.lead video, .lead img { width: 100%; border-radius: 4px }
summary { cursor: pointer; color: #456 }
td { overflow-wrap: anywhere }
table { border-collapse: collapse; margin: 1em 0 }
td, th { padding: .1em .7em; text-align: left; border-bottom: 1px solid #ddd; vertical-align: bottom }
th + th, th ~ td { text-align: right }
table.rows td + td { text-align: right }
table.matrix { font-size: 75% }
table.matrix td, table.matrix th { border: 1px solid #fff; padding: .1em .4em }
svg, img, video { max-width: 100%; height: auto }
.problem { color: #b00 }
"""


def document(title: str, sections: Mapping[str, str], problems: Iterable[str] = (), lead: str = "") -> str:
    """Return a whole HTML page.

    Args:
      title: title and first heading of the page.
      sections: HTML of each section, by its heading; empty sections are left out.
      problems: warnings in plain text, which are shown above the sections.
      lead: HTML between the title and the warnings.
    """
    warnings = "".join(f'<p class="problem">{escape(problem)}</p>' for problem in problems)
    body = "".join(f"<h2>{escape(heading)}</h2>\n{section}\n" for heading, section in sections.items() if section)
    name = escape(title)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{name}</title>\n<style>{STYLE}</style>\n'
        f"<h1>{name}</h1>\n{lead}{warnings}{body}</html>\n"
    )


def svg(figure: "Figure") -> str:
    """Return a figure as an SVG element. The same figure always gives the same text."""
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "flexrl"}):
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = file.getvalue()
    return text[text.index("<svg") :]


def table(rows: Iterable[Iterable[object]], header: Iterable[str] = ()) -> str:
    """Return an HTML table of rows of values, with a header if one is given. Values and header are escaped."""
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell(x))}</td>' for x in row)}</tr>\n" for row in rows)
    names = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in header)
    if not names:
        return f"<table>\n{lines}</table>\n"
    return f'<table class="rows">\n<tr>{names}</tr>\n{lines}</table>\n'
