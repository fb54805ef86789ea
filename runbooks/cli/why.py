"""`runbooks why`."""

from typing import Annotated, Any

import typer

from runbooks.cli.app import app
from runbooks.cli.asking import Colour, Form, Format, Output, Timeout, Verbose, answer
from runbooks.cli.options import Profile, Region, SandboxScenario
from runbooks.subject import account_named, deployment_in, region_asked


@app.command()
def why(
    deployment: Annotated[
        str,
        typer.Argument(help="A deployment's id, or a link or a line that holds one.", metavar="DEPLOYMENT"),
    ],
    profile: Profile = None,
    region: Region = None,
    sandbox: SandboxScenario = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Ask again every 15 seconds until it has ended, or Ctrl-C.")
    ] = False,
    timeout: Timeout = 60,
    form: Form = Format.text,
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

    id_, region = deployment_in(deployment), region_asked(deployment, region)

    def until_it_has_ended(aws: Any) -> None:
        with watched() as show:
            watch_it(aws, id_, show)

    answer(
        {"deployment": id_},
        WHY,
        profile=profile,
        region=region,
        sandbox=sandbox,
        account=account_named(deployment),
        timeout=timeout,
        form=form,
        output=output,
        verbose=verbose,
        colour=colour,
        first=until_it_has_ended if watch else None,
    )
