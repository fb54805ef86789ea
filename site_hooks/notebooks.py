"""MkDocs hook: shows every notebook of notebooks/ as an ordinary page, at /runbooks/<name>/.

Its Markdown cells are the page, so links, search and the table of contents work. Its outputs hold text from AWS:
they never pass through the page's Markdown, and are put in as sanitised HTML.
"""

import json
import os
import re
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from site_hooks.outputs import as_html, text_of

Cell = dict[str, Any]

GUIDE = "http://127.0.0.1:8000/"  # where `make run` serves the guide; reports link to it
# Where `make run` serves the notebooks; on another port it sets the variable.
_LAB = f"{os.environ.get('RUNBOOKS_LAB') or 'http://127.0.0.1:8888'}/lab/tree/notebooks/"
_DOCS_LINK = re.compile(r"(\]\(|^\[[^\]]+\]:\s*)\.\./docs/", re.MULTILINE)  # from notebooks/ to a page


class Runbook(File):
    """A notebook that MkDocs treats as a page; `outputs` is the HTML that replaces its placeholders."""

    outputs: list[str]

    def is_documentation_page(self) -> bool:
        """Yes, though its name does not end in .md."""
        return True


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page and a download for each notebook. PluginError: a notebook is damaged, or was never run."""
    for path in sorted((Path(config.config_file_path).parent / "notebooks").glob("*.ipynb")):
        text, outputs = render(path, published=bool(config.site_url))
        page = Runbook.generated(config, f"runbooks/{path.name}", content=text)
        assert isinstance(page, Runbook)  # noqa: S101 - `generated` makes what it is called on
        page.outputs = outputs
        page.edit_uri = f"../notebooks/{path.name}"
        files.append(page)
        download = f"runbooks/{path.stem}/{path.name}"
        files.append(File.generated(config, download, abs_src_path=str(path)))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page of a notebook with its outputs in place."""
    for number, output in enumerate(getattr(page.file, "outputs", ())):
        output = _site_links(output, page, files).replace(GUIDE, config.site_url or GUIDE)
        html = html.replace(_placeholder(number), output)
    return html


def render(path: Path, published: bool = False) -> tuple[str, list[str]]:
    """The Markdown of a notebook's page, and the HTML of its outputs. PluginError: it is damaged, or was never run.

    A ``published`` page has no link to the reader's own machine.
    """
    try:
        return _render(path, _read(path), published)
    except (KeyError, TypeError, AttributeError) as error:
        raise PluginError(f"{path}: not a notebook of format 4: {type(error).__name__}: {error}") from None


def _render(path: Path, cells: list[Cell], published: bool) -> tuple[str, list[str]]:
    title, lede, rest = _opening(path, cells[0])
    described = json.dumps(escape(_plain(lede)))  # JSON is YAML; the theme does not escape it
    how = _how_to_run(path, published, text_of(cells[1]["source"]))
    parts = [f"---\ndescription: {described}\n---", title, lede, how, rest]
    outputs: list[str] = []
    for number, cell in enumerate(cells[1:], start=2):
        source = text_of(cell["source"])
        if cell["cell_type"] != "code":
            parts.append(_DOCS_LINK.sub(r"\1../", source))
        elif source.strip():
            _check_was_run(f"{path}: cell {number}", cell)
            parts.append(_code(cell, source.strip("\n")))
            for output in cell["outputs"]:
                parts.append(_placeholder(len(outputs)))
                outputs.append(as_html(output))
    return "\n\n".join(parts) + "\n", outputs


def _read(path: Path) -> list[Cell]:
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PluginError(f"{path}: not a notebook, its JSON is broken: {error}") from None
    if notebook["nbformat"] != 4 or not notebook["cells"]:
        raise PluginError(f"{path}: not a notebook of format 4 with cells in it.")
    cells: list[Cell] = notebook["cells"]
    return cells


def _opening(path: Path, cell: Cell) -> tuple[str, str, str]:
    """The title, the first paragraph and the rest of the first cell."""
    text = _DOCS_LINK.sub(r"\1../", text_of(cell["source"]))
    title, _, body = text.partition("\n")
    if cell["cell_type"] != "markdown" or not title.startswith("# ") or not body.strip():
        raise PluginError(
            f"{path}: the first cell must be Markdown: a title (# ...), then a paragraph that says what it does."
        )
    lede, _, rest = body.strip().partition("\n\n")
    return title, lede, rest


def _how_to_run(path: Path, published: bool, parameters: str) -> str:
    name, runbook = path.name, path.stem
    subject = "--instance NAME" if "instance = " in parameters else "--deployment DEPLOYMENT"
    lab = f"[Open in JupyterLab]({_LAB}{name}){{ .md-button }}\n"
    signed_in = """The first button works while `make run` is running on this machine. Sign in once, with the address that it prints.
"""
    return f"""{"" if published else lab}[Download {name}]({runbook}/{name}){{ .md-button download="{name}" }}

{"" if published else signed_in}To run it on your own account, in a clone of the project:

```sh
# a copy of it, in JupyterLab
.venv/bin/runbooks open {runbook} {subject} --region REGION
# without JupyterLab: leaves a notebook and a report
.venv/bin/runbooks run {runbook} {subject} --region REGION
```

Below is the notebook with the outputs of its last run against the sandbox."""


def _check_was_run(where: str, cell: Cell) -> None:
    if cell["execution_count"] is None:
        raise PluginError(f"{where} was never run, so the page would show no result for it.")
    failed = [output["ename"] for output in cell["outputs"] if output["output_type"] == "error"]
    if failed and "raises-exception" not in cell["metadata"].get("tags", ()):
        raise PluginError(
            f"{where} ended with {failed[0]}: fix it, or tag the cell raises-exception if it is meant to fail."
        )


def _code(cell: Cell, source: str) -> str:
    title = ' title="Parameters"' if "parameters" in cell["metadata"].get("tags", ()) else ""
    ticks = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", source))])
    return f"{ticks}python{title}\n{source}\n{ticks}"


def _placeholder(number: int) -> str:
    return f'<div class="output" data-output="{number}"></div>'


def _site_links(html: str, page: Page, files: Files) -> str:
    """``html`` with links to the guide that `make run` serves turned into links within this site."""
    pages = {address_of(file): file for file in files.documentation_pages()}

    def inner(match: re.Match[str]) -> str:
        address, fragment = match[1], match[2] or ""
        if address not in pages:
            raise PluginError(
                f"{page.file.src_uri}: an output links to /{address}, and the site has no such page."
            )
        return f'href="{get_relative_url(pages[address].url, page.url)}{fragment}"'

    html = re.sub(rf'href="{re.escape(GUIDE)}([^"#]*)(#[^"]*)?"', inner, html)
    return html.replace(
        f">{GUIDE}", ">/"
    )  # nor may the text of a link show an address of the reader's machine


def address_of(file: File) -> str:
    """The address of a page on the served site, whichever form of address this build uses."""
    folder, _, name = file.dest_uri.rpartition("/")
    stem = name.removesuffix(".html")
    if stem == "index":
        return f"{folder}/" if folder else ""
    return f"{folder}/{stem}/" if folder else f"{stem}/"


def _plain(markdown: str) -> str:
    """A paragraph of Markdown as plain text."""
    linked = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return " ".join(re.sub(r"[*`]", "", linked).split())
