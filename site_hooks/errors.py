"""MkDocs hook: what the front matter of an error's page holds, for people, in place of `<!-- error -->`.

`<!-- errors: exceptions -->` (or deployment-errors, symptoms) becomes the table of those pages.
"""

import re
from pathlib import PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from runbooks.checks import all_checks
from runbooks.decoder.index import Entry, index
from runbooks.decoder.result import diagnose_command
from site_hooks.titles import title

MARKER = "<!-- error -->"
APART = "<!-- -->\n\n"  # without it, a list after the page's numbered steps would be read as more of them
NOW = "## Do this now { #now }"
NOT_THIS = "## Not this one? { #not-this }"
LIST = "<!-- errors: {} -->"
FOLDERS = ("exceptions", "deployment-errors", "symptoms")
WHO = {
    "caller": "the person who makes the call",
    "developer": "the developer of the application or the pipeline",
    "account": "the administrator of the account",
    "host": "the operator of the host",
    "aws": "AWS",
}
_LEAST, _CELL = 40, 90  # characters of a table's cell
RETRY = {"yes": "yes", "never": "no", "after-fix": "only after the fix"}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with what is known of its error. PluginError: errors.json does not know the page."""
    folder = page.file.src_uri.partition("/")[0]
    if folder not in FOLDERS:
        return markdown
    markdown = markdown.replace(LIST.format(folder), _table(folder))
    if MARKER not in markdown:
        return markdown
    entry = _entries().get(f"/{page.file.src_uri.removesuffix('.md')}/")
    if entry is None:
        raise PluginError(f"{page.file.src_uri}: errors.json does not have it; run `make errors`.")
    return markdown.replace(MARKER, "\n\n".join(_block(entry, markdown)))


def _entries() -> dict[str, Entry]:
    return {entry.page: entry for entry in index().entries.values()}


def _block(entry: Entry, markdown: str) -> list[str]:
    """The paragraphs of one error below its answer: steps, what helps on, what is easily taken for it.

    A section that the page writes itself is not made again.
    """
    parts = [] if NOW in markdown else _now(entry)
    parts.append(APART + "\n".join(f"- {line}" for line in _lines(entry)))
    if entry.like and NOT_THIS not in markdown:
        named = index().entries
        links = "\n".join(f"- [{named[other].title}]({link(named[other].page)})" for other in entry.like)
        parts.append(f"{NOT_THIS}\n\n{links}")
    return parts


def _now(entry: Entry) -> list[str]:
    cases = "\n".join(f"- {row.get('do') or row['also']}" for row in entry.when)
    parts = [NOW, f"What the text says beside it decides:\n\n{cases}"] if cases else [NOW]
    asked = command(entry)
    return [*parts, f"```bash\n{asked}\n```"] if asked else parts


def command(entry: Entry) -> str:
    """What to run for an error: the deployment's chain, the checks that tell more, or nothing ("")."""
    about_a_deployment = entry.kind in ("deployment", "lifecycle", "event", "target", "tool", "notice")
    lines = ["runbooks why DEPLOYMENT"] if about_a_deployment else []
    return "\n".join([*lines, *([diagnose_command(entry.checks)] if entry.checks else [])])


def _lines(entry: Entry) -> list[str]:
    lines = [f"Who can fix it: {WHO[entry.who]}"] if entry.who else []
    lines += [f"Worth a retry: {RETRY[entry.retry]}"] if entry.retry else []
    if entry.checks:
        category = {check.id: check.category for check in all_checks()}
        links = (f"[{id_}](../checks/{category[id_]}.md#{id_})" for id_ in entry.checks)
        lines.append(f"Checks: {', '.join(links)}")
    if entry.runbook:
        lines.append(f"Runbook: [{entry.runbook}](../runbooks/{entry.runbook}.ipynb)")
    if entry.guide:
        lines.append(f"More: [{title(entry.guide)}]({link(entry.guide)})")
    return lines


def link(address: str) -> str:
    """The address of a page as MkDocs wants a link from a page of an error."""
    path, _, anchor = address.strip("/").partition("/#")
    return f"../{path}.md{'#' * bool(anchor)}{anchor}"


def _table(folder: str) -> str:
    rows = [entry for page, entry in sorted(_entries().items()) if page.startswith(f"/{folder}/")]
    lines = [
        f"| [{entry.title}]({PurePosixPath(entry.page).name}.md) | {_short(entry.do)} |" for entry in rows
    ]
    return "\n".join(["| Error | What to do |", "|---|---|", *lines])


def _short(text: str) -> str:
    """What to do, for a table's cell: the first clause, without what stands in brackets, so that the index stays light."""
    first = re.sub(r" \([^()]*\)", "", text).partition(". ")[0].partition("; ")[0].rstrip(".")
    comma = first.rfind(", ", _LEAST, _CELL)
    if len(first) > _CELL and comma > 0:
        first = first[:comma]
    return first.replace("|", "\\|")


def on_config(config: MkDocsConfig, **_: Any) -> MkDocsConfig:
    """Read errors.json again when the site is rebuilt."""
    index.cache_clear()
    return config
