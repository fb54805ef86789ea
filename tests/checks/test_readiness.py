"""Hosts that cannot carry out a deployment, as the real agent leaves them, and what each check says of them."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox.hosts.host import DEPLOYMENTS, df

from runbooks.aws.session import Aws
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Command, Verdict
from tests.checks.on_hosts import (
    HEALTHY,
    NOT_OF_2,
    OF_THE_HOST,
    SECOND,
    SECOND_FAKES,
    Case,
    aged,
    ask,
    assert_leads_somewhere,
    aws,
    changed,
    document,
    look,
    worst,
)
from tests.support import hosts
from tests.support.hosts import Fakes

__all__ = ["aws", "document"]  # fixtures

INSTRUCTIONS = f"{DEPLOYMENTS}/deployment-instructions"
ARCHIVE = f"{DEPLOYMENTS}/5f1e/d-ABC/deployment-archive"


def kept(**files: str | bytes) -> hosts.Files:
    """What the agent keeps of earlier deployments, by the name of the file."""
    return replace(HEALTHY, others={f"{INSTRUCTIONS}/{name}": text for name, text in files.items()})


def mounted(options: str, on: str = "/") -> hosts.Files:
    return replace(HEALTHY, mounts=f"/dev/vda1 / ext4 rw 0 0\n/dev/vdb1 {on} ext4 {options} 0 0\n")


def without(*tools: str) -> Fakes:
    return Fakes(tools=tuple(tool for tool in Fakes().tools if tool not in tools))


def under_way(path: str, age: timedelta) -> Case:
    place = f"{DEPLOYMENTS}/ongoing-deployment/{path}"
    return Case(files=replace(HEALTHY, others={place: "id"}), then=aged(place, age))


ROOM, STATE = "host-has-room", "host-has-sound-state"
TOOLS, FILES = "host-has-the-tools", "agent-may-use-its-files"
REVISION = {
    "5f1e_most_recent_install": f"/{ARCHIVE.removesuffix('/deployment-archive')}",
    "5f1e_last_successful_install": f"/{ARCHIVE.removesuffix('/deployment-archive')}",
}


def revision(script: str) -> hosts.Files:
    """A host whose newest revision has one hook script."""
    appspec = "version: 0.0\nos: linux\nhooks:\n  BeforeInstall:\n    - location: stop.sh\n"
    archive = {f"{ARCHIVE}/appspec.yml": appspec, f"{ARCHIVE}/stop.sh": script, "bin/sh": ""}
    return replace(HEALTHY, others={**kept(**REVISION).others, **archive})


CASES = {
    "a full disk": Case(Fakes(df=df(0)), not_ok={ROOM: (FAIL, "has 0 kB left: each event of a")}),
    "a file system without inodes": Case(
        Fakes(df="case $2 in -i) echo x 0 0 0 - / ;; *) echo x 20000000 1 15000000 1% / ;; esac")
    ),
    "a df that fails": Case(Fakes(df="exit 1"), not_ok={ROOM: (UNKNOWN, "df does not say")}),
    "read-only": Case(files=mounted("ro,relatime", "/var/log"), not_ok={ROOM: (FAIL, "mounted read-only")}),
    "noexec": Case(files=mounted("rw,noexec", "/opt"), not_ok={ROOM: (FAIL, "/opt/codedeploy-agent/dep")}),
    "noexec on /tmp": Case(files=mounted("rw,noexec", "/tmp")),
    # the agent's user
    "another user": Case(
        files=replace(HEALTHY, owner=990),
        not_ok={FILES: (FAIL, "The agent on web-01 runs as codedeploy: user codedeploy may not use /")},
    ),
    "a user that is not there": Case(
        Fakes(unit={"User": "gone"}, systemctl="inactive dead"),
        replace(HEALTHY, processes={}),
        not_ok={
            "agent-is-running": (FAIL, "does not run"),
            FILES: (UNKNOWN, "gone is not in /etc/passwd"),
        },
    ),
    # programs
    "no unzip": Case(
        without("unzip"),
        not_ok={TOOLS: (WARN, "There is no unzip on web-01: the agent unpacks .zip")},
        fixes={TOOLS: "sudo yum install -y unzip"},
    ),
    "no tar": Case(without("tar", "setfacl"), not_ok={TOOLS: (WARN, "no tar on web-01")}),
    "no su": Case(
        without("su"), not_ok={TOOLS: (WARN, "runas")}, fixes={TOOLS: "sudo yum install -y util-linux"}
    ),
    "what only some AppSpec files need": Case(without("setfacl", "semanage", "sudo")),
    "Ruby that is not on the PATH of a running agent's host": Case(Fakes(ruby=None)),
    "no Ruby": Case(
        Fakes(ruby=None, systemctl="inactive dead"),
        replace(HEALTHY, processes={}),
        {TOOLS: (FAIL, "no ruby on the PATH"), "agent-is-running": (FAIL, "does not run")},
        system="debian",
        fixes={TOOLS: "sudo apt-get install -y ruby-full"},
    ),
    "a Ruby that says nothing": Case(Fakes(ruby="echo jruby"), not_ok={TOOLS: (UNKNOWN, "'jruby' is not a")}),
    "no Ruby, 2.x": Case(replace(SECOND_FAKES, ruby=None), SECOND, NOT_OF_2),
    # what is kept of earlier deployments
    "a whole record": Case(files=revision("#!/bin/sh\ntrue\n")),
    "a revision that is gone": Case(
        files=kept(**{"5f1e_last_successful_install": f"/{DEPLOYMENTS}/5f1e/d-GONE"}),
        not_ok={STATE: (FAIL, "of the group 5f1e names a folder that is not there: ApplicationStop")},
    ),
    "a damaged record": Case(
        files=kept(**{"5f1e_last_successful_install": b"\0\0\0\0"}), not_ok={STATE: (FAIL, "is damaged")}
    ),
    "an empty record": Case(
        files=kept(**{"5f1e_last_successful_install": ""}), not_ok={STATE: (WARN, "not verified")}
    ),
    "no list of files": Case(
        files=kept(**{"5f1e-install.json": '{"instructions":[{"type":"copy"}]}'}),
        not_ok={STATE: (WARN, "the list of files that were deployed to the group 5f1e is missing")},
    ),
    "a deployment under way": under_way("d-ABC", timedelta(minutes=69)),
    "a deployment that ended without a word": replace(
        under_way("d-ABC", timedelta(minutes=71)),
        not_ok={STATE: (WARN, "d-ABC on web-01 is still noted as under way after 71 min")},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_of_each_host_exactly_the_intended_is_said(name: str, aws: Aws, tmp_path: Path) -> None:
    case = CASES[name]
    said = ask(aws, look(case, tmp_path), case.instance)
    found = {id_: worst(each) for id_, each in said.items()}
    loud = {id_: (f.verdict, f.says) for id_, f in found.items() if f.verdict not in (OK, SKIP)}
    expected = {id_: wanted for id_, wanted in case.not_ok.items() if wanted[0] is not SKIP}
    assert {id_: verdict for id_, (verdict, _) in loud.items()} == {i: v for i, (v, _) in expected.items()}, (
        loud
    )
    for id_, (_, says) in expected.items():
        assert says in found[id_].says
    for id_, fix in case.fixes.items():
        assert found[id_].fix.startswith(fix)
    for each in said.values():
        for finding in each:
            assert "None" not in finding.says
            assert "\n" not in finding.says
            if isinstance(finding.fix, Command):
                assert_leads_somewhere(finding)


@pytest.mark.parametrize(
    ("section", "name", "value", "verdict", "says"),
    [
        ("root_folder", "free", 10_239, FAIL, "has 10 MB left: each event"),
        ("root_folder", "free", 10_240, WARN, "has 10 MB left: the next revisions"),
        ("log_folder", "free", 511_999, WARN, "/var/log/aws/codedeploy-agent on web-01 has 511 MB"),
        ("log_folder", "free", 512_000, OK, "512 MB"),
        ("temporary_folder", "inodes", 99, FAIL, "/tmp on web-01 has 99 inodes left"),
        ("temporary_folder", "inodes", 100, WARN, "has 100 inodes left"),
        ("root_folder", "inodes", 4_999, WARN, "has 4999 inodes left"),
        ("root_folder", "inodes", 5_000, OK, "have room"),
        ("tools", "ruby", "ruby 1.9.3p551 (2014)", FAIL, "web-01 has ruby 1.9.3p551, and agent 1.x does not"),
        ("tools", "ruby", "ruby 2.0.0p648 (2015)", OK, "ruby 2.0.0p648, unzip, tar and su"),
        ("tools", "ruby", "ruby 3.2.3 (2024)", OK, "ruby 3.2.3"),
        ("tools", "ruby", "ruby 3.3.0 (2024)", WARN, "agent 1.8.1-13 is known to run on at most 3.2"),
    ],
)
def test_each_limit_just_below_and_just_above(
    section: str, name: str, value: object, verdict: Verdict, says: str, aws: Aws, document: dict[str, Any]
) -> None:
    found = ask(aws, changed(document, section, name, {"value": value}))
    said = worst(found[TOOLS if section == "tools" else ROOM])
    assert (said.verdict, says in said.says) == (verdict, True), said


def test_an_agent_before_1_8_runs_on_no_ruby_3_2(aws: Aws, document: dict[str, Any]) -> None:
    document = document | {"tools": document["tools"] | {"ruby": {"value": "ruby 3.2.3 (2024)"}}}
    said = worst(ask(aws, changed(document, "agent", "version", {"value": "1.7.1-95"}))[TOOLS])
    assert (said.verdict, "at most 3.1" in said.says) == (WARN, True)


def test_each_bad_end_of_these_checks_is_in_the_table() -> None:
    ends = {(id_, v) for case in CASES.values() for id_, (v, _) in case.not_ok.items()}
    readiness = [id_ for id_, check in OF_THE_HOST.items() if check.category == "readiness"]
    assert {id_ for id_ in readiness if {(id_, FAIL), (id_, WARN)} & ends} == set(readiness)
