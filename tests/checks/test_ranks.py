"""What deployments fail of most often, ranked: each is named by what CodeDeploy says, and on its host.

The order is that of 238 public threads and of 63 deployments with the real agent 1.8.1. Agent 2.x is the sandbox's, whose
words are those of its source. A row names what has to be said; other findings may stand beside it.
"""

from typing import NamedTuple

import pytest
from codedeploy_sandbox.hosts.machine import run_probe
from codedeploy_sandbox.scenarios import Scenario, find
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import NODE, machine
from codedeploy_sandbox.scenarios.records import played
from codedeploy_sandbox.state import REGION, Account

from runbooks.aws import sandboxed
from runbooks.checks import all_checks
from runbooks.diagnosis import diagnose
from runbooks.findings import FAIL, WARN
from runbooks.host import probe_script, read_report
from runbooks.report import Report
from tests.support.world import PATIENT, world

OF_THE_HOST = [
    check.id for check in all_checks() if check.category in ("agent", "host", "readiness", "hooks")
]
LOG, ENDED = "agent-log-is-clean/bad-line", "hook-scripts-of-the-last-deployment-ended-well/"
STARTS, OLD = (
    "hook-scripts-of-the-newest-revision-can-start/",
    "hook-scripts-of-the-last-good-revision-can-start/",
)
APPSPEC, SOUND = "appspec-of-the-newest-revision-is-valid/", "agent-settings-are-sound/"
ROOM, LOOPS = "host-has-room/", "agent-is-running/loops"
STATE, RUNS, REACHES = "host-has-sound-state/", "agent-is-running/", "host-reaches-codedeploy/"
UNHEARD = "agent-not-heard"  # what CodeDeploy says where no agent takes an event: the host says why


class Row(NamedTuple):
    """One way to fail: the page to which CodeDeploy's own words lead ("" where it says nothing), and codes of the host."""

    rank: int
    scenario: str  # of the sandbox; "2.x NAME" for the failure of that name with agent 2.x
    page: str
    codes: tuple[str, ...]
    about: str = ""  # the symptom that the agent's log shows


