"""Scenarios by checks: in each scenario exactly the intended checks speak up, and all others do not."""

import json

import pytest
from codedeploy_sandbox.protocol.models import service
from codedeploy_sandbox.scenarios.codes import OF_CODES, OTHER_PLATFORMS

from runbooks import why
from runbooks.checks import all_checks
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Verdict
from runbooks.policy import calls
from runbooks.report import Report
from tests.report.test_report import SCHEMA
from tests.support.diagnosed import diagnosed
from tests.support.observe import EXAMPLES, example, is_api, settled
from tests.support.world import DISTINCT, PATIENT, world

EXAMPLE = json.loads(EXAMPLES.read_text(encoding="utf-8"))

KEY = "host-may-use-the-key-of-the-bucket"
HEALTH = "targets-of-the-group-are-healthy"
ENDED = "hook-scripts-of-the-last-deployment-ended-well"

# What is not known while the host was not probed.
UNSEEN = dict.fromkeys(
    (
        "agent-is-installed",
        "agent-is-running",
        "agent-version-is-supported",
        "agent-identity-is-the-registered-one",
        "agent-identity-is-registered-under-this-name",
        "agent-settings-are-sound",
        "agent-takes-its-region-from-its-yml",
        "agent-log-is-clean",
        "host-clock-is-right",
        "host-reaches-codedeploy",
        "host-credentials-file-is-in-place",
        "host-keeps-its-keys-private",
        "host-has-room",
        "host-has-the-tools",
        "host-has-sound-state",
        "appspec-of-the-newest-revision-is-valid",
        "hook-scripts-of-the-newest-revision-can-start",
        "hook-scripts-of-the-last-good-revision-can-start",
        ENDED,
        "agent-may-use-its-files",
        "host-may-use-commands-secure",
    ),
    UNKNOWN,
)

OF_TARGETS = ("deployment-succeeded", "deployment-targets-succeeded")
# What is said of a deployment that failed on a target.
UNDEPLOYED = dict.fromkeys((*OF_TARGETS, "deployment-kept-enough-targets-healthy"), FAIL)

# And on EC2, where there is no registration.
UNSEEN_IN_EC2 = {
    **{check: verdict for check, verdict in UNSEEN.items() if not check.startswith("agent-identity-is")},
    "agent-works-as-the-ec2-instance": UNKNOWN,
    "metadata-service-serves-the-agent": UNKNOWN,
}

OF_VPC = [check.id for check in all_checks() if check.category == "vpc"]


# What needs no answer of AWS, or was not asked: these do not notice an outage.
BLIND = {
    *("endpoint-name-resolves", "this-clock-is-right", "listed-names-are-registered-or-deregistered"),
    *(check.id for check in all_checks() if check.category == "ec2"),  # the outage is about web-01
}

