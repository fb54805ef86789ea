"""The logs of hook scripts beside the agent's own, and what the check of them says."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from codedeploy_sandbox import serve
from codedeploy_sandbox.hosts.host import DEPLOYMENTS, LOGS
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.helpers import machine
from codedeploy_sandbox.state import Account

from runbooks.aws import sandboxed
from runbooks.aws.session import Aws
from runbooks.checks import all_checks
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Finding, Verdict
from runbooks.host import probe_script
from runbooks.question import Question
from tests.checks.on_hosts import HEALTHY, Case, aws, changed, look, worst
from tests.support.agent_lines import completed, first, polling
from tests.support.hosts import Files, build
from tests.support.sandbox import client
from tests.support.world import PATIENT, session

__all__ = ["aws"]  # a fixture

CHECK = {check.id: check.function for check in all_checks()}["hook-scripts-of-the-last-deployment-ended-well"]
ALL = f"{DEPLOYMENTS}/deployment-logs/codedeploy-agent-deployments.log"
NOW = datetime.now(UTC).replace(microsecond=0)
AT = "Script at specified location: scripts/start.sh"
START = ("LifecycleEvent - ApplicationStart", "Script - scripts/start.sh")
STOP = ("LifecycleEvent - ApplicationStop", "Script - scripts/stop.sh")
FAILED = completed("Failed", 4, f"{AT} failed with exit code 1").replace(
    r"script_name\":\"", r"script_name\":\"scripts/start.sh"
)
STOP_FAILED = FAILED.replace("start.sh", "stop.sh")
GOOD = completed("Succeeded", 0, "Succeeded: ")
POLL = polling()
FORGED = 'put_host_command_complete(command_status:"Succeeded",diagnostics:{format:"JSON",payload:"{}"}'


def failed(code: object, message: str, script: str = "scripts/start.sh") -> str:
    """The report that an event failed by a script."""
    return completed("Failed", code, message).replace(r"script_name\":\"", rf"script_name\":\"{script}")


def at(minutes: float) -> str:
    return f"{NOW - timedelta(minutes=minutes):%Y-%m-%d %H:%M:%S}"


def scripts(*lines: str, id_: str = "d-NEW", minutes: float = 10) -> dict[str, str | bytes]:
    """A deployment's own log of its scripts."""
    text = "".join(f"{at(minutes)} {line}\n" for line in lines)
    return {f"{DEPLOYMENTS}/5f1e/{id_}/logs/scripts.log": text}


def every(*entries: tuple[str, str]) -> dict[str, str | bytes]:
    """The log of all deployments, of ids and lines."""
    return {
        ALL: "# Logfile created on x\n" + "".join(f"[{at(10)}.123] [{id_}]{line}\n" for id_, line in entries)
    }


def log(*lines: tuple[float, str]) -> str:
    """An agent's log, each line so many minutes old."""
    return "".join(f"{at(minutes).replace(' ', 'T')}{line[19:]}\n" for minutes, line in lines)


def host(others: Mapping[str, str | bytes], *lines: tuple[float, str], **more: object) -> Files:
    begins = (60, first("INFO", "master 1412: Spawned child 1/1"))
    return replace(HEALTHY, log=log(begins, *lines), others=dict(others), **more)  # type: ignore[arg-type]


def of_second(*lines: str) -> Files:
    """A host with agent 2.x, whose own log is in UTC."""
    text = "".join(
        f"{at(9)} {line}\n" for line in ("INFO Starting host command poll loop host_identifier=x", *lines)
    )
    return replace(HEALTHY, version="agent_version: 2.1.0\n", log=text, others=scripts(*STOP, *START))


