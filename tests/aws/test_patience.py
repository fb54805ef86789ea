"""A call that AWS throttles is made again while the diagnosis goes on; any other refusal is not."""

import time

import pytest
from codedeploy_sandbox import Error, Fault

from runbooks import why
from runbooks.aws.clients import Clients
from runbooks.aws.pace import PAUSES
from runbooks.findings import UNKNOWN
from tests.support.world import PATIENT, QUICK, world

ID = "d-SHOPWEB01"
THROTTLED = Error("ThrottlingException", "Rate exceeded", 400)


@pytest.mark.parametrize(
    "api",
    ["codedeploy:GetDeployment", "codedeploy:ListDeploymentTargets", "codedeploy:BatchGetDeploymentTargets"],
)
@pytest.mark.parametrize(("times", "read"), [(2, True), (3, False)])
def test_a_throttled_call_is_made_again_after_each_pause(api: str, times: int, read: bool) -> None:
    with world("healthy", [Fault(api, THROTTLED, times=times)], config=PATIENT) as (aws, _):
        aws.clients.pauses = (0, 0)
        report = why(aws, ID)
    assert (report.exit_code == 0) is read
    assert any("throttled" in finding.says for finding in report.findings) is not read


def test_another_refusal_is_final() -> None:
    fault = Fault("codedeploy:GetDeployment", Error("AccessDeniedException", "no", 400), times=1)
    with world("healthy", [fault], config=PATIENT) as (aws, _):
        aws.clients.pauses = (0, 0)
        report = why(aws, ID)
    assert report.verdict is UNKNOWN


def test_patience_ends_with_the_diagnosis() -> None:
    fault = Fault("codedeploy:GetDeployment", THROTTLED, times=99)
    began = time.monotonic()
    with world("healthy", [fault], config=PATIENT) as (aws, _):
        aws.clients.pauses = (600,)
        report = why(aws, ID, timeout=1)
    assert time.monotonic() - began < 60
    assert "still waiting for codedeploy:GetDeployment" in report.findings[0].says


def test_patience_is_for_those_who_want_more_than_one_try() -> None:
    with world("healthy", config=QUICK) as (aws, _):
        assert aws.clients.pauses == ()
        assert Clients(aws.clients.session).pauses == PAUSES
