"""The scenarios of EC2: each differs from ec2-healthy in what its docstring says, and in nothing else."""

from dataclasses import fields
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import SCENARIOS, Sandbox, serve
from codedeploy_sandbox.hosts.machine import Machine
from codedeploy_sandbox.scenarios.helpers import EC2
from codedeploy_sandbox.state import ACCOUNT, REGION

from tests.support.sandbox import client

ROLE = f"arn:aws:iam::{ACCOUNT}:role/WebServer"
DIFFERS: dict[str, set[str]] = {
    "ec2-healthy": set(),
    "ec2-stopped": {"state", "ping"},
    "ec2-terminated": {"state", "profile", "ping"},
    "ec2-other-region": {"state", "profile", "metadata", "tags", "elsewhere", "ping"},
    "ec2-without-profile": {"profile", "host log"},
    "ec2-profile-without-role": {"roles"},
    "ec2-role-not-assumable": {"roles", "trust"},
    "ec2-metadata-off": {"metadata", "host metadata", "host log", "host processes", "host ages"},
    "ec2-imdsv2-old-agent": {"host agent", "host log", "host processes", "host ages"},
    "ec2-tags-missing": {"tags"},
    "ec2-stray-yml": {"host identity"},
    "ec2-root-keys": {"host others"},
    "ec2-role-cannot-read-bucket": {"may read the bucket"},
    "ec2-not-managed": {"ping"},
}


def facts(sandbox: Sandbox) -> dict[str, Any]:
    """What the scenario's own caller sees of the EC2 instance, and how its machine is described."""

    def ask(service: str, method: str, region: str = REGION, **parameters: Any) -> Any:
        try:
            return getattr(client(sandbox, service, region_name=region), method)(**parameters)
        except ClientError as error:
            return error.response["Error"]["Code"]

    def instance(region: str) -> Any:
        answer = ask("ec2", "describe_instances", region, InstanceIds=[EC2])
        return answer if isinstance(answer, str) else answer["Reservations"][0]["Instances"][0]

    here = instance(REGION)
    host = {} if isinstance(here, str) else here
    (profile,) = (ask("iam", "get_instance_profile", InstanceProfileName="WebServer"),)
    simulated = ask(
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=ROLE,
        ActionNames=["s3:GetObject"],
        ResourceArns=["arn:aws:s3:::shop-revisions/x"],
    )
    nodes = ask("ssm", "describe_instance_information")["InstanceInformationList"]
    options = host.get("MetadataOptions", {})
    state = sandbox.account.regions
    machine = next((r.nodes[EC2].machine for r in state.values() if EC2 in r.nodes), None)
    return {
        "state": here if isinstance(here, str) else host["State"]["Name"],
        "elsewhere": isinstance(instance("eu-central-1"), str),
        "profile": host.get("IamInstanceProfile", {}).get("Arn"),
        "metadata": (options.get("HttpEndpoint"), options.get("HttpTokens")),
        "tags": sorted((tag["Key"], tag["Value"]) for tag in host.get("Tags", ())),
        "roles": profile["InstanceProfile"]["Roles"] and profile["InstanceProfile"]["Roles"][0]["AssumeRolePolicyDocument"],
        "trust": ask("iam", "get_role", RoleName="WebServer")["Role"]["AssumeRolePolicyDocument"],
        "may read the bucket": simulated["EvaluationResults"][0]["EvalDecision"],
        "ping": next((node["PingStatus"] for node in nodes if node["InstanceId"] == EC2), None),
        **{f"host {field.name}": getattr(machine, field.name) for field in fields(Machine) if machine},
    }  # fmt: skip


@pytest.mark.parametrize("name", DIFFERS)
def test_a_scenario_differs_in_what_it_says(name: str) -> None:
    with serve("ec2-healthy") as sandbox:
        healthy = facts(sandbox)
    with serve(name) as sandbox:
        found = facts(sandbox)
    if name in ("ec2-terminated", "ec2-not-managed"):  # no machine is described
        assert not any(fact.startswith("host ") for fact in found)
        healthy = {fact: value for fact, value in healthy.items() if not fact.startswith("host ")}
    differing = {fact for fact in healthy if found[fact] != healthy[fact]}
    assert differing - {"host instance", "host metadata"} == DIFFERS[name] - {"host metadata"}
    assert ("host metadata" in differing) is (name in ("ec2-metadata-off", "ec2-other-region"))


def test_the_healthy_instance_is_as_it_should_be() -> None:
    """So that a difference from it means something."""
    with serve("ec2-healthy") as sandbox:
        found = facts(sandbox)
    assert (found["state"], found["ping"]) == ("running", "Online")
    assert found["profile"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/WebServer"
    assert found["metadata"] == ("enabled", "required")
    assert ("Environment", "production") in found["tags"]
    assert found["may read the bucket"] == "allowed"
    assert found["host identity"] is None


def test_every_scenario_has_its_row() -> None:
    assert set(DIFFERS) == {name for name in SCENARIOS if name.startswith("ec2-")}


def test_another_sandbox_takes_nothing_from_it() -> None:
    """moto keeps its state in the process, and what the scenario put there is put there again."""
    with serve("ec2-tags-missing") as one, serve("ec2-stopped") as other:
        tags = facts(one)["tags"]
        assert facts(other)["state"] == "stopped"
        assert (facts(one)["tags"], facts(one)["state"]) == (tags, "running")