# What is neither OK nor SKIP. A scenario or a check without its row here fails the build.
EXPECTED: dict[str, dict[str, Verdict]] = {
    "healthy": {},
    "agent-2": {},
    # registration
    "instance-not-registered": {"instance-is-registered": FAIL},
    "instance-deregistered": {"instance-is-registered": FAIL},
    "registered-in-other-region": {
        "instance-is-registered": FAIL,
        "instance-is-not-registered-elsewhere": FAIL,
    },
    "tags-missing": {"instance-carries-the-groups-tags": FAIL},
    "held-by-another-name": {
        "instance-is-registered": FAIL,
        "agent-identity-is-registered-under-this-name": FAIL,
        "arn-is-free": FAIL,
    },
    # agent
    "agent-not-installed": {"agent-is-installed": FAIL},
    "agent-stopped": {"agent-is-running": FAIL},
    "agent-crash-loop": {
        **dict.fromkeys(("agent-is-running", "agent-log-is-clean", "host-reaches-codedeploy"), FAIL),
        **UNDEPLOYED,
    },
    "agent-exited": {"agent-is-running": FAIL},
    "agent-user-barred": {
        **dict.fromkeys(("agent-is-running", "agent-log-is-clean", "agent-may-use-its-files"), FAIL),
        **UNDEPLOYED,
    },
    "ruby-too-new": {
        **{"agent-is-running": FAIL, "agent-log-is-clean": FAIL, "host-has-the-tools": FAIL},
        **UNDEPLOYED,
    },
    "agent-too-old": {"agent-version-is-supported": FAIL},
    "agent-log-errors": {"agent-log-is-clean": FAIL},
    "identity-mismatch": {"agent-identity-is-the-registered-one": FAIL},
    "yml-unreadable": {"agent-identity-is-the-registered-one": FAIL},
    "both-arns-in-yml": {"agent-identity-is-the-registered-one": FAIL},
    "two-agents": {"agent-is-running": FAIL, **UNDEPLOYED},
    "proxy-of-environment-dead": {
        **dict.fromkeys(("agent-is-running", "agent-log-is-clean", "host-reaches-codedeploy"), FAIL),
        **UNDEPLOYED,
    },
    "proxy-without-scheme": {"agent-settings-are-sound": WARN},
    "metadata-of-other-region": {
        "agent-identity-is-the-registered-one": FAIL,
        "agent-takes-its-region-from-its-yml": FAIL,
    },
    "max-revisions-zero": {
        **dict.fromkeys(("agent-is-running", "agent-log-is-clean", "agent-settings-are-sound"), FAIL),
        **UNDEPLOYED,
    },
    "children-two": {"agent-is-running": FAIL, "agent-settings-are-sound": FAIL, **UNDEPLOYED},
    "certificates-lost": {
        **dict.fromkeys(("agent-is-installed", "agent-is-running", "agent-log-is-clean"), FAIL),
        **UNDEPLOYED,
    },
    "root-dir-relative": {"agent-settings-are-sound": WARN},
    "tracking-file-left": {"host-has-sound-state": WARN},
    "old-revision-stuck": {"host-has-sound-state": WARN},
    "agent-started-by-hand": {"agent-is-running": WARN},
    "tools-missing": {"host-has-the-tools": WARN},
    # no endpoint that it trusts gives the time, and the clock of this machine does instead
    "certificate-intercepted": {
        **dict.fromkeys(("agent-is-running", "agent-log-is-clean", "host-reaches-codedeploy"), FAIL),
        **UNDEPLOYED,
    },
    "wire-log-quoted": {"agent-settings-are-sound": WARN},
    "wire-log-on": {"agent-settings-are-sound": WARN},
    "metadata-answers": {"agent-takes-its-region-from-its-yml": WARN},
    # host
    # whom Systems Manager does not know may be in a VPC, and in which is not known
    "host-unmanaged": {"host-is-managed-and-online": WARN, **UNSEEN, **dict.fromkeys(OF_VPC, UNKNOWN)},
    "host-offline": {"host-is-managed-and-online": WARN, **UNSEEN},
    "host-no-https": {"host-reaches-codedeploy": FAIL},
    "host-dns-fails": {"host-reaches-codedeploy": FAIL},
    "host-clock-wrong": {"host-clock-is-right": FAIL},
    "credentials-missing": {"host-credentials-file-is-in-place": FAIL},
    "keys-exposed": {"host-keeps-its-keys-private": WARN},
    "host-disk-full": {"host-has-room": FAIL, "agent-log-is-clean": FAIL, **UNDEPLOYED},
    "host-inodes-used": {"host-has-room": FAIL, "agent-log-is-clean": FAIL, **UNDEPLOYED},
    "last-revision-gone": {"host-has-sound-state": FAIL, "agent-log-is-clean": FAIL, **UNDEPLOYED},
    # permissions
    # the name is registered with a user there, and the question is about a session's ARN
    "key-inactive": {"registered-identity-exists": FAIL, "arn-is-free": FAIL},
    "role-missing": {"registered-identity-exists": FAIL},
    "bucket-key-denied": {KEY: UNKNOWN},
    "bucket-key-disabled": {KEY: FAIL},
    "bucket-denied": {"host-may-read-the-bucket": FAIL, "agent-log-is-clean": FAIL, **UNDEPLOYED},
    "commands-secure-denied": {"host-may-use-commands-secure": FAIL},
    "caller-denied": {"caller-may-register": FAIL},
    "simulation-denied": {
        "caller-may-register": UNKNOWN,
        "caller-may-list": UNKNOWN,
        "host-may-read-the-bucket": UNKNOWN,
        "service-role-may-do-what-the-group-needs": UNKNOWN,
    },
    "list-needs-star": {
        "caller-may-list": FAIL,
        **dict.fromkeys(("status-filter-is-accepted", "arn-is-free"), UNKNOWN),
        **dict.fromkeys(("group-selects-instances", "group-can-keep-enough-instances-healthy"), UNKNOWN),
    },
    # network; a host that HTTPS does not leave is one that Systems Manager does not hear from either
    "security-group-blocks": {
        "security-group-lets-https-out": FAIL,
        "host-is-managed-and-online": WARN,
        **UNSEEN,
    },
    "nacl-blocks-return": {
        "network-acl-lets-https-through": FAIL,
        "host-is-managed-and-online": WARN,
        **UNSEEN,
    },
    "no-route": {"route-leads-out": FAIL, "host-reaches-codedeploy": FAIL},
    "vpc-endpoint-of-s3-denies": {"vpc-endpoint-of-s3-lets-the-revision-through": FAIL},
    "endpoint-closed": {"vpc-endpoint-serves-the-agent": FAIL, "host-reaches-codedeploy": FAIL},
    # groups
    "group-healthy": {},
    "group-selects-none": {"group-selects-instances": FAIL, "instance-carries-the-groups-tags": FAIL},
    "group-constraint-cannot-hold": {"group-can-keep-enough-instances-healthy": FAIL},
    "group-role-missing": {"service-role-trusts-codedeploy": FAIL},
    "group-role-not-trusting": {"service-role-trusts-codedeploy": FAIL},
    "group-role-denied": {"service-role-may-do-what-the-group-needs": FAIL},
    "group-hook-missing": {"auto-scaling-groups-have-their-hooks": FAIL},
    "group-hook-left-over": {"auto-scaling-groups-have-no-other-hook": FAIL},
    "group-termination-hook-missing": {"auto-scaling-groups-have-their-hooks": FAIL},
    "group-termination-hook-left-over": {"auto-scaling-groups-have-no-other-hook": WARN},
    "group-process-suspended": {"auto-scaling-groups-have-no-suspended-process": WARN},
    "group-topic-missing": {"topics-of-the-group-are-there": FAIL},
    "group-targets-are-addresses": {"load-balancer-of-the-group-fits": FAIL},
    "group-load-balancer-missing": {"load-balancer-of-the-group-fits": FAIL},
    "group-target-unhealthy": {HEALTH: FAIL},
    "group-targets-draining": {HEALTH: WARN},
    "group-target-not-registered": {HEALTH: FAIL},
    "group-classic-not-registered": {HEALTH: FAIL},
    "group-launch-loop": {"auto-scaling-groups-keep-what-they-launch": FAIL},
    "group-launch-failing": {"auto-scaling-groups-keep-what-they-launch": FAIL},
    "group-shares-auto-scaling": {"auto-scaling-groups-have-no-other-hook": WARN},
    "group-alarm-active": {"alarms-of-the-group-are-quiet": FAIL},
    "clock-drifts": {"this-clock-is-right": WARN},
    "outage": {
        **{check.id: UNKNOWN for check in all_checks() if check.id not in BLIND},
        "endpoint-answers": WARN,
    },
    # EC2
    "ec2-healthy": {},
    "ec2-stopped": {
        "ec2-instance-is-running": FAIL,
        "host-is-managed-and-online": WARN,
        **UNSEEN_IN_EC2,
    },
    "ec2-terminated": {"ec2-instance-is-running": FAIL},
    "ec2-other-region": {"ec2-instance-is-running": FAIL},
    "ec2-without-profile": {"ec2-instance-has-a-role": FAIL, "agent-log-is-clean": FAIL},
    "ec2-profile-without-role": {"ec2-instance-has-a-role": FAIL},
    "ec2-role-not-assumable": {"ec2-instance-has-a-role": FAIL},
    "ec2-metadata-off": {
        **dict.fromkeys(
            ("metadata-service-serves-the-agent", "agent-is-running", "agent-log-is-clean"), FAIL
        ),
    },
    "ec2-imdsv2-old-agent": {
        **dict.fromkeys(
            ("metadata-service-serves-the-agent", "agent-is-running", "agent-log-is-clean"), FAIL
        ),
        "agent-version-is-supported": FAIL,
    },
    "ec2-tags-missing": {"instance-carries-the-groups-tags": FAIL},
    "ec2-stray-yml": {"agent-works-as-the-ec2-instance": FAIL},
    "ec2-root-keys": {"agent-works-as-the-ec2-instance": WARN},
    "ec2-role-cannot-read-bucket": {"host-may-read-the-bucket": FAIL},
    "ec2-not-managed": {"host-is-managed-and-online": WARN, **UNSEEN_IN_EC2},
    # callers
    "bad-filter": {"callers-send-valid-status-filters": FAIL},
    # the name is registered in spite of it
    "registration-failing": {"registration-calls-succeed": WARN},
    "registration-refused": {"registration-calls-succeed": FAIL, "instance-is-registered": FAIL},
    "registration-competes": {"no-registration-competes": FAIL},
    # deployments
    "deployment-agent-silent": {"agent-is-running": FAIL, **UNDEPLOYED},
    **{
        f"deployment-{name}": {"agent-log-is-clean": FAIL, **UNDEPLOYED}
        for name in ("source-missing", "destination-read-only", "bundle-broken", "cleanup-failing")
    },
    **{
        f"deployment-{name}": {"agent-log-is-clean": FAIL, ENDED: FAIL, **UNDEPLOYED}
        for name in (
            *("script-failed", "stop-script-failed", "script-not-executable", "script-timed-out"),
            *("output-left-open", "agent-restarted"),
        )
    },
    "deployment-revision-gone": {
        **{"agent-log-is-clean": FAIL, "revision-of-the-group-is-there": FAIL},
        **UNDEPLOYED,
    },
    "deployment-script-missing": {
        **{"agent-log-is-clean": FAIL, "hook-scripts-of-the-newest-revision-can-start": FAIL, ENDED: FAIL},
        **UNDEPLOYED,
    },
    **{
        f"deployment-appspec-{how}": {
            "agent-log-is-clean": FAIL,
            "appspec-of-the-newest-revision-is-valid": FAIL,
            **UNDEPLOYED,
        }
        for how in ("missing", "invalid")
    },
    "deployment-script-crlf": {
        **{"agent-log-is-clean": FAIL, "hook-scripts-of-the-newest-revision-can-start": FAIL, ENDED: FAIL},
        **UNDEPLOYED,
    },
    "deployment-interpreter-missing": {
        **{"agent-log-is-clean": FAIL, "hook-scripts-of-the-newest-revision-can-start": FAIL, ENDED: FAIL},
        **UNDEPLOYED,
    },
    "deployment-script-killed": {"agent-log-is-clean": FAIL, ENDED: FAIL, **UNDEPLOYED},
    "deployment-root-read-only": {"agent-log-is-clean": FAIL, "host-has-room": FAIL, **UNDEPLOYED},
    "deployment-bucket-in-other-region": {
        "agent-log-is-clean": FAIL,
        "revision-of-the-group-is-there": WARN,
        **UNDEPLOYED,
    },
    # no check reads the key of an object: the agent's log names it
    "deployment-key-denied": {"agent-log-is-clean": FAIL, **UNDEPLOYED},
    "deployment-old-script-missing": {
        **{"agent-log-is-clean": FAIL, "hook-scripts-of-the-last-good-revision-can-start": FAIL, ENDED: FAIL},
        **UNDEPLOYED,
    },
    "deployment-root-noexec": {"agent-log-is-clean": FAIL, ENDED: FAIL, "host-has-room": FAIL, **UNDEPLOYED},
    # the list of deployed files is lost
    "deployment-file-exists": {"agent-log-is-clean": FAIL, "host-has-sound-state": WARN, **UNDEPLOYED},
    # the host that is asked about is not the one that failed
    **{
        f"deployment-{name}": {HEALTH: FAIL, **UNDEPLOYED}
        for name in ("traffic-not-allowed", "script-failed-in-ec2")
    },
    "deployment-found-no-instances": {
        "deployment-succeeded": FAIL,
        "group-selects-instances": FAIL,
        "instance-carries-the-groups-tags": FAIL,
    },
    "deployment-stopped": {
        "deployment-succeeded": FAIL,
        "deployment-targets-succeeded": WARN,
        "deployment-was-not-stopped": FAIL,
    },
    "deployment-queued": {
        "deployment-succeeded": UNKNOWN,
        "deployment-is-not-blocked": FAIL,
        "group-has-no-deployment-in-progress": FAIL,
    },
    "deployment-configuration-gone": dict.fromkeys((*OF_TARGETS, "agent-log-is-clean", ENDED), FAIL),
    "deployment-running": {
        **dict.fromkeys(OF_TARGETS, UNKNOWN),
        "agent-is-running": FAIL,
        "group-has-no-deployment-in-progress": FAIL,
    },
}
for row in EXPECTED.values():  # d-SHOPWEB01 is the last deployment of its group
    if "deployment-succeeded" in row:
        row["last-deployment-of-the-group-succeeded"] = row["deployment-succeeded"]


