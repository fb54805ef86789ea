"""The report for a ticket: short, with the problem and its fix on the first line, in the markup of a tracker."""

import re
from collections.abc import Callable, Iterable
from importlib.metadata import version

from runbooks.report.contents import SANDBOX_NOTE, Contents, Entry, proof
from runbooks.text.links import is_local, page_url
from runbooks.text.markup import code, escape, literal
from runbooks.text.template import Safe, environment

# Slack has no way to escape but these three; what else could act there stands as code.
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_SLACK_ACTS = re.compile(r"(?i)[`*_~@<>&]|://|^\W*www\.")


def github(report: Contents) -> str:
    """Markdown, as GitHub and GitLab show it; it can be read where it is not rendered, too."""
    return _ticket("github", report)


def jira(report: Contents) -> str:
    """Jira's wiki markup: one block in which nothing acts."""
    return _ticket("jira", report)


def slack(report: Contents) -> str:
    """A message in Slack's markup."""
    return _ticket("slack", report)


def plain(report: Contents) -> str:
    """Text without markup, for a mail or any other tracker."""
    return _ticket("plain", report)


def _slack_code(text: str) -> str:
    return f"`{text.translate(_SLACK).replace('`', chr(39))}`"


def _slack_escape(text: str) -> str:
    return literal(text, _SLACK_ACTS, _slack_code)


def _not_closing(text: str) -> str:
    """Text in a block of Jira, which ends at the next {noformat}."""
    return re.sub(r"(?i)\{(?=noformat)", "{ ", text)


# For each form: how a text becomes a part of it, and how it stands there as code.
_FORMS: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "github": (escape, code),
    "jira": (_not_closing, _not_closing),
    "slack": (_slack_escape, _slack_code),
    "plain": (str, str),
}
_ENVIRONMENTS = {form: environment("runbooks.report", escapes) for form, (escapes, _) in _FORMS.items()}


def _ticket(form: str, report: Contents) -> str:
    _, as_code = _FORMS[form]

    def codes(texts: Iterable[str]) -> str:
        return Safe(", ".join(map(as_code, texts)))

    def fix(entry: Entry) -> str:
        return codes([entry.fix]) if entry.is_command else entry.fix

    def page(entry: Entry) -> str:
        # a link to the reader's own machine is dead for every colleague
        return f"the page {entry.next}" if is_local() else Safe(page_url(entry.next, **report.context))

    shown = _ENVIRONMENTS[form].get_template(f"ticket.{form}.jinja")
    text = shown.render(
        report=report,
        codes=codes,
        sandbox_note=SANDBOX_NOTE,
        fix=fix,
        page=page,
        ids=lambda entries: dict.fromkeys(id_ for entry in entries for id_ in entry.checks),
        proof=lambda entry: ", ".join(proof(entry.calls, report.source.place.region)),
        versions=", ".join(f"{name} {version(name)}" for name in ("codedeploy-field-guide", "botocore")),
    )
    return text.strip() + "\n"
