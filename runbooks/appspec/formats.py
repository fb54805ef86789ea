"""The judgements as text, JSON, SARIF and GitHub annotations. All that comes from a file is made plain first."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from typing import Any

from runbooks.appspec.fault import ONE, SERVICE, TWO, Fault
from runbooks.appspec.linter import Judgement
from runbooks.appspec.rules import RULES
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Verdict
from runbooks.text.links import page_url
from runbooks.text.mask import all_plain, plain

SCHEMA = 1
PLATFORMS = {
    "server": "AppSpec for servers",
    "ecs": "AppSpec for Amazon ECS",
    "lambda": "AppSpec for AWS Lambda",
    "resources": "AppSpec for ECS or Lambda",
    "": "not read",
}


def exit_code(judgements: Iterable[Judgement], *, strict: bool) -> int:
    """Bits: 1 when something FAILs (with ``strict``, also a WARN), 2 when something could not be checked."""
    verdicts = {each.verdict for judgement in judgements for each in judgement.faults}
    return (FAIL in verdicts or (strict and WARN in verdicts)) | (UNKNOWN in verdicts) << 1


def worst(judgements: Iterable[Judgement]) -> Verdict:
    """The worst verdict of all."""
    return max((judgement.verdict for judgement in judgements), default=OK)


def as_text(judgements: Sequence[Judgement], *, strict: bool = False) -> str:
    """For a terminal: a line for each file, and a block for each finding."""
    blocks = []
    for judgement in judgements:
        blocks.append(
            "\n".join([_head(judgement), *(f"      {plain(each)}" for each in judgement.unchecked)])
        )
        blocks += [_block(each) for each in judgement.faults]
    return "\n\n".join(blocks) + "\n"


def _head(judgement: Judgement) -> str:
    counts = Counter(each.verdict for each in judgement.faults)
    found = ", ".join(
        f"{counts[verdict]} {verdict.name}" for verdict in (FAIL, UNKNOWN, WARN) if verdict in counts
    )
    agents = ""
    if judgement.platform == "server" or judgement.stops:
        agents = "; " + "; ".join(_stops(judgement, agent) for agent in (ONE, TWO))
    kind = PLATFORMS[judgement.platform] + (f" in a {judgement.bundle}" if judgement.bundle else "")
    return f"{judgement.verdict.name}: {plain(judgement.file)} ({kind}): {found or 'no finding'}{agents}."


def _stops(judgement: Judgement, agent: str) -> str:
    first = judgement.first(agent)
    outcome = first.outcome(agent) if first else None
    return f"agent {agent} fails at {outcome.event}" if outcome else f"agent {agent} accepts it"


def _block(each: Fault) -> str:
    head = f"{each.verdict.name:<8}{plain(each.file)}:{each.mark.line}:{each.mark.column} {each.code}"
    rows = [("", each.says), *_agents(each)]
    rows += [("if", each.depends), ("fix", each.fix), ("page", page_url(each.next))]
    return "\n".join(
        [
            head,
            *(
                f"        {name:<6} {plain(text)}" if name else f"        {plain(text)}"
                for name, text in rows
                if text
            ),
        ]
    )


def _agents(each: Fault) -> list[tuple[str, str]]:
    rows = []
    said = ""
    for agent, outcome in each.outcomes:
        name = {SERVICE: "AWS"}.get(agent, agent)
        if not outcome.message:
            text = f"fails at {outcome.event}"
        else:
            text = f"fails at {outcome.event}" + (
                ", the same" if outcome.message == said else f": {outcome.message}"
            )
        said = outcome.message
        rows.append((name, text))
    return rows


def as_json(judgements: Sequence[Judgement], *, strict: bool = False) -> str:
    """For a program; the members are those of docs/schemas/appspec-1.json."""
    document = {
        "schema": SCHEMA,
        "verdict": worst(judgements).name,
        "exit_code": exit_code(judgements, strict=strict),
        "files": [_file(judgement) for judgement in judgements],
    }
    return json.dumps(all_plain(document), indent=2, ensure_ascii=False) + "\n"


def _file(judgement: Judgement) -> dict[str, Any]:
    agents = (
        {agent: _stop(judgement, agent) for agent in (ONE, TWO)}
        if judgement.platform in ("server", "")
        else {}
    )
    return {
        "file": judgement.file,
        "platform": judgement.platform,
        "bundle": judgement.bundle,
        "verdict": judgement.verdict.name,
        "agents": agents,
        "unchecked": list(judgement.unchecked),
        "findings": [_finding(each) for each in judgement.faults],
    }


def _stop(judgement: Judgement, agent: str) -> dict[str, Any]:
    first = judgement.first(agent)
    outcome = first.outcome(agent) if first else None
    if first is None or outcome is None:
        return {"fails": False, "event": "", "message": "", "line": 0, "code": ""}
    return {
        "fails": True,
        "event": outcome.event,
        "message": outcome.message,
        "line": first.mark.line,
        "code": first.code,
    }


def _finding(each: Fault) -> dict[str, Any]:
    return {
        "verdict": each.verdict.name,
        "code": each.code,
        "says": each.says,
        "file": each.file,
        "line": each.mark.line,
        "column": each.mark.column,
        "about": each.about,
        "fails": {
            agent: {"event": outcome.event, "message": outcome.message} for agent, outcome in each.outcomes
        },
        "silent": not each.outcomes,
        "depends": each.depends,
        "fix": each.fix,
        "next": each.next,
    }


_LEVELS = {FAIL: "error", WARN: "warning", UNKNOWN: "warning"}


def as_sarif(judgements: Sequence[Judgement], *, strict: bool = False) -> str:
    """SARIF 2.1.0, which code scanning reads."""
    ids = list(RULES)
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.why},
            "helpUri": page_url(rule.page),
        }
        for rule in RULES.values()
    ]
    results = [
        {
            "ruleId": each.code,
            "ruleIndex": ids.index(each.code),
            "level": _LEVELS[each.verdict],
            "message": {"text": _sentence(each)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(each.file)},
                        "region": {"startLine": each.mark.line, "startColumn": each.mark.column},
                    }
                }
            ],
        }
        for judgement in judgements
        for each in judgement.faults
    ]
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "runbooks appspec",
                        "version": version("codedeploy-field-guide"),
                        "rules": rules,
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return json.dumps(all_plain(document), indent=2, ensure_ascii=False) + "\n"


def _sentence(each: Fault) -> str:
    agents = " ".join(
        f"[{agent}, {outcome.event}] {outcome.message}" for agent, outcome in each.outcomes if outcome.message
    )
    return " ".join(filter(None, [each.says, agents, f"Fix: {each.fix}" if each.fix else ""]))


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path.replace("\\", "/"))


def as_github(judgements: Sequence[Judgement], *, strict: bool = False) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    commands = {FAIL: "error", WARN: "warning", UNKNOWN: "warning"}
    lines = [
        f"::{commands[each.verdict]} file={_property(each.file)},line={each.mark.line},col={each.mark.column},title={_property(each.code)}::{_data(_sentence(each))}"
        for judgement in judgements
        for each in judgement.faults
    ]
    return "".join(f"{line}\n" for line in lines)


def _data(text: str) -> str:
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: dict[str, Callable[..., str]] = {
    "text": as_text,
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
}
