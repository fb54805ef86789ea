"""`runbooks diagnose`."""

import os
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from runbooks.cli.app import app
from runbooks.cli.options import Probe, Profile, Region, SandboxScenario, question_options, target_of
from runbooks.streams import check_writable, say, write


class Format(StrEnum):
    """How a report is written."""

    text = "text"
    json = "json"
    markdown = "markdown"
    html = "html"


@app.command()
@question_options
def diagnose(
    asked: dict[str, Any],
    profile: Profile = None,
    region: Region = None,
    sandbox: SandboxScenario = None,
    check: Annotated[list[str] | None, typer.Option(help="Run only this check (repeatable).")] = None,
    probe: Probe = False,
    timeout: Annotated[
        float, typer.Option(min=1, max=3600, help="Seconds; what is not done by then is UNKNOWN.")
    ] = 60,
    format: Annotated[Format, typer.Option(help="How the report is written.")] = Format.text,
    output: Annotated[Path | None, typer.Option(help="Write the report to this file.")] = None,
    colour: Annotated[
        bool | None,
        typer.Option("--colour/--no-colour", help="Default: in a terminal, unless NO_COLOR is set."),
    ] = None,
) -> None:
    """Run the checks and print the report.

    Read-only; --probe also runs one read-only script on the host by Systems Manager (a sandbox always does).
    The exit code: 0 all good, 1 something FAILs, 2 something could not be checked, 3 both; 64 a wrong option.

    Try it without an account: runbooks diagnose --sandbox agent-stopped --instance web-01
    """
    from runbooks.aws import connect
    from runbooks.diagnosis import chosen_checks, refuse_unused
    from runbooks.diagnosis import diagnose as run
    from runbooks.progress import terminal
    from runbooks.question import Question
    from runbooks.report import as_text

    # before anything is asked
    refuse_unused(Question.of(**asked), chosen_checks(check or ()))
    if output:
        check_writable(output)
    began = time.monotonic()
    aws = connect(
        target_of(sandbox, profile), profile=profile or "", region=region or "", probe=probe, timeout=timeout
    )
    left = max(1.0, timeout - (time.monotonic() - began))
    report = run(aws, checks=check or (), timeout=left, progress=terminal, **asked)
    coloured = (sys.stdout.isatty() and "NO_COLOR" not in os.environ) if colour is None else colour
    shown = as_text.render(report, colour=coloured) if format is Format.text else report.render(format)
    if output:
        write(output, report.render(format))
        typer.echo(f"The report is in {output}.", err=True)
    else:
        say(shown)
    raise typer.Exit(report.exit_code)
