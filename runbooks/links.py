"""Links to the guide: which page a name or an address means, and the context that its query carries.

`/e/<anything>` on the site and `runbooks open` read them alike; `docs/assets/javascripts/links.js` is the other reader.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl, unquote

from runbooks.checks import MODULES, RENAMED, all_checks, predictions
from runbooks.checks import page_of as page_of_check
from runbooks.decoder.index import index
from runbooks.text.links import CONTEXT


@dataclass(frozen=True)
class Link:
    """What a link says: its page from the site's root ("" where no page is meant), its name, and its context."""

    page: str
    name: str
    context: Mapping[str, str]


def read(link: str) -> Link:
    """Read an address of the guide, a path, or a bare name; a context value that cannot be meant is left out."""
    before, _, fragment = link.strip().partition("#")
    path, _, query = before.partition("?")
    path = unquote(re.sub(r"^https?://[^/]*", "", path))
    pairs = parse_qsl(query, keep_blank_values=True)
    context = {key: value for key, value in pairs if key in CONTEXT and re.fullmatch(CONTEXT[key], value)}
    # "deployment" is a runbook too
    bares = sorted((key for key, value in pairs if not value), key=CONTEXT.__contains__)
    bare = bares[0] if bares else ""
    given = list(filter(None, (unquote(fragment), bare, path)))
    known = [(name, page) for part in given for name in (part, _last(part)) if (page := page_of(name))]
    name, page = known[0] if known else (_last(unquote(fragment) or bare or path), "")
    return Link(page, name, context)


def page_of(name: str) -> str:
    """The page that a name means, in any case, with or without "Exception"; "" where there is none."""
    exact = names()
    if name in exact:
        return exact[name]
    bare = _bare(name)
    return _lower().get(bare) or _lower().get(f"{bare}exception", "") if bare else ""


@cache
def names() -> dict[str, str]:
    """Every name that a link can hold, and its page; an error comes before what is called the same."""
    found: dict[str, str] = {}
    for name, page in _all_names():
        found.setdefault(name, page)
    return found


def runbook_of(page: str) -> str:
    """The runbook that goes on from a page: its own, its check's, or triage."""
    path = page.partition("#")[0]
    folder, _, stem = path.strip("/").partition("/")
    if folder == "runbooks":
        return stem
    for module in MODULES:
        if path in (f"/checks/{module.__name__.rpartition('.')[2]}/", module.GUIDE):
            return str(module.RUNBOOK)
    entry = next((entry for entry in index().entries.values() if entry.page == path), None)
    return (entry.runbook if entry else "") or "triage"


def _all_names() -> Iterator[tuple[str, str]]:
    entries = index().entries.values()
    for entry in entries:
        yield entry.name, entry.page
        yield entry.page.strip("/").rpartition("/")[2], entry.page
    for entry in entries:
        yield from ((code, entry.page) for code in entry.codes)
    pages = {check.id: f"/checks/{check.category}/#{check.id}" for check in all_checks()}
    yield from pages.items()
    yield from ((check.id, page_of_check(check)) for check in predictions())
    yield from ((old, pages[new]) for old, new in RENAMED.items())
    runbooks = [module.RUNBOOK for module in MODULES] + [entry.runbook for entry in entries if entry.runbook]
    yield from ((name, f"/runbooks/{name}/") for name in ("triage", *runbooks))
    guides = [module.GUIDE for module in MODULES] + [entry.guide for entry in entries if entry.guide]
    for guide in guides:
        path = guide.partition("#")[0]
        yield path.strip("/").rpartition("/")[2], path


@cache
def _lower() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, page in names().items():
        found.setdefault(_bare(name), page)
    return found


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _last(path: str) -> str:
    """The last part of a path or of a qualified name, such as com.amazonaws.codedeploy#ThrottlingException."""
    path = re.sub(r"\.(?:html|md|ipynb)$", "", path.rstrip("/"))
    return re.split(r"[/#:.]", path)[-1].strip()
