"""The command line: one module a command."""

import sys
import traceback
from typing import Annotated, Never

import typer

from runbooks.cli import appspec, checks, diagnose, explain, policy, preflight, probe, runbook, sandbox, why
from runbooks.cli.app import app
from runbooks.errors import UserError
from runbooks.streams import open_streams
from runbooks.text.mask import plain
from runbooks.text.spelling import as_options

__all__ = [
    "app",
    "appspec",
    "checks",
    "diagnose",
    "explain",
    "main",
    "policy",
    "preflight",
    "probe",
    "runbook",
    "sandbox",
    "why",
]

_INTERRUPTED = 130


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"runbooks {version('codedeploy-field-guide')}")
        raise typer.Exit


@app.callback()
def _every_command(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    # --debug is read in main(), before any command runs
    context.with_resource(as_options())
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> Never:
    """Run the command line and end the process: errors are one line on stderr, with --debug after a traceback."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    open_streams()
    try:
        result = app(
            args=[a for a in arguments if a != "--debug"], prog_name="runbooks", standalone_mode=False
        )
        if result == _INTERRUPTED:  # so typer ends an interrupted command
            _end("Interrupted.", _INTERRUPTED)
        sys.exit(result if isinstance(result, int) else 0)
    except UserError as error:
        _end(str(error), error.exit_code, debug)
    except typer.TyperException as error:  # a wrong option or value
        from runbooks.cli.usage import usage

        _end(plain(usage(error)), 64)
    except (KeyboardInterrupt, typer.Abort):
        _end("Interrupted.", _INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last one: whatever it is, the user gets a sentence
        _end(
            plain(
                f"runbooks failed: {type(error).__name__}: {error}; add --debug to see where, and please report it."
            ),
            70,
            debug,
        )


def _end(sentence: str, code: int, debug: bool = False) -> Never:
    if debug:
        traceback.print_exc()
    print(sentence, file=sys.stderr)
    sys.exit(code)
