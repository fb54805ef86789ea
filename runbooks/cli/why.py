"""`runbooks why`."""

import sys
from typing import Annotated, Any

import typer

from runbooks.cli.app import app
from runbooks.cli.asking import Colour, Form, Output, Timeout, Verbose, answer
from runbooks.cli.given import subject_given
from runbooks.cli.options import Profile, Region, SandboxScenario, not_empty
from runbooks.subject import deployment_in
from runbooks.text.mask import plain


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
        bool,
        typer.Option(
            "--watch", help="Ask again every 15 seconds until it has ended, --watch-minutes, or Ctrl-C."
        ),
    ] = False,
    watch_minutes: Annotated[
        int, typer.Option(min=1, max=1440, help="With --watch: stop after so many minutes.")
    ] = 60,
    timeout: Timeout = 60,
    form: Form = None,
    output: Output = None,
    verbose: Verbose = False,
    colour: Colour = None,
) -> None:
    """Say why a deployment failed, and what to do.

    Gives its error, and its targets grouped by cause. Read-only: three calls for up to 25 targets, and one for a
    deployment configuration of your own. With --watch it first shows, until it has ended, how the deployment goes;
    --timeout then bounds the report alone. The exit code: 0 it succeeded, 1 it failed, was stopped or is not there,
    2 it has not ended or could not be read, 3 both: it waits for something that FAILs, or was read only in part.

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
        # in the sandbox of a scenario nothing moves, so that one answer says it all
        with watched() as show:
            last = watch_it(aws, id_, show, minutes=0 if sandbox else watch_minutes)
        if last and sandbox:
            print(
                "Nothing moves in the sandbox that --sandbox starts, so it is not watched.", file=sys.stderr
            )
        elif last:
            says = f"Stopped watching; it has not ended: {last}"
            print(plain(says), file=sys.stderr)

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
