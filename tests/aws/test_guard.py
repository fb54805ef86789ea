"""The read-only guard, over every operation of every service that the checks speak to."""

import re

import botocore.session
import pytest

from runbooks.aws.guard import SERVICES as ASKED
from runbooks.aws.guard import NotARead, is_read, refuse_writes
from runbooks.policy import actions, observed

SERVICES = (
    *(
        "codedeploy",
        "cloudtrail",
        "sts",
        "ssm",
        "iam",
        "s3",
        "ec2",
        "autoscaling",
        "elbv2",
        "elb",
        "cloudwatch",
        "kms",
    ),
)
# Verbs of AWS's APIs that change something or hand out access. Written out here, not taken from the guard.
CHANGES = re.compile(
    r"^(Accept|Add|Allocate|Apply|Approve|Assign|Associate|Assume|Attach|Authorize|Batch(Write|Delete|Put)|Bundle|Cancel"
    r"|Change|Complete|Confirm|Continue|Copy|Create|Deactivate|Delete|Deprovision|Deregister|Detach|Disable|Disassociate"
    r"|Enable|Export|Import|Install|Label|Modify|Monitor|Move|Provision|Purchase|Put|Reboot|Register|Reject|Release|Remove"
    r"|Replace|Report|Request|Reset|Restore|Resume|Revoke|Rotate|Run|Send|Set|Skip|Start|Stop|Tag|Terminate|Unassign"
    r"|Unlabel|Unlock|Unmonitor|Untag|Update|Upload|Withdraw)"
)


def operations(service: str) -> list[str]:
    return list(botocore.session.get_session().get_service_model(service).operation_names)


@pytest.mark.parametrize("service", SERVICES)
def test_every_change_is_refused(service: str) -> None:
    changes = [operation for operation in operations(service) if CHANGES.match(operation)]
    assert changes
    for operation in changes:
        with pytest.raises(NotARead):
            refuse_writes(f"{service}:{operation}", {}, {})


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_let_through_reads(service: str) -> None:
    let_through = [operation for operation in operations(service) if is_read(f"{service}:{operation}")]
    assert not [operation for operation in let_through if CHANGES.match(operation)]


@pytest.mark.parametrize(
    "api",
    [
        "sts:GetSessionToken",
        "sts:GetFederationToken",
        "sts:GetWebIdentityToken",
        "ssm:GetParameter",
        "ssm:GetParametersByPath",
        "ec2:GetPasswordData",
        "ssm:Listen",
        "s3:GetObject",
        "s3:GetObjectAttributes",
        "kms:GetParametersForImport",
        "kms:GetKeyPolicy",
        "kms:GenerateDataKey",
        "kms:Decrypt",
        "secretsmanager:BatchGetSecretValue",
        "sso:GetRoleCredentials",
        "cognito-identity:GetCredentialsForIdentity",
    ],
)
def test_secrets_are_no_reads(api: str) -> None:
    assert not is_read(api)


def test_the_guard_knows_the_services_of_the_checks_and_no_others() -> None:
    called = {api for row in observed().values() for api in row["calls"]}
    assert {api.partition(":")[0] for api in called} == ASKED
    assert {api for api in called if not is_read(api)} == {"ssm:SendCommand"}
    assert actions(called)


def test_the_refusal_names_the_operation() -> None:
    with pytest.raises(NotARead, match="iam:DeleteUser was not sent"):
        refuse_writes("iam:DeleteUser", {}, {"iam:CreateUser": lambda _: True})


def test_a_permission_is_for_its_parameters_only() -> None:
    allowed = {"ssm:SendCommand": lambda params: params["DocumentName"] == "probe"}
    refuse_writes("ssm:SendCommand", {"DocumentName": "probe"}, allowed)
    with pytest.raises(NotARead):
        refuse_writes("ssm:SendCommand", {"DocumentName": "AWS-RunShellScript"}, allowed)
