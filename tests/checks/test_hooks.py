"""Revisions as the agent leaves them on a host, and what the checks of their hook scripts say."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from codedeploy_sandbox.hosts.host import DEPLOYMENTS

from runbooks.aws.session import Aws
from runbooks.checks import all_checks
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, Finding, Verdict
from runbooks.host import HostReport, read_report
from runbooks.question import Question
from tests.checks.on_hosts import HEALTHY, Case, aws, changed, look, worst
from tests.support import hosts
from tests.support.hosts import Files, build

__all__ = ["aws"]  # a fixture

APPSPEC = "appspec-of-the-newest-revision-is-valid"
NEW = "hook-scripts-of-the-newest-revision-can-start"
OLD = "hook-scripts-of-the-last-good-revision-can-start"
CHECKS = {check.id: check.function for check in all_checks() if check.id in (APPSPEC, NEW, OLD)}
INSTRUCTIONS = f"{DEPLOYMENTS}/deployment-instructions"
HOOKS = """version: 0.0
os: linux
hooks:
  ApplicationStop:
    - location: stop.sh
  BeforeInstall:
    - location: ./scripts/prepare.sh
      runas: web
"""
GOOD: dict[str, str | bytes] = {
    "appspec.yml": HOOKS,
    "stop.sh": "#!/bin/sh\ntrue\n",
    "scripts/prepare.sh": "#!/bin/sh\ntrue\n",
}
NONE_YET: dict[str, tuple[Verdict, str]] = {
    APPSPEC: (SKIP, "keeps no newest revision"),
    NEW: (SKIP, "keeps no newest revision"),
    OLD: (SKIP, "keeps no last successful revision"),
}


def kept(new: Mapping[str, str | bytes], old: Mapping[str, str | bytes] | None = None) -> Files:
    """A host with a newest revision; ``old`` is the last successful one, where that is another."""
    files: dict[str, str | bytes] = {"bin/sh": ""}
    for revision, name, record in ((new, "d-NEW", "most_recent"), (old, "d-OLD", "last_successful")):
        if revision is not None:
            place = f"{DEPLOYMENTS}/5f1e/{name}"
            files |= {f"{place}/deployment-archive/{path}": text for path, text in revision.items()}
            files |= {f"{INSTRUCTIONS}/5f1e_{record}_install": f"/{place}\n"}
    if old is None:
        files[f"{INSTRUCTIONS}/5f1e_last_successful_install"] = f"/{DEPLOYMENTS}/5f1e/d-NEW\n"
    return replace(HEALTHY, others=files)


def but(**changes: str | bytes | None) -> dict[str, str | bytes]:
    """A sound revision with other files: `stop` and `prepare` are its scripts, None is one that is not there."""
    names = {"stop": "stop.sh", "prepare": "scripts/prepare.sh", "appspec": "appspec.yml"}
    files = GOOD | {names[name]: text for name, text in changes.items()}
    return {name: text for name, text in files.items() if text is not None}


CASES: dict[str, tuple[Files, dict[str, tuple[Verdict, str]]]] = {
    "nothing was deployed": (HEALTHY, NONE_YET),
    "one sound revision": (kept(GOOD), {}),
    "two sound revisions": (kept(GOOD, GOOD), {}),
    "a script that is missing": (
        kept(but(prepare=None)),
        {NEW: (FAIL, "BeforeInstall of d-NEW on web-01 cannot start its script. The revision has no 'scripts/prepare.sh'")},
    ),
    "Windows line ends": (kept(but(prepare="#!/bin/sh\r\ntrue\r\n")), {NEW: (FAIL, "ends its lines with CRLF")}),
    "a program that is missing": (
        kept(but(prepare="#!/usr/bin/python9 -u\n")),
        {NEW: (FAIL, "prepare.sh of d-NEW on web-01, the first line names /usr/bin/python9")},
    ),
    "no first line, which agent 1.x runs by sh": (kept(but(prepare="true\n")), {}),
    "a program in place of a script": (kept(but(prepare=b"\x7fELF\2\1\1\0")), {}),
    "a folder in place of a script": (
        kept(but(prepare=None) | {"scripts/prepare.sh/x": ""}),
        {NEW: (FAIL, "scripts/prepare.sh is a folder")},
    ),
    "the stop script of the new revision, which is not run yet": (kept(but(stop=None), GOOD), {}),
    "the stop script of the old revision": (
        kept(GOOD, but(stop=None)),
        {OLD: (FAIL, "ApplicationStop of d-OLD on web-01 cannot start its script. The revision has no 'stop.sh'")},
    ),
    "the same of one that is both": (kept(but(stop="#!/bin/zsh\n")), {OLD: (FAIL, "the first line names /bin/zsh")}),
    "an old script that is not run again": (kept(GOOD, but(prepare=None)), {}),
    "an old revision without its AppSpec file": (
        kept(GOOD, but(appspec=None)), {OLD: (FAIL, "of d-OLD, has no appspec.yml: ApplicationStop")}
    ),
    "an old revision whose folder is gone": (kept(GOOD, {}), {OLD: (SKIP, "is not there")}),
    "a new revision without its AppSpec file": (
        kept(but(appspec=None), GOOD),
        {APPSPEC: (FAIL, "of d-NEW on web-01 has no appspec.yml"), NEW: (SKIP, "names no hook script of its own")},
    ),
    "an AppSpec file that is not YAML": (
        kept(but(appspec="version: 0.0\n\thooks:\n"), GOOD),
        {APPSPEC: (FAIL, "Line 2 of the appspec.yml of d-NEW on web-01"), NEW: (SKIP, "names no hook script")},
    ),
    "an AppSpec file with a wrong value": (
        kept(but(appspec=HOOKS.replace("0.0", "1.0")), GOOD), {APPSPEC: (FAIL, "Line 1 of the appspec.yml")}
    ),
    "an AppSpec file that is too long": (
        kept(but(appspec=HOOKS + "#\nx: 1\n" + "y: 1\n" * 1300), GOOD),
        {APPSPEC: (UNKNOWN, "longer than the probe shows"), NEW: (UNKNOWN, "longer than the probe shows")},
    ),
    "an AppSpec file with a line that the probe masks": (
        kept(but(appspec=HOOKS + "password: hunter22\n"), GOOD),
        {APPSPEC: (UNKNOWN, "masked or cut"), NEW: (UNKNOWN, "masked or cut")},
    ),
    "no hooks at all": (
        kept(but(appspec="version: 0.0\nos: linux\n")),
        {NEW: (SKIP, "of d-NEW on web-01 names no hook script of its own"), OLD: (SKIP, "that the next deployment runs")},
    ),
    "more scripts than the probe reads": (
        kept({"appspec.yml": "version: 0.0\nos: linux\nhooks:\n  BeforeInstall:\n" + "".join(f"    - location: s{n}\n" for n in range(10, 31))}
             | {f"s{n}": "#!/bin/sh\n" for n in range(10, 31)}, GOOD),
        {NEW: (UNKNOWN, "the hook script s30 of d-NEW")},
    ),
}  # fmt: skip


def ask(aws: Aws, report: HostReport) -> dict[str, list[Finding]]:
    question = Question(instance="web-01", host_report=report)
    return {id_: run(check, aws, question) for id_, check in CHECKS.items()}


@pytest.mark.parametrize("name", CASES)
def test_of_each_host_exactly_the_intended_is_said(name: str, aws: Aws, tmp_path: Path) -> None:
    files, not_ok = CASES[name]
    said = {id_: worst(found) for id_, found in ask(aws, look(Case(files=files), tmp_path)).items()}
    loud = {id_: one for id_, one in said.items() if one.verdict is not OK}
    assert set(loud) == set(not_ok), loud
    for id_, (verdict, text) in not_ok.items():
        assert (loud[id_].verdict, text in loud[id_].says) == (verdict, True), loud[id_].says
        assert verdict is not FAIL or (loud[id_].next and loud[id_].fix)


@pytest.mark.parametrize("datum", ["kept", "appspec", "scripts"])
def test_what_the_probe_could_not_see_is_never_fine(datum: str, aws: Aws, tmp_path: Path) -> None:
    document = build(tmp_path, files=kept(GOOD)).document()
    report = changed(document, "revisions", datum, {"error": "this user cannot look into it"})
    assert {worst(found).verdict for found in ask(aws, report).values()} == {UNKNOWN}


@pytest.mark.skipif(not hosts.is_root(), reason="only root gives a file to another user")
@pytest.mark.parametrize(
    ("owner", "mode", "verdict"), [(0, 0o644, FAIL), (0, 0o755, OK), (990, 0o644, OK), (990, 0o755, OK)]
)
def test_only_a_missing_bit_that_the_agent_may_not_set_is_a_fault(
    owner: int, mode: int, verdict: Verdict, aws: Aws, tmp_path: Path
) -> None:
    host = build(tmp_path, files=replace(kept(GOOD), owner=990))
    script = host.root / f"{DEPLOYMENTS}/5f1e/d-NEW/deployment-archive/scripts/prepare.sh"
    script.chmod(mode)
    os.chown(script, owner, owner)
    said = worst(ask(aws, read_report(host.run().stdout.decode()))[NEW])
    assert said.verdict is verdict, said.says
    assert verdict is OK or said.next == "/symptoms/hook-not-executable/"


def test_of_more_revisions_than_the_probe_reads_that_is_said(aws: Aws, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"bin/sh": ""}
    for group in range(7):
        place = f"{DEPLOYMENTS}/{group}/d-NEW"
        files |= {f"{place}/deployment-archive/{path}": text for path, text in GOOD.items()}
        files[f"{INSTRUCTIONS}/{group}_most_recent_install"] = f"/{place}\n"
    said = ask(aws, look(Case(files=replace(HEALTHY, others=files)), tmp_path))[NEW]
    assert [one.says for one in said] == [
        "Could not check: web-01 keeps more revisions than the probe reads."
    ]
