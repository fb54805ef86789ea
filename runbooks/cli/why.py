"""`runbooks why`."""

import re
from typing import Annotated

import typer

from runbooks.cli.app import app
from runbooks.cli.asking import Colour, Form, Format, Output, Timeout, Verbose, answer
from runbooks.cli.options import Profile, Region, SandboxScenario
from runbooks.errors import UserError

_ID = re.compile(r"(?<![\w-])d-[A-Z0-9]{9}(?![\w-])")


@app.command()
def why(
    deployment: Annotated[
        str,
        typer.Argument(help="A deployment's id, or a link or a line that holds one.", metavar="DEPLOYMENT"),
    ],
    profile: Profile = None,
    region: Region = None,
    sandbox: SandboxScenario = None,
    timeout: Timeout = 60,
    form: Form = Format.text,
    output: Output = None,
    verbose: Verbose = False,
    colour: Colour = None,
) -> None:
    """Say why a deployment failed: its error, and its targets grouped by cause, each with what to do.

    Read-only: three calls for up to 25 targets. The exit code: 0 it succeeded, 1 it failed or was stopped, 2 it has
    not ended or could not be read.

    Try it without an account: runbooks why d-SHOPWEB01 --sandbox deployment-script-failed
    """
    from runbooks.diagnosis import WHY

    answer(
        {"deployment": _id(deployment)},
        WHY,
        profile=profile,
        region=region,
        sandbox=sandbox,
        timeout=timeout,
        form=form,
        output=output,
        verbose=verbose,
        colour=colour,
    )


def _id(text: str) -> str:
    """The one id in a text. Raises `UserError` for none, and for several."""
    ids: list[str] = list(dict.fromkeys(_ID.findall(text)))
    if len(ids) > 1:
        raise UserError(f"That names several deployments: {', '.join(ids)}. Ask about one of them.")
    if not ids:
        raise UserError(
            f"{text!r} holds no deployment's id: that is d- and nine letters or digits, such as d-ABCDEF123."
        )
    return ids[0]
