"""What the commands share that run checks and end with a report."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Never

import typer

from runbooks.cli.options import form_of, target_of
from runbooks.errors import UserError
from runbooks.streams import check_writable, say, write
from runbooks.subject import account_named, region_asked, region_doubt


class Format(StrEnum):
    """How a report is written: the keys of `runbooks.report.FORMATS`, which would take long to import here."""

    text = "text"
    json = "json"
    html = "html"
    markdown = "markdown"
    github = "github"
    jira = "jira"
    slack = "slack"
    plain = "plain"


Timeout = Annotated[
    float, typer.Option(min=1, max=3600, help="Seconds; what is not done by then is UNKNOWN.")
]
Form = Annotated[
    Format | None,
    typer.Option(
        "--format", help="How the report is written; default: by the ending of --output, else text."
    ),
]
Output = Annotated[Path | None, typer.Option(help="Write the report to this file.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show also what passed and what was skipped, as text.")
]
Colour = Annotated[
    bool | None,
    typer.Option("--colour/--no-colour", help="Default: in a terminal, unless NO_COLOR is set."),
]


def check_account(named: str, ours: str) -> None:
    """Raise `UserError` where the question names another account than that of the credentials, as far as both are known."""
    if named and ours and named != ours:
        raise UserError(
            f"That is of the account {named}, and these credentials are of {ours}: give a --profile of {named}."
        )


def answer(
    asked: dict[str, Any],
    checks: Sequence[str],
    *,
    profile: str | None,
    region: str | None,
    sandbox: str | None,
    named: str | None = None,
    probe: bool = False,
    timeout: float,
    form: Format | None,
    output: Path | None,
    verbose: bool,
    colour: bool | None,
    first: Callable[[Any], None] | None = None,
    by: Callable[..., Any] | None = None,
) -> Never:
    """Connect, run the checks (all when none is named), show the report, and end with its exit code.

    ``named`` is the text that says what is asked about: the checks are run in its Region, and in no other account. ``first`` is done with the session
    before the checks, and takes its own time. ``by`` asks in the place of `diagnose`: it gets the session, and
    ``timeout`` and ``progress``.
    """
    from runbooks.aws import connect
    from runbooks.aws.connect import usual_region
    from runbooks.diagnosis import chosen_checks, diagnose, refuse_unused
    from runbooks.progress import terminal
    from runbooks.question import Question
    from runbooks.report import as_text

    # before anything is asked
    output = None if output == Path("-") else output  # that is standard output, where the report goes anyway
    form = form_of(form, output, Format)
    refuse_unused(Question.of(**asked), chosen_checks(checks))
    if output:
        check_writable(output)
    began, target = time.monotonic(), target_of(sandbox, profile)
    where = region_asked(named, region)
    aws = connect(target, profile=profile or "", region=where or "", probe=probe, timeout=timeout)
    if doubt := region_doubt(named, region, "" if sandbox else usual_region(profile or "")):
        typer.echo(doubt, err=True)
    check_account(account_named(named), aws.known_identity.account if aws.known_identity else "")
    left = max(1.0, timeout - (time.monotonic() - began))
    if first:
        first(aws)
    ask: Callable[..., Any] = by or partial(diagnose, checks=checks, **asked)
    report = ask(aws, timeout=left, progress=terminal)
    in_terminal = sys.stdout.isatty() and not output
    shown = report.render(form)
    if form is Format.text:
        shown = as_text.render(
            report.contents,
            verbose=verbose,
            last=in_terminal,
            colour=in_terminal and "NO_COLOR" not in os.environ if colour is None else colour,
            width=min(100, shutil.get_terminal_size().columns) if in_terminal else 100,
        )
    if output:
        write(output, shown)
        typer.echo(f"The report is in {output}.", err=True)
    else:
        say(shown)
    raise typer.Exit(report.exit_code)
