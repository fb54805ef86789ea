"""`runbooks sandbox`."""

import inspect
import threading
from typing import Annotated

import typer

from runbooks.cli.app import app
from runbooks.errors import UserError
from runbooks.streams import say


@app.command()
def sandbox(
    scenario: Annotated[str, typer.Option(help="What the sandbox's AWS looks like.")] = "healthy",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    list_: Annotated[bool, typer.Option("--list", help="Name the scenarios and end.")] = False,
) -> None:
    """Start an embedded AWS on loopback.

    It prints how to point an AWS client at it.

    Clients that do not read AWS_ENDPOINT_URL (JavaScript 2, Go 1, older Go 2 and PHP, CLI 1 before 1.29, CLI 2 before
    2.13) would call AWS itself: give them the endpoint in code, or the CLI --endpoint-url.
    """
    from runbooks.aws import sandboxed
    from runbooks.host import probe_script

    sandboxed.require()
    from codedeploy_sandbox import SCENARIOS, serve

    if list_:
        say("".join(f"{name}\n    {inspect.getdoc(set_up)}\n" for name, set_up in SCENARIOS.items()))
        return
    try:
        with serve(scenario, port=port, probe=probe_script()) as running:
            typer.echo(_how_to_reach(running.address()))
            threading.Event().wait()
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from None
    except KeyboardInterrupt:
        typer.echo("Stopped.")


def _how_to_reach(address: dict[str, str]) -> str:
    """Lines to paste into another shell."""
    return f"""The sandbox {address["scenario"]!r} listens on {address["endpoint"]}. It is a sandbox, not AWS; it forgets all when it ends.
Point an AWS client at it (boto3 from 1.28, CLI 1 from 1.29, CLI 2 from 2.13, JavaScript 3 and Ruby read these):

export AWS_ENDPOINT_URL={address["endpoint"]}
export AWS_ACCESS_KEY_ID={address["access_key_id"]}
export AWS_SECRET_ACCESS_KEY={address["secret_access_key"]}
export AWS_REGION={address["region"]} AWS_DEFAULT_REGION={address["region"]}

aws deploy list-on-premises-instances

This caller may read, register and deploy. For a command that changes anything else set AWS_ACCESS_KEY_ID to administrator.

JavaScript 2, Go 1, older Go 2 and PHP, and older CLIs do not read AWS_ENDPOINT_URL, and call AWS itself. Give them the
endpoint in code, or the CLI as an option:
aws --endpoint-url {address["endpoint"]} deploy list-on-premises-instances

And away from it again:
unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION AWS_DEFAULT_REGION

Ctrl-C ends it."""
