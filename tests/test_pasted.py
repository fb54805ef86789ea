"""What people paste as a subject: links of the console, ARNs, events, messages, records, ids with what stood around them."""

import json
from typing import Any

import pytest

from runbooks.errors import UserError
from runbooks.subject import account_named, deployment_in, region_asked, region_doubt, subject

HOST = "https://eu-west-1.console.aws.amazon.com"
CONSOLE = f"{HOST}/codesuite/codedeploy"
ARN = "arn:aws:codedeploy:eu-west-1:111122223333"
ON_PREMISES = f"{ARN}:instance/web-01_c26ccf972c"
ID = "i-0123456789abcdef0"
NODE = "mi-0a1b2c3d4e5f60001"
DEPLOYMENT = {"deployment": "d-SHOPWEB01"}
GROUP = {"deployment_group": "shop/web"}

# The fields of a trigger's message: AWS's user guide, "JSON data formats for CodeDeploy triggers".
OF_A_DEPLOYMENT = {
    "region": "eu-west-1",
    "accountId": "111122223333",
    "eventTriggerName": "failures",
    "applicationName": "shop",
    "deploymentId": "d-SHOPWEB01",
    "deploymentGroupName": "web",
    "deploymentOverview": json.dumps({"Failed": 1}),
    "status": "FAILED",
    "errorInformation": json.dumps({"ErrorCode": "HEALTH_CONSTRAINTS", "ErrorMessage": "too few"}),
}
OF_AN_INSTANCE = {
    "region": "eu-west-1",
    "accountId": "111122223333",
    "eventTriggerName": "failures",
    "deploymentId": "d-SHOPWEB01",
    "instanceId": f"arn:aws:ec2:eu-west-1:111122223333:instance/{ID}",
    "lastUpdatedAt": "1446744207.564",
    "instanceStatus": "Failed",
    "lifecycleEvents": json.dumps([{"LifecycleEvent": "ApplicationStop"}]),
}
ON_SITE = OF_AN_INSTANCE | {"instanceId": ON_PREMISES}


def envelope(message: dict[str, Any], region: str = "eu-west-1") -> dict[str, str]:
    """The message as SNS delivers it."""
    return {
        "Type": "Notification",
        "TopicArn": f"arn:aws:sns:{region}:111122223333:failures",
        "Subject": "FAILED: AWS CodeDeploy d-SHOPWEB01 in eu-west-1 to shop",
        "Message": json.dumps(message),
    }


EVENT: dict[str, Any] = {
    "account": "111122223333",
    "region": "eu-west-1",
    "source": "aws.codedeploy",
    "detail-type": "CodeDeploy Deployment State-change Notification",
    "resources": [f"{ARN}:application:shop", f"{ARN}:deploymentgroup:shop/web"],
    "detail": {
        "region": "eu-west-1",
        "application": "shop",
        "deploymentId": "d-SHOPWEB01",
        "state": "FAILURE",
        "deploymentGroup": "web",
    },
}
RECORD: dict[str, Any] = {
    "eventSource": "codedeploy.amazonaws.com",
    "eventName": "CreateDeployment",
    "awsRegion": "eu-west-1",
    "requestParameters": {"applicationName": "shop", "deploymentGroupName": "web"},
    "responseElements": {"deploymentId": "d-SHOPWEB01"},
}
ANSWER = {"deploymentId": "d-SHOPWEB01", "rollbackInfo": {"rollbackTriggeringDeploymentId": "d-SHOPWEB00"}}
TARGET = {"instanceTarget": {"deploymentId": "d-SHOPWEB01", "targetId": "web-01", "targetArn": ON_PREMISES}}


def of_an_instance(id_: str) -> dict[str, Any]:
    return EVENT | {"detail": EVENT["detail"] | {"instanceId": id_}}


