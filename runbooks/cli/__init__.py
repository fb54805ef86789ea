"""The command line."""

import inspect
import json
import os
import re
import sys
import threading
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Never

import typer

from runbooks.errors import UserError
from runbooks.safe import plain
from runbooks.streams import check_writable, open_streams, read, say, write

_INTERRUPTED = 130

app = typer.Typer(
    help="Diagnose AWS CodeDeploy: what is wrong, with proof, from your account or from an embedded sandbox.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _not_empty(value: str | None) -> str | None:
    """Refuse "", which an unset variable of a shell leaves behind and which would ask something else."""
    if value == "":
        raise typer.BadParameter("it is empty; give a value, or leave the option out")
    return value


def _text(help: str, **more: Any) -> Any:
    """An option that holds text."""
    return typer.Option(help=help, callback=_not_empty, **more)


class Format(StrEnum):
    """How a report is written."""

    text = "text"
    json = "json"
    markdown = "markdown"
    html = "html"


@app.callback()
def _every_command(
    context: typer.Context,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    # --debug is read in main(), before any command runs
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def diagnose(
    instance: Annotated[
        str | None, _text("The on-premises instance's name; left out: what concerns all of them.")
    ] = None,
    profile: Annotated[str | None, _text("A profile of your AWS configuration.")] = None,
    region: Annotated[str | None, _text("The Region; default: the profile's, or AWS_REGION.")] = None,
    sandbox: Annotated[str | None, _text("Ask the sandbox with this scenario instead of AWS.")] = None,
    check: Annotated[list[str] | None, typer.Option(help="Run only this check (repeatable).")] = None,
    deployment_group: Annotated[
        str | None, _text("APPLICATION/GROUP whose tags the instance should carry.")
    ] = None,
    arn: Annotated[
        str | None, _text("The IAM user's or role session's ARN to register the instance with.")
    ] = None,
    bucket: Annotated[str | None, _text("The bucket that holds the revisions, or BUCKET/KEY.")] = None,
    hours: Annotated[float, typer.Option(help="How far back to look in CloudTrail; at most 2160.")] = 24,
    probe: Annotated[
        bool, typer.Option("--probe", help="Let Systems Manager run the read-only probe on the host.")
    ] = False,
    host_report: Annotated[
        Path | None, typer.Option(help="What `runbooks probe` printed on the host.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, max=3600, help="Seconds; what is not done by then is UNKNOWN.")
    ] = 60,
    format: Annotated[Format, typer.Option(help="How the report is written.")] = Format.text,
    output: Annotated[Path | None, typer.Option(help="Write the report to this file.")] = None,
    colour: Annotated[
        bool | None,
        typer.Option("--colour/--no-colour", help="Default: in a terminal, unless NO_COLOR is set."),
    ] = None,
) -> None:
    """Run the checks and print the report, the worst findings first.

    Only reads; --probe also runs one read-only script on the host by Systems Manager (a sandbox always does).
    The exit code: 0 all good, 1 something FAILs, 2 something could not be looked at, 3 both; 64 a wrong option.

    Try it without an account: runbooks diagnose --sandbox agent-stopped --instance web-01
    """
    from runbooks.aws import connect
    from runbooks.engine import diagnose as run
    from runbooks.progress import terminal
    from runbooks.question import Question
    from runbooks.report import as_text

    asked = {"instance": instance, "deployment_group": deployment_group, "arn": arn, "bucket": bucket}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    given |= {"hours": hours, "host_report": host_report}
    Question.of(**given)  # before anybody is asked
    if output:
        check_writable(output)
    began = time.monotonic()
    aws = connect(
        _target(sandbox, profile), profile=profile or "", region=region or "", probe=probe, timeout=timeout
    )
    left = max(1.0, timeout - (time.monotonic() - began))
    report = run(aws, checks=check or (), timeout=left, progress=terminal, **given)
    coloured = (sys.stdout.isatty() and "NO_COLOR" not in os.environ) if colour is None else colour
    shown = as_text.render(report, colour=coloured) if format is Format.text else report.render(format)
    if output:
        write(output, report.render(format))
        typer.echo(f"The report is in {output}.", err=True)
    else:
        say(shown)
    raise typer.Exit(report.exit_code)


@app.command()
def explain(
    text: Annotated[
        str, typer.Argument(help="What you hold, or a file that holds it. Left out, or -: standard input.")
    ] = "-",
    json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Say what an error is, what to do, and where to read on. Asks nobody.

    Takes anything that names it: an error's name, a line of the AWS CLI, a stack trace of any SDK, a CloudTrail
    record, a deployment's error code, an agent's log. The exit code: 0 it is known, 1 nothing in it is.

    runbooks explain InvalidRegistrationStatusException; journalctl -u codedeploy-agent | runbooks explain
    """
    from runbooks.decoder import explain as said

    explanation = said(_given(text))
    say(explanation.render("json" if json else "text"))
    raise typer.Exit(0 if explanation.known else 1)


RunbookName = Annotated[str, typer.Argument(metavar="RUNBOOK", help="agent, network, triage ...")]
RunbookInstance = Annotated[
    str | None, _text("The on-premises instance's name; needed where AWS is asked about one.")
]
RunbookProfile = Annotated[str | None, _text("A profile of your AWS configuration.")]
RunbookRegion = Annotated[str | None, _text("The Region; default: the profile's, or AWS_REGION.")]
RunbookSandbox = Annotated[str | None, _text("Ask the sandbox with this scenario instead of AWS.")]
RunbookReport = Annotated[
    Path | None, typer.Option("--host-report", help="What `runbooks probe` printed on the host.")
]
RunbookProbe = Annotated[
    bool, typer.Option("--probe", help="Let Systems Manager run the read-only probe on the host.")
]
RunbookSet = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Another parameter of the runbook (repeatable)."),
]


@app.command("open")
def open_(
    name: RunbookName,
    instance: RunbookInstance = None,
    profile: RunbookProfile = None,
    region: RunbookRegion = None,
    sandbox: RunbookSandbox = None,
    host_report: RunbookReport = None,
    probe: RunbookProbe = False,
    set_: RunbookSet = None,
    browser: Annotated[bool, typer.Option(help="Show it in a browser; else only print its address.")] = True,
) -> None:
    """Copy a runbook into incidents/ with these parameters, and open the copy in JupyterLab.

    Nothing runs by itself. Without --sandbox its target is your AWS account; the committed runbook stays untouched.
    """
    from runbooks.runbook import open_runbook, show

    copy = open_runbook(
        name, **_parameters(instance, profile, region, sandbox, host_report, probe, set_ or [])
    )
    typer.echo(f"The copy is {copy}\nSave it yourself (Ctrl-S): JupyterLab saves nothing by itself here.")
    show(copy, browser=browser)


@app.command("run")
def run_(
    name: RunbookName,
    instance: RunbookInstance = None,
    profile: RunbookProfile = None,
    region: RunbookRegion = None,
    sandbox: RunbookSandbox = None,
    host_report: RunbookReport = None,
    probe: RunbookProbe = False,
    set_: RunbookSet = None,
) -> None:
    """Execute a runbook from its first cell to its last, without JupyterLab.

    The executed notebook and a report in HTML are left in incidents/. The exit code is that of `diagnose`.

    Try it without an account: runbooks run agent --sandbox agent-stopped --instance web-01
    """
    from runbooks.engine import Verdict
    from runbooks.runbook import run_runbook

    ran = run_runbook(name, **_parameters(instance, profile, region, sandbox, host_report, probe, set_ or []))
    for check, verdict in sorted(ran.verdicts.items(), key=lambda row: -Verdict[row[1]]):
        typer.echo(f"{verdict:<8}{check}")
    typer.echo(f"\nnotebook  {ran.notebook}\nreport    {ran.report}")
    raise typer.Exit(ran.exit_code)


@app.command()
def checks() -> None:
    """List every check: its id and good state, the API calls and IAM actions that it needs, and its page."""
    from runbooks.checks import all_checks
    from runbooks.policy import actions, seen
    from runbooks.safe import page_url

    for check in all_checks():
        apis = seen()[check.id]["calls"]
        say(
            f"{check.id}\n    {check.good}\n"
            f"    calls   {', '.join(apis) or 'none'}\n"
            f"    needs   {', '.join(actions(apis, probe=True)) or 'no permission'}\n"
            f"    page    {page_url(f'/checks/#{check.id}')}\n"
        )


@app.command()
def policy(
    probe: Annotated[bool, typer.Option("--probe", help="Add what --probe of `diagnose` needs.")] = False,
) -> None:
    """Print the least-privilege IAM policy for the checks: what they call, and nothing else."""
    from runbooks.policy import document

    say(json.dumps(document(probe=probe), indent=2) + "\n")


@app.command()
def probe(
    instance: Annotated[
        str | None, _text("The instance's CodeDeploy name, which the report then repeats.")
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


@app.command()
def sandbox(
    scenario: Annotated[str, typer.Option(help="What the sandbox's AWS looks like.")] = "healthy",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    list_: Annotated[bool, typer.Option("--list", help="Name the scenarios and end.")] = False,
) -> None:
    """Start an embedded AWS on loopback and print how to point any AWS client at it."""
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
Point any AWS client at it:

export AWS_ENDPOINT_URL={address["endpoint"]}
export AWS_ACCESS_KEY_ID={address["access_key_id"]}
export AWS_SECRET_ACCESS_KEY={address["secret_access_key"]}
export AWS_REGION={address["region"]} AWS_DEFAULT_REGION={address["region"]}

aws deploy list-on-premises-instances

And away from it again:
unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION AWS_DEFAULT_REGION

Ctrl-C ends it."""


def main() -> Never:
    """Run the command line and end the process: errors are one line on stderr, never a traceback without --debug."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    open_streams()
    try:
        result = app(
            args=[a for a in arguments if a != "--debug"], prog_name="runbooks", standalone_mode=False
        )
        if result == _INTERRUPTED:  # so typer ends an interrupted command
            _end("Interrupted.", _INTERRUPTED)
        sys.exit(result if isinstance(result, int) else 0)
    except UserError as error:
        if debug:
            raise
        _end(str(error), error.exit_code)
    except typer.TyperException as error:  # a wrong option or value
        _end(f"{error.format_message()} (`runbooks --help` lists what there is)", 64)
    except (KeyboardInterrupt, typer.Abort):
        _end("Interrupted.", _INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        _end(
            plain(
                f"runbooks failed: {type(error).__name__}: {error}; add --debug to see where, and please report it."
            ),
            70,
        )


def _end(sentence: str, code: int) -> Never:
    print(sentence, file=sys.stderr)
    sys.exit(code)


def _target(sandbox: str | None, profile: str | None) -> str:
    if sandbox and profile:
        raise UserError("--sandbox and --profile exclude each other: the sandbox needs no account.")
    return f"sandbox:{sandbox}" if sandbox else "aws"


def _parameters(
    instance: str | None,
    profile: str | None,
    region: str | None,
    sandbox: str | None,
    host_report: Path | None,
    probe: bool,
    others: list[str],
) -> dict[str, Any]:
    """The parameters of a runbook: those that were given, and where it looks."""
    given: dict[str, Any] = {
        "target": _target(sandbox, profile),
        "profile": profile or "",
        "region": region or "",
    }
    given |= {"instance": instance} if instance else {}
    # the kernel has another working directory than this command
    given |= {"host_report": str(host_report.absolute())} if host_report else {}
    given |= {"probe": True} if probe else {}
    for other in others:
        name, equals, value = other.partition("=")
        if not equals:
            raise UserError(f"--set {other} has no value: write --set {other}=VALUE.")
        given[name] = value
    return given


def _given(text: str) -> str:
    """What is to be explained: the text itself, the file of that name, or standard input."""
    if text == "-":
        if sys.stdin.isatty():
            typer.echo("Paste it here; Ctrl-D ends it.", err=True)
        return sys.stdin.buffer.read().decode("utf-8", errors="replace")
    path = text.startswith(("/", "./", "../")) and " " not in text
    file = re.fullmatch(r"[\w./~-]+\.(log|txt|json|out|err|md)", text)
    if path or file or os.path.isfile(text):  # noqa: PTH113 (Path.is_file raises for a name that is too long)
        return read(Path(text).expanduser())
    return text
