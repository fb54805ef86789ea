"""What is known of a pasted text, and how it shows itself: in a terminal, a notebook, a file."""

import json
import textwrap
from dataclasses import asdict, dataclass
from html import escape as html

from runbooks.decoder.index import index
from runbooks.text.links import page_url
from runbooks.text.markup import code, escape
from runbooks.text.mask import all_plain, plain

SOURCES = {  # of `says`, by its tag
    "V": "verified",
    "D": "documented by AWS",
    "I": "reported by users",
    "X": "inferred",
    "U": "not verified",
}
# The runbooks and the checks that make sense without an instance.
ABOUT_ALL = {
    *("triage", "registration-status"),
    *("callers-send-valid-status-filters", "registration-calls-succeed"),
    *("status-filter-is-accepted", "listed-names-are-registered-or-deregistered", "caller-is-known"),
    *("caller-may-list", "endpoint-name-resolves", "endpoint-answers", "this-clock-is-right"),
}
_OF_A_GROUP = ("group-", "service-role-", "auto-scaling-groups-")  # the beginnings of checks' ids
SHOWN = 5  # what is less likely than these is named only


@dataclass(frozen=True)
class Known:
    """One thing in the text that is known. ``page`` and ``runbook`` are "" where there is none."""

    name: str  # an exception, a code, or the id of a rule for the agent's log
    kind: str  # a key of the grammar's `kinds`
    says: str  # what it is; AWS's own words for an exception of the model
    do: str
    tag: str  # provenance of `says`: V, D, I, X, U
    page: str  # its path on the site: "/exceptions/InvalidRegistrationStatusException/"
    checks: tuple[str, ...]  # ids of the checks that tell more, the most telling first
    runbook: str  # the runbook to open
    operations: tuple[str, ...]  # that declare it, for an exception of the model
    seen: str  # where in the text it stands
    title: str = ""  # what it is called on its page
    guide: str = ""  # a page that says more of its kind
    like: tuple[str, ...] = ()  # what is easily taken for it

    @property
    def what(self) -> str:
        """Its kind, in words."""
        return str(index().grammar["kinds"][self.kind])


