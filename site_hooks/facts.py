"""MkDocs hook: replaces `<!-- facts -->` on an exception's page by what botocore's model says of it.

A page is an exception's page when its front matter has `exception: <Name>`; `runbook: <name>` there names the
notebook for it.
"""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from runbooks import catalog
from site_hooks.templating import render

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
        raise PluginError(f"{where}: the page of {name} must be named {name}.md: its address is a permalink.")
    if html.count(MARKER) != 1:
        raise PluginError(f"{where}: write {MARKER} once, where the facts of the model belong.")
    return html.replace(MARKER, panel(name, _runbook(page, files)))


def panel(name: str, runbook: dict[str, str] | None = None) -> str:
    """The HTML of the facts of one exception; ``runbook`` is its notebook's name and relative url."""
    error = catalog.exceptions()[name]
    return render("facts.html", error=error, retried=catalog.is_retried(name), runbook=runbook)


def _runbook(page: Page, files: Files) -> dict[str, str] | None:
    name = page.meta.get("runbook")
    if name is None:
        return None
    file = files.get_file_from_path(f"runbooks/{name}.ipynb")
    if file is None:
        raise PluginError(f"{page.file.src_uri}: there is no notebook notebooks/{name}.ipynb.")
    return {"name": name, "url": get_relative_url(file.url, page.url)}