ROWS = [
    Row(1, "deployment-script-failed", "hook-script-failed", (LOG, f"{ENDED}hook-script-failed")),
    Row(1, "deployment-script-timed-out", "hook-timeout", (LOG, f"{ENDED}hook-timeout")),
    Row(1, "deployment-output-left-open", "hook-output-left-open", (LOG, f"{ENDED}hook-output-left-open")),
    Row(1, "deployment-script-missing", "hook-script-missing", (LOG, f"{STARTS}missing")),
    Row(1, "deployment-script-not-executable", "hook-not-executable", (LOG,), "hook-not-executable"),
    Row(1, "2.x script-failed", "hook-script-failed", (LOG, f"{ENDED}hook-script-failed")),
    Row(1, "2.x script-timed-out", "hook-timeout", (LOG, f"{ENDED}hook-timeout")),
    Row(1, "2.x output-left-open", "hook-output-left-open", (LOG, f"{ENDED}hook-output-left-open")),
    Row(1, "2.x script-missing", "hook-script-missing", (LOG, f"{STARTS}missing")),
    Row(1, "2.x script-not-executable", "hook-not-executable", (LOG,), "hook-not-executable"),
    Row(2, "deployment-appspec-missing", "appspec-missing", (LOG, f"{APPSPEC}missing")),
    Row(2, "deployment-appspec-invalid", "appspec-invalid", (LOG, f"{APPSPEC}fault")),
    Row(2, "2.x appspec-missing", "appspec-missing", (LOG, f"{APPSPEC}missing")),
    Row(2, "2.x appspec-invalid", "appspec-invalid", (LOG, f"{APPSPEC}fault")),
    Row(3, "agent-crash-loop", UNHEARD, (LOG, LOOPS)),
    Row(3, "certificates-lost", UNHEARD, (LOG, LOOPS, "agent-is-installed/no-certificates")),
    Row(3, "children-two", UNHEARD, (f"{RUNS}stopped", f"{SOUND}children")),
    Row(4, "deployment-file-exists", "file-exists", (LOG, f"{STATE}no-cleanup")),
    Row(4, "2.x file-exists", "file-exists", (LOG,), "file-exists"),
    Row(5, "bucket-denied", "s3-access-denied", (LOG,), "s3-access-denied"),
    Row(5, "deployment-bucket-in-other-region", "s3-other-region", (LOG,), "s3-other-region"),
    Row(5, "deployment-key-denied", "s3-kms-denied", (LOG,), "s3-kms-denied"),
    Row(5, "deployment-revision-gone", "s3-missing", (LOG,), "s3-missing"),
    Row(5, "2.x bundle-denied", "s3-access-denied", (LOG,), "s3-access-denied"),
    Row(5, "2.x bundle-in-other-region", "s3-other-region", (LOG,), "s3-other-region"),
    Row(5, "2.x bundle-key-denied", "s3-kms-denied", (LOG,), "s3-kms-denied"),
    Row(5, "2.x bundle-gone", "s3-missing", (LOG,), "s3-missing"),
    Row(6, "host-disk-full", "disk-full", (LOG, f"{ROOM}full")),
    Row(6, "host-inodes-used", "disk-full", (LOG, f"{ROOM}full")),
    Row(7, "last-revision-gone", "appspec-missing", (LOG, f"{STATE}gone")),
    Row(8, "deployment-stop-script-failed", "hook-timeout", (LOG, f"{ENDED}hook-timeout")),
    Row(8, "deployment-old-script-missing", "hook-script-missing", (LOG, f"{OLD}missing")),
    Row(8, "2.x old-script-missing", "hook-script-missing", (LOG, f"{ENDED}hook-script-missing")),
    Row(9, "deployment-script-crlf", "hook-interpreter-missing", (LOG, f"{STARTS}crlf")),
    Row(9, "deployment-interpreter-missing", "hook-interpreter-missing", (LOG, f"{STARTS}no-program")),
    Row(9, "2.x script-crlf", "hook-interpreter-missing", (LOG, f"{STARTS}crlf")),
    Row(9, "2.x interpreter-missing", "hook-interpreter-missing", (LOG, f"{STARTS}no-program")),
    Row(10, "ruby-too-new", UNHEARD, (LOG, LOOPS, "host-has-the-tools/new-ruby")),
    Row(11, "agent-user-barred", UNHEARD, (LOG, LOOPS, "agent-may-use-its-files/barred")),
    Row(12, "proxy-of-environment-dead", UNHEARD, (LOG, LOOPS, f"{REACHES}unreachable")),
    Row(12, "proxy-without-scheme", "", (f"{SOUND}proxy-without-scheme",)),
    Row(13, "deployment-agent-restarted", "restarted-in-deployment", (LOG,), "restarted-in-deployment"),
    Row(13, "2.x agent-restarted", "restarted-in-deployment", (LOG,), "restarted-in-deployment"),
    Row(13, "deployment-script-killed", "hook-script-killed", (LOG, f"{ENDED}hook-script-killed")),
    Row(13, "tracking-file-left", "", (f"{STATE}left-over",)),
    Row(14, "two-agents", "events-not-run", (f"{RUNS}two-agents",)),
    Row(15, "deployment-root-noexec", "hook-not-startable", (LOG, f"{ROOM}noexec")),
    Row(15, "2.x noexec", "hook-not-startable", (LOG,), "hook-not-startable"),
    Row(15, "deployment-root-read-only", "read-only-fs", (LOG, f"{ROOM}read-only")),
    Row(15, "root-dir-relative", "", (f"{SOUND}relative-root",)),
    Row(15, "max-revisions-zero", UNHEARD, (LOG, f"{RUNS}stopped", f"{SOUND}max-revisions")),
    Row(16, "deployment-cleanup-failing", "cleanup-failed", (LOG,), "cleanup-failed"),
    Row(16, "old-revision-stuck", "", (f"{STATE}stuck",)),
    Row(17, "tools-missing", "", ("host-has-the-tools/no-tool",)),
    Row(18, "certificate-intercepted", UNHEARD, (LOG, LOOPS, f"{REACHES}foreign-certificate")),
    Row(19, "agent-started-by-hand", "", (f"{RUNS}started-by-hand",)),
    Row(20, "wire-log-quoted", "", (f"{SOUND}wire-log",)),
]


def scenario(name: str) -> Scenario:
    line, _, failure = name.rpartition("2.x ")
    if line == failure == "" or not name.startswith("2.x "):
        return find(name)

    def second(account: Account) -> None:
        healthy(account)
        machine(account, agent="2.1.0", fails=failure)
        played(account, failure)

    return second


def codes(report: Report) -> set[tuple[str, str]]:
    return {(one.code, one.about) for one in report.findings if one.verdict in (FAIL, WARN)}


def assert_named(row: Row, report: Report) -> None:
    found = codes(report)
    assert set(row.codes) <= {code for code, _ in found}, found
    assert not row.about or (LOG, row.about) in found, found


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.rank} {row.scenario}" for row in ROWS])
def test_what_a_deployment_failed_of_is_named(row: Row) -> None:
    with world(scenario(row.scenario), config=PATIENT) as (aws, sandbox):
        if row.page:
            report = diagnose(aws, deployment="d-SHOPWEB01")
            (target,) = [
                one
                for one in report.findings
                if one.code.startswith("deployment-targets-succeeded/") and one.verdict is FAIL
            ]
            assert target.next == f"/symptoms/{row.page}/"
            assert_named(row._replace(codes=codes_of_the_lead(row)), report)
        on = sandbox.account.state(REGION).nodes[NODE].machine
        output = run_probe(on, sandboxed.DAY, probe_script("web-01")).stdout
        brought = read_report(output, instance="web-01", now=sandboxed.DAY)
        assert_named(row, diagnose(aws, instance="web-01", host_report=brought, checks=OF_THE_HOST))


def codes_of_the_lead(row: Row) -> tuple[str, ...]:
    """What the second step of `diagnose d-...` says too: all but what no check of the page sees."""
    return tuple(code for code in row.codes if not code.startswith(ENDED))


def test_each_rank_has_its_row() -> None:
    """The limits of a process (21) are not judged: those that were tried let all deployments pass."""
    assert {row.rank for row in ROWS} == set(range(1, 21))
