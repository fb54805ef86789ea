"""MkDocs hook: the pages that lead to an error by what it belongs to, and from one error to the next of its kind.

`find/by-operation` lists what each call can raise, from botocore's model; `find/by-family` and `find/by-person` are made
from the errors' front matter.
"""

import json
from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import Any

from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from runbooks import catalog
from runbooks.decoder.index import Entry, index
from site_hooks.errors import WHO, link


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the three pages."""
    for name, text in (("operation", _by_operation()), ("family", _by_family()), ("person", _by_person())):
        page = File.generated(config, f"find/by-{name}.md", content=text)
        page.edit_uri = "../site_hooks/families.py"
        files.append(page)
    return files


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> Environment:
    """Let each page of a family, which the navigation does not hold, lead to the one before and the one after."""
    for _, family in groupby(_families(), lambda entry: entry.kind):
        found = (files.get_file_from_path(f"{entry.page.strip('/')}.md") for entry in family)
        pages: list[Any] = [file.page for file in found if file and file.page and not file.page.parent]
        for before, after in pairwise(pages):
            before.next_page, after.previous_page = after, before
    return env


def _families() -> list[Entry]:
    """All entries, family by family in the order of the grammar, each by title."""
    kinds = list(index().grammar["kinds"])
    return sorted(index().entries.values(), key=lambda entry: (kinds.index(entry.kind), entry.title.lower()))


def _by_operation() -> str:
    pages = index().entries
    always = ", ".join(_linked(entry) for entry in _families() if entry.any)
    parts = [
        _head(
            "Errors by operation",
            "What each operation of CodeDeploy's API can raise, from botocore's model of the service.",
        ),
        "Each operation with the errors that botocore's model declares for it. Besides these, any operation can answer with "
        f"{always}, with a [refusal](by-family.md#refusal) that every AWS service can give, or fail "
        "[before AWS answers](by-family.md#client).",
    ]
    for operation, errors in catalog.operations().items():
        declared = ", ".join(_linked(pages[name]) for name in errors) or "It declares no error."
        parts.append(f"## {operation} {{ #{operation} }}\n\n{declared}")
    return "\n\n".join(parts)


def _by_family() -> str:
    parts = [
        _head(
            "Errors by family",
            "Every error, code and symptom of this guide by its kind: exceptions, deployments, the agent's log, installation, SDKs.",
        ),
        "What a text can be, and the pages of that kind. If you have the text, [paste it](../index.md) instead.",
    ]
    for kind, family in groupby(_families(), lambda entry: entry.kind):
        said = str(index().grammar["kinds"][kind])
        parts.append(f"## {said[0].upper()}{said[1:]} {{ #{kind} }}\n\n{_list(family)}")
    return "\n\n".join(parts)


def _by_person() -> str:
    parts = [
        _head(
            "Errors by who can fix them",
            "Every error, code and symptom of this guide by who has to act: the caller, the developer, the administrator, the host's operator.",
        ),
        "Who usually has to change something. Each page begins with what to do.",
    ]
    for who, name in WHO.items():
        parts.append(
            f"## {name[0].upper()}{name[1:]} {{ #{who} }}\n\n{_list(entry for entry in _families() if entry.who == who)}"
        )
    return "\n\n".join(parts)


def _head(title: str, description: str) -> str:
    return f"---\ntitle: {title}\ndescription: {json.dumps(description)}\nsearch: {{boost: 0.1}}\n---\n\n# {title}"


def _list(entries: Iterable[Entry]) -> str:
    return "\n".join(f"- {_linked(entry)}" for entry in entries)


def _linked(entry: Entry) -> str:
    return f"[{entry.title}]({link(entry.page)})"
