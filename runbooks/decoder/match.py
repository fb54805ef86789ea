"""Finds in a text what is known. Every look at the text is of a bounded part of it, so that none can take long."""

import difflib
import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from runbooks import catalog
from runbooks.decoder.result import Explanation, Known
from runbooks.host import judge_log, log_rule, log_rules

_PROJECT = Path(__file__).resolve().parents[2]
_MOST = 1_000_000  # characters: of a longer text the end is read, where logs and traces say what matters
_LINE = 2_000  # characters of one line that the rules for the agent's log look at

_TOKEN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]\w{2,80}")
# What stands before a code that is the error's own, rather than mentioned beside it.
_LEADS = re.compile(
    r"""(?:
        occurred\ \( | [Ee]rror\ [Cc]ode:?\s* | <Code> | api\ error\  | RequestID:\ \S+,\ | CodeDeployErrors::
      | \b(?:errorCode|error_code|code|Code|__type|type|name)\\{0,8}["']?\s*[:=]\s*\\{0,8}["']?(?:[\w.]+\#)?
    )$""",
    re.VERBOSE,
)
# A class's or code's name that opens a line, as in the last line of a stack trace.
_OPENS = re.compile(r"\n[ \t]*(?:Caused by: |Uncaught |Unhandled exception[.:] )?(?:[\w$-]+(?:\.|::|\#))*$")
_CLOSES = re.compile(r"[ \t]*(?:[:\n(\[{]|$)|\s\((?:client|server)\)")
_PHP = re.compile(r"\s\((?:client|server)\)")

_OPERATION = re.compile(
    r'when calling the (\w+) operation|operation error \w+: (\w+)|Error executing "(\w+)"'
    r'|"eventName\\{0,8}"\s*:\s*\\{0,8}"(\w+)'
)
_API_LINE = re.compile(r'when calling the \w+ operation|operation error \w+: |\(Service: |Error executing "')
_AGENT_LINE = re.compile(
    r"codedeploy-agent|InstanceAgent|InstanceService|CodeDeployCommand|olling for host commands"
    r"|^\W?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*\s+(?:ERROR|WARN|INFO|DEBUG|FATAL)\b"
)
_FILTER = re.compile(
    r"""(?:--registration-status[ =]|registrationStatus\\*["']?\s*[=:]\s*)\\*["']?([\w-]+)"""
)


@dataclass(frozen=True, order=True)
class _Hit:
    """A name that was found. Sorted: the error's own name before a mention, the later before the earlier."""

    rank: int  # 0 the error's own, 1 a mention, 2 a line that says that all is well
    before: int  # how far from the end of the text
    kind: str
    name: str


def explain(text: str) -> Explanation:
    """What is known of ``text``, the most likely first: an error's own name outranks a mention, the later the earlier.

    Never raises for any text. Of more than a million characters the last are read.
    """
    text = text[-_MOST:]
    hits = [*_agent_hits(text), *_phrases(text)]
    hits += _without_the_logs_own(_names(text), text)
    if not hits:
        hits = [*_loose_log_hits(text), *_filter_hits(text)]
    best: dict[str, _Hit] = {}
    for hit in sorted(hits):
        best.setdefault(hit.name, hit)
    known = tuple(_known(hit, text) for hit in best.values())
    operation = _operation(text)
    return Explanation(known, operation, _note(known, operation, text), () if known else _near(text))


def _names(text: str) -> Iterator[_Hit]:
    names = _dictionary()
    for token in _TOKEN.finditer(text):
        word = token[0].removeprefix("ErrCode")
        start, end = token.span()
        kind, name = names.get(word) or names.get(word.lower()) or ("", "")
        before = ("\n" if start <= 200 else "") + text[max(0, start - 200) : start]
        if not kind and before.endswith("CodeDeployErrors::"):
            kind, name = names.get(word.replace("_", "").lower() + "exception", ("", ""))
        if not kind:
            continue
        opens = _OPENS.search(before) and _CLOSES.match(text, end)
        own = bool(_LEADS.search(before) or opens or _PHP.match(text, end))
        # A code that is also a plain word, such as TIMEOUT, is taken for one only where an error stands.
        if own or not re.fullmatch(r"[A-Z][a-z]+|[A-Z]+", name):
            yield _Hit(0 if own else 1, len(text) - end, kind, name)


def _without_the_logs_own(hits: Iterable[_Hit], text: str) -> Iterator[_Hit]:
    """``hits`` without refusals that are only a part of an agent's line: the rule for that line says more of them."""
    lines = list(_lines(text))
    ends = [end for end, _ in lines]

    @cache
    def is_known(number: int) -> bool:
        return _is_agents(lines[number][1]) and log_rule(lines[number][1]) is not None

    for hit in hits:
        part = hit.kind in ("refusal", "client") and is_known(bisect_left(ends, len(text) - hit.before))
        if not part:
            yield hit


def _is_agents(line: str) -> bool:
    return bool(_AGENT_LINE.search(line)) and not _API_LINE.search(line)


def _agent_hits(text: str) -> Iterator[_Hit]:
    """What the agent's log still complains of, or that it is well."""
    ours = [(end, line) for end, line in _lines(text) if _is_agents(line)]
    places = {line: end for end, line in ours}
    standing = judge_log(line for _, line in ours)
    for rule, line in standing:
        yield _Hit(0 if rule.severity == "bad" else 1, len(text) - places[line], "log", rule.id)
    if not standing:
        for end, line in ours:
            healthy = log_rule(line)
            if healthy:
                yield _Hit(2, len(text) - end, "log", healthy.id)


