"""Whether the files of a bundle would find others in their place: by the last revision on the host, and the agent's list."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox.hosts.host import DEPLOYMENTS
from codedeploy_sandbox.scenarios.helpers import NODE
from codedeploy_sandbox.state import REGION

from runbooks.aws.session import Aws
from runbooks.checks import predictions
from runbooks.checks.preflight import Planned
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, Finding
from tests.support.findings import assert_sound
from tests.support.sandbox import client
from tests.support.world import PATIENT, world
from tests.test_preflight import deployed
from tests.test_preflight_hosts import verdicts

(CHECK,) = [check for check in predictions() if check.id.startswith("files-")]
LISTS = f"{DEPLOYMENTS}/deployment-instructions/"
APPSPEC = "version: 0.0\nos: {}\n{}files:\n  - source: /{}\n    destination: {}\n"


def bundle(
    place: Path, source: str = "index.html", to: str = "/srv/app", system: str = "linux", more: str = ""
) -> Path:
    (place / source).parent.mkdir(parents=True, exist_ok=True)
    (place / source).write_text("shop\n")
    (place / "appspec.yml").write_text(APPSPEC.format(system, more, source, to))
    return place


@contextmanager
def after_a_deployment(change: Any = lambda files: files) -> Iterator[Aws]:
    """A session with a sandbox on whose hosts a deployment has succeeded, with the files of web-01 changed then."""
    with world("healthy", config=PATIENT) as (aws, sandbox):
        assert deployed(client(sandbox, "codedeploy")) == "succeeds"
        nodes = sandbox.account.state(REGION).nodes
        machine = nodes[NODE].machine
        others = tuple(change(dict(machine.others)).items())
        nodes[NODE] = replace(nodes[NODE], machine=replace(machine, others=others))
        yield aws


def said(aws: Aws, path: Path) -> list[Finding]:
    question = Planned(deployment_group="shop/web", instance="web-01", bundle=str(path))
    found = run(CHECK.function, aws.remembering(), question)
    for finding in found:
        assert_sound(finding)
    return found


def without_the_list(files: dict[str, str]) -> dict[str, str]:
    assert f"{LISTS}5f1e-cleanup" in files
    return {path: text for path, text in files.items() if path != f"{LISTS}5f1e-cleanup"}


def of_another_group(files: dict[str, str]) -> dict[str, str]:
    return {path.replace("5f1e", "77aa"): text.replace("5f1e", "77aa") for path, text in files.items()}


def test_a_file_that_the_last_revision_put_there_is_removed_first(tmp_path: Path) -> None:
    with after_a_deployment() as aws:
        assert verdicts(said(aws, bundle(tmp_path))) == [(OK, "ok")]


def test_without_the_list_it_is_in_the_way(tmp_path: Path) -> None:
    with after_a_deployment(without_the_list) as aws:
        (finding,) = said(aws, bundle(tmp_path))
    assert (finding.verdict, finding.code) == (FAIL, f"{CHECK.id}/in-the-way")
    assert "Install would fail on web-01: 1 of 1 files" in finding.says
    assert "(/srv/app/index.html)" in finding.says


def test_a_file_of_another_group_is_in_the_way(tmp_path: Path) -> None:
    with after_a_deployment(of_another_group) as aws:
        (finding,) = said(aws, bundle(tmp_path))
    assert finding.verdict is FAIL
    assert "another deployment group put it there" in finding.says


@pytest.mark.parametrize("behavior", ["OVERWRITE", "RETAIN"])
def test_a_bundle_that_may_meet_files_is_not_judged(tmp_path: Path, behavior: str) -> None:
    path = bundle(tmp_path, more=f"file_exists_behavior: {behavior}\n")
    with after_a_deployment(without_the_list) as aws:
        assert verdicts(said(aws, path)) == [(SKIP, "not-applicable")]


def test_whether_a_new_place_is_free_is_not_known(tmp_path: Path) -> None:
    with after_a_deployment() as aws:
        (finding,) = said(aws, bundle(tmp_path, to="/etc/nginx"))
    assert finding.verdict is UNKNOWN
    assert "the places of 1 of 1 files" in finding.says
    assert "/etc/nginx/index.html" in finding.says


def test_windows_is_not_judged(tmp_path: Path) -> None:
    with after_a_deployment() as aws:
        assert verdicts(said(aws, bundle(tmp_path, system="windows"))) == [(SKIP, "not-applicable")]
