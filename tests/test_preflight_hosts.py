"""What preflight says of a group's hosts: what was known of them last, and what the probe finds on a sample of them."""

from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from codedeploy_sandbox import Error, Fault
from codedeploy_sandbox.scenarios import Scenario, find
from codedeploy_sandbox.scenarios.helpers import node, session
from codedeploy_sandbox.scenarios.records import put, target
from codedeploy_sandbox.state import REGION, Account, Node

from runbooks import preflight
from runbooks.checks import predictions
from runbooks.checks._members import members
from runbooks.checks.preflight import BY_AWS, BY_PROBE, MOST_LEADS, Planned
from runbooks.engine import run
from runbooks.facts.deployment_groups import deployment_group
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Finding, Verdict
from runbooks.report import Report
from tests.support.findings import assert_sound
from tests.support.world import PATIENT, world

ANSWER = "instances-of-the-group-answer"
CHECKS = {check.id: check for check in predictions()}
KEY = "host-may-use-the-key-of-the-bucket"
STOP = "hook-scripts-of-the-last-good-revision-can-start"


def asked(scenario: Any, *, probe: bool = True, **about: str) -> Report:
    with world(scenario, config=PATIENT) as (aws, sandbox):
        if not probe:
            aws.clients.allowed = {}
        report = preflight(aws, "shop/web", **about)  # type: ignore[arg-type]
        sent = [call for call in sandbox.account.journal if call.operation == "SendCommand"]
    assert len(sent) <= (MOST_LEADS if probe else 0)
    return report


def of(report: Report, check: str) -> list[Finding]:
    (found,) = [found for one, found in report.results.items() if one.id == check]
    for finding in found:
        assert_sound(finding)
    return found


def verdicts(found: list[Finding]) -> list[tuple[Verdict, str]]:
    return [(one.verdict, one.code.partition("/")[2]) for one in found]


def loud(report: Report) -> dict[str, str]:
    return {check.id: verdict.name for check, verdict, _ in report.checks if verdict not in (OK, SKIP)}


def without_evidence(account: Account) -> None:
    """web-01 is managed by no one, and nothing was deployed yet."""
    find("host-unmanaged")(account)
    account.state(REGION).deployments.clear()


def silent_and_lost(account: Account) -> None:
    """The last deployment did not hear web-01, and Systems Manager has lost it."""
    find("deployment-agent-silent")(account)
    node(account, ping="ConnectionLost", heard=timedelta(days=3))


@pytest.mark.parametrize(
    ("scenario", "expected", "says"),
    [
        ("healthy", [(OK, "ok")], "Systems Manager is connected with 2; d-SHOPWEB01 heard 2 of their agents."),
        ("host-offline", [(WARN, "not-connected"), (OK, "ok")], "1 of 2 instances (web-01) of shop/web: the host may be"),
        ("host-unmanaged", [(OK, "ok")], "is connected with 1; d-SHOPWEB01 heard 2"),
        ("deployment-agent-silent", [(WARN, "not-heard"), (OK, "ok")], "1 of 2 instances (web-01) of shop/web did not answer"),
        (silent_and_lost, [(FAIL, "silent"), (OK, "ok")], "1 of 2 instances (web-01) of shop/web did not answer"),
        (without_evidence, [(UNKNOWN, "not-known"), (OK, "ok")], "nothing is known"),
        ("group-selects-none", [(SKIP, "not-applicable")], "selects no instance"),
    ],
)  # fmt: skip
def test_what_was_known_last(scenario: Any, expected: list[tuple[Verdict, str]], says: str) -> None:
    found = of(asked(scenario, probe=False), ANSWER)
    assert verdicts(found) == expected
    assert says in found[0].says


# The silent hosts of the sandbox, and the check of the sample that sees them.
SILENT = {
    "agent-not-installed": "agent-is-installed",
    "agent-stopped": "agent-is-running",
    "agent-crash-loop": "agent-is-running",
    "agent-log-errors": "agents-of-the-group-poll",
    "identity-mismatch": "agent-identity-is-the-registered-one",
    "both-arns-in-yml": "agent-identity-is-the-registered-one",
    "host-no-https": "host-reaches-codedeploy",
    "host-clock-wrong": "host-clock-is-right",
}


@pytest.mark.parametrize("scenario", SILENT)
def test_the_probe_sees_an_agent_that_would_not_hear(scenario: str) -> None:
    report = asked(scenario)
    assert loud(report)[SILENT[scenario]] == "FAIL"
    assert "Probed: web-01, web-02 (2 of 2 instances)." in report.coverage


@pytest.mark.parametrize("scenario", ["healthy", "agent-2", "ec2-healthy", "group-healthy"])
def test_hosts_on_which_nothing_is_wrong_are_well(scenario: str) -> None:
    report = asked(scenario)
    assert loud(report) == {}
    assert verdicts(of(report, "agents-of-the-group-poll")) == [(OK, "ok")] * len(set(of_sample(report)))


def of_sample(report: Report) -> list[str]:
    return [lead.about for finding in of(report, ANSWER) for lead in finding.leads]


def test_a_stop_script_that_is_gone_is_predicted() -> None:
    (finding,) = [one for one in of(asked("deployment-old-script-missing"), STOP) if one.verdict is FAIL]
    assert finding.code.endswith("/missing")
    assert "ApplicationStop of d-SHOPWEB00 on web-01 cannot start its script" in finding.says


