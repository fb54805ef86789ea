"""The IAM policies that the templates make, asked both ways of the sandbox's evaluator: what each allows, and no more."""

import json
import urllib.parse
from typing import Any

import pytest
from codedeploy_sandbox.iam.policy import Policy, Request, evaluate

from tests.templates.conftest import RENEWER, Deployed
from tests.templates.stacks import read

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS")

DEPLOY = "arn:aws:codedeploy:eu-west-1:111122223333"
WEB, DB = f"{DEPLOY}:instance:web-01", f"{DEPLOY}:instance:db-01"
GROUP, OTHER = f"{DEPLOY}:deploymentgroup:shop/web", f"{DEPLOY}:deploymentgroup:bank/web"
REVISION, SECRET = "arn:aws:s3:::shop-revisions/web/1.zip", "arn:aws:s3:::shop-revisions/db/1.zip"
PACKAGE = "arn:aws:s3:::aws-codedeploy-eu-west-1/latest/install"
PROBE = "arn:aws:ssm:eu-west-1:111122223333:document/CodeDeployFieldGuide-Probe"
SHELL = "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"
NODE = "arn:aws:ssm:eu-west-1:111122223333:managed-instance/mi-0a1b2c3d4e5f60001"
ANY = "*"  # an action without a resource type

HOST = {
    ("s3:GetObject", REVISION): True,
    ("s3:GetObjectVersion", REVISION): True,
    ("s3:ListBucket", "arn:aws:s3:::shop-revisions"): True,
    ("s3:GetObject", PACKAGE): True,
    ("codedeploy-commands-secure:PollHostCommand", ANY): True,
    ("codedeploy-commands-secure:PutHostCommandComplete", ANY): True,
    ("s3:GetObject", SECRET): False,
    ("s3:PutObject", REVISION): False,
    ("s3:GetObject", "arn:aws:s3:::aws-codedeploy-us-east-1/latest/install"): False,
    ("codedeploy:GetOnPremisesInstance", WEB): False,
    ("codedeploy:CreateDeployment", GROUP): False,
    ("ssm:SendCommand", NODE): False,
}
# By template and logical id: a request, and whether the policy allows it.
ASKED: dict[tuple[str, str], dict[tuple[str, str], bool]] = {
    ("roles.yml", "HostPolicy"): HOST,
    ("roles.yml", "RegistrarPolicy"): {
        ("codedeploy:RegisterOnPremisesInstance", WEB): True,
        ("codedeploy:AddTagsToOnPremisesInstances", WEB): True,
        ("codedeploy:GetOnPremisesInstance", WEB): True,
        ("codedeploy:GetOnPremisesInstance", f"{DEPLOY}:instance/web-01"): True,
        ("codedeploy:ListOnPremisesInstances", ANY): True,
        ("codedeploy:BatchGetOnPremisesInstances", DB): True,
        ("codedeploy:RegisterOnPremisesInstance", DB): False,
        ("codedeploy:AddTagsToOnPremisesInstances", DB): False,
        ("codedeploy:DeregisterOnPremisesInstance", WEB): False,
        ("codedeploy:RemoveTagsFromOnPremisesInstances", WEB): False,
        ("codedeploy:CreateDeployment", GROUP): False,
        ("iam:CreateUser", "arn:aws:iam::111122223333:user/web-01"): False,
        ("iam:CreateAccessKey", "arn:aws:iam::111122223333:user/web-01"): False,
    },
    ("roles.yml", "DeregistrarPolicy"): {
        ("codedeploy:DeregisterOnPremisesInstance", WEB): True,
        ("codedeploy:RemoveTagsFromOnPremisesInstances", WEB): True,
        ("codedeploy:DeregisterOnPremisesInstance", DB): False,
        ("codedeploy:RegisterOnPremisesInstance", WEB): False,
        ("iam:DeleteUser", "arn:aws:iam::111122223333:user/web-01"): False,
    },
    ("roles.yml", "DeployerPolicy"): {
        ("codedeploy:CreateDeployment", GROUP): True,
        ("codedeploy:GetDeployment", GROUP): True,
        ("codedeploy:GetDeploymentGroup", GROUP): True,
        ("codedeploy:GetDeploymentConfig", f"{DEPLOY}:deploymentconfig:CodeDeployDefault.OneAtATime"): True,
        ("codedeploy:RegisterApplicationRevision", f"{DEPLOY}:application:shop"): True,
        ("codedeploy:GetApplicationRevision", f"{DEPLOY}:application:shop"): True,
        ("codedeploy:ListDeploymentTargets", ANY): True,
        ("codedeploy:GetDeploymentTarget", ANY): True,
        ("s3:PutObject", REVISION): True,
        ("codedeploy:CreateDeployment", OTHER): False,
        ("codedeploy:CreateDeployment", f"{DEPLOY}:deploymentgroup:shop2/web"): False,
        ("codedeploy:StopDeployment", ANY): False,
        ("codedeploy:CreateDeploymentGroup", GROUP): False,
        ("codedeploy:RegisterOnPremisesInstance", WEB): False,
        ("s3:PutObject", SECRET): False,
        ("s3:DeleteObject", REVISION): False,
        ("iam:PassRole", "arn:aws:iam::111122223333:role/roles-ServiceRole"): False,
    },
    ("diagnosis-policies.yml", "ReaderPolicy"): {
        ("codedeploy:GetOnPremisesInstance", WEB): True,
        ("codedeploy:GetDeployment", GROUP): True,
        ("codedeploy:ListOnPremisesInstances", ANY): True,
        ("cloudtrail:LookupEvents", ANY): True,
        ("s3:GetEncryptionConfiguration", "arn:aws:s3:::shop-revisions"): True,
        ("kms:DescribeKey", "arn:aws:kms:eu-west-1:111122223333:key/1"): True,
        ("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/1"): False,
        ("ssm:SendCommand", PROBE): False,
        ("codedeploy:CreateDeployment", GROUP): False,
        ("s3:GetObject", REVISION): False,
    },
    ("diagnosis-policies.yml", "ProberPolicy"): {
        ("codedeploy:GetOnPremisesInstance", WEB): True,
        ("ssm:SendCommand", PROBE): True,
        ("ssm:SendCommand", NODE): True,
        ("ssm:GetCommandInvocation", ANY): True,
        ("ssm:SendCommand", SHELL): False,
        ("ssm:UpdateDocument", PROBE): False,
        ("codedeploy:RegisterOnPremisesInstance", WEB): False,
    },
}
# Actions without a resource type (Service Authorization Reference): a statement that names resources refuses them.
WITHOUT_RESOURCE = {
    "codedeploy:BatchGetDeploymentTargets",
    "codedeploy:ContinueDeployment",
    "codedeploy:GetDeploymentTarget",
    "codedeploy:ListDeploymentTargets",
    "codedeploy:ListOnPremisesInstances",
    "codedeploy:StopDeployment",
}
MOST_CHARACTERS = 6144  # of a managed policy, white space aside


