"""The templates of notifications: deployed on moto's CloudFormation in the sandbox, and their rules tried with events.

moto has no AWS::SNS::TopicPolicy and no test of an event pattern: an event is put on the bus instead, and a queue stands
in the place of the topic, which moto does not deliver events to.
"""

import ast
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from codedeploy_sandbox import Sandbox, serve
from codedeploy_sandbox.iam.policy import Policy, Request, evaluate

from runbooks.catalog import enum, exceptions
from runbooks.links import names
from runbooks.links import read as read_link
from tests.support.sandbox import aws, environment_for
from tests.templates.conftest import administrator
from tests.templates.notify import (
    CHAT,
    DEPLOYMENT,
    HOSTILE,
    INSTANCE,
    SCHEMA,
    SITE,
    function,
)
from tests.templates.stacks import TEMPLATES, read

EVERYTHING = {"deployments": {"Mail": "on-call@guide.example", "OpsItems": "yes"}}
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Tried to parse AWS")]


class Stack:
    """A stack of one of the templates in a sandbox."""

    def __init__(self, sandbox: Sandbox, template: str, name: str = "", **parameters: str) -> None:
        self.sandbox, self.name = sandbox, name or template
        self.of("cloudformation").create_stack(
            StackName=self.name,
            TemplateBody=(TEMPLATES / f"notify-{template}.yml").read_text("utf-8"),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )

    def of(self, service: str) -> Any:
        return administrator(self.sandbox, service)

    def delete(self) -> None:
        self.of("cloudformation").delete_stack(StackName=self.name)

    @property
    def resources(self) -> dict[str, str]:
        """The physical id of each resource, by its name in the template."""
        made = self.of("cloudformation").list_stack_resources(StackName=self.name)["StackResourceSummaries"]
        return {one["LogicalResourceId"]: one.get("PhysicalResourceId", "") for one in made}

    @property
    def outputs(self) -> dict[str, str]:
        (stack,) = self.of("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serve("healthy") as served:
        yield served


@pytest.fixture(scope="module")
def deployments(sandbox: Sandbox) -> Stack:
    return Stack(sandbox, "deployments", Site=SITE, **EVERYTHING["deployments"])


# --- what is made --------------------------------------------------------------------------------


def test_the_stack_makes_the_function_that_the_template_shows(deployments: Stack) -> None:
    made = deployments.of("lambda").get_function(FunctionName=deployments.resources["Function"])
    settings = made["Configuration"]["Environment"]["Variables"]
    assert settings == {
        "SITE": SITE,
        "CHAT": deployments.outputs["ChatTopic"],
        "MAIL": deployments.resources["Letters"],
        "AUTOMATION": "AWSSupport-TroubleshootCodeDeploy",
    }
    policy = deployments.of("lambda").get_policy(FunctionName=deployments.resources["Function"])["Policy"]
    assert deployments.outputs["TriggerTopic"] in policy
    subscribed = deployments.of("sns").list_subscriptions()["Subscriptions"]
    told = {(one["TopicArn"], one["Protocol"]): one["Endpoint"] for one in subscribed}
    assert told[deployments.outputs["TriggerTopic"], "lambda"] == made["Configuration"]["FunctionArn"]
    assert told[deployments.resources["Letters"], "email"] == "on-call@guide.example"
    log = deployments.of("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/deployments-notify")
    assert log["logGroups"][0]["retentionInDays"] == 30


def lost(stack: Stack) -> dict[str, str]:
    """The attributes of the queue for messages that the function could not handle."""
    found: dict[str, str] = stack.of("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["LostMessages"], AttributeNames=["All"]
    )["Attributes"]
    return found


def test_what_the_function_cannot_handle_is_kept_for_two_weeks(deployments: Stack) -> None:
    function_ = read("notify-deployments.yml")["Resources"]["Function"]["Properties"]
    assert function_["DeadLetterConfig"] == {"TargetArn": {"Fn::GetAtt": "Lost.Arn"}}  # moto leaves it out
    assert lost(deployments)["MessageRetentionPeriod"] == str(14 * 24 * 3600)


def test_mail_and_ops_items_are_made_on_request_only(sandbox: Sandbox) -> None:
    deployed = Stack(sandbox, "deployments", "plain", Site=SITE)
    assert "Letters" not in deployed.resources
    made = deployed.of("lambda").get_function(FunctionName=deployed.resources["Function"])["Configuration"]
    settings = made["Environment"]["Variables"]
    assert (settings["MAIL"], settings["AUTOMATION"]) == ("", "")
    (policy,) = deployed.of("iam").list_role_policies(RoleName=deployed.resources["Role"])["PolicyNames"]
    document = deployed.of("iam").get_role_policy(RoleName=deployed.resources["Role"], PolicyName=policy)
    assert "ssm" not in json.dumps(document["PolicyDocument"])


@pytest.mark.parametrize(
    ("action", "resource", "decision"),
    [
        ("sns:Publish", "ChatTopic", "allowed"),
        ("sns:Publish", "TriggerTopic", "implicitDeny"),
        ("sns:Publish", "arn:aws:sns:eu-west-1:111122223333:other", "implicitDeny"),
        ("sns:Subscribe", "ChatTopic", "implicitDeny"),
        ("sqs:SendMessage", "LostQueue", "allowed"),
        ("sqs:ReceiveMessage", "LostQueue", "implicitDeny"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:other", "implicitDeny"),
        ("ssm:CreateOpsItem", "*", "allowed"),
        ("ssm:SendCommand", "*", "implicitDeny"),
        ("codedeploy:GetDeployment", "*", "implicitDeny"),
        (
            "logs:PutLogEvents",
            "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/deployments-notify:log-stream:a",
            "allowed",
        ),
        (
            "logs:PutLogEvents",
            "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/other:log-stream:a",
            "implicitDeny",
        ),
    ],
)
def test_the_role_may_do_this_and_no_more(
    action: str, resource: str, decision: str, deployments: Stack
) -> None:
    iam, role = deployments.of("iam"), deployments.resources["Role"]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    # moto keeps an inline policy of CloudFormation as Python writes it
    document = ast.literal_eval(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    known = {"LostQueue": lost(deployments)["QueueArn"], **deployments.outputs}
    request = Request(action, known.get(resource, resource), {})
    assert evaluate(request, [Policy.of(name, document)]).decision == decision


def test_the_command_of_the_output_sets_a_trigger_that_the_model_knows(deployments: Stack) -> None:
    command = deployments.outputs["TriggerCommand"].replace("APP", "shop").replace("GROUP", "web").split()
    about = deployments.sandbox.address() | {"access_key_id": "AKIAADMINISTRATOR000"}
    environment = environment_for(about)
    assert aws(environment, *command[1:]).returncode == 0
    (asked,) = [
        call.parameters
        for call in deployments.sandbox.account.journal
        if call.operation == "UpdateDeploymentGroup"
    ]
    assert asked
    (trigger,) = asked["triggerConfigurations"]
    assert trigger["triggerTargetArn"] == deployments.outputs["TriggerTopic"]
    assert set(trigger["triggerEvents"]) <= set(enum("TriggerEventType"))


def test_the_function_writes_to_the_topic_that_the_stack_made(
    deployments: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, arn = _queue(deployments, "chat")
    deployments.of("sns").subscribe(
        TopicArn=deployments.outputs["ChatTopic"],
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "true"},
    )
    event = {"Records": [{"Sns": {"Message": json.dumps(m)}} for m in (DEPLOYMENT, INSTANCE)]}
    module = function(deployments.of, monkeypatch, CHAT=deployments.outputs["ChatTopic"])
    module["handler"](event, None)
    first, second = _received(deployments, queue), _received(deployments, queue)
    for notification in (first, second):
        SCHEMA.validate(notification)
    assert {n["metadata"]["threadId"] for n in (first, second)} == {"d-ABCDEF123"}


@pytest.mark.parametrize("name", ["events", "api-errors"])
def test_the_rule_may_publish_to_its_topic_and_nothing_else(name: str) -> None:
    """moto does not make AWS::SNS::TopicPolicy: the sandbox's evaluator decides on its document.

    The evaluator knows principals by ARN; the name of a service is compared in the same way.
    """
    properties = read(f"notify-{name}.yml")["Resources"]["MayPublish"]["Properties"]
    assert properties["Topics"] == [{"Ref": "Chat"}]
    document = json.loads(json.dumps(properties["PolicyDocument"]).replace('{"Ref": "Chat"}', f'"{CHAT}"'))
    (statement,) = document["Statement"]
    assert list(statement["Principal"]) == ["Service"]
    policy = Policy.of(
        "MayPublish", document | {"Statement": [statement | {"Principal": {"AWS": "events.amazonaws.com"}}]}
    )

    def may(action: str, topic: str, who: str) -> bool:
        request = Request(action, topic, {}, who)
        return evaluate(request, resource=policy).decision == "allowed"

    assert statement["Principal"]["Service"] == "events.amazonaws.com"
    assert may("sns:Publish", CHAT, "events.amazonaws.com")
    assert not may("sns:Publish", f"{CHAT}-other", "events.amazonaws.com")
    assert not may("sns:Subscribe", CHAT, "events.amazonaws.com")
    assert not may("sns:Publish", CHAT, "lambda.amazonaws.com")
    assert not may("sns:Publish", CHAT, "arn:aws:iam::999988887777:user/someone")


# --- events --------------------------------------------------------------------------------------


def _queue(stack: Stack, name: str) -> tuple[str, str]:
    sqs = stack.of("sqs")
    address = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return address, arn


def _received(stack: Stack, queue: str) -> Any:
    """The next message in the queue; None: there is none."""
    found = stack.of("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=1).get("Messages", [])
    for message in found:
        stack.of("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])
    return None


class Bus:
    """A stack with a rule, whose target is a queue: what it makes of an event."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.stack = Stack(sandbox, name, Site=SITE)
        self.queue, arn = _queue(self.stack, name)
        events, rule = self.stack.of("events"), self.stack.resources["Rule"]
        (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
        assert target["Arn"] == self.stack.outputs["ChatTopic"]
        assert len(target["InputTransformer"]["InputPathsMap"]) <= 100
        assert len(target["InputTransformer"]["InputTemplate"].encode()) <= 8_192
        events.put_targets(Rule=rule, Targets=[target | {"Arn": arn}])

    def made_of(self, event: dict[str, Any]) -> Any:
        """What the rule sends for an event; None: it does not match."""
        entry = {
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
        }
        assert self.stack.of("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
        return _received(self.stack, self.queue)


@pytest.fixture(scope="module")
def state_changes(sandbox: Sandbox) -> Bus:
    return Bus(sandbox, "events")


@pytest.fixture(scope="module")
def api_errors(sandbox: Sandbox) -> Bus:
    return Bus(sandbox, "api-errors")


STATE_CHANGE = {
    "source": "aws.codedeploy",
    "detail-type": "CodeDeploy Deployment State-change Notification",
    "detail": {
        "instanceGroupId": "9fd2fbef-2157-40d8-91e7-6845af69e2d2",
        "region": "eu-west-1",
        "application": "shop",
        "deploymentId": "d-ABCDEF123",
        "state": "FAILURE",
        "deploymentGroup": "web",
    },
}
REFUSED = {
    "source": "aws.codedeploy",
    "detail-type": "AWS API Call via CloudTrail",
    "detail": {
        "eventSource": "codedeploy.amazonaws.com",
        "eventName": "ListOnPremisesInstances",
        "awsRegion": "eu-west-1",
        "errorCode": "InvalidRegistrationStatusException",
        "errorMessage": HOSTILE,
        "userAgent": HOSTILE,
        "userIdentity": {"arn": "arn:aws:sts::111122223333:assumed-role/CI/@here"},
        "requestID": "b5e2a1d0-0000-4000-8000-000000000000",
    },
}


def changed(event: dict[str, Any], **change: Any) -> dict[str, Any]:
    """The event with another value for what the key names: "state", or "source"."""
    made = copy.deepcopy(event)
    for key, value in change.items():
        place = made if key in made else made["detail"]
        if value is None:
            del place[key]
        else:
            place[key] = value
    return made


@pytest.mark.parametrize("state", ["FAILURE", "STOP"])
def test_a_failed_deployment_is_sent_without_a_cause(state: str, state_changes: Bus) -> None:
    sent = state_changes.made_of(changed(STATE_CHANGE, state=state))
    SCHEMA.validate(sent)
    assert "carries no error code" in sent["content"]["description"]
    assert sent["metadata"]["threadId"] == "d-ABCDEF123"
    find, why = sent["content"]["nextSteps"]
    link = read_link(find.partition(": ")[2])
    assert find.partition(": ")[2].startswith(f"{SITE}/e/?deployment&")
    assert link.page == "/runbooks/deployment/"
    assert link.context == {"deployment": "d-ABCDEF123", "region": "eu-west-1", "group": "shop/web"}
    assert why == "Why: `runbooks why d-ABCDEF123 --region eu-west-1`"


@pytest.mark.parametrize(
    "change",
    [
        {"state": "SUCCESS"},
        {"state": "START"},
        {"state": "READY"},
        {"state": "failure"},
        {"source": "aws.codebuild"},
        {"source": "team.codedeploy"},
        {"detail-type": "CodeDeploy Instance State-change Notification"},
        {"state": None},
    ],
)
def test_other_events_are_not_sent(change: dict[str, Any], state_changes: Bus) -> None:
    assert state_changes.made_of(changed(STATE_CHANGE, **change)) is None


def test_names_of_odd_characters_stay_in_code(state_changes: Bus) -> None:
    sent = state_changes.made_of(changed(STATE_CHANGE, application="@here", deploymentGroup="a+b=c,d"))
    assert sent["content"]["title"].endswith("in `@here/a+b=c,d`")
    assert "@here" not in sent["metadata"]["summary"]


@pytest.mark.parametrize("name", sorted(exceptions()))
def test_a_refused_call_leads_to_the_page_of_its_exception(name: str, api_errors: Bus) -> None:
    sent = api_errors.made_of(changed(REFUSED, errorCode=name))
    SCHEMA.validate(sent)
    (step,) = sent["content"]["nextSteps"]
    assert step == f"What it is and what to do: {SITE}/e/?{name}&region=eu-west-1"
    assert read_link(step.partition(": ")[2]).page == names()[name] == f"/exceptions/{name}/"


@pytest.mark.parametrize(
    "name", ["AccessDenied", "AccessDeniedException", "ThrottlingException", "ExpiredToken"]
)
def test_codes_that_no_model_declares_have_their_page_too(name: str, api_errors: Bus) -> None:
    (step,) = api_errors.made_of(changed(REFUSED, errorCode=name))["content"]["nextSteps"]
    assert read_link(step.partition(": ")[2]).page


def test_the_words_of_a_caller_are_not_sent(api_errors: Bus) -> None:
    sent = json.dumps(api_errors.made_of(REFUSED))
    assert "evil" not in sent
    assert "<" not in sent
    assert "`arn:aws:sts::111122223333:assumed-role/CI/@here`" in sent  # a session's name, in code


@pytest.mark.parametrize(
    "change",
    [
        {"errorCode": None},
        {"eventSource": "codebuild.amazonaws.com"},
        {"source": "aws.ssm"},
        {"detail-type": "AWS Service Event via CloudTrail"},
    ],
)
def test_calls_that_succeed_and_other_services_are_not_sent(change: dict[str, Any], api_errors: Bus) -> None:
    assert api_errors.made_of(changed(REFUSED, **change)) is None


@pytest.mark.parametrize(
    ("choice", "state"), [("yes", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"), ("no", "ENABLED")]
)
def test_calls_that_only_read_count_by_the_state_of_the_rule(
    choice: str, state: str, sandbox: Sandbox
) -> None:
    stack = Stack(sandbox, "api-errors", f"reads-{choice}", Site=SITE, ReadCalls=choice)
    assert stack.of("events").describe_rule(Name=stack.resources["Rule"])["State"] == state
    stack.delete()  # moto cannot deliver an event to its topic