def test_without_the_probe_each_check_that_needs_it_says_how_to_ask() -> None:
    report = asked("agent-stopped", probe=False)
    for check in BY_PROBE:
        (finding,) = of(report, check)
        assert finding.verdict is UNKNOWN
        assert "With --probe Systems Manager runs the read-only probe on web-01, web-02." in finding.says
    assert report.exit_code == 2
    found = {check: of(report, check)[0].verdict for check in BY_AWS if not check.startswith("ec2-")}
    assert found.pop(KEY) is SKIP  # the bucket encrypts with no key of KMS
    assert set(found.values()) == {OK}
    assert STOP in str(report)


@pytest.mark.parametrize(
    ("scenario", "verdict"), [("bucket-key-disabled", FAIL), ("bucket-key-denied", UNKNOWN)]
)
def test_the_key_of_the_bucket_is_asked_for_without_the_probe(scenario: str, verdict: Verdict) -> None:
    assert of(asked(scenario, probe=False), KEY)[0].verdict is verdict


def test_where_no_host_is_connected_no_probe_is_sent() -> None:
    def lost(account: Account) -> None:
        find("healthy")(account)
        nodes = account.state(REGION).nodes
        for id_, one in nodes.items():
            nodes[id_] = Node(one.id, one.machine, ping="ConnectionLost", heard=timedelta(days=3))

    report = asked(lost)
    assert "Systems Manager is connected with none of web-01, web-02" in of(report, STOP)[0].says
    assert report.exit_code == 2


def test_a_sample_is_probed_of_many_hosts_and_that_is_said() -> None:
    report = asked(of_twelve("healthy"))
    assert "Probed: web-01, web-02, web-11 (3 of 12 instances)." in report.coverage
    assert "what the probe would find on the 9 other instances" in str(report)
    assert (
        "12 of 12 instances (web-01, web-02, web-11, web-12, web-13 and 7 more)" in of(report, ANSWER)[0].says
    )


def test_hosts_that_were_not_heard_are_the_first_of_the_sample() -> None:
    def last(account: Account) -> None:
        of_twelve("healthy")(account)
        silent = {"ApplicationStop": {"status": "Failed", "diagnostics": {"errorCode": "UnknownError"}}}
        put(account, "Failed", {"web-20": target("web-20", "Failed", silent)}, None)

    assert of_sample(asked(last))[:2] == ["web-20", "web-01"]


def of_twelve(base: str) -> Scenario:
    """A scenario with ten more hosts, web-11 to web-20."""

    def scenario(account: Account) -> None:
        find(base)(account)
        state = account.state(REGION)
        for number in range(11, 21):
            name = f"web-{number}"
            state.register(name, account.clock.start - timedelta(days=30), session=session(name))
            state.instances[name].tags = {"Environment": "production"}
            id_ = f"mi-0a1b2c3d4e5f6{number:04}"
            machine = find_machine(state.nodes, "web-01")
            state.nodes[id_] = Node(id_, machine_called(machine, name))

    return scenario


def find_machine(nodes: dict[str, Node], name: str) -> Any:
    return next(one.machine for one in nodes.values() if one.machine.name == name)


def machine_called(machine: Any, name: str) -> Any:
    return replace(machine, name=name, identity=machine.identity.replace("web-01", name))


def test_the_number_of_hosts_takes_no_call_of_its_own() -> None:
    calls = []
    for scenario in (find("healthy"), of_twelve("healthy")):
        with world(scenario, config=PATIENT) as (aws, _):
            (*_, last) = run(CHECKS[ANSWER].function, aws.remembering(), Planned(deployment_group="shop/web"))
        calls.append([call.api for call in last.proof])
    assert calls[0] == calls[1]


def test_hosts_beyond_the_number_that_is_looked_up_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runbooks.checks._members.MOST", 1)
    found = of(asked("healthy"), ANSWER)
    assert verdicts(found) == [(OK, "ok"), (UNKNOWN, "not-read")]
    assert "1 more instances of shop/web were not looked up" in found[1].says


def test_a_host_that_two_nodes_may_be_is_none_of_them() -> None:
    def twice(account: Account) -> None:
        find("healthy")(account)
        nodes = account.state(REGION).nodes
        nodes["mi-0a1b2c3d4e5f60009"] = Node("mi-0a1b2c3d4e5f60009", find_machine(nodes, "web-01"))

    with world(twice, config=PATIENT) as (aws, _):
        group = deployment_group(aws, "shop/web")
        assert isinstance(group, dict)
        assert [(one.name, one.node is None) for one in members(aws.remembering(), group)] == [
            ("web-01", True),
            ("web-02", False),
        ]


@pytest.mark.parametrize("check", sorted(CHECKS))
@pytest.mark.parametrize(
    "api",
    [
        "codedeploy:GetDeploymentGroup",
        "codedeploy:ListOnPremisesInstances",
        "codedeploy:GetDeployment",
        "codedeploy:BatchGetDeployment[TI]*",  # the older operation stands in for the newer
        "ssm:DescribeInstanceInformation",
        "ssm:GetCommandInvocation",
        "ec2:DescribeInstances",
    ],
)
def test_could_not_check_is_never_fine(check: str, api: str, tmp_path: Any) -> None:
    (tmp_path / "appspec.yml").write_text("version: 0.0\nos: linux\n")
    about: dict[str, Any] = {"instance": "web-01"} if "instance" in CHECKS[check].needs else {}
    question = Planned(deployment_group="shop/web", bundle=str(tmp_path), **about)
    faults = [Fault(api, Error("AccessDeniedException"))]
    with world("group-healthy", faults=faults, config=PATIENT) as (aws, _):
        found = run(CHECKS[check].function, aws.remembering(), question)
    met = any(fnmatchcase(call.api, api) for finding in found for call in finding.proof)
    verdicts = {one.verdict for one in found}
    assert not met or verdicts & {UNKNOWN, FAIL} or OK not in verdicts, found
