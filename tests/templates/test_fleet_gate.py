"""The gate before the second stage of agent-installed.yml: its script run on what Systems Manager says of the canary.

Automation is not in the sandbox: the script asks a client of boto3 whose answers are held to botocore's model, and the
runbook around it is held to the shape that AWS documents.
"""

import ast
import datetime
import json
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.model import Shape
from botocore.stub import Stubber
from botocore.validate import ParamValidator
from codedeploy_sandbox.iam.policy import Policy, Request, evaluate

from tests.templates.conftest import Deployed
from tests.templates.stacks import filled, read

STACK = read("agent-installed.yml")
CONTENT = STACK["Resources"]["FleetRunbook"]["Properties"]["Content"]
GATE, FLEET = CONTENT["mainSteps"]
CANARY = "8dfe3659-4309-493a-8755-0123456789ab"
NOW = datetime.datetime.now(datetime.UTC)


def run(days: float, status: str = "Success", hosts: str | None = "{Success=3}", version: str = "2") -> Any:
    """An execution of the canary's association that began so many days ago."""
    made = {
        "AssociationId": CANARY,
        "AssociationVersion": version,
        "ExecutionId": "76a5a04f-caf6-490c-b448-92c02EXAMPLE",
        "Status": status,
        "CreatedTime": NOW - datetime.timedelta(days=days),
    }
    return made if hosts is None else made | {"ResourceCountByStatus": hosts}


def gate(*pages: list[Any], days: str = "6") -> Any:
    """What the script returns when Systems Manager lists these executions, or the error that it raises."""
    client = boto3.client("ssm", "eu-west-1", aws_access_key_id="k", aws_secret_access_key="s")
    stub = Stubber(client)
    stub.add_response(
        "describe_association",
        {"AssociationDescription": {"AssociationId": CANARY, "AssociationVersion": "2"}},
        {"AssociationId": CANARY},
    )
    for number, page in enumerate(pages):
        answer: dict[str, Any] = {"AssociationExecutions": page}
        if number + 1 < len(pages):
            answer["NextToken"] = f"page-{number + 1}"
        asked = {"AssociationId": CANARY} | ({"NextToken": f"page-{number}"} if number else {})
        stub.add_response("describe_association_executions", answer, asked)
    module: dict[str, Any] = {}
    exec(compile(GATE["inputs"]["Script"], "gate.py", "exec"), module)
    module["boto3"] = type("boto3", (), {"client": staticmethod(lambda name: {"ssm": client}[name])})
    with stub:
        said = module[GATE["inputs"]["Handler"]]({"canary": CANARY, "days": days}, {})
        stub.assert_no_pending_responses()
    return said


def test_the_fleet_runs_after_a_canary_whose_hosts_all_poll() -> None:
    said = gate([run(2)])
    stamp = f"{NOW - datetime.timedelta(days=2):%Y-%m-%d %H:%M}"
    assert said == {"says": f"OK: the canary's run of {stamp} succeeded, its hosts are {{Success=3}}."}
    json.dumps(said)  # a step's output is JSON


@pytest.mark.parametrize(
    ("pages", "says"),
    [
        ([[]], "has not run"),
        ([[run(2, "Failed", "{Failed=1, Success=2}")]], "is Failed"),
        ([[run(2, "Success", "{Failed=1, Success=2}")]], "is Success, its hosts are {Failed=1, Success=2}"),
        ([[run(0.01, "Pending", "{Pending=3}")]], "is Pending"),
        ([[run(0.01, "InProgress", "{InProgress=1, Success=2}")]], "is InProgress"),
        ([[run(2, hosts=None)]], "its hosts are {}"),
        ([[run(2, hosts="{}")]], "its hosts are {}"),
        ([[run(2, hosts="{Success=0}")]], "{Success=0}"),
        ([[run(2, version="1")]], "had other parameters"),
        ([[run(6.01)]], "is older than 6 days"),
        # only the last one counts, wherever it is listed
        ([[run(3), run(2, "Failed", "{Failed=3}")]], "is Failed"),
        ([[run(2, "Failed", "{Failed=3}"), run(3)]], "is Failed"),
        ([[run(3)], [run(2, "Failed", "{Failed=3}")]], "is Failed"),
    ],
)
def test_the_fleet_does_not_run_and_the_error_says_why(pages: list[list[Any]], says: str) -> None:
    with pytest.raises(RuntimeError, match=r"^FAIL: the canary") as caught:
        gate(*pages)
    assert says in str(caught.value)


