"""The report as HTML: for a notebook's cell, or one file of its own. No script, no address but the guide's.

Styles are inline, since JupyterLab strips style sheets from outputs that are not trusted yet. Colour is never alone:
the verdict is written out. White on these colours has a contrast of 4.5:1 or more.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from runbooks.report.contents import SANDBOX_NOTE, Contents, proof
from runbooks.report.picture import WIDTH, picture
from runbooks.text.links import is_local
from runbooks.text.template import environment
from runbooks.text.times import time

_COLOURS = {"OK": "#1a7f37", "SKIP": "#57606a", "WARN": "#9a6700", "UNKNOWN": "#8250df", "FAIL": "#cf222e"}

_COMMAND = re.compile(r"`([^`\n]+)`")  # within a sentence


def _with_commands(text: str) -> Markup:
    """A sentence as HTML, with the commands that stand in backticks as code."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - all of it is escaped before


_TEMPLATES = environment("runbooks.report")
_TEMPLATES.filters["commands"] = _with_commands


def render(report: Contents) -> str:
    """The report as one HTML file."""
    title = f"CodeDeploy diagnosis of {report.subject}"
    return page(title, f"<h1>{escape(title)}</h1>\n{_fragment(report, linked=not is_local())}")


def page(title: str, body: str) -> str:
    """One HTML file of its own, in the reader's own colours; ``body`` is HTML, ``title`` is text."""
    return _TEMPLATES.get_template("page.html.jinja").render(title=title, body=body) + "\n"


def fragment(report: Contents) -> str:
    """The report as a part of a page: the summary, each problem with its fix, and the rest folded."""
    return _fragment(report, linked=True)  # a notebook is open where the guide may be, on this machine


def _fragment(report: Contents, *, linked: bool) -> str:
    end = report.source.at
    start = end - timedelta(hours=report.question.hours)
    return _TEMPLATES.get_template("report.html.jinja").render(
        report=report,
        colours=_COLOURS,
        sandbox_note=SANDBOX_NOTE,
        linked=linked,
        proof=lambda entry: proof(entry.calls, report.source.place.region),
        marks=lambda times: _marks(times, start, end),
        span=f"{time(start, '%Y-%m-%d %H:%M')} to {time(end)}",
        width=WIDTH,
        picture=picture([finding for _, _, found in report.checks for finding in found], end),
    )


def _marks(times: Sequence[datetime], start: datetime, end: datetime) -> str:
    """The path of an SVG that has a mark for each time between start and end."""
    places = ((at - start) / (end - start) for at in times)
    return "".join(f"M{min(max(place, 0), 1) * WIDTH:.0f} 2v10" for place in places)