def documents(deployed: Deployed) -> dict[tuple[str, str], dict[str, Any]]:
    """The documents of all managed policies that the templates made, as IAM gives them back."""
    iam, found = deployed.client("iam"), {}
    for template, id_ in ASKED:
        version = iam.get_policy_version(PolicyArn=deployed.made[template][id_], VersionId="v1")[
            "PolicyVersion"
        ]
        found[template, id_] = version["Document"]
    return found


def allowed(document: dict[str, Any], action: str, resource: str, **context: list[str]) -> bool:
    outcome = evaluate(Request(action, resource, context), [Policy.of("P", document)])
    return outcome.decision == "allowed"


@pytest.mark.parametrize("which", ASKED, ids=":".join)
def test_it_allows_what_it_is_for_and_no_more(which: tuple[str, str], deployed: Deployed) -> None:
    document = documents(deployed)[which]
    found = {(action, resource): allowed(document, action, resource) for action, resource in ASKED[which]}
    assert found == ASKED[which]


def test_every_policy_is_asked_about(deployed: Deployed) -> None:
    made = {
        (template, id_)
        for template, ids in deployed.made.items()
        for id_, physical in ids.items()
        if ":policy/" in physical
    }
    assert made == set(ASKED)


def test_no_statement_names_a_resource_for_an_action_that_has_none(deployed: Deployed) -> None:
    for which, document in documents(deployed).items():
        for statement in document["Statement"]:
            if statement["Resource"] != "*":
                assert not WITHOUT_RESOURCE & set(statement["Action"]), which


