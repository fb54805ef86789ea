"""Hosts as agent 1.8.1 left them when it was run and did not work, or not as meant: none of them is all OK."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox.hosts.host import BOOTS, LOGS, MASTER, POLLS, SPARE_CONFIG

from runbooks.aws.session import Aws
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Command, Finding, Verdict
from tests.checks.on_hosts import (
    HEALTHY,
    Case,
    ask,
    aws,
    changed,
    document,
    look,
    worst,
    yml_is_a_directory,
)
from tests.support import hosts
from tests.support.agent_lines import boot, completed, first, polling
from tests.support.hosts import DEFAULT_CONFIG, SESSION_ARN, Fakes

__all__ = ["aws", "document"]  # fixtures

RUNS, LOG, SETTINGS = "agent-is-running", "agent-log-is-clean", "agent-settings-are-sound"
WHO, REGION = "agent-identity-is-the-registered-one", "agent-takes-its-region-from-its-yml"
REACHES, CLOCK = "host-reaches-codedeploy", "host-clock-is-right"
RESPAWNS = first("INFO", "master 1412: not enough child processes running - missing at least 1 - respawning")
SPAWNS = first("INFO", "master 1412: Spawned child 1/1")
REFUSED = "echo 'curl: (7) Failed to connect to 127.0.0.1 port 3128: Connection refused' >&2; exit 7"
THROUGH_PROXY = f'if [ -n "${{https_proxy-}}" ]; then {REFUSED}; fi; {hosts.ANSWERS}'


def at(line: str, minutes: float = 0) -> str:
    """A line of the log, written so many minutes ago on a host whose clock is in UTC."""
    return (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S") + line[19:]


_MADE = datetime.now(UTC)
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.MULTILINE)


def as_of_now(case: Case) -> Case:
    """The case with its log moved to now: the cases are made when the tests are collected, and agents poll on."""
    late = datetime.now(UTC) - _MADE

    def moved(text: str) -> str:
        return _TIME.sub(
            lambda at: (datetime.fromisoformat(at[0]) + late).strftime("%Y-%m-%dT%H:%M:%S"), text
        )

    log = case.files.log
    others = {
        path: moved(text) if isinstance(text, str) else text for path, text in case.files.others.items()
    }
    return replace(
        case, files=replace(case.files, log=moved(log) if isinstance(log, str) else log, others=others)
    )


def log(*lines: str) -> str:
    """The log of an agent, whose lines are a minute apart, the newest of now."""
    return "".join(f"{at(line, len(lines) - 1 - number)}\n" for number, line in enumerate(lines))


POLL = polling(SESSION_ARN)
WORKS = replace(HEALTHY, log=log(POLL, POLL))


def loops(cause: str, **more: Any) -> hosts.Files:
    """An agent whose worker ends at each start, which the master starts again every five seconds."""
    ends = [cause, RESPAWNS] * 3
    return replace(HEALTHY, log=log(*ends), processes=BOOTS, ages={1412: 4000, 1420: 1}, **more)


def settings(text: str) -> str:
    return f"{DEFAULT_CONFIG}{text}\n"


_TRACE = [f"/opt/codedeploy-agent/lib/instance_agent/runner/child.rb:{number}:in `x'" for number in range(70)]
_METADATA = boot(
    "Errno::ENETUNREACH - Failed to open TCP connection to 169.254.169.254:80 (Network is unreachable)"
)
_TLS = boot("SystemExit - Stopping CodeDeploy agent due to SSL validation error.")
_SCRIPT = completed("Failed", 4, "Script at specified location: scripts/start.sh failed with exit code 1")
_ELSEWHERE = first("INFO", "CodeDeploy endpoint: https://codedeploy-commands.eu-central-1.amazonaws.com")
_CENTRAL = f'{hosts.status(200)}; echo \'"region" : "eu-central-1"\''
_TODAY = f"{datetime.now(UTC):%Y%m%d}"
_SECOND = {2412: MASTER.replace("1412", "2412"), 2415: POLLS[1415].replace("1412", "2412")}
_STOPS = {RUNS: (FAIL, "starts its worker again and again")}

# By what is wrong: the host, and exactly what is neither OK nor SKIP there.
BROKEN = {
    "deployments fail, and the agent polls on": Case(
        files=replace(HEALTHY, log=log(POLL, _SCRIPT, POLL, POLL)), not_ok={LOG: (FAIL, "failed with exit code 1")}
    ),
    "a cause above a long backtrace": Case(
        files=loops(boot("RuntimeError - Unknown domain: novalocal") + "\n" + "\n".join(_TRACE)),
        not_ok={**_STOPS, LOG: (FAIL, "Unknown domain: novalocal")},
    ),
    "a crash loop by a proxy without a scheme": Case(
        files=loops(
            boot('URI::InvalidURIError - bad URI(is not URI?): "127.0.0.1:3128"'),
            config=settings(":proxy_uri: 127.0.0.1:3128"),
        ),
        not_ok={**_STOPS, LOG: (FAIL, "bad URI"), SETTINGS: (FAIL, "127.0.0.1:3128, without http:// in front")},
        fixes={SETTINGS: "sudo sed -E -i.bak 's|^"},
    ),
    "dead, and active (exited) for systemd": Case(
        Fakes(systemctl="active exited"),
        replace(WORKS, processes={}),
        {RUNS: (FAIL, "systemctl: active (exited)")},
        fixes={RUNS: "sudo systemctl restart codedeploy-agent"},
    ),
    "a user that may not read the yml": Case(
        files=loops(_METADATA, owner=990),
        not_ok={**_STOPS, LOG: (FAIL, "169.254.169.254"), "agent-may-use-its-files": (FAIL, "runs as codedeploy")},
        fixes={"agent-may-use-its-files": "sudo chown -R codedeploy /"},
    ),
    "a dead http_proxy in the environment": Case(
        Fakes(curl=hosts.curl(THROUGH_PROXY)),
        loops(_TLS, environment={"http_proxy": "http://127.0.0.1:3128"}),
        {**_STOPS, LOG: (FAIL, "SSL validation"), REACHES: (FAIL, "by the proxy of the agent's environment (curl")},
    ),
    "a dead http_proxy in the environment of an agent that polls": Case(
        Fakes(curl=hosts.curl(THROUGH_PROXY)),
        replace(WORKS, environment={"http_proxy": "http://127.0.0.1:3128"}),
        {REACHES: (WARN, "by the proxy of the agent's environment (curl")},
    ),
    "a proxy that is ignored": Case(
        Fakes(curl=hosts.curl(THROUGH_PROXY)),
        replace(WORKS, config=settings(":proxy_uri: localhost:3128")),
        {SETTINGS: (WARN, "the agent goes without a proxy")},
    ),
    "two masters": Case(
        files=replace(WORKS, processes=POLLS | _SECOND),
        not_ok={RUNS: (FAIL, "2 agents run on web-01 (processes 1412, 2412)")},
    ),
    "1.x and 2.x at once": Case(
        files=replace(WORKS, processes={**POLLS, 31: "/opt/codedeploy-agent/bin/codedeploy-agent start"}),
        not_ok={RUNS: (FAIL, "2 agents run")},
    ),
    "another program_name": Case(
        files=replace(
            HEALTHY,
            config=DEFAULT_CONFIG.replace(":program_name: codedeploy-agent", ":program_name: cda"),
            processes={pid: title.replace("codedeploy-agent", "cda") for pid, title in POLLS.items()},
            log=None,
            pid=None,
            others={f"{LOGS}/cda.log": log(POLL)},
        )
    ),
    "the configuration in the agent's own folder": Case(
        files=replace(WORKS, config=None, others={SPARE_CONFIG: settings(":log_aws_wire: true")}),
        not_ok={SETTINGS: (WARN, "log_aws_wire is on")},
        fixes={SETTINGS: "sudo sed -E -i.bak 's|^([\"\\x27]?:?log_aws_wire"},
    ),
    "a metadata service of another Region": Case(
        Fakes(curl=hosts.curl(hosts.ANSWERS, _CENTRAL)),
        replace(HEALTHY, log=log(_ELSEWHERE, POLL)),
        {WHO: (FAIL, "polls https://codedeploy-commands.eu-central-1"), REGION: (FAIL, "eu-central-1, though its yml")},
        fixes={WHO: "echo ':deploy_control_endpoint: https://codedeploy-commands.eu-west-1.amazonaws.com' | sudo tee"},
    ),
    "a metadata service of another Region that came after the agent's start": Case(
        Fakes(curl=hosts.curl(hosts.ANSWERS, _CENTRAL)),
        replace(HEALTHY, log=log(_ELSEWHERE.replace("central", "west"), POLL)),
        {REGION: (WARN, "where it still polls by its log, until its next start")},
    ),
    "an endpoint of another Region in the configuration": Case(
        files=replace(
            HEALTHY,
            log=log(_ELSEWHERE, POLL),
            config=settings(":deploy_control_endpoint: https://codedeploy-commands.eu-central-1.amazonaws.com"),
        ),
        not_ok={WHO: (FAIL, "polls https://codedeploy-commands.eu-central-1")},
        fixes={WHO: "sudo sed -E -i.bak 's|^([\"\\x27]?:?deploy_control_endpoint"},
    ),
    "a yml that is a directory": Case(
        files=loops(boot("RuntimeError - Invalid on premises config file"), identity=None),
        then=yml_is_a_directory,
        not_ok={**_STOPS, WHO: (FAIL, "is a directory. The agent's worker ends"), LOG: (FAIL, "Invalid on premises"), CLOCK: (UNKNOWN, "no endpoint told")},
    ),
    "a switch in quotes": Case(
        files=replace(WORKS, config=DEFAULT_CONFIG.replace("verbose: false", 'verbose: "false"')),
        not_ok={SETTINGS: (WARN, 'verbose on web-01 is "false" in quotes, and agent 1.x takes every text for on')},
    ),
    "a wire log that was left": Case(
        files=replace(WORKS, others={f"{LOGS}/codedeploy-agent.aws_wire.log": "-> POST / HTTP/1.1"}),
        not_ok={SETTINGS: (WARN, "aws_wire.log was left on web-01 (0 MB)")},
        fixes={SETTINGS: "sudo rm /var/log/aws/codedeploy-agent/codedeploy-agent.aws_wire.log"},
    ),
    "max_revisions 0": Case(
        files=replace(WORKS, config=settings(":max_revisions: 0")), not_ok={SETTINGS: (FAIL, "max_revisions is '0'")}
    ),
    "max_revisions that is not a number": Case(
        files=replace(WORKS, config=settings(":max_revisions: five")), not_ok={SETTINGS: (FAIL, "is 'five'")}
    ),
    "max_revisions 10": Case(files=replace(WORKS, config=settings(":max_revisions: 10"))),
    "an error just before midnight, and a log that was rotated since": Case(
        files=replace(
            HEALTHY, log=log(POLL), others={f"{LOGS}/codedeploy-agent.{_TODAY}.log": log(POLL, _SCRIPT, POLL)}
        ),
        not_ok={LOG: (FAIL, "failed with exit code 1")},
    ),
    "a unit that ends after each start": Case(
        Fakes(unit={"NRestarts": "57"}),
        replace(HEALTHY, processes={1412: "/opt/codedeploy-agent/bin/codedeploy-agent start"}, ages={1412: 2}),
        {RUNS: (FAIL, "57 times again, 2 s ago")},
    ),
    "a unit that does not start with the host": Case(
        Fakes(unit={"UnitFileState": "disabled"}), WORKS, {RUNS: (WARN, "its unit is disabled")}
    ),
    "an agent that polls as another": Case(
        files=replace(HEALTHY, log=log(polling(SESSION_ARN.replace("web-01", "web-09")))),
        not_ok={WHO: (FAIL, "web-09, though its yml names")},
        fixes={WHO: "sudo systemctl restart codedeploy-agent"},
    ),
    "an agent that was restarted since it polled as another": Case(
        files=replace(
            HEALTHY, log=log(polling(SESSION_ARN.replace("web-01", "web-09")), SPAWNS), ages={1412: 9, 1415: 8}
        )
    ),
    "a proxy that wants a password": Case(
        Fakes(curl=hosts.curl(hosts.status(407))),
        WORKS,
        {REACHES: (FAIL, "HTTP 407: the proxy wants a name"), CLOCK: (UNKNOWN, "no endpoint told")},
    ),
    "a redirect": Case(
        Fakes(curl=hosts.curl(hosts.ANSWERS.replace("404 Not Found", "302 Found"))),
        WORKS,
        {REACHES: (WARN, "with HTTP 302")},
    ),
}  # fmt: skip


def only_the_intended(case: Case, aws: Aws, place: Path) -> dict[str, Finding]:
    """The worst finding of each check on this host, which are those that the case says."""
    found = {id_: worst(each) for id_, each in ask(aws, look(case, place)).items()}
    loud = {id_: f.says for id_, f in found.items() if f.verdict not in (OK, SKIP)}
    assert set(loud) == set(case.not_ok), loud
    for id_, (verdict, says) in case.not_ok.items():
        assert found[id_].verdict is verdict
        assert says in found[id_].says
    for id_, fix in case.fixes.items():
        assert found[id_].fix.startswith(fix)
    return found


@pytest.mark.parametrize("name", BROKEN)
def test_of_each_host_exactly_the_intended_is_said(name: str, aws: Aws, tmp_path: Path) -> None:
    case = as_of_now(BROKEN[name])
    found = only_the_intended(case, aws, tmp_path)
    for id_, (verdict, _) in case.not_ok.items():
        assert verdict is UNKNOWN or found[id_].next or found[id_].fix
    for id_ in case.fixes:
        assert isinstance(found[id_].fix, Command)


def test_packets_to_the_metadata_address_that_are_dropped_make_a_start_slow(aws: Aws, tmp_path: Path) -> None:
    case = Case(Fakes(curl=hosts.curl(hosts.ANSWERS, hosts.NO_ANSWER)), WORKS)
    said = worst(ask(aws, look(case, tmp_path))[REGION])
    assert (said.verdict, "waits 3.5 minutes" in said.says) == (OK, True)


@pytest.mark.parametrize(
    ("minutes", "runs", "is_command"), [(69, True, False), (71, True, True), (69, False, True)]
)
def test_no_command_restarts_the_agent_while_a_deployment_runs(
    minutes: int, runs: bool, is_command: bool, aws: Aws, document: dict[str, Any]
) -> None:
    """The real agent refuses that, or fails the event."""
    document = document | {"agent": document["agent"] | {"running": {"value": runs, "by": "x"}}}
    document |= {"deployment": document["deployment"] | {"ongoing": {"value": [f"d-ABC {minutes * 60}"]}}}
    on = changed(document, "config", "log_aws_wire", {"value": "true"})
    fix = worst(ask(aws, on)[SETTINGS]).fix
    assert isinstance(fix, Command) is is_command
    assert is_command or fix.startswith("d-ABC is under way on the host")
    assert "restart codedeploy-agent" in fix


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, OK),
        (299, OK),
        (300, WARN),
        (399, WARN),
        (400, OK),
        (407, FAIL),
        (499, OK),
        (500, WARN),
        (0, UNKNOWN),
    ],
)
def test_which_answers_of_an_endpoint_count(
    status: int, verdict: Verdict, aws: Aws, document: dict[str, Any]
) -> None:
    said = worst(ask(aws, changed(document, "endpoint_commands", "status", {"value": status}))[REACHES])
    assert said.verdict is verdict


def test_a_certificate_of_another_issuer_is_named(aws: Aws, document: dict[str, Any]) -> None:
    endpoint = document["endpoint_commands"] | {
        "status": {"error": "curl: (60) SSL certificate problem"},
        "issuer": {"value": "issuer=CN = Corporate Proxy CA"},
    }
    report = changed(document | {"endpoint_commands": endpoint}, "clock", "offset", {"value": "+0000"})
    said = worst(ask(aws, report)[REACHES])
    assert (said.verdict, said.next) == (FAIL, "/symptoms/tls-intercepted/")
    assert "issued by Corporate Proxy CA, so" in said.says


def test_no_copy_is_left_of_a_yml_that_may_hold_a_key(aws: Aws, document: dict[str, Any]) -> None:
    other = {"value": SESSION_ARN.replace("web-01", "web-09")}
    fix = worst(ask(aws, changed(document, "identity", "iam_session_arn", other))[WHO]).fix
    assert "sed -E -i 's" in fix
