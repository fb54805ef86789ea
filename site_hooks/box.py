"""MkDocs hook: the box that explains a pasted text, in place of `<!-- box -->` and as `box()` in templates.

What it loads on first use is made here: `errors.json`, published for machines too, and the same as a script, since a
page that is read from a disk may load scripts only.
"""

import json

from jinja2 import Environment
from markupsafe import Markup
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from runbooks.checks import all_checks
from runbooks.decoder.index import document
from runbooks.decoder.result import SHOWN, SOURCES, subject_of
from site_hooks.templating import render

MARKER = "<!-- box -->"
SCRIPT = "assets/javascripts/box.js"
DATA = "assets/javascripts/errors.js"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the data."""
    files.append(File.generated(config, "errors.json", content=document()))
    files.append(File.generated(config, DATA, content=f"var codedeployErrors = {_data()};\n"))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with the box in it."""
    if MARKER not in markdown:
        return markdown
    return markdown.replace(MARKER, _box(get_relative_url(SCRIPT, page.url), config))


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> Environment:
    """Let a template, such as the page for lost addresses, show the box; it gives the address of the script."""
    env.globals["box"] = lambda script: Markup(_box(script, config))  # noqa: S704 - the template escapes
    return env


def _box(script: str, config: MkDocsConfig) -> str:
    return render("box.html", script=script, suffix="/" if config.use_directory_urls else ".html")


def _data() -> str:
    """All that the box needs, as JSON: the entries, and the words around them."""
    data = {
        "document": json.loads(document()),
        "sources": SOURCES,
        "shown": SHOWN,
        "checks": {check.id: check.category for check in all_checks()},
        "subjects": {check.id: subject_of(check.id) for check in all_checks()},
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
