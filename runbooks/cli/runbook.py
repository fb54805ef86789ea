"""`runbooks open` and `runbooks run`."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from runbooks.cli.app import app
from runbooks.cli.options import (
    Probe,
    Profile,
    Region,
    SandboxScenario,
    absolute,
    question_options,
    target_of,
)
from runbooks.errors import UserError
from runbooks.runbook import names, path_of
from runbooks.streams import say
from runbooks.subject import region_asked, subject

Name = Annotated[str, typer.Argument(metavar="RUNBOOK", help="agent, network, triage ...")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Another parameter of the runbook (repeatable)."),
]


@app.command("open")
@question_options
def open_(
    name: Name,
    asked: dict[str, Any],
    profile: Profile = None,
    region: Region = None,
    sandbox: SandboxScenario = None,
    probe: Probe = False,
    set_: Set = None,
    browser: Annotated[bool, typer.Option(help="Show it in a browser; else only print its address.")] = True,
) -> None:
    """Copy a runbook into incidents/ and open it in JupyterLab.

    The parameters given are in the copy.

    RUNBOOK can also be a link to the guide, or the name of an error or a check: then its runbook is opened, with the
    instance, Region, deployment and group that the link holds. The id of a deployment opens the runbook of deployments; so
    does a link of AWS's console, an ARN or an event that names one. One that names an instance opens triage.

    Nothing runs by itself. Without --sandbox its target is your AWS account; the committed runbook stays untouched.
    """
    name, linked = _linked(name)
    path_of(name)  # refuses a wrong name before anything heavy is loaded
    _check_scenario(sandbox)
    from runbooks.runbook.copies import open_runbook
    from runbooks.runbook.lab import show

    in_link = linked.pop("region", None)
    region = region_asked(asked.get("instance"), region) or in_link
    given = _parameters(asked, profile, region, sandbox, probe, set_ or [])
    copy = open_runbook(name, **(linked | given))
    typer.echo(f"The copy is {copy}; JupyterLab saves it while you work.")
    show(copy, browser=browser)


@app.command("run")
@question_options
def run_(
    name: Name,
    asked: dict[str, Any],
    profile: Profile = None,
    region: Region = None,
    sandbox: SandboxScenario = None,
    probe: Probe = False,
    set_: Set = None,
) -> None:
    """Execute a runbook from first cell to last, without JupyterLab.

    It prints what it found. The executed notebook and a page in HTML are left in incidents/. The exit code is that of
    `diagnose`. RUNBOOK can also be the id of a deployment or of an EC2 instance, or a link, as for `runbooks open`.

    \b
    Try it without an account:
      runbooks run agent --sandbox agent-stopped --instance web-01
    """
    name, linked = _linked(name)
    path_of(name)
    region = region_asked(asked.get("instance"), region) or linked.pop("region", None)
    from runbooks.runbook.run import run_runbook

    result = run_runbook(name, **linked | _parameters(asked, profile, region, sandbox, probe, set_ or []))
    say(str(result))  # first: on a full disk it is all that is left
    notebook, page = result.save()
    say(f"\nnotebook  {notebook}\npage      {page}\n")
    raise typer.Exit(result.exit_code)


def _check_scenario(name: str | None) -> None:
    if name:
        from runbooks.aws import sandboxed

        sandboxed.check_scenario(name)


def _linked(link: str) -> tuple[str, dict[str, Any]]:
    """The runbook that a link, an error or a check leads to, and the parameters that the link holds."""
    if link in names():
        return link, {}
    from runbooks.links import read, runbook_of
    from runbooks.question import DEPLOYMENT, is_ec2

    if DEPLOYMENT.fullmatch(link.strip()):
        return "deployment", {"deployment": link.strip()}
    found = read(link)
    if not found.page:
        return _about(link)
    name = runbook_of(found.page)
    context = {"deployment_group" if key == "group" else key: value for key, value in found.context.items()}
    given = context.get("instance", "")
    if given.startswith("i-") and not is_ec2(given):  # nothing has such a name
        del context["instance"]
    if not found.page.startswith("/runbooks/") and "deployment" in context and not given:
        name = "deployment"  # no other runbook asks about one, and there is no instance to ask about
    if name == "deployment" and "deployment" not in context and given:
        name = "triage"
    if name == "triage" and not found.page.startswith(("/runbooks/", "/checks/", "/guides/")):
        context["error"] = found.name
    from runbooks.runbook.copies import prepared

    _, known = prepared(name, {})
    left_out = [key for key in context if key not in known]
    if left_out:
        typer.echo(f"The runbook {name} does not ask about: {', '.join(left_out)}.", err=True)
    return name, {key: value for key, value in context.items() if key in known}


def _about(link: str) -> tuple[str, dict[str, Any]]:
    """The runbook for a link of AWS's console, an ARN or an event, and its parameters; another text is a wrong name."""
    if not re.search(r"[/:{]|^(?:i|mi|d)-", link):
        return link, {}
    asked = subject(link)
    region = region_asked(link, None)
    name = "deployment" if "deployment" in asked else "triage"
    from runbooks.runbook.copies import prepared

    _, known = prepared(name, {})
    return name, {key: value for key, value in asked.items() if key in known} | (
        {"region": region} if region else {}
    )


def _parameters(
    asked: dict[str, Any],
    profile: str | None,
    region: str | None,
    sandbox: str | None,
    probe: bool,
    others: list[str],
) -> dict[str, Any]:
    """The parameters of a runbook: those that were given, and where it asks."""
    given: dict[str, Any] = {
        "target": target_of(sandbox, profile),
        "profile": profile or "",
        "region": region or "",
    }
    # the kernel has another working directory than this command
    given |= {name: absolute(value) if isinstance(value, Path) else value for name, value in asked.items()}
    given |= {"probe": True} if probe else {}
    for other in others:
        name, equals, value = other.partition("=")
        if not equals:
            raise UserError(f"--set {other} has no value: write --set {other}=VALUE.")
        given[name] = value
    return given
