"""The report as HTML: a table for a notebook's cell, or one file of its own. No script, no address but the guide's.

Styles are inline, since JupyterLab strips style sheets from outputs that nobody trusted yet. Colour is
never alone: the verdict is written out. The border colours have a contrast of 3:1 or more on white, on
JupyterLab's dark and on Material's slate.
"""

from html import escape
from typing import TYPE_CHECKING

from runbooks.report.as_text import details, head, proof
from runbooks.text.mask import plain

if TYPE_CHECKING:
    from runbooks.findings import Finding, Verdict
    from runbooks.report import Report

_BORDER = {"OK": "#2e8b57", "SKIP": "#7d8590", "WARN": "#b8860b", "UNKNOWN": "#8a63d2", "FAIL": "#e5484d"}
_ICON = {"OK": "\u2714", "SKIP": "\u2013", "WARN": "\u26a0", "UNKNOWN": "?", "FAIL": "\u2716"}
_LEFT = "text-align:left;vertical-align:top"

_FILE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }}
pre {{ overflow-x: auto }}
table {{ border-collapse: collapse }}
td, th {{ padding: .5rem .75rem; overflow-wrap: anywhere }}
code, pre {{ background: color-mix(in srgb, currentColor 8%, transparent) }}
pre {{ padding: .5rem }}
.anchor-link, .prompt {{ display: none }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def render(report: "Report") -> str:
    """The report as one HTML file."""
    asked = plain(report.question.subject)
    title = f"CodeDeploy diagnosis of {asked}"
    return page(title, f"<h1>{escape(title)}</h1>\n{fragment(report)}")


def page(title: str, body: str) -> str:
    """One HTML file of its own, in the reader's own colours; ``body`` is HTML, ``title`` is text."""
    return _FILE.format(title=escape(title), body=body)


def fragment(report: "Report") -> str:
    """The report as a paragraph and a table, one row a check."""
    lines = [escape(line) for line in head(report)]
    rows = "\n".join(_row(*entry) for entry in report.entries)
    return f"""<p><strong>{lines[0]}</strong><br>
{"<br>".join(lines[1:])}</p>
<table>
<thead><tr><th scope="col" style="{_LEFT}">verdict</th><th scope="col" style="{_LEFT}">check and what it found</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>"""


def _row(name: str, good: str, verdict: "Verdict", found: list["Finding"]) -> str:
    said = "\n".join(_finding(finding, len(found) > 1) for finding in found)
    return f"""<tr>
<td style="{_LEFT};border-left:4px solid {_BORDER[verdict.name]};white-space:nowrap">{_word(verdict)}</td>
<td style="{_LEFT}"><strong>{escape(name)}</strong>: {escape(good)}
{said}
{_proof(found)}</td>
</tr>"""


def _finding(finding: "Finding", several: bool) -> str:
    mark = f"{_word(finding.verdict)}: " if several else ""
    lines = [mark + escape(plain(finding.says))]
    for name, value in details(finding):
        shown = (
            f"<code>{escape(value)}</code>"
            if name == "fix"
            else f'<a href="{escape(value)}">{escape(value)}</a>'
        )
        lines.append(f"{name}: {shown}")
    return f'<p style="margin:.3em 0">{"<br>".join(lines)}</p>'


def _proof(found: list["Finding"]) -> str:
    calls = "<br>".join(escape(call) for call in proof(found))
    return f"<details><summary>proof</summary><small>{calls}</small></details>" if calls else ""


def _word(verdict: "Verdict") -> str:
    return f'<span aria-hidden="true">{_ICON[verdict.name]}</span> {verdict.name}'