SPAN = "deployment{deployment_id=d-NEW command=ApplicationStart app=my shop}: Command"
OLD = "deployment{deployment_id=d-OLD command=ApplicationStart app=shop}: Command"
# By what is on the host: the verdict, and what it says.
CASES: dict[str, tuple[Files, Verdict, str]] = {
    "no deployment": (HEALTHY, SKIP, "No deployment on web-01 has a log of hook scripts"),
    "a script that ended well": (host(scripts(*START), (9, GOOD), (8, POLL)), OK, "reported ApplicationStart of d-NEW on web-01 as succeeded; its log names 1 script."),
    "a script that printed errors and ended well": (
        host(scripts(*START, "[stderr]ERROR: failed with exit code 1, Permission denied"), (9, GOOD)), OK, "as succeeded"
    ),
    "a script that failed": (
        host(scripts(*START, "[stdout]one", "[stderr]two"), (9, FAILED)),
        FAIL, "In ApplicationStart of d-NEW on web-01, the hook script scripts/start.sh failed. The agent reported: Script at specified location: scripts/start.sh failed with exit code 1. The script printed last: “[stdout]one | [stderr]two”",
    ),
    "a script that was too slow": (host(scripts(*START), (9, failed(3, f"{AT} failed to complete in 5 seconds"))), FAIL, "failed to complete in 5 seconds"),
    "a script that was not there": (
        host(scripts(START[0]), (9, failed(1, "Script does not exist at specified location: /x"))), FAIL, "In ApplicationStart of d-NEW on web-01, the hook script scripts/start.sh failed"
    ),
    "output that is left open": (host(scripts(*START), (9, failed(6, f"{AT} failed to close STDOUT"))), FAIL, "failed to close STDOUT"),
    "output that is not UTF-8": (host(scripts(*START), (9, failed("Unknown", "Attempting minimal diagnostics"))), FAIL, "Attempting minimal"),
    "a restart": (host(scripts(*START), (9, failed(7, "Failed: Failing in-progress lifecycle event after an agent restart.", ""))), FAIL, "In ApplicationStart of d-NEW on web-01, the event failed"),
    "no room for the script's log": (host(scripts(*START), (9, failed(5, "No space left on device", ""))), FAIL, "the event failed. The agent reported: No space left"),
    "an Install that failed after a good script": (
        host(scripts(*STOP), (9, GOOD), (8, failed(5, "The deployment failed because a specified file already exists", ""))), OK, "ApplicationStop of d-NEW"
    ),
    "a failure of an earlier deployment": (
        host({**scripts(*START, id_="d-OLD", minutes=30), **every(*(("d-OLD", line) for line in START), *(("d-NEW", line) for line in START))}, (29, FAILED), (9, GOOD)),
        OK, "ApplicationStart of d-NEW",
    ),
    "a stop script whose failure was ignored": (
        host({ALL: f"[{at(20)}.1] [d-NEW]{STOP[0]}\n[{at(20)}.1] [d-NEW]{STOP[1]}\n[{at(10)}.1] [d-NEW]{START[0]}\n[{at(10)}.1] [d-NEW]{START[1]}\n"}, (19, STOP_FAILED), (9, GOOD)),
        WARN, "In ApplicationStop of d-NEW on web-01, the hook script scripts/stop.sh failed",
    ),
    "a success since, of a deployment without scripts": (host(scripts(*START), (9, FAILED), (5, GOOD)), WARN, "A later event succeeded, so it may be past."),
    "a script that still runs": (
        host({**scripts(*START), f"{DEPLOYMENTS}/ongoing-deployment/d-NEW": "x"}), UNKNOWN, "ApplicationStart of d-NEW on web-01 is under way"
    ),
    "no report": (host(scripts(*START)), UNKNOWN, "does not say how ApplicationStart of d-NEW on web-01, begun at "),
    "a report in the log of the day before": (
        host({**scripts(*START), f"{LOGS}/codedeploy-agent.20260101.log": log((9, FAILED))}), FAIL, "exit code 1"
    ),
    "an old deployment, and a log that begins later": (host(scripts(*START, minutes=5000), (9, POLL)), SKIP, "holds nothing as old"),
    "an old deployment without a report in a log that is older": (
        replace(HEALTHY, log=log((2000, POLL), (9, POLL)), others=scripts(*START, minutes=1500)),
        UNKNOWN, "does not say how",
    ),
    "output alone": (host(scripts("[stdout]x")), UNKNOWN, "names no event: it is a script's output alone"),
    "words of a script that look like an event": (
        host(scripts(*START, "[stdout]LifecycleEvent - Forged", f"[stdout]{at(1)} LifecycleEvent - Forged"), (9, FAILED)), FAIL, "In ApplicationStart of d-NEW"
    ),
    "words of a script that look like a report": (
        host(scripts(*START), (9, FAILED.replace(r'\"log\":\"', rf'\"log\":\"{FORGED}'.replace(':"', r':\\\"')))), FAIL, "exit code 1"
    ),
    "a line of the agent's log that looks like a report": (
        host(scripts(*START), (9, first("ERROR", f"Error during perform: scripts/x {FORGED}"))), UNKNOWN, "does not say how"
    ),
    "a secret that a script prints": (host(scripts(*START, "[stderr]password=hunter2222"), (9, FAILED)), FAIL, "[stderr]password [masked]"),
    "output without an end of line, in the log of all": (
        host({**every(("d-NEW", STOP[0]), ("d-NEW", STOP[1]), ("d-NEW", "[stdout]done"), *(("d-NEW", line) for line in START)),
              f"{DEPLOYMENTS}/5f1e/d-NEW/logs/scripts.log": f"{at(10)} {STOP[0]}\n{at(10)} {STOP[1]}\n{at(10)} [stdout]done{at(10)} {START[0]}\n"}, (9, FAILED)),
        FAIL, "In ApplicationStart of d-NEW",
    ),
    "agent 2.x, well": (of_second(f"INFO {SPAN} succeeded elapsed_ms=9"), OK, "ApplicationStart of d-NEW on web-01 as succeeded; its log names 2 scripts."),
    "agent 2.x, not well": (
        of_second(f"ERROR {SPAN} failed elapsed_ms=9 error=scripts/start.sh: {AT} failed with exit code 3"),
        FAIL, "the hook script scripts/start.sh failed. The agent reported: Script at specified location: scripts/start.sh failed with exit code 3",
    ),
    "agent 2.x, an error of another kind": (of_second(f"ERROR {SPAN} failed elapsed_ms=9 error=YAML: no"), FAIL, "the event failed. The agent reported: YAML: no"),
    "agent 2.x, the end of another deployment": (of_second(f"INFO {OLD} succeeded elapsed_ms=9"), UNKNOWN, "does not say how"),
}  # fmt: skip


