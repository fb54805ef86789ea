"""The stock aws command line against the sandbox."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sandbox import aws, environment_for, sandbox_process

USER = "arn:aws:iam::111122223333:user/AWS/CodeDeploy/new-01"


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with sandbox_process("healthy") as about:
        yield environment_for(about)


def test_a_bad_filter_is_the_literal_line_and_exit_255(environment: dict[str, str]) -> None:
    result = aws(environment, "deploy", "list-on-premises-instances", "--registration-status", "bogus")
    assert result.returncode == 255
    assert result.stdout == ""
    assert result.stderr.strip() == (
        "An error occurred (InvalidRegistrationStatusException) when calling the ListOnPremisesInstances operation: "
        "registrationStatus is 'bogus'; it must be Registered or Deregistered [sandbox]"
    )


def test_register_registers_and_tags(environment: dict[str, str]) -> None:
    result = aws(
        environment, "deploy", "register", "--instance-name", "new-01", "--iam-user-arn", USER,
        "--tags", "Key=Name,Value=new-01", "Key=Environment,Value=test",
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    got = aws(environment, "deploy", "get-on-premises-instance", "--instance-name", "new-01")
    info = json.loads(got.stdout)["instanceInfo"]
    assert info["iamUserArn"] == USER
    assert info["tags"] == [{"Key": "Name", "Value": "new-01"}, {"Key": "Environment", "Value": "test"}]
    again = aws(environment, "deploy", "register", "--instance-name", "new-01", "--iam-user-arn", USER)
    assert "(InstanceNameAlreadyRegisteredException)" in again.stderr
    assert again.returncode == 0  # so it is in version 1 of the CLI: a failed `register` exits 0


def test_register_and_deregister_with_a_new_iam_user(environment: dict[str, str], tmp_path: Path) -> None:
    registered = aws(environment, "deploy", "register", "--instance-name", "new-02", cwd=tmp_path)
    assert (registered.returncode, registered.stderr) == (0, "")
    assert (
        "iam_user_arn: arn:aws:iam::111122223333:user/AWS/CodeDeploy/new-02"
        in (tmp_path / "codedeploy.onpremises.yml").read_text()
    )
    listed = aws(environment, "deploy", "list-on-premises-instances", "--registration-status", "Registered")
    assert "new-02" in json.loads(listed.stdout)["instanceNames"]
    assert aws(environment, "deploy", "deregister", "--instance-name", "new-02").stderr == ""
    listed = aws(environment, "deploy", "list-on-premises-instances", "--registration-status", "Deregistered")
    assert "new-02" in json.loads(listed.stdout)["instanceNames"]
    gone = aws(environment, "iam", "get-user", "--user-name", "new-02")
    assert "(NoSuchEntity)" in gone.stderr


def test_who_and_what_was_called(environment: dict[str, str]) -> None:
    who = aws(environment, "sts", "get-caller-identity", "--query", "Arn", "--output", "text")
    assert who.stdout.strip() == "arn:aws:sts::111122223333:assumed-role/OnCall/alex"
    lookup = ["--lookup-attributes", "AttributeKey=EventName,AttributeValue=GetCallerIdentity"]
    events = json.loads(aws(environment, "cloudtrail", "lookup-events", *lookup).stdout)["Events"]
    record = json.loads(events[0]["CloudTrailEvent"])
    assert record["userAgent"].startswith("aws-cli/1.")
    assert record["userIdentity"]["arn"] == who.stdout.strip()


def test_an_operation_that_the_sandbox_does_not_have(environment: dict[str, str]) -> None:
    result = aws(environment, "ssm", "describe-activations")
    assert result.returncode == 255
    assert "ssm:DescribeActivations is not implemented by the sandbox" in result.stderr
