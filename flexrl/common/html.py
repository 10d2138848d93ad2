"""Build self-contained HTML pages: pictures are embedded, no other file is loaded and no script runs."""

import io
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

from flexrl.common.tables import cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0 }
td, th { padding: .1em .7em; text-align: left; border-bottom: 1px solid #ddd; vertical-align: bottom }
th + th, th ~ td { text-align: right }
table.rows td + td { text-align: right }
table.matrix { font-size: 75% }
table.matrix td, table.matrix th { border: 1px solid #fff; padding: .1em .4em }
svg, img, video { max-width: 100%; height: auto }
.problem { color: #b00 }
"""


def document(title: str, sections: Mapping[str, str], problems: Iterable[str] = ()) -> str:
    """Return a whole HTML page.

    Args:
      title: title and first heading of the page.
      sections: HTML of each section, by its heading; empty sections are left out.
      problems: warnings in plain text, which are shown above the sections.
    """
    warnings = "".join(f'<p class="problem">{escape(problem)}</p>' for problem in problems)
    body = "".join(f"<h2>{escape(heading)}</h2>\n{section}\n" for heading, section in sections.items() if section)
    name = escape(title)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{name}</title>\n<style>{STYLE}</style>\n'
        f"<h1>{name}</h1>\n{warnings}{body}</html>\n"
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
