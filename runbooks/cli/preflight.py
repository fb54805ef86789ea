"""`runbooks preflight`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from runbooks.cli.app import app
from runbooks.cli.asking import Colour, Form, Output, Timeout, Verbose, answer
from runbooks.cli.options import Probe, Profile, Region, SandboxScenario, not_empty, text
from runbooks.errors import UserError
from runbooks.subject import subject


@app.command()
def preflight(
    group: Annotated[
        str,
        typer.Argument(
            help="The deployment group, as APPLICATION/GROUP.",
            metavar="APPLICATION/GROUP",
            callback=not_empty,
        ),
    ],
    bundle: Annotated[
        Path | None, typer.Option(help="The folder, zip or tar that is to be deployed: it is checked too.")
    ] = None,
    revision: Annotated[
        str | None,
        text(
            "Where it is to be deployed from: s3://BUCKET/KEY or github:OWNER/REPO@COMMIT; default: the group's last revision."
        ),
    ] = None,
    profile: Profile = None,
    region: Region = None,
    sandbox: SandboxScenario = None,
    probe: Probe = False,
    timeout: Timeout = 60,
    form: Form = None,
    output: Output = None,
    verbose: Verbose = False,
    colour: Colour = None,
) -> None:
    """Say what would fail if you deployed to a group now.

    And what could not be predicted. Read-only: nothing is deployed; --probe also runs one read-only script on up to
    three hosts by Systems Manager (a sandbox always does). The exit code: 0 nothing would, 1 something FAILs, 2 something could not be checked,
    3 both; 64 a wrong option.

    \b
    Try it without an account:
      runbooks preflight shop/web --sandbox group-role-denied
    """
    from runbooks.checks._revision import revision_at
    from runbooks.prediction import preflight as ask

    named = subject(group).get("deployment_group")
    if not named:
        raise UserError(f"{group!r} is not a deployment group: give APPLICATION/GROUP.")
    if bundle and not bundle.exists():
        raise UserError(f"There is no file or folder {str(bundle)!r}.")
    if revision:
        revision_at(revision)
    answer(
        {"deployment_group": named},
        (),
        profile=profile,
        region=region,
        sandbox=sandbox,
        named=group,
        probe=probe,
        timeout=timeout,
        form=form,
        output=output,
        verbose=verbose,
        colour=colour,
        by=partial(ask, group=named, bundle=bundle or "", revision=revision or ""),
    )