@pytest.mark.parametrize(
    ("text", "named", "region"),
    [
        (f"{CONSOLE}/deployments/d-SHOPWEB01?region=eu-west-1", DEPLOYMENT, "eu-west-1"),
        (f"{CONSOLE}/deployments/d-SHOPWEB01?meta=eyJmIjp7&region=eu-central-1", DEPLOYMENT, "eu-central-1"),
        (f"{CONSOLE}/applications/shop/deployment-groups/web?region=eu-west-1", GROUP, "eu-west-1"),
        (f"{CONSOLE}/on-premises-instances/web-01?region=eu-west-1", {"instance": "web-01"}, "eu-west-1"),
        (f"{HOST}/ec2/home?region=eu-west-1#InstanceDetails:instanceId={ID}", {"instance": ID}, "eu-west-1"),
        (
            f"{HOST}/systems-manager/managed-instances/{NODE}/description?region=eu-west-1",
            {"instance": NODE},
            "eu-west-1",
        ),
        (ON_PREMISES, {"instance": ON_PREMISES}, "eu-west-1"),
        (f"{ARN}:instance:web-01", {"instance": "web-01"}, "eu-west-1"),
        (f"{ARN}:deploymentgroup:shop/web", GROUP, "eu-west-1"),
        (f"arn:aws:ec2:eu-west-1:111122223333:instance/{ID}", {"instance": ID}, "eu-west-1"),
        (f"arn:aws:ssm:eu-west-1:111122223333:managed-instance/{NODE}", {"instance": NODE}, "eu-west-1"),
        (json.dumps(EVENT), DEPLOYMENT, "eu-west-1"),
        (json.dumps(of_an_instance(ID)), DEPLOYMENT | {"instance": ID}, "eu-west-1"),
        (json.dumps(of_an_instance(ON_PREMISES)), DEPLOYMENT | {"instance": ON_PREMISES}, "eu-west-1"),
        (json.dumps(OF_A_DEPLOYMENT), DEPLOYMENT, "eu-west-1"),
        (json.dumps(envelope(OF_A_DEPLOYMENT)), DEPLOYMENT, "eu-west-1"),
        (json.dumps(envelope(OF_AN_INSTANCE), indent=2), DEPLOYMENT | {"instance": ID}, "eu-west-1"),
        (json.dumps(envelope(ON_SITE)), DEPLOYMENT | {"instance": ON_PREMISES}, "eu-west-1"),
        (
            json.dumps({"Records": [{"Sns": envelope(ON_SITE)}]}),
            DEPLOYMENT | {"instance": ON_PREMISES},
            "eu-west-1",
        ),
        (
            json.dumps({"Records": [{"body": json.dumps(envelope(OF_AN_INSTANCE))}]}),
            DEPLOYMENT | {"instance": ID},
            "eu-west-1",
        ),
        (json.dumps(json.dumps(envelope(OF_A_DEPLOYMENT))), DEPLOYMENT, "eu-west-1"),
        (json.dumps(json.dumps(OF_AN_INSTANCE))[1:-1], DEPLOYMENT | {"instance": ID}, "eu-west-1"),
        (json.dumps(RECORD), DEPLOYMENT, "eu-west-1"),
        (json.dumps(RECORD | {"responseElements": None}), GROUP, "eu-west-1"),
        (
            json.dumps(RECORD | {"requestParameters": {"instanceName": "web-01"}, "responseElements": None}),
            {"instance": "web-01"},
            "eu-west-1",
        ),
        (json.dumps({"deploymentInfo": ANSWER}), DEPLOYMENT, None),
        (json.dumps({"deploymentTarget": TARGET}), DEPLOYMENT | {"instance": "web-01"}, "eu-west-1"),
        (
            json.dumps([TARGET, {"instanceTarget": TARGET["instanceTarget"] | {"targetId": "web-02"}}]),
            DEPLOYMENT,
            "eu-west-1",
        ),
        ("d-SHOPWEB01.", DEPLOYMENT, None),
        ("<d-SHOPWEB01>", DEPLOYMENT, None),
        ("(d-SHOPWEB01),", DEPLOYMENT, None),
        (f"[d-SHOPWEB01]({CONSOLE}/deployments/d-SHOPWEB01?region=eu-west-1)", DEPLOYMENT, "eu-west-1"),
        (f"<{CONSOLE}/deployments/d-SHOPWEB01?region=eu-west-1|d-SHOPWEB01>", DEPLOYMENT, "eu-west-1"),
        (f"{ID},", {"instance": ID}, None),
        (f"`{ID}`.", {"instance": ID}, None),
        ("**web-01**", {"instance": "web-01"}, None),
        ("<shop/web>", GROUP, None),
        ("web\u201301", {"instance": "web-01"}, None),
        ("web-01,web-02", {"instance": "web-01,web-02"}, None),  # a name may hold a comma
    ],
)
def test_what_is_pasted_names_its_subject_and_its_region(
    text: str, named: dict[str, str], region: str | None
) -> None:
    assert subject(text) == named
    assert region_asked(text, None) == region
    if "deployment" in named:
        assert deployment_in(text) == named["deployment"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{CONSOLE}/applications/shop?region=eu-west-1", "the application shop: .*shop/GROUP"),
        (f"{ARN}:application:shop", "the application shop: .*shop/GROUP"),
        (f"{CONSOLE}/applications?region=eu-west-1", "names nothing"),
        (f"{CONSOLE}/deployments?region=eu-west-1", "names nothing"),
        (f"{CONSOLE}/on-premises-instances/register?region=eu-west-1", "names nothing"),
        (
            f"{HOST}/ec2/home?region=eu-west-1#AutoScalingGroupDetails:id=web;view=details",
            "Scaling group web:",
        ),
        (f"{HOST}/codesuite/codepipeline/pipelines/shop/view?region=eu-west-1", "names nothing"),
        (
            f"{ARN}:deploymentconfig:CodeDeployDefault.OneAtATime",
            "configuration CodeDeployDefault.OneAtATime",
        ),
        (
            "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:930d940e:autoScalingGroupName/web",
            "the Auto Scaling group web:",
        ),
        ("arn:aws:sns:eu-west-1:111122223333:failures", "names nothing"),
        ("arn:aws:iam::111122223333:user/web-01", "--arn arn:aws:iam::111122223333:user/web-01"),
        ("arn:aws:sts::111122223333:assumed-role/Hosts/web-01", "an identity of IAM"),
        ("d-SHOPWEB01, d-SHOPWEB02 d-SHOPWEB03", "d-SHOPWEB01, d-SHOPWEB02 and d-SHOPWEB03. Ask about one"),
        (" ".join(f"d-SHOPWEB0{n}" for n in range(9)), "d-SHOPWEB04 and 4 more"),
        ("d-SHOPWEB01\nd-SHOPWEB02\n", "Ask about one of them"),
        (json.dumps({"deployments": ["d-SHOPWEB01", "d-SHOPWEB02"]}), "Ask about one of them"),
        (json.dumps([ANSWER, ANSWER | {"deploymentId": "d-SHOPWEB02"}]), "Ask about one of them"),
        ("web-01 web-02", "names nothing"),
        ("d-", "not a deployment id: .*0 after d-. An on-premises instance of that name: --instance d-"),
        ("d-web", "not a deployment id: .*--instance d-web"),
        ("i-", "not an EC2 instance id"),
        ("mi-12", "not a managed node's id: .*--instance mi-12"),
        ("shop\u2044web", "names nothing"),
        ("[" * 100_000, "names nothing"),
        ('{"a":' * 5000, "names nothing"),
        ('{"deploymentId": 5, "instanceId": {"a": "i-"}, "detail": null}', "names nothing"),
    ],
)
def test_what_cannot_be_asked_about_says_what_to_ask_instead(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as raised:
        subject(text)
    assert "\n" not in str(raised.value)


WEST, CENTRAL = "eu-west-1", "eu-central-1"


@pytest.mark.parametrize(
    ("text", "given", "usual", "says"),
    [
        (
            f"{CONSOLE}/deployments/d-SHOPWEB01?region={CENTRAL}",
            None,
            "",
            "Asked in eu-central-1, as its region says; the text also names eu-west-1.",
        ),
        (
            json.dumps(envelope(OF_A_DEPLOYMENT, "us-east-1")),
            None,
            "",
            "Asked in eu-west-1, as its region says; the text also names us-east-1.",
        ),
        (
            "d-SHOPWEB01 arn:aws:sns:us-east-1:111122223333:failures",
            None,
            "",
            "Asked in us-east-1, the Region of an ARN of another service in it.",
        ),
        (
            "d-SHOPWEB01 arn:aws:sns:us-east-1:111122223333:failures",
            WEST,
            "",
            "Asked in eu-west-1, as --region says; the text also names us-east-1.",
        ),
        (
            ON_PREMISES,
            None,
            CENTRAL,
            "Asked in eu-west-1, the Region of its ARN; your own configuration says eu-central-1.",
        ),
        (ON_PREMISES, None, WEST, ""),
        (ON_PREMISES, None, "", ""),
        (ON_PREMISES, WEST, CENTRAL, ""),
        (json.dumps(envelope(ON_SITE)), None, WEST, ""),
        ("d-SHOPWEB01", None, WEST, ""),
        ("d-SHOPWEB01", CENTRAL, WEST, ""),
        (None, None, WEST, ""),
    ],
)
def test_another_region_that_could_be_meant_is_named(
    text: str | None, given: str | None, usual: str, says: str
) -> None:
    assert region_doubt(text, given, usual) == says


def test_the_surest_region_refuses_another_option_and_a_weak_one_does_not() -> None:
    with pytest.raises(UserError, match="That is of eu-west-1 and --region says eu-central-1"):
        region_asked(ON_PREMISES, CENTRAL)
    topic = "d-SHOPWEB01 arn:aws:sns:us-east-1:111122223333:failures"
    assert region_asked(topic, WEST) == WEST
    with pytest.raises(UserError, match="names the Regions eu-west-2 and us-east-1: say with --region"):
        region_asked(f"{topic} arn:aws:sns:eu-west-2:111122223333:failures", None)


def test_the_account_of_a_message_is_known_however_deep_it_lies() -> None:
    deep = json.dumps(json.dumps({"Records": [{"body": json.dumps(envelope(OF_A_DEPLOYMENT))}]}))
    assert account_named(deep) == "111122223333"
    assert account_named(json.dumps(OF_AN_INSTANCE | {"accountId": "444455556666"})) == ""