@dataclass(frozen=True)
class Explanation:
    """What is known of a text, the most likely first. Nothing when ``known`` is empty."""

    known: tuple[Known, ...]
    operation: str = ""  # the operation that the text says was called
    note: str = ""  # a doubt that the reader should have
    near: tuple[str, ...] = ()  # known names like the one that was given, when nothing is known
    fields: tuple[tuple[str, str], ...] = ()  # what the text names: the deployment, the script, the Region
    commands: tuple[str, ...] = ()  # that the fields fill

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks of the most likely thing that has any: `diagnose` takes them. () asks for all."""
        return next((known.checks for known in self.known if known.checks), ())

    def render(self, format: str) -> str:
        """As "text", "json", "markdown" or "html"."""
        return {"text": self._text, "json": self._json, "markdown": self._markdown, "html": self._html}[
            format
        ]()

    def __repr__(self) -> str:
        return self._text()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": self._text(), "text/markdown": self._markdown(), "text/html": self._html()}

    def _text(self) -> str:
        lines: list[str] = []
        for known in self.known[:SHOWN]:
            lines.append(f"{plain(known.name)}: {known.what}")
            for name, value in rows(known, self.fields):
                breaks = name in ("is", "do")
                lines += _wrapped(name, value) if breaks else [f"    {name:<9}{value}"]
            lines.append("")
        return "\n".join([*lines, *self._rest()]).rstrip() + "\n"

    def _markdown(self) -> str:
        blocks: list[str] = []
        for known in self.known[:SHOWN]:
            blocks += ["", f"- **{escape(known.name)}**: {known.what}"]
            for name, value in rows(known, self.fields):
                literal = name in ("check", "open", "seen")
                blocks.append(f"    - {name}: {code(value) if literal else _linked(name, value)}")
        return "\n".join([*blocks, "", *map(escape, self._rest())]).strip() + "\n"

    def _html(self) -> str:
        parts: list[str] = []
        for known in self.known[:SHOWN]:
            lines = [f"<strong>{html(plain(known.name))}</strong>: {html(known.what)}"]
            for name, value in rows(known, self.fields):
                shown = html(value)
                if name in ("check", "open", "seen"):
                    shown = f"<code>{shown}</code>"
                elif name in ("page", "runbook"):
                    shown = f'<a href="{shown}">{shown}</a>'
                lines.append(f"{name}: {shown}")
            style = "margin:.5em 0;padding-left:.75em;border-left:4px solid #7d8590"
            parts.append(f'<p style="{style}">' + "<br>\n".join(lines) + "</p>")
        return "\n".join([*parts, *(f"<p>{html(line)}</p>" for line in self._rest())]) + "\n"

    def _json(self) -> str:
        document = {"schema": 1, "found": bool(self.known), **asdict(self), "fields": dict(self.fields)}
        return json.dumps(all_plain(document), indent=2, ensure_ascii=False) + "\n"

    def _rest(self) -> list[str]:
        """The lines below the things that are known."""
        lines = [] if self.known else [index().grammar["asked" if self.commands else "nothing"]]
        lines += [plain(self.note)] if self.note else []
        if self.fields:
            lines.append(
                "The text names " + ", ".join(f"{name} {plain(value)}" for name, value in self.fields) + "."
            )
        lines += [f"Next: {plain(command)}" for command in self.commands]
        if self.known[SHOWN:]:
            lines.append(f"Also in it: {', '.join(plain(known.name) for known in self.known[SHOWN:])}.")
        if self.near:
            lines.append(f"Did you mean {' or '.join(map(plain, self.near))}?")
        return lines


def rows(known: Known, fields: tuple[tuple[str, str], ...] = ()) -> list[tuple[str, str]]:
    """The rows below a name, those that it has. ``fields``: what the text names, for the commands."""
    source = "AWS's words" if known.kind == "exception" else SOURCES[known.tag]
    is_ = f"{known.says} ({source})" if known.says else "AWS describes it nowhere."
    found = [
        ("is", is_),
        ("by", ", ".join(known.operations) or ("no operation" if known.kind == "exception" else "")),
        ("do", known.do),
        ("page", page_url(known.page) if known.page else ""),
        ("runbook", page_url(f"/runbooks/{known.runbook}/") if known.runbook else ""),
        ("open", _filled(_open(known.runbook), fields) if known.runbook else ""),
        ("check", _filled(diagnose_command(known.checks), fields)),
        ("seen", known.seen),
    ]
    return [(name, plain(value)) for name, value in found if value and (name != "check" or known.checks)]


def _open(runbook: str) -> str:
    if runbook == "deployment":
        return "runbooks open deployment --deployment DEPLOYMENT"
    return f"runbooks open {runbook}" + ("" if runbook in ABOUT_ALL else " --instance NAME")


def _filled(command: str, fields: tuple[tuple[str, str], ...]) -> str:
    """``command`` for the instance, the deployment, the group and the Region that a text names."""
    values = dict(fields)
    blanks = {"NAME": "instance", "DEPLOYMENT": "deployment", "APPLICATION/GROUP": "group"}
    words = [values.get(blanks.get(word, ""), word) for word in command.split(" ")]
    return " ".join(words + (["--region", values["region"]] if "region" in values else []))


def diagnose_command(checks: tuple[str, ...]) -> str:
    """The command that runs these checks; what they need is left to fill in: an instance, a deployment or a group."""
    subject = sorted({subject_of(id_) for id_ in checks} - {""})
    return " ".join(["runbooks diagnose", *subject, *(f"--check {id_}" for id_ in checks)])


def subject_of(check: str) -> str:
    """What a check is about, as `diagnose` takes it, by its id, since the checks themselves would take long to import."""
    if check in ABOUT_ALL:
        return ""
    if check.startswith("deployment-"):
        return "DEPLOYMENT"
    about_a_group = "-of-the-group-" in check or check.startswith(_OF_A_GROUP)
    return "APPLICATION/GROUP" if about_a_group else "--instance NAME"


def _wrapped(name: str, value: str) -> list[str]:
    return textwrap.wrap(
        value,
        width=100,
        initial_indent=f"    {name:<9}",
        subsequent_indent=" " * 13,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _linked(name: str, value: str) -> str:
    return f"<{value}>" if name in ("page", "runbook") else escape(value)
