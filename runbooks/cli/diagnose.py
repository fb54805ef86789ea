"""`runbooks diagnose`."""

from typing import Annotated, Any

import typer

from runbooks.cli.app import app
from runbooks.cli.asking import Colour, Form, Output, Timeout, Verbose, answer
from runbooks.cli.given import subject_given
from runbooks.cli.options import Probe, Profile, Region, SandboxScenario, not_empty, question_options
from runbooks.subject import asked_about


@app.command()
@question_options
def diagnose(
    asked: dict[str, Any],
    subject: Annotated[
        str | None,
        typer.Argument(
            help="A deployment's id, an instance's name, id or ARN, or APPLICATION/GROUP; a link, a line or an event that holds"
            " one, or the file with it; - is standard input.",
            metavar="SUBJECT",
            callback=not_empty,
        ),
    ] = None,
    profile: Profile = None,
    region: Region = None,
    sandbox: SandboxScenario = None,
    check: Annotated[list[str] | None, typer.Option(help="Run only this check (repeatable).")] = None,
    probe: Probe = False,
    timeout: Timeout = 60,
    form: Form = None,
    output: Output = None,
    verbose: Verbose = False,
    colour: Colour = None,
) -> None:
    """Run the checks and print the report.

    In a terminal the worst problem stands last, in a file first. Read-only; --probe also runs one read-only script on the host by Systems Manager (a sandbox always does).
    The exit code: 0 all good, 1 something FAILs, 2 something could not be checked or most was not asked,
    3 both; 64 a wrong option.

    \b
    Try it without an account:
      runbooks diagnose web-01 --sandbox agent-stopped
    """
    text = subject_given(subject)
    answer(
        asked_about(text, asked),
        check or (),
        profile=profile,
        region=region,
        sandbox=sandbox,
        named="\n".join(filter(None, (text, asked.get("instance")))),
        probe=probe,
        timeout=timeout,
        form=form,
        output=output,
        verbose=verbose,
        colour=colour,
    )
