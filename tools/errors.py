"""Makes `runbooks/decoder/errors.json` of the pages: one file per error, whose front matter is its source.

``python -m tools.errors`` writes it (`make errors`); ``--check`` says whether it is up to date; ``--new NAME`` makes
the file of an error that has none. The page's text is for people, its front matter for the decoder, the browser and
the indexes: see docs/develop/error-pages.md.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from runbooks import catalog
from tools import patterns

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "runbooks" / "decoder" / "errors.json"
GRAMMAR = ROOT / "runbooks" / "decoder" / "grammar.yml"
FOLDERS = ("exceptions", "deployment-errors", "symptoms")
SCHEMA = 1
_LOG = ("severity", "sticks")
_PASSED_ON = ("checks", "like", "codes")
_WORDS = ("title", "says", "do", "tag", "retry", "who", "guide", "runbook", "needs")


def main() -> int:
    """Write, check or begin; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether errors.json is up to date")
    parser.add_argument("--new", metavar="NAME", help="make the file of this exception or code")
    asked = parser.parse_args()
    if asked.new:
        print(begin(asked.new))
        return 0
    try:
        made = render()
    except ValueError as wrong:
        print(wrong)
        return 1
    if asked.check:
        fresh = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == made
        print("errors.json is up to date" if fresh else "errors.json is out of date: run `make errors`")
        return 0 if fresh else 1
    TARGET.write_text(made, encoding="utf-8")
    return 0


def render() -> str:
    """The text of errors.json. ValueError: a page's front matter is wrong, or an error has no page."""
    grammar = yaml.safe_load(GRAMMAR.read_text(encoding="utf-8"))
    entries = [entry(path) for path in pages()]
    _resolve(entries)
    if missing := missing_pages({row["name"] for row in entries}):
        commands = "\n".join(f"  python -m tools.errors --new {name}" for name in missing)
        raise ValueError(
            f"botocore's model has errors without a page; make each, and fill it in:\n{commands}"
        )
    grammar.pop("shared")
    grammar["operations"] = sorted(catalog.operations())
    rows = ",\n".join(_json(row) for row in entries)
    return f'{{"schema": {SCHEMA},\n"grammar": {_json(grammar)},\n"entries": [\n{rows}\n]}}\n'


def _resolve(entries: list[dict[str, Any]]) -> None:
    """Replace the file names in each ``like`` by the names of their entries. ValueError: there is no such file."""
    names = {row["page"].strip("/").rpartition("/")[2]: row["name"] for row in entries}
    for row in entries:
        if unknown := set(row.get("like", ())) - set(names):
            raise ValueError(f"{row['page']}: no page is called {', '.join(sorted(unknown))}")
        if "like" in row:
            row["like"] = [names[stem] for stem in row["like"]]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pages() -> list[Path]:
    """Every file of an error, in the order of errors.json."""
    return [
        path
        for folder in FOLDERS
        for path in sorted((ROOT / "docs" / folder).glob("*.md"))
        if path.stem != "index"
    ]


def missing_pages(names: set[str]) -> list[str]:
    """The exceptions and codes of botocore's model that are not among ``names``."""
    declared = [
        *catalog.exceptions(),
        *catalog.deployment_error_codes(),
        *catalog.lifecycle_error_codes(),
    ]
    return [name for name in declared if name not in names]


def front_matter(path: Path) -> dict[str, Any]:
    """The front matter of a page. ValueError: it has none, or it is not YAML."""
    parts = path.read_text(encoding="utf-8").split("---\n", 2)
    if len(parts) != 3 or parts[0]:
        raise ValueError(f"{path.name} has no front matter")
    try:
        meta: dict[str, Any] = yaml.safe_load(parts[1])
    except yaml.MarkedYAMLError as wrong:
        at = f", line {wrong.problem_mark.line + 2}" if wrong.problem_mark else ""
        hint = "a text with an apostrophe or a colon needs quotes round it"
        raise ValueError(f"{path.name}{at}: {wrong.problem} ({hint})") from wrong
    return meta


def entry(path: Path) -> dict[str, Any]:
    """What errors.json says of one page: its front matter, with the model's facts and with patterns made portable."""
    meta = front_matter(path)
    name, kind = meta.get("name", path.stem), meta.get("kind") or _kind(path)
    made: dict[str, Any] = {"name": name, "kind": kind, "page": f"/{path.parent.name}/{path.stem}/"}
    made |= {key: meta[key] for key in _WORDS if meta.get(key)}
    made |= {key: meta[key] for key in _PASSED_ON if meta.get(key)}
    if kind == "exception":
        made |= _modelled(path.stem)
    made.setdefault("codes", [name] if kind in ("exception", "deployment", "lifecycle") else [])
    if meta.get("general"):
        made["general"] = meta["general"]
    made |= {key: True for key in ("shared", "any") if meta.get(key)}
    if kind == "log":  # a poll that was answered later takes it back, unless it sticks
        log = meta.get("log", {})
        made["log"] = {"severity": "bad"} | {key: log[key] for key in _LOG if key in log}
    try:
        made["match"] = [*_items(meta.get("match", ())), *_log_items(meta.get("log"))]
        made["when"] = [_refinement(row) for row in _when(meta.get("when", ()))]
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
    return {key: value for key, value in made.items() if value not in ([], "")}


def _kind(path: Path) -> str:
    if path.parent.name == "exceptions":
        return "exception"
    return "lifecycle" if path.stem in catalog.lifecycle_error_codes() else "deployment"


def _modelled(name: str) -> dict[str, Any]:
    error = catalog.exceptions()[name]
    return {
        "says": error.says,
        "tag": "V",
        "operations": list(error.operations),
        "http_status": error.http_status,
        "retried": catalog.is_retried(name),
        "deprecated": error.deprecated,
    }


def _items(rows: Any) -> Iterator[dict[str, Any]]:
    """Each pattern with the words of which the text must hold one for it to be tried."""
    for row in rows:
        item = {"text": row} if isinstance(row, str) else dict(row)
        for alternative in patterns.alternatives(item.pop("text")):
            yield {"re": patterns.portable(alternative), "words": patterns.words(alternative), **item}


def _log_items(log: Any) -> Iterator[dict[str, Any]]:
    if log and "pattern" in log:
        yield from _items([{"text": log["pattern"], "needs": "agent"}])


def _when(rows: Any) -> Iterator[dict[str, Any]]:
    """The refinements of an answer; ``use`` takes those of a list that several pages share."""
    shared = yaml.safe_load(GRAMMAR.read_text(encoding="utf-8")).get("shared", {})
    for row in rows:
        if "use" in row:
            yield from shared[row["use"]]
        else:
            yield row


def _refinement(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "text": patterns.portable(row["text"])}


def begin(name: str) -> Path:
    """Make the file of an exception or a code of the model; its words are still to be written. Returns it."""
    folder = "exceptions" if name in catalog.exceptions() else "deployment-errors"
    if name not in missing_pages(set()):
        raise SystemExit(f"botocore's model has no error {name!r}")
    path = ROOT / "docs" / folder / f"{name}.md"
    if path.exists():
        raise SystemExit(f"{path} is there already")
    path.write_text(
        f"---\ntitle: {name}\ndescription: \ndo: \n---\n\n# {name}\n\n## Causes\n\n## Fix\n", encoding="utf-8"
    )
    return path


if __name__ == "__main__":
    sys.exit(main())
