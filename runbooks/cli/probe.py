"""`runbooks probe`."""

from typing import Annotated

from runbooks.cli.app import app
from runbooks.cli.options import text
from runbooks.streams import say


@app.command()
def probe(
    instance: Annotated[
        str | None, text("The instance's CodeDeploy name, which the report then repeats.")
    ] = None,
) -> None:
    """Print the read-only host probe, for a host that Systems Manager does not manage.

    Run it there as root and bring its output back:
    runbooks probe --instance NAME | ssh HOST sudo sh > host.json
    runbooks diagnose --instance NAME --host-report host.json
    """
    from runbooks.host import probe_script
    from runbooks.question import Question

    say(probe_script(Question.of(instance=instance or "").instance or None))
