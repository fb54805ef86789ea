"""Hosts that the real probe looks at, and what each check on the agent and the host says of them."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox.hosts.host import POLLS_2, required

from runbooks.aws.session import Aws
from runbooks.checks import all_checks
from runbooks.engine import run
from runbooks.findings import OK, SKIP, UNKNOWN, Command, Finding, Verdict
from runbooks.host import HostReport, read_report, symptoms
from runbooks.question import Question
from tests.support import DOCS, hosts
from tests.support.hosts import (
    SESSION_ARN,
    Fakes,
    Files,
    build,
)
from tests.support.world import session, world

CHECKS = {check.id: check for check in all_checks() if check.category in ("agent", "host", "readiness")}
# Judged from the host's report; the one that is left asks Systems Manager.
OF_THE_HOST = {id_: check for id_, check in CHECKS.items() if id_ != "host-is-managed-and-online"}

SAMPLES = {symptom.id: next(iter(symptom.samples.values()))[0] for symptom in reversed(symptoms())}
# The same symptom, in other words, in a log of 2.x.
NOT_FOUND = "2026-11-26 08:42:04 ERROR Error polling for host commands: Failed to load file credentials: Credentials file not found: /x"
WELL = "2026-11-24 02:00:00 INFO  [codedeploy-agent(1412)]: master 1412: Spawned child 1/1\n"
HEALTHY = Files(log=WELL)
SECOND = replace(
    HEALTHY,
    version="agent_version: 2.1.0\n",
    log=SAMPLES["poll-loop-starts"] + "\n",
    processes=POLLS_2,
)
SECOND_FAKES = Fakes(package="2.1.0-1")
ANSWER = "printf 'HTTP/1.1 404 Not Found\\r\\ndate: %s\\r\\n\\r\\n' \"$(date -u -d '{}' '+%a, %d %b %Y %H:%M:%S GMT')\""


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """The healthy sandbox, in which web-01 and web-02 are registered by session and batch-01 by user."""
    with world("healthy") as (_, sandbox):
        aws = session(sandbox)
        aws.now = lambda: datetime.now(UTC)  # the hosts live today
        yield aws


def curl(answer: str) -> str:
    """A curl whose endpoints answer so; no metadata service answers it."""
    return f"case $url in http://169.254.*) {hosts.NO_ANSWER} ;; *) {answer} ;; esac"


def metadata(region: str) -> str:
    """A curl that a metadata service answers with this Region, once it shows a token."""
    document = f'{hosts.status(200)}; case $url in */document) echo \'{{"region" : "{region}"}}\' ;; esac'
    return hosts.curl(hosts.ANSWERS, required("AQAEAGvB", document))


def failing(code: int, says: str) -> str:
    return f"echo 'curl: ({code}) {says}' >&2; exit {code}"


def yml_is_a_directory(root: Path) -> None:
    (root / hosts.IDENTITY).mkdir()


def credentials_are_a_directory(root: Path) -> None:
    (root / hosts.CREDENTIALS).mkdir()


def credentials_of_root(root: Path) -> None:
    hosts.write(root, "root/.aws/credentials", hosts.CREDENTIALS_FILE)
    (root / "root/.aws/credentials").chmod(0o600)


def aged(path: str, age: timedelta) -> Callable[[Path], None]:
    """A file that was written last so long ago."""

    def set_time(root: Path) -> None:
        then = time.time() - age.total_seconds()
        os.utime(root / path, (then, then))

    return set_time


def mode(path: str, mode: int) -> Callable[[Path], None]:
    return lambda root: (root / path).chmod(mode)


def without_systemd(root: Path) -> None:
    (root / "proc/1/comm").write_text("init\n")


@dataclass(frozen=True)
class Case:
    """A host, and the checks that do not answer OK there, with a piece of what they say."""

    fakes: Fakes = field(default_factory=Fakes)
    files: Files = field(default_factory=lambda: HEALTHY)
    not_ok: dict[str, tuple[Verdict, str]] = field(default_factory=dict)
    system: str = "rhel"
    instance: str = "web-01"
    then: Callable[[Path], None] = lambda root: None
    fixes: dict[str, str] = field(default_factory=dict)


NO_AGENT = (SKIP, "No agent is installed")
# What can no longer be asked where the agent has no yml that it can read.
NO_YML = {
    "agent-identity-is-registered-under-this-name": (SKIP, "no valid identity"),
    "agent-takes-its-region-from-its-yml": (SKIP, "yml"),
    "host-reaches-codedeploy": (SKIP, "no endpoint to reach"),
    "host-credentials-file-is-in-place": (SKIP, "yml"),
    "host-keeps-its-keys-private": (SKIP, "yml"),
    "host-clock-is-right": (UNKNOWN, "no endpoint told"),
}
NOT_OF_USERS = {"host-credentials-file-is-in-place": (SKIP, "does not name a session")}
NOT_OF_2 = {"agent-takes-its-region-from-its-yml": (SKIP, "of the line 2.x")}
OTHER_ARN = SESSION_ARN.replace("web-01", "web-09")


def look(case: Case, place: Path) -> HostReport:
    """What the real probe sees of a case's host."""
    host = build(place, case.system, fakes=case.fakes, files=case.files)
    case.then(host.root)
    return read_report(host.run().stdout.decode())


def ask(aws: Aws, report: HostReport | None, instance: str = "web-01") -> dict[str, list[Finding]]:
    """What each check says of a host, as in one diagnosis."""
    question, remembering = Question(instance=instance, host_report=report), aws.remembering()
    return {id_: run(check.function, remembering, question) for id_, check in OF_THE_HOST.items()}


def worst(findings: list[Finding]) -> Finding:
    return max(findings, key=lambda finding: finding.verdict)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the probe prints on a healthy host."""
    return build(tmp_path_factory.mktemp("host") / "web-01", files=HEALTHY).document()


def changed(document: dict[str, Any], section: str, name: str, datum: object) -> HostReport:
    return read_report(json.dumps(document | {section: document[section] | {name: datum}}))


def exactly_the_intended(case: Case, aws: Aws, place: Path) -> None:
    """Each check says of this host what the case says, and all others say OK."""
    found = {id_: worst(said) for id_, said in ask(aws, look(case, place), case.instance).items()}
    expected = {id_: case.not_ok.get(id_, (OK, ""))[0] for id_ in OF_THE_HOST}
    assert {id_: (f.verdict, f.says) for id_, f in found.items() if f.verdict is not expected[id_]} == {}
    for id_, (_, says) in case.not_ok.items():
        assert says in found[id_].says
    for id_, fix in case.fixes.items():
        assert found[id_].fix.startswith(fix)
        assert bool(found[id_].fix) == bool(fix)
    for finding in found.values():
        assert "\n" not in finding.says
        assert "None" not in finding.says
        assert_leads_somewhere(finding)


def assert_leads_somewhere(finding: Finding) -> None:
    """What is open next is a check, or an anchor of a page; the fix is a command that a shell can read."""
    if finding.next.startswith("/"):
        page, _, anchor = finding.next.strip("/").partition("/#")
        text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
        assert not anchor or f"{{ #{anchor} }}" in text, finding.next
    elif finding.next:
        assert finding.next in CHECKS
    if isinstance(finding.fix, Command):
        assert subprocess.run(["sh", "-n", "-c", finding.fix], check=False).returncode == 0
        assert "NONE" not in finding.fix.upper()
