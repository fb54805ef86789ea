"""`runbooks explain`."""

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from runbooks.cli.app import app
from runbooks.streams import read_bytes, say


@app.command()
def explain(
    text: Annotated[
        list[str] | None,
        typer.Argument(help="The text, or a file that holds it. Left out, or -: standard input."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Say what an error is and what to do. Works offline.

    Takes anything that holds it: an error's name, a line of the AWS CLI, a stack trace of any SDK, a CloudTrail
    record, a deployment's error code, an agent's log. The exit code: 0 something in it is known, 1 nothing is.

    \b
      runbooks explain InvalidRegistrationStatusException
      journalctl -u codedeploy-agent | runbooks explain
    """
    from runbooks.decoder import explain as explained
    from runbooks.decoder import text_of

    given = _given(" ".join(text or ["-"]))
    explanation = explained(given if isinstance(given, str) else text_of(given))
    say(explanation.render("json" if json else "text"))
    raise typer.Exit(0 if explanation.known else 1)


def _given(text: str) -> str | bytes:
    """What is to be explained: the text itself, the file of that name, or standard input."""
    if text == "-":
        if sys.stdin.isatty():
            typer.echo("Paste it here; Ctrl-D ends it.", err=True)
        return sys.stdin.buffer.read()
    path = text.startswith(("/", "./", "../")) and " " not in text
    file = re.fullmatch(r"[\w./~-]+\.(log|txt|json|out|err|md)", text)
    if path or file or os.path.isfile(text):  # noqa: PTH113 (Path.is_file raises for a name that is too long)
        return read_bytes(Path(text).expanduser())
    return text