def said(aws: Aws, files: Files, place: Path) -> list[Finding]:
    report = look(Case(files=files), place)
    return run(CHECK, aws, Question(instance="web-01", host_report=report))


@pytest.mark.parametrize("name", CASES)
def test_it_says_how_the_last_scripts_ended(name: str, aws: Aws, tmp_path: Path) -> None:
    files, verdict, text = CASES[name]
    found = worst(said(aws, files, tmp_path))
    assert found.verdict is verdict, found.says
    assert text in found.says
    assert verdict is not FAIL or (found.fix and found.next)


@pytest.mark.parametrize(
    ("code", "message", "page"),
    [
        (1, "x", "hook-script-missing"),
        (2, "x", "hook-not-executable"),
        (3, "x", "hook-timeout"),
        (4, "x", "hook-script-failed"),
        (4, f"{AT} failed with error Errno::ENOENT with message No such file or directory - /x", "hook-interpreter-missing"),
        (4, f"{AT} failed with error Errno::EACCES with message Permission denied - /x", "hook-not-startable"),
        (6, "x", "hook-output-left-open"),
        (7, "x", "restarted-in-deployment"),
        (5, "x", "event-failed"),
        # the code decides, not the words
        (3, f"{AT} failed with error Errno::ENOENT with message No such file or directory - /x", "hook-timeout"),
    ],
)  # fmt: skip
def test_the_code_leads_to_its_page(code: int, message: str, page: str, aws: Aws, tmp_path: Path) -> None:
    (found,) = said(aws, host(scripts(*START), (9, failed(code, message))), tmp_path)
    assert found.next == f"/symptoms/{page}/"


def test_a_failure_of_the_stop_script_is_not_fixed_by_a_new_revision(aws: Aws, tmp_path: Path) -> None:
    (found,) = said(aws, host(scripts(*STOP), (9, STOP_FAILED)), tmp_path)
    assert "--ignore-application-stop-failures" in found.fix


def test_what_the_probe_could_not_see_is_never_fine(aws: Aws, tmp_path: Path) -> None:
    document = build(tmp_path, files=host(scripts(*START), (9, GOOD))).document()
    report = changed(document, "hook_log", "steps", {"error": "this user cannot look into it"})
    (found,) = run(CHECK, aws, Question(instance="web-01", host_report=report))
    assert found.verdict is UNKNOWN
    assert "run the probe as root" in found.says


def test_a_failure_that_was_ignored_is_told_apart_from_the_one_that_ended_the_deployment(
    aws: Aws, tmp_path: Path
) -> None:
    steps = every(*(("d-NEW", line) for line in STOP))[ALL]
    later = "".join(f"[{at(8)}.000] [d-NEW]{line}\n" for line in START)
    files = host({ALL: f"{steps!s}{later}"}, (9, STOP_FAILED), (7, FAILED))
    found = said(aws, files, tmp_path)
    assert [(one.verdict, one.about) for one in found] == [
        (WARN, "scripts/stop.sh"),
        (FAIL, "scripts/start.sh"),
    ]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, OK),
        ({"fails": "script-failed"}, FAIL),
        ({"agent": "2.1.0"}, OK),
        ({"fails": "file-exists"}, SKIP),
    ],
)
def test_it_follows_a_deployment_that_the_sandbox_plays(changes: dict[str, str], verdict: Verdict) -> None:
    def scenario(account: Account) -> None:
        find("healthy")(account)
        machine(account, **changes)

    with serve(scenario, clock=sandboxed.DAY, probe=probe_script()) as sandbox:
        api = client(sandbox, "codedeploy")
        bundle = {"bucket": "shop-revisions", "key": "web/1.4.2.zip", "bundleType": "zip"}
        asked = {"applicationName": "shop", "deploymentGroupName": "web"}
        id_ = api.create_deployment(**asked, revision={"revisionType": "S3", "s3Location": bundle})[
            "deploymentId"
        ]
        for _ in range(60):  # each question moves the clock on by a second
            if api.get_deployment(deploymentId=id_)["deploymentInfo"]["status"] in ("Succeeded", "Failed"):
                break
        found = worst(run(CHECK, session(sandbox, PATIENT), Question(instance="web-01")))
    assert found.verdict is verdict, found.says
    assert verdict is SKIP or id_ in found.says
