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

from runbooks.cli.options import target_of
from runbooks.errors import UserError
from runbooks.streams import check_writable, say, write


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
Form = Annotated[Format, typer.Option("--format", help="How the report is written.")]
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
    account: str = "",
    probe: bool = False,
    timeout: float,
    form: Format,
    output: Path | None,
    verbose: bool,
    colour: bool | None,
    first: Callable[[Any], None] | None = None,
    by: Callable[..., Any] | None = None,
) -> Never:
    """Connect, run the checks (all when none is named), show the report, and end with its exit code.

    ``account`` is the one that the question names: the checks are not run in another. ``first`` is done with the session
    before the checks, and takes its own time. ``by`` asks in the place of `diagnose`: it gets the session, and
    ``timeout`` and ``progress``.
    """
    from runbooks.aws import connect
    from runbooks.diagnosis import chosen_checks, diagnose, refuse_unused
    from runbooks.progress import terminal
    from runbooks.question import Question
    from runbooks.report import as_text

    # before anything is asked
    refuse_unused(Question.of(**asked), chosen_checks(checks))
    if output:
        check_writable(output)
    began = time.monotonic()
    aws = connect(
        target_of(sandbox, profile), profile=profile or "", region=region or "", probe=probe, timeout=timeout
    )
    check_account(account, aws.known_identity.account if aws.known_identity else "")
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
