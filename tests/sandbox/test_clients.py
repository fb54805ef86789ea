"""Clients that share no code with this Python: the SDK for JavaScript 3, in JSON and in CBOR, and the command line 2."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.clients import aws_2, javascript, needs_cli_2, needs_javascript
from tests.support.sandbox import environment_for, sandbox_process

USER = "arn:aws:iam::111122223333:user/AWS/CodeDeploy/{}"
BAD = "InvalidRegistrationStatusException"
# Both of the protocols that AWS's model of CodeDeploy names; the SDK itself chooses the first.
PROTOCOLS = ["AwsJson1_1Protocol", "AwsSmithyRpcV2CborProtocol"]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with sandbox_process("healthy") as about:
        yield environment_for(about)


def ask(environment: dict[str, str], protocol: str, body: str) -> Any:
    """What a program prints as JSON. It has the SDK as `api`, and `send`, which gives the error that is thrown."""
    done = javascript(
        f"""
        import * as api from "@aws-sdk/client-codedeploy";
        import {{ {protocol} as protocol }} from "@aws-sdk/core/protocols";
        const client = new api.CodeDeployClient({{ region: "eu-west-1", protocol }});
        const send = (name, input) => client.send(new api[`${{name}}Command`](input)).catch((error) => error);
        const print = (value) => console.log(JSON.stringify(value));
        {body}
        """,
        environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@needs_javascript
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_bad_filter_is_its_class_and_is_sent_once(environment: dict[str, str], protocol: str) -> None:
    asked = """
        const error = await send("ListOnPremisesInstances", { registrationStatus: "registered" });
        const { attempts, httpStatusCode, requestId } = error.$metadata;
        const mine = error instanceof api.InvalidRegistrationStatusException;
        print([error.name, error.$fault, mine, attempts, httpStatusCode, requestId.length, error.message]);
    """
    *facts, message = ask(environment, protocol, asked)
    assert facts == [BAD, "client", True, 1, 400, 36]
    assert "'registered'" in message


@needs_javascript
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_register_tag_list_and_deregister(environment: dict[str, str], protocol: str) -> None:
    name = f"new-{protocol}"
    asked = f"""
        const instanceName = "{name}", instanceNames = [instanceName];
        const tags = [{{ Key: "Stage", Value: "{protocol}" }}];
        await send("RegisterOnPremisesInstance", {{ instanceName, iamUserArn: "{USER.format(name)}" }});
        await send("AddTagsToOnPremisesInstances", {{ instanceNames, tags }});
        const {{ instanceInfo }} = await send("GetOnPremisesInstance", {{ instanceName }});
        const tagFilters = [{{ Key: "Stage", Value: "{protocol}", Type: "KEY_AND_VALUE" }}];
        const listed = await send("ListOnPremisesInstances", {{ tagFilters }});
        await send("DeregisterOnPremisesInstance", {{ instanceName }});
        const gone = await send("GetOnPremisesInstance", {{ instanceName }});
        const never = await send("GetOnPremisesInstance", {{ instanceName: "never-01" }});
        print([instanceInfo.iamUserArn, instanceInfo.registerTime instanceof Date, listed.instanceNames,
            gone.instanceInfo.deregisterTime instanceof Date, never.name]);
    """
    found = ask(environment, protocol, asked)
    assert found == [USER.format(name), True, [name], True, "InstanceNotRegisteredException"]


@needs_javascript
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_errors_of_every_other_kind_can_be_read(environment: dict[str, str], protocol: str) -> None:
    asked = """
        const credentials = { accessKeyId: "any", secretAccessKey: "any" };
        const anyone = new api.CodeDeployClient({ region: "eu-west-1", protocol, credentials });
        const errors = [await send("ListOnPremisesInstances", { registrationStatus: 5 }),
            await send("CreateApplication", { applicationName: "x" }), await anyone.send(new api.DeleteResourcesByExternalIdCommand({})).catch((error) => error),
            await send("ListDeploymentGroups", { applicationName: "nope" })];
        print(errors.map((error) => [error.name, error.$metadata.httpStatusCode]));
    """
    assert ask(environment, protocol, asked) == [
        ["SerializationException", 400],
        ["AccessDeniedException", 400],
        ["SandboxNotImplemented", 501],
        ["ApplicationDoesNotExistException", 400],
    ]


@needs_cli_2
def test_a_bad_filter_on_the_command_line_is_exit_254(environment: dict[str, str]) -> None:
    done = aws_2(environment, "deploy", "list-on-premises-instances", "--registration-status", "bogus")
    assert (done.returncode, done.stdout) == (254, "")
    assert done.stderr.strip() == (
        f"aws: [ERROR]: An error occurred ({BAD}) when calling the ListOnPremisesInstances operation: "
        "registrationStatus is 'bogus'; it must be Registered or Deregistered [sandbox]"
    )


@needs_cli_2
def test_the_command_line_2_registers_and_deregisters_with_a_user_of_its_own(
    environment: dict[str, str], tmp_path: Path
) -> None:
    new = ("--instance-name", "cli-2", "--region", "eu-west-1")
    done = aws_2(environment, "deploy", "register", *new, "--tags", "Key=Stage,Value=test", cwd=tmp_path)
    assert (done.returncode, "Registering the on-premises instance... DONE" in done.stdout) == (0, True), done
    done = aws_2(environment, "deploy", "get-on-premises-instance", "--instance-name", "cli-2")
    assert json.loads(done.stdout)["instanceInfo"]["iamUserArn"] == USER.format("cli-2")
    done = aws_2(environment, "deploy", "deregister", *new, cwd=tmp_path)
    assert done.returncode == 0, done
    done = aws_2(environment, "iam", "get-user", "--user-name", "cli-2")
    assert (done.returncode, "(NoSuchEntity)" in done.stderr) == (254, True), done


@needs_cli_2
def test_the_command_line_2_reads_every_protocol_of_the_sandbox(environment: dict[str, str]) -> None:
    for words, wanted in (
        (("sts", "get-caller-identity", "--query", "Arn"), "assumed-role/OnCall/alex"),
        (("cloudtrail", "lookup-events", "--query", "Events[0].EventSource"), "amazonaws.com"),
        (("ssm", "describe-instance-information", "--query", "InstanceInformationList[0].Name"), "web-01"),
        (("iam", "get-role", "--role-name", "OnCall", "--query", "Role.Arn"), "role/OnCall"),
        (("ec2", "describe-regions", "--query", "Regions[0].Endpoint"), "amazonaws.com"),
        (("s3", "ls", "s3://shop-revisions/web/"), "1.4.2.zip"),
    ):
        done = aws_2(environment, *words)
        assert (done.returncode, wanted in done.stdout) == (0, True), done