@pytest.mark.parametrize("scenario", DISTINCT)
def test_exactly_the_intended_checks_speak_up(scenario: str) -> None:
    report = diagnosed(scenario).first
    loud = {
        check.id: (verdict, found[0].says)
        for check, verdict, found in report.checks
        if verdict not in (OK, SKIP)
    }
    assert {check: verdict for check, (verdict, _) in loud.items()} == EXPECTED.get(scenario), loud
    assert_as_observed(scenario, report)
    SCHEMA.validate(json.loads(report.render("json")))


@pytest.mark.parametrize("scenario", OF_CODES)
def test_of_a_code_that_ended_a_deployment_its_page_is_named(scenario: str) -> None:
    """Nothing else differs from the healthy scenario, so only the checks of the deployment are run."""
    code = scenario.removeprefix("deployment-").replace("-", "_").upper()
    with world(scenario, config=PATIENT) as (aws, _):
        report = why(aws, "d-SHOPWEB01")
    loud = {check.id: found[0] for check, verdict, found in report.checks if verdict not in (OK, SKIP)}
    overall = loud.pop("deployment-succeeded")
    assert (overall.verdict, overall.next) == (FAIL, f"/deployment-errors/{code}/")
    assert not loud
    assert f" {code}: " in overall.says


def test_every_code_of_a_deployment_to_instances_has_its_scenario() -> None:
    model = service("codedeploy")
    assert model is not None
    codes = model.shape_for("ErrorCode").enum
    elsewhere = {"HEALTH_CONSTRAINTS", "NO_INSTANCES", "MANUAL_STOP"}
    shown = {name.removeprefix("deployment-").replace("-", "_").upper() for name in OF_CODES}
    assert shown | elsewhere | OTHER_PLATFORMS == set(codes)
    assert not shown & (elsewhere | OTHER_PLATFORMS)