def _loose_log_hits(text: str) -> Iterator[_Hit]:
    """Lines of the log without their head: only where nothing else is known."""
    for end, line in _lines(text):
        rule = log_rule(line)
        if rule:
            yield _Hit(1, len(text) - end, "log", rule.id)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Where each line ends that holds anything, and its beginning."""
    end = 0
    for line in text.split("\n"):
        end += len(line)
        if line:
            yield end, line[:_LINE]
        end += 1


def _phrases(text: str) -> Iterator[_Hit]:
    """Errors that are told by a sentence rather than a name."""
    hints = _hints()
    told = [(row["text"], "client", name) for part in ("client", "cli") for name, row in hints[part].items()]
    told += [(pattern, "deployment", name) for pattern, name in hints["texts"]]
    for pattern, kind, name in told:
        for found in re.finditer(pattern, text, re.MULTILINE):
            yield _Hit(0, len(text) - found.end(), kind, name)


def _filter_hits(text: str) -> Iterator[_Hit]:
    """A call, not an error: it asks for a registration status that does not exist."""
    for found in _FILTER.finditer(text):
        if found[1] not in catalog.enum("RegistrationStatus"):
            yield _Hit(1, len(text) - found.end(), "exception", "InvalidRegistrationStatusException")


def _operation(text: str) -> str:
    found = [next(filter(None, match.groups())) for match in _OPERATION.finditer(text)]
    return found[-1] if found else ""


def _note(known: tuple[Known, ...], operation: str, text: str) -> str:
    if not known or known[0].kind != "exception":
        return ""
    top = known[0]
    if operation and operation not in catalog.operations():
        return f"{operation} is not an operation of CodeDeploy: another service means something else by {top.name}."
    if operation and operation not in top.operations:
        declared = ", ".join(top.operations) or "no operation"
        return f"AWS's model does not declare {top.name} for {operation}, only for {declared}: read the line again."
    if top.name not in text and any(True for _ in _filter_hits(text)):
        return f"The text holds no error, but a call that AWS would refuse with {top.name}."
    return ""


def _near(text: str) -> tuple[str, ...]:
    word = text.strip()
    if not re.fullmatch(r"\w{4,80}", word):
        return ()
    by_lower = {name.lower(): name for _, name in _dictionary().values()}
    return tuple(by_lower[low] for low in difflib.get_close_matches(word.lower(), by_lower, n=3, cutoff=0.75))


@cache
def _hints() -> dict[str, Any]:
    hints: dict[str, Any] = json.loads(files(__package__).joinpath("hints.json").read_text(encoding="utf-8"))
    return hints


@cache
def _dictionary() -> dict[str, tuple[str, str]]:
    """Every name that a text can hold, with its kind. Exceptions of the model also in lower case, as people type them."""
    hints = _hints()
    names = {name: ("client", name) for name in hints["client"]}
    names |= {code: ("refusal", code) for row in hints["refusals"].values() for code in row["codes"]}
    names |= {code: ("lifecycle", code) for code in catalog.lifecycle_error_codes()}
    names |= {code: ("deployment", code) for code in catalog.deployment_error_codes()}
    modelled = {name: ("exception", name) for name in catalog.exceptions()}
    return names | {name.lower(): entry for name, entry in modelled.items()} | modelled


def _known(hit: _Hit, text: str) -> Known:
    says, tag, operations, row = _facts(hit)
    page = _exception_page(hit) or row.get("page", "")
    return Known(
        name=hit.name,
        kind=hit.kind,
        says=says,
        do=row["do"],
        tag=tag,
        page=page,
        checks=tuple(row.get("checks", ())),
        runbook=row.get("runbook", ""),
        operations=operations,
        seen=_around(text, len(text) - hit.before),
    )


def _facts(hit: _Hit) -> tuple[str, str, tuple[str, ...], dict[str, Any]]:
    """What it is, by which provenance, which operations declare it, and what to do about it."""
    hints = _hints()
    if hit.kind == "exception":
        modelled = catalog.exceptions()[hit.name]
        row = hints["exceptions"].get(hit.name)
        family = next(do for pattern, do in hints["families"] if re.search(pattern, hit.name))
        return modelled.says, "V", modelled.operations, row or {"do": family}
    if hit.kind == "log":
        return _log_facts(hit.name)
    if hit.kind == "refusal":
        row = next(row for row in hints["refusals"].values() if hit.name in row["codes"])
    elif hit.kind == "client":
        row = hints["client"].get(hit.name) or hints["cli"][hit.name]
    else:
        row = hints[hit.kind][hit.name]
    return row["says"], row["tag"], (), row


def _log_facts(name: str) -> tuple[str, str, tuple[str, ...], dict[str, Any]]:
    rule = next(rule for rule in log_rules() if rule.id == name)
    runbook, checks = next(
        (runbook, checks) for start, runbook, checks in _hints()["log"] if rule.page.startswith(start)
    )
    page = "/" + rule.page.replace(".md", "/")
    return rule.meaning, rule.tag, (), {"do": rule.do, "page": page, "runbook": runbook, "checks": checks}


def _exception_page(hit: _Hit) -> str:
    """The page of an error, where it has been written."""
    if hit.kind == "exception" and (_PROJECT / "docs" / "exceptions" / f"{hit.name}.md").is_file():
        return catalog.page_url(hit.name)
    return ""


def _around(text: str, end: int) -> str:
    """The line that ends with or holds what was found, cut to a readable length."""
    start = max(text.rfind("\n", 0, end) + 1, end - 120)
    stop = text.find("\n", end)
    return text[start : min(stop if stop >= 0 else len(text), end + 60)].strip()
