"""The command line."""

import inspect
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Never

import typer

from runbooks.errors import UserError

app = typer.Typer(
    help="Diagnose AWS CodeDeploy: what is wrong, with proof, from your account or from an embedded sandbox.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    """How a report is written."""

    text = "text"
    json = "json"
    markdown = "markdown"
    html = "html"


@app.callback()
def _every_command(
    context: typer.Context,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    # --debug is read in main(), before any command runs
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def diagnose(
    instance: Annotated[str, typer.Option(help="The on-premises instance's name; all when left out.")] = "",
    profile: Annotated[str, typer.Option(help="A profile of your AWS configuration.")] = "",
    region: Annotated[str, typer.Option(help="The Region; default: the profile's, or AWS_REGION.")] = "",
    sandbox: Annotated[str, typer.Option(help="Ask the sandbox with this scenario instead of AWS.")] = "",
    check: Annotated[list[str] | None, typer.Option(help="Run only this check (repeatable).")] = None,
    hours: Annotated[float, typer.Option(min=0.1, max=2160, help="How far back to look in CloudTrail.")] = 24,
    format: Annotated[Format, typer.Option(help="How the report is written.")] = Format.text,
    output: Annotated[Path | None, typer.Option(help="Write the report to this file.")] = None,
) -> None:
    """Run the checks and print the report.

    Only reads. The exit code: 0 all good, 1 something FAILs, 2 something could not be looked at, 3 both.
    """
    from runbooks.aws import connect
    from runbooks.engine import diagnose as run
    from runbooks.report import as_text

    if sandbox and profile:
        raise UserError("--sandbox and --profile exclude each other: the sandbox needs no account.")
    aws = connect(f"sandbox:{sandbox}" if sandbox else "aws", profile=profile, region=region)
    report = run(aws, checks=check or (), instance=instance, hours=hours)
    if output:
        _write(output, report.render(format))
    elif format is Format.text:
        colour = sys.stdout.isatty()
        typer.echo(as_text.render(report, colour=colour), nl=False, color=colour)
    else:
        typer.echo(report.render(format), nl=False)
    raise typer.Exit(report.exit_code)


@app.command()
def checks() -> None:
    """List every check: its id and the good state that it looks for."""
    from runbooks.checks import all_checks

    for check in all_checks():
        typer.echo(f"{check.id}\n    {check.good}")


@app.command()
def sandbox(
    scenario: Annotated[str, typer.Option(help="What the sandbox's AWS looks like.")] = "healthy",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    list_: Annotated[bool, typer.Option("--list", help="Name the scenarios and end.")] = False,
) -> None:
    """Start an embedded AWS on loopback and print how to point any AWS client at it."""
    from runbooks.sandbox import SCENARIOS, serve

    if list_:
        for name, set_up in SCENARIOS.items():
            typer.echo(f"{name}\n    {inspect.getdoc(set_up)}")
        return
    try:
        with serve(scenario, port=port) as running:
            typer.echo(_how_to_reach(running.address()))
            threading.Event().wait()
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from None
    except KeyboardInterrupt:
        typer.echo("Stopped.")


def _how_to_reach(address: dict[str, str]) -> str:
    """Lines to paste into another shell."""
    return f"""The sandbox {address["scenario"]!r} listens on {address["endpoint"]}. It is a sandbox, not AWS; it forgets all when it ends.
Point any AWS client at it:

export AWS_ENDPOINT_URL={address["endpoint"]}
export AWS_ACCESS_KEY_ID={address["access_key_id"]}
export AWS_SECRET_ACCESS_KEY={address["secret_access_key"]}
export AWS_DEFAULT_REGION={address["region"]}

aws deploy list-on-premises-instances

Ctrl-C ends it."""


def main() -> Never:
    """Run the command line and end the process: errors are one line on stderr, never a traceback without --debug."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    try:
        result = app(
            args=[a for a in arguments if a != "--debug"], prog_name="runbooks", standalone_mode=False
        )
        sys.exit(result if isinstance(result, int) else 0)
    except UserError as error:
        if debug:
            raise
        _end(str(error), error.exit_code)
    except typer.TyperException as error:  # a wrong option or value
        _end(f"{error.format_message()} (`runbooks --help` lists what there is)", 64)
    except (KeyboardInterrupt, typer.Abort):
        _end("Interrupted.", 130)
    except BrokenPipeError:
        sys.exit(0)
    except Exception as error:
        if debug:
            raise
        _end(
            f"runbooks failed: {type(error).__name__}: {error}; add --debug to see where, and please report it.",
            70,
        )


def _end(sentence: str, code: int) -> Never:
    print(sentence, file=sys.stderr)
    sys.exit(code)


def _write(path: Path, text: str) -> None:
    """Write the report whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"The report cannot be written to {path}: {error.strerror}.") from None