def assert_as_observed(scenario: str, report: Report) -> None:
    """What the pages of the checks show of this scenario, and the policy counts on, is what happens."""
    for check, found in report.results.items():
        worst = example(found)
        shown = {"verdict": worst.verdict.name, "says": worst.says, "fix": worst.fix, "next": worst.next}
        on_page = EXAMPLE.get(check.id, {}).get(scenario)
        wanted = shown if worst.verdict in (WARN, FAIL) else None
        assert settled(json.dumps(on_page)) == settled(json.dumps(wanted)), "run `make observed`"
        apis = {call.api for finding in found for call in finding.proof if is_api(call.api)}
        assert apis <= set(calls(check.id)), "run `make observed`"


def test_every_scenario_has_its_row() -> None:
    assert set(EXPECTED) == set(DISTINCT)


# Checks that no scenario can make fail, and why; each is made to fail in another test.
ELSEWHERE = {
    "caller-is-known": "its only bad end is UNKNOWN: the outage",
    "endpoint-name-resolves": "the sandbox has an address and no name: tests/checks/test_network.py",
    "status-filter-is-accepted": "it fails for the value that is asked about: tests/checks/test_listing.py",
    "listed-names-are-registered-or-deregistered": "it is about all instances: tests/checks/test_listing.py",
}


def test_every_check_speaks_up_somewhere() -> None:
    loud = {check for row in EXPECTED.values() for check, verdict in row.items() if verdict in (FAIL, WARN)}
    silent = {check.id for check in all_checks()} - loud
    assert silent - set(ELSEWHERE) == set(), "no scenario shows what these checks are for"
    assert set(ELSEWHERE) - silent == set(), "these exemptions are no longer needed"
