"""`runbooks explain`."""

from typing import Annotated

import typer

from runbooks.cli.app import app
from runbooks.streams import say


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
    from runbooks.cli.given import text_given
    from runbooks.decoder import explain as explained

    explanation = explained(text_given(" ".join(text if text is not None else ["-"])))
    say(explanation.render("json" if json else "text"))
    raise typer.Exit(0 if explanation.known else 1)