def test_each_is_small_enough_for_iam(deployed: Deployed) -> None:
    for which, document in documents(deployed).items():
        assert len(json.dumps(document, separators=(",", ":"))) <= MOST_CHARACTERS, which


def trust(deployed: Deployed, template: str, id_: str) -> dict[str, Any]:
    role = deployed.client("iam").get_role(RoleName=deployed.made[template][id_])["Role"]
    document = role["AssumeRolePolicyDocument"]
    return dict(json.loads(urllib.parse.unquote(document)) if isinstance(document, str) else document)


@pytest.mark.parametrize(
    ("template", "id_", "service"),
    [
        ("roles.yml", "Ec2HostRole", "ec2.amazonaws.com"),
        ("roles.yml", "ServiceRole", "codedeploy.amazonaws.com"),
        ("hybrid-nodes.yml", "Role", "ssm.amazonaws.com"),
    ],
)
def test_one_service_may_assume_the_role(template: str, id_: str, service: str, deployed: Deployed) -> None:
    (statement,) = trust(deployed, template, id_)["Statement"]
    assert (statement["Action"], statement["Principal"]) == ("sts:AssumeRole", {"Service": service})


def test_a_session_is_named_after_an_instance(deployed: Deployed) -> None:
    """The trust policy takes no session of another name, so that each host's ARN is its own."""
    name = deployed.made["roles.yml"]["OnPremisesHostRole"]
    document = trust(deployed, "roles.yml", "OnPremisesHostRole")
    role = f"arn:aws:iam::111122223333:role/{name}"
    (statement,) = document["Statement"]
    assert statement["Principal"] == {"AWS": RENEWER}

    def may(session: str, who: str) -> bool:
        known = {"sts:rolesessionname": [session]}
        plain = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]}
        request = Request("sts:AssumeRole", role, known, who)
        return evaluate(request, resource=Policy.of("T", plain)).decision == "allowed"

    assert may("web-01", RENEWER)
    assert not may("db-01", RENEWER)
    assert not may("web-01", "arn:aws:iam::111122223333:role/Someone")


def test_the_roles_of_hosts_have_the_policy_of_hosts() -> None:
    """By the text of the templates: moto attaches no managed policy to a role of CloudFormation."""
    core = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"}
    roles = read("roles.yml")["Resources"]
    assert roles["Ec2HostRole"]["Properties"]["ManagedPolicyArns"] == [{"Ref": "HostPolicy"}, core]
    assert roles["OnPremisesHostRole"]["Properties"]["ManagedPolicyArns"] == [{"Ref": "HostPolicy"}]
    node = read("hybrid-nodes.yml")["Resources"]["Role"]["Properties"]
    assert node["ManagedPolicyArns"] == [core, {"Ref": "HostPolicyArn"}]


def test_ssm_may_assume_the_hybrid_role_for_this_account_only(deployed: Deployed) -> None:
    (statement,) = trust(deployed, "hybrid-nodes.yml", "Role")["Statement"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnEquals": {"aws:SourceArn": "arn:aws:ssm:eu-west-1:111122223333:*"},
    }
