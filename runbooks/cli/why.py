"""`runbooks why`."""

from typing import Annotated, Any

import typer

from runbooks.cli.app import app
from runbooks.cli.asking import Colour, Form, Output, Timeout, Verbose, answer
from runbooks.cli.given import subject_given
from runbooks.cli.options import Profile, Region, SandboxScenario, not_empty
from runbooks.subject import deployment_in


@app.command()
def why(
    deployment: Annotated[
        str,
        typer.Argument(
            help="A deployment's id; a link, a line or an event that holds one, or the file with it; - is standard input.",
            metavar="DEPLOYMENT",
            callback=not_empty,
        ),
    ],
    profile: Profile = None,
    region: Region = None,
    sandbox: SandboxScenario = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Ask again every 15 seconds until it has ended, or Ctrl-C.")
    ] = False,
    timeout: Timeout = 60,
    form: Form = None,
    output: Output = None,
    verbose: Verbose = False,
    colour: Colour = None,
) -> None:
    """Say why a deployment failed, and what to do.

    Gives its error, and its targets grouped by cause. Read-only: three calls for up to 25 targets, and one for a
    deployment configuration of your own. With --watch it first shows, until it has ended, how the deployment goes.
    The exit code: 0 it succeeded, 1 it failed or was stopped, 2 it has not ended or could not be read.

    \b
    Try it without an account:
      runbooks why d-SHOPWEB01 --sandbox deployment-script-failed
    """
    from runbooks.checks.deployment import WHY
    from runbooks.cli.watched import watched
    from runbooks.cli.watching import watch as watch_it

    text = subject_given(deployment) or ""
    id_ = deployment_in(text)

    def until_it_has_ended(aws: Any) -> None:
        with watched() as show:
            watch_it(aws, id_, show)

    answer(
        {"deployment": id_},
        WHY,
        profile=profile,
        region=region,
        sandbox=sandbox,
        named=text,
        timeout=timeout,
        form=form,
        output=output,
        verbose=verbose,
        colour=colour,
        first=until_it_has_ended if watch else None,
    )
