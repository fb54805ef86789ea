"""The report for a terminal, and as a text file."""

import re
import textwrap
from functools import partial

from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Verdict
from runbooks.report.contents import SANDBOX_NOTE, Contents, Entry, proof
from runbooks.text.links import is_local

_INDENT = " " * 9  # the column behind the verdict
_COMMAND, _KEPT = re.compile(r"`[^`]+`"), "\0"  # which no text of a finding holds
_COLOURS = {OK: "32", SKIP: "2", WARN: "33", UNKNOWN: "35", FAIL: "1;31"}  # as terminals number them


def render(
    report: Contents, *, verbose: bool = False, last: bool = False, colour: bool = False, width: int = 100
) -> str:
    """The report as lines of at most ``width`` columns (commands and addresses are never broken).

    What passed or was skipped is shown when it is ``verbose``, when the checks were asked for by their ids, and when
    nothing applied, since the reason is then all there is to say; what passed also for `runbooks why`, which says how a
    deployment went. A file begins with the summary and the worst problem, or with the deployment and why it failed; with
    ``last``, as a terminal needs it, it ends with the problem and the summary.
    """
    whole = verbose or report.chosen or report.verdict is SKIP
    linked = last or not is_local()  # a file may be read where no link leads to this machine
    show = partial(_entry, region=report.source.place.region, colour=colour, width=width, linked=linked)
    blocks = [show(entry) for entry in report.problems]
    others = [entry for entries in report.others.values() for entry in entries]
    if shown := [e for e in others if whole or (report.command == "why" and e.verdict is OK)]:
        blocks.append("\n".join(map(show, shown)))
    summary = _coloured(report.verdict, report.summary, colour)
    place, deployed = f"{report.place}\n{report.asked_by}", _filled(report.deployed, width)
    where = "\n".join(filter(None, (deployed, place, _unpredicted(report))))
    more = report.further
    note = [f"To check {more.about} as well: {more.command}"] if more else []
    note += [f"{SANDBOX_NOTE} {report.sandbox_start}"] if report.sandbox_start else []
    if last:
        return (
            "\n\n".join([where, *reversed(blocks), *note, summary if whole else f"{summary} -v shows all."])
            + "\n"
        )
    if deployed and report.command == "why":
        return "\n\n".join([deployed, *blocks, f"{summary}\n{place}", *note]) + "\n"
    return "\n\n".join([f"{summary}\n{where}", *blocks, *note]) + "\n"


def _unpredicted(report: Contents) -> str:
    """What a prediction leaves open, an item a line, since an item may hold a command."""
    return "\n".join(
        ["Not predicted:", *(f"- {item}" for item in report.unpredicted)] * bool(report.unpredicted)
    )


def _filled(text: str, width: int) -> str:
    return textwrap.fill(
        text, width, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False
    )


def _entry(entry: Entry, region: str, colour: bool, width: int, linked: bool) -> str:
    if entry.verdict is OK:
        lines = _wrapped(f"{entry.checks[0]}: {' '.join(entry.says)}", width, hang=0)
    else:
        bullet = "- " if len(entry.says) > 1 else ""
        said = [_wrapped(bullet + one, width, hang=len(bullet)) for one in entry.says]
        lines = [*(line for lines in said for line in lines), *_rows(entry, region, width, linked)]
    mark = _coloured(entry.verdict, entry.verdict.name.ljust(len(_INDENT)), colour)
    return "\n".join([mark + lines[0].removeprefix(_INDENT), *lines[1:]])


def _rows(entry: Entry, region: str, width: int, linked: bool) -> list[str]:
    one = len(entry.checks) == 1
    checks = entry.checks[0] if one else f"{len(entry.checks)}: {', '.join(entry.checks)}"
    calls = "" if entry.verdict is SKIP else ", ".join(proof(entry.calls, region))
    page = entry.url if linked or not entry.next else f"{entry.next} in the guide"
    next_ = "" if entry.verdict is SKIP else page
    rows: list[str] = []
    for name, value, breaks in (
        ("fix", entry.fix, not entry.is_command),
        ("next", next_, False),
        *(("also", f"{says} ({by})", True) for says, by in entry.below),
        ("check" if one else "checks", checks, True),
        ("proof", calls, True),
    ):
        row = f"{name:<7}{value}"
        rows += (_wrapped(row, width, hang=7) if breaks else [_INDENT + row]) if value else []
    return rows


def _wrapped(text: str, width: int, *, hang: int) -> list[str]:
    """The lines of a text; a command in it, between backticks, is not broken."""
    lines = textwrap.wrap(
        _COMMAND.sub(lambda command: command[0].replace(" ", _KEPT), text),
        width=width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT + " " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_KEPT, " ") for line in lines]


def _coloured(verdict: Verdict, text: str, colour: bool) -> str:
    """``text`` with its first word, the verdict, in colour."""
    name = verdict.name
    return f"\x1b[{_COLOURS[verdict]}m{name}\x1b[0m{text.removeprefix(name)}" if colour else text
