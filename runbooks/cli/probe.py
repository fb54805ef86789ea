"""`runbooks probe`."""

from typing import Annotated

import typer

from runbooks.cli.app import app
from runbooks.cli.options import text
from runbooks.streams import say


@app.command()
def probe(
    instance: Annotated[
        str | None, text("The instance's CodeDeploy name, which the report then repeats.")
    ] = None,
    document: Annotated[
        bool,
        typer.Option("--document", help="Print the SSM document that holds it, for --probe of `diagnose`."),
    ] = False,
) -> None:
    """Print the read-only host probe.

    It is for a host that Systems Manager does not manage.

    \b
    Run it there as root and bring its output back:
      runbooks probe --instance NAME | ssh HOST sudo sh > host.json
      runbooks diagnose --instance NAME --host-report host.json
    """
    from runbooks.errors import UserError
    from runbooks.host import probe_script
    from runbooks.host.probe import probe_document
    from runbooks.question import name_of_instance

    if document and instance:
        raise UserError("--document and --instance exclude each other: one document serves all instances.")
    if document:
        say(probe_document())
        return
    say(probe_script(name_of_instance(instance or "") or None))
