"""`runbooks appspec`."""

import sys
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from runbooks.cli.app import app
from runbooks.cli.options import form_of
from runbooks.errors import UserError
from runbooks.streams import check_writable, say, write


class Form(StrEnum):
    """How the findings are written."""

    text = "text"
    json = "json"
    sarif = "sarif"
    github = "github"


@app.command()
def appspec(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="AppSpec files, folders, or bundles as zip, tar or tar.gz; - is standard input.",
            metavar="PATH",
        ),
    ],
    form: Annotated[
        Form | None,
        typer.Option(
            "--format", help="How the findings are written; default: by the ending of --output, else text."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the findings to this file.")] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="Leave out what this rule finds. Repeatable.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 for a WARN too.")] = False,
) -> None:
    """Check AppSpec files and bundles as the agents do. Works offline.

    Judges as agent 1.8.1 and as agent 2.x, and says where they differ.

    A folder or an archive is judged whole: the scripts and the sources too. Nothing is unpacked. All faults are shown,
    each with the message that the agent would give and the event at which the deployment would fail.
    The exit code: 0 all good, 1 something FAILs, 2 something could not be checked, 3 both; 64 a wrong option or path.

    \b
      runbooks appspec appspec.yml
      runbooks appspec build/bundle.zip
      runbooks appspec build/ --ignore script-is-executable
    """
    from runbooks.appspec.formats import FORMATS, exit_code
    from runbooks.appspec.linter import STDIN, lint, lint_stream

    _check_rules(ignore or [])
    form = form_of(form, output, Form)
    if output:
        check_writable(output)
    judgements = []
    for path in dict.fromkeys(paths):
        if path == STDIN:
            if sys.stdin.isatty():
                typer.echo("Paste it here; Ctrl-D ends it.", err=True)
            judgements.append(lint_stream(sys.stdin.buffer))
        else:
            _check_there(path)
            judgements.append(lint(path))
    judgements = [judgement.without(ignore or ()) for judgement in judgements]
    text = FORMATS[form](judgements, strict=strict)
    if output:
        write(output, text)
        typer.echo(f"The findings are in {output}.", err=True)
    else:
        say(text)
    raise typer.Exit(exit_code(judgements, strict=strict))


def _check_rules(rules: list[str]) -> None:
    from runbooks.appspec.rules import RULES

    unknown = next((rule for rule in rules if rule not in RULES), None)
    if unknown is not None:
        near = get_close_matches(unknown, RULES, 1)
        meant = f" Did you mean {near[0]}?" if near else " Each finding names its rule behind the line."
        raise UserError(f"There is no rule {unknown!r}.{meant}")


def _check_there(path: str) -> None:
    try:
        there = bool(path) and Path(path).exists()
    except (OSError, ValueError):
        there = False
    if not there:
        raise UserError(f"There is no file or folder {path!r}.")
