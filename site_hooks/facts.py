"""MkDocs hook: what botocore's model says of an exception, in place of `<!-- facts -->` on its page.

A page is an exception's page when its front matter has `exception: <Name>`; `runbook: <name>` there names
the notebook that looks into it.
"""

from html import escape

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from runbooks import catalog

MARKER = "<!-- facts -->"


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with its panel of facts. PluginError: the page and the model, or the notebooks, disagree."""
    name = page.meta.get("exception")
    if name is None:
        return html
    where = page.file.src_uri
    if name not in catalog.exceptions():
        raise PluginError(f"{where}: botocore's CodeDeploy model has no exception {name!r}.")
    if page.file.name != name:
        raise PluginError(f"{where}: the page of {name} must be named {name}.md, its address is a promise.")
    if html.count(MARKER) != 1:
        raise PluginError(f"{where}: write {MARKER} once, where the facts of the model go.")
    return html.replace(MARKER, panel(name, _runbook(page, files)))


def panel(name: str, runbook: str = "") -> str:
    """The HTML of the facts of one exception; ``runbook`` is a link to its runbook, as HTML."""
    error = catalog.exceptions()[name]
    retried = "retries it" if catalog.is_retried(name) else "does not retry it"
    rows = {
        "Raised by": _operations(error.operations),
        "AWS says": error.says and f"<q>{escape(error.says)}</q> [V]",
        "Deprecated": error.deprecated and f"<q>{escape(error.deprecated)}</q> [V]",
        "Answer": f"HTTP {error.http_status} [{'V' if error.http_status_modelled else 'D'}]; botocore {retried} [V]",
        "Runbook": runbook,
    }
    cells = "\n".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in rows.items() if text)
    return f'<dl class="facts">\n{cells}\n</dl>'


def _operations(names: tuple[str, ...]) -> str:
    if not names:
        return "no operation: the model defines it and none declares it [V]"
    listed = ", ".join(f"<code>{name}</code>" for name in names)
    return f"{listed} only [V]" if len(names) == 1 else f"{listed} [V]"


def _runbook(page: Page, files: Files) -> str:
    name = page.meta.get("runbook")
    if name is None:
        return ""
    file = files.get_file_from_path(f"runbooks/{name}.ipynb")
    if file is None:
        raise PluginError(f"{page.file.src_uri}: there is no notebook notebooks/{name}.ipynb.")
    return f'<a href="{get_relative_url(file.url, page.url)}">{escape(name)}</a>, a notebook'
