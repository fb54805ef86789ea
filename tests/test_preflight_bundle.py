"""What preflight says of the bundle that is to be deployed: whether it is sound, and whether it is for this group."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.services import ssm
from codedeploy_sandbox.state import REGION, Account

from runbooks import preflight
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, Finding, Verdict
from tests.support.world import PATIENT, world
from tests.test_preflight_hosts import of, verdicts

SERVER = "version: 0.0\nos: {}\nfiles: []\n"
ECS = """version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1"
        LoadBalancerInfo:
          ContainerName: web
          ContainerPort: 80
"""
LAMBDA = """version: 0.0
Resources:
  - web:
      Type: AWS::Lambda::Function
      Properties:
        Name: web
        Alias: live
        CurrentVersion: "1"
        TargetVersion: "2"
"""


def bundle(place: Path, appspec: str) -> str:
    with zipfile.ZipFile(place / "web.zip", "w") as archive:
        archive.writestr("appspec.yml", appspec)
    return str(place / "web.zip")


def said(path: str, scenario: Any = "group-healthy", check: str = "bundle-fits-the-group") -> list[Finding]:
    with world(scenario, config=PATIENT) as (aws, _):
        report = preflight(aws, "shop/web", bundle=path)
    return of(report, check)


@pytest.mark.parametrize(
    ("appspec", "expected", "says"),
    [
        (SERVER.format("linux"), (OK, "ok"), "4 of 4 instances (web-01, web-02, i-"),
        (SERVER.format("windows"), (FAIL, "other-os"), "4 of 4 instances (web-01, web-02, i-"),
        (SERVER.format("Linux"), (SKIP, "not-applicable"), "names no os that an agent knows"),
        (ECS, (FAIL, "other-platform"), "for Amazon ECS, and shop/web deploys to instances"),
        (LAMBDA, (FAIL, "other-platform"), "for AWS Lambda, and shop/web deploys to instances"),
        ("\tnot: yaml", (SKIP, "not-applicable"), "is not known: it cannot be read"),
    ],
)
def test_the_appspec_file_is_for_the_group(
    tmp_path: Path, appspec: str, expected: tuple[Verdict, str], says: str
) -> None:
    found = said(bundle(tmp_path, appspec))
    assert verdicts(found) == [expected]
    assert says in found[0].says


def test_an_appspec_file_alone_is_judged_too(tmp_path: Path) -> None:
    (tmp_path / "appspec.yml").write_text(SERVER.format("windows"))
    assert verdicts(said(str(tmp_path / "appspec.yml"), "healthy")) == [(FAIL, "other-os")]


@pytest.mark.parametrize(("system", "expected"), [("linux", (FAIL, "other-os")), ("windows", (OK, "ok"))])
def test_windows_hosts_take_a_file_for_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, expected: tuple[Verdict, str]
) -> None:
    known: Callable[..., dict[str, Any]] = ssm._information
    monkeypatch.setattr(
        ssm, "_information", lambda call, node: known(call, node) | {"PlatformType": "Windows"}
    )
    assert verdicts(said(bundle(tmp_path, SERVER.format(system)), "healthy")) == [expected]


def test_a_host_whose_system_no_one_knows_is_said(tmp_path: Path) -> None:
    (found,) = said(bundle(tmp_path, SERVER.format("linux")), "host-unmanaged")
    assert found.verdict is UNKNOWN
    assert "which system 1 of 2 instances (web-01) of shop/web has is not known" in found.says


def test_a_group_that_deploys_to_ecs_takes_a_file_for_ecs(tmp_path: Path) -> None:
    def ecs(account: Account) -> None:
        find("healthy")(account)
        account.state(REGION).groups.setdefault("shop/web", {})["computePlatform"] = "ECS"

    assert verdicts(said(bundle(tmp_path, ECS), ecs)) == [(OK, "ok")]
    assert verdicts(said(bundle(tmp_path, SERVER.format("linux")), ecs)) == [(FAIL, "other-platform")]
    assert verdicts(said(bundle(tmp_path, LAMBDA), ecs)) == [(FAIL, "other-platform")]


def test_a_group_that_selects_no_instance_has_no_hosts_to_compare(tmp_path: Path) -> None:
    found = said(bundle(tmp_path, SERVER.format("windows")), "group-selects-none")
    assert verdicts(found) == [(SKIP, "not-applicable")]


def test_without_a_bundle_both_checks_say_that_they_were_not_asked() -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        report = preflight(aws, "shop/web")
    codes = [found[0].code for check, found in report.results.items() if check.id.startswith("bundle-")]
    assert codes == ["bundle-is-sound/not-asked", "bundle-fits-the-group/not-asked"]
