"""MkDocs hook: the rules of `runbooks appspec` on their pages, made from the rules themselves.

``<!-- rules -->`` becomes a section for each group and each rule, with a faulty example and what the linter says of it.
``<!-- members -->`` becomes the members of the JSON, from its schema.
"""

import json
import tempfile
import zipfile
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from runbooks.appspec.fault import SERVICE, Fault
from runbooks.appspec.linter import lint
from runbooks.appspec.rules import GROUPS, PAGES, RULES, Rule
from runbooks.text.markup import code, escape
from site_hooks.appspec_examples import BUNDLE, FILE

MARKER, MEMBERS = "<!-- rules -->", "<!-- members -->"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A page about AppSpec files, with what its markers stand for."""
    if MEMBERS in markdown:
        schema = json.loads((Path(config.docs_dir) / "schemas/appspec-1.json").read_text(encoding="utf-8"))
        return markdown.replace(MEMBERS, _members(schema))
    if MARKER in markdown:
        groups = PAGES[Path(page.file.src_uri).stem]
        return markdown.replace(MARKER, "\n\n".join(map(_group, groups)))
    return markdown


def _group(group: str) -> str:
    rules = [rule for rule in RULES.values() if rule.group == group]
    return "\n\n".join([f"## {GROUPS[group]} {{ #group-{group} }}", *map(_rule, rules)])


def _rule(rule: Rule) -> str:
    parts = [f"### {rule.id} {{ #{rule.id} }}", f"**{rule.title}** {rule.why}"]
    text, found = _example(rule.id)
    if text:
        # without colours, whose elements weigh more than the examples: the mark in the text shows the line
        parts.append(f"```text\n{text.strip(chr(10))}\n```")
    if found:
        parts.append("\n".join(_said(found)))
    return "\n\n".join(parts)


def _example(rule: str) -> tuple[str, Fault | None]:
    """The example of a rule, as text, and what the linter says of it; none where it takes a special bundle."""
    if rule in FILE:
        faults = lint("-", FILE[rule].encode()).faults
        return FILE[rule].removeprefix("\ufeff"), next(each for each in faults if each.code == rule)
    if rule not in BUNDLE:
        return "", None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in BUNDLE[rule].items():
                entry = zipfile.ZipInfo(name)
                entry.create_system, entry.external_attr = 3, 0o100644 << 16
                archive.writestr(entry, content)
        faults = lint(str(path)).faults
    return "", next(each for each in faults if each.code == rule)


def _said(found: Fault) -> list[str]:
    rows = [f"- **{found.verdict.name}**: {escape(found.says)}"]
    said = ""
    for agent, outcome in found.outcomes:
        name = (
            "By its documentation CodeDeploy refuses it at" if agent == SERVICE else f"Agent {agent} fails at"
        )
        same = bool(said) and outcome.message == said
        message = (
            ", with the same message" if same else f": {code(outcome.message)}" if outcome.message else ""
        )
        rows.append(f"- {name} `{outcome.event}`{message}")
        said = outcome.message
    if found.fix:
        rows.append(f"- Fix: {_marked(found.fix)}")
    return rows


def _marked(text: str) -> str:
    """A sentence whose words in backticks are code."""
    parts = text.split("`")
    return "".join(code(part) if number % 2 else escape(part) for number, part in enumerate(parts))


def _members(schema: dict[str, object]) -> str:
    rows = ["| Member | Meaning |", "|---|---|"]
    rows += [f"| `{name}` | {meaning} |" for name, meaning in _described("", schema)]
    return "\n".join(rows)


def _described(prefix: str, schema: object) -> list[tuple[str, str]]:
    """Each member of a schema that has a description, in its order."""
    rows: list[tuple[str, str]] = []
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    for name, member in properties.items():
        path = f"{prefix}{name}"
        rows.append((path, str(member.get("description", ""))))
        rows += _described(f"{path}[].", member.get("items", {}))
    return rows