def test_an_old_failure_does_not_stop_the_fleet() -> None:
    assert gate([run(9, "Failed", "{Failed=3}"), run(5.9)])["says"].startswith("OK")


def test_the_days_are_those_of_the_template() -> None:
    assert gate([run(30.9)], days="31")
    with pytest.raises(RuntimeError, match="older than 1 days"):
        gate([run(1.01)], days="1")
    assert GATE["inputs"]["InputPayload"] == {"canary": {"Ref": "Canary"}, "days": {"Ref": "CanaryDays"}}


def test_the_runbook_is_of_the_shape_that_aws_documents() -> None:
    """Top level, steps and inputs of schema 0.3; the steps run in order, and a failed one ends the runbook."""
    assert set(CONTENT) == {"schemaVersion", "description", "assumeRole", "mainSteps"}
    assert CONTENT["schemaVersion"] == "0.3"
    assert [step["action"] for step in (GATE, FLEET)] == ["aws:executeScript", "aws:runCommand"]
    for step in (GATE, FLEET):
        assert set(step) == {"name", "action", "timeoutSeconds", "inputs"}  # onFailure is Abort by default
    assert set(GATE["inputs"]) == {"Runtime", "Handler", "InputPayload", "Script"}
    assert GATE["timeoutSeconds"] <= 600  # the most that a script gets
    assert "{{" not in GATE["inputs"]["Script"]  # Automation would fill it in
    (function,) = [
        one for one in ast.parse(GATE["inputs"]["Script"]).body if isinstance(one, ast.FunctionDef)
    ]
    assert (function.name, len(function.args.args)) == (GATE["inputs"]["Handler"], 2)


def test_the_command_of_the_fleet_is_one_that_systems_manager_takes() -> None:
    """aws:runCommand takes the parameters of SendCommand; the timeout of the step is not one of them."""
    model = botocore.session.get_session().get_service_model("ssm")
    shape = model.operation_model("SendCommand").input_shape
    assert isinstance(shape, Shape)
    sent = filled(STACK, FLEET["inputs"])
    report = ParamValidator().validate(sent, shape)
    assert not report.has_errors(), report.generate_report()
    assert sent["Targets"] == [{"Key": "tag:CodeDeployAgent", "Values": ["fleet"]}]
    assert (sent["MaxConcurrency"], sent["MaxErrors"]) == ("10%", "0")
    assert sent["Parameters"] == {"Line": ["1.8"], "WaitMinutes": ["15"], "ProofMinutes": ["5"]}
    canary = filled(STACK, STACK["Resources"]["Canary"]["Properties"])
    assert canary["Parameters"] == sent["Parameters"]  # what the canary proved is what the fleet gets
    assert canary["Name"] == sent["DocumentName"]


@pytest.mark.filterwarnings("ignore:Tried to parse AWS")
def test_the_role_of_the_runbook_may_do_this_and_no_more(deployed: Deployed) -> None:
    made = deployed.made["agent-installed.yml"]
    answer = deployed.client("ssm").get_document(Name=made["FleetRunbook"])
    assert f":role/{made['FleetRole']}" in answer["Content"]
    iam, here = deployed.client("iam"), "arn:aws:ssm:eu-west-1:111122223333"
    stored = iam.get_role_policy(RoleName=made["FleetRole"], PolicyName="fleet")["PolicyDocument"]
    document = ast.literal_eval(stored) if isinstance(stored, str) else stored
    asked = {
        ("ssm:SendCommand", f"{here}:document/{made['Document']}"): True,
        ("ssm:SendCommand", f"{here}:managed-instance/mi-0a1b2c3d4e5f60001"): True,
        ("ssm:SendCommand", "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1b2c3d4e5f60001"): True,
        ("ssm:ListCommandInvocations", "*"): True,
        ("ssm:SendCommand", "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"): False,
        ("ssm:SendCommand", f"{here}:document/Other"): False,
        ("ssm:DescribeAssociationExecutions", f"{here}:association/other"): False,
        ("ssm:UpdateAssociation", f"{here}:association/other"): False,
        ("codedeploy:CreateDeployment", "*"): False,
    }
    for (action, resource), expected in asked.items():
        outcome = evaluate(Request(action, resource, {}), [Policy.of("fleet", document)])
        assert (outcome.decision == "allowed") is expected, (action, resource)
