"""What the commands share that run checks and end with a report."""

import os
import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Never

import typer

from runbooks.cli.options import target_of
from runbooks.streams import check_writable, say, write


class Format(StrEnum):
    """How a report is written."""

    text = "text"
    json = "json"
    markdown = "markdown"
    html = "html"


Timeout = Annotated[
    float, typer.Option(min=1, max=3600, help="Seconds; what is not done by then is UNKNOWN.")
]
Form = Annotated[Format, typer.Option("--format", help="How the report is written.")]
Output = Annotated[Path | None, typer.Option(help="Write the report to this file.")]
Colour = Annotated[
    bool | None,
    typer.Option("--colour/--no-colour", help="Default: in a terminal, unless NO_COLOR is set."),
]


def answer(
    asked: dict[str, Any],
    checks: Sequence[str],
    *,
    profile: str | None,
    region: str | None,
    sandbox: str | None,
    probe: bool = False,
    timeout: float,
    form: Format,
    output: Path | None,
    colour: bool | None,
) -> Never:
    """Connect, run the checks (all when none is named), show the report, and end with its exit code."""
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
    left = max(1.0, timeout - (time.monotonic() - began))
    report = diagnose(aws, checks=checks, timeout=left, progress=terminal, **asked)
    coloured = (sys.stdout.isatty() and "NO_COLOR" not in os.environ) if colour is None else colour
    shown = as_text.render(report, colour=coloured) if form is Format.text else report.render(form)
    if output:
        write(output, report.render(form))
        typer.echo(f"The report is in {output}.", err=True)
    else:
        say(shown)
    raise typer.Exit(report.exit_code)
