"""`runbooks policy`."""

import json
from typing import Annotated

import typer

from runbooks.cli.app import app
from runbooks.streams import say


@app.command()
def policy(
    probe: Annotated[bool, typer.Option("--probe", help="Add what --probe of `diagnose` needs.")] = False,
) -> None:
    """Print the least-privilege IAM policy for the checks."""
    from runbooks.policy import document

    say(json.dumps(document(probe=probe), indent=2) + "\n")
