"""The scenarios: each differs from the healthy one in what its docstring says, and in nothing else."""

import inspect
import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import SCENARIOS, serve
from codedeploy_sandbox.scenarios.codes import OF_CODES
from codedeploy_sandbox.state import ACCOUNT, REGION

from runbooks.host import probe_script
from tests.support.sandbox import client, sandbox_process

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
CALLER, HOSTS = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("OnCall", "CodeDeployOnPremises"))
WEB_01 = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:instance:web-01"

DEPLOYMENT = {"deployment", "deployment targets"}
FAILED = DEPLOYMENT | {"host log", "host log_file"}  # and the agent says so
STOPPED = {"host agent", "host unit", "host log_file", "host log"}  # the agent

# How each scenario differs from the healthy one: the names of the facts below.
DIFFERS: dict[str, set[str]] = {
    "healthy": set(),
    "instance-not-registered": {"registration", "registered names"},
    "instance-deregistered": {"registration", "registered names"},
    "registered-in-other-region": {"registration", "registered names", "registration elsewhere"},
    "tags-missing": {"registration"},
    "held-by-another-name": {"registration", "registered names"},
    "agent-not-installed": {
        *(
            "inventory",
            "host agent",
            "host config",
            "host config_file",
            "host identity",
            "host identity_file",
        ),
        *("host credentials_file", "host log_file", "host log", "host endpoint_commands", "host endpoint_s3"),
        *("host unit", "host root_folder", "host log_folder", "host temporary_folder"),
    },
    "agent-stopped": STOPPED,
    "agent-crash-loop": {
        *(*DEPLOYMENT, "host agent", "host log", "host log_file"),
        *("host config", "host config_file", "host endpoint_commands", "host endpoint_s3"),
    },
    "agent-exited": {"host agent", "host unit", "host log_file", "host log"},
    "agent-user-barred": {
        *DEPLOYMENT,
        *("host agent", "host endpoint_commands", "host log", "host identity_file"),
        *("host credentials_file", "host log_file", "host root_folder", "host log_folder"),
    },
    "ruby-too-new": {
        *DEPLOYMENT,
        *("host agent", "host endpoint_commands", "host log", "host log_file", "host tools"),
    },
    "agent-too-old": {"inventory", "host agent"},
    "agent-2": {
        *("inventory", "host agent", "host config", "host config_file", "host log", "host log_file"),
        "host endpoint_commands",  # which the healthy log names
    },
    "agent-log-errors": {"host log", "host log_file", "host endpoint_commands"},
    "identity-mismatch": {"host identity", "host log"},
    "yml-unreadable": {
        *("host identity", "host identity_file", "host credentials_file", "host log", "host log_file"),
        *("host endpoint_commands", "host endpoint_s3"),
    },
    "both-arns-in-yml": {"host identity", "host identity_file"},
    "two-agents": {"host agent", *DEPLOYMENT},
    "proxy-of-environment-dead": {
        *DEPLOYMENT,
        "host agent",
        "host endpoint_start",
        "host log",
        "host log_file",
    },
    "metadata-of-other-region": {"host network", "host endpoint_commands", "host log", "host log_file"},
    "max-revisions-zero": {
        *(*DEPLOYMENT, *STOPPED),
        *("host config", "host config_file", "host endpoint_commands"),
    },
    "children-two": {*DEPLOYMENT, "host agent", "host unit", "host config", "host config_file"},
    "certificates-lost": {*DEPLOYMENT, "host agent", "host endpoint_commands", "host log", "host log_file"},
    "root-dir-relative": {
        *("host config", "host config_file", "host root_folder", "host deployment", "host revisions"),
    },
    "tracking-file-left": {"host deployment"},
    "old-revision-stuck": {"host deployment"},
    "agent-started-by-hand": {"host agent", "host unit"},
    "tools-missing": {"host tools"},
    "certificate-intercepted": {
        *DEPLOYMENT,
        *("host agent", "host endpoint_commands", "host endpoint_s3", "host log", "host log_file"),
    },
    "wire-log-quoted": {"host config", "host config_file", "host wire_log"},
    "wire-log-on": {"host config", "host config_file"},
    "metadata-answers": {"host network"},
    "host-unmanaged": {"node", "inventory", "host"},
    "host-offline": {"node", "host"},
    "host-no-https": {"host endpoint_commands", "host endpoint_s3"},
    "host-dns-fails": {"host endpoint_commands", "host endpoint_s3"},
    "host-clock-wrong": {
        *("host collected_at", "host clock", "host log", "host log_file"),
        *("host config_file", "host identity_file", "host credentials_file"),  # were written by that clock
    },
    "credentials-missing": {"host credentials_file"},
    "keys-exposed": {"host identity_file", "host credentials_file"},
    "host-disk-full": {
        *FAILED,
        *("host root_folder", "host log_folder", "host temporary_folder"),
    },
    "host-inodes-used": {
        *FAILED,
        *("host root_folder", "host log_folder", "host temporary_folder"),
    },
    "last-revision-gone": {"host deployment", "host revisions", *FAILED},
    "key-inactive": {
        *("registration", "keys", "host identity", "host identity_file", "host credentials_file"),
        *("host log", "host log_file"),
    },
    "role-missing": {"host's role", "may read the bucket", "may poll"},
    "bucket-key-denied": {"key of the bucket"},
    "bucket-key-disabled": {"key of the bucket"},
    "bucket-denied": {"may read the bucket", *FAILED},
    "commands-secure-denied": {
        *("host config", "host config_file", "host endpoint_commands", "host log", "host log_file"),
    },
    "caller-denied": {"may register"},
    "simulation-denied": {"may register", "may list", "may read the bucket", "may poll"},
    "list-needs-star": {"registered names", "may list"},
    "security-group-blocks": {"node", "host", "in EC2"},
    "nacl-blocks-return": {"node", "host", "in EC2"},
    "no-route": {"node", "host endpoint_commands", "host endpoint_s3", "in EC2"},
    "vpc-endpoint-of-s3-denies": {"node", "in EC2"},
    "endpoint-closed": {
        *("node", "in EC2", "host config", "host config_file", "host endpoint_commands", "may poll"),
        *("host log", "host log_file"),
    },
    "bad-filter": {"calls of others"},
    "registration-failing": {"calls of others"},
    "registration-refused": {"calls of others", "registration", "registered names"},
    "registration-competes": {"calls of others", "registration"},
    "deployment-agent-silent": {*DEPLOYMENT, *STOPPED},
    "deployment-bundle-broken": FAILED,
    "deployment-stop-script-failed": {*FAILED, "host hook_log"},
    # and the revision is on the host
    **{
        f"deployment-{name}": {*FAILED, "host revisions"}
        for name in ("appspec-missing", "appspec-invalid", "source-missing", "destination-read-only")
    },
    # and the agent has installed it, takes it for the last successful one, and has run a script of it
    **{
        f"deployment-{name}": {*FAILED, "host revisions", "host deployment", "host hook_log"}
        for name in (
            *("script-failed", "script-missing", "script-crlf", "script-not-executable", "script-timed-out"),
            *(
                "output-left-open",
                "agent-restarted",
                "configuration-gone",
                "interpreter-missing",
                "script-killed",
            ),
        )
    },
    **dict.fromkeys(("deployment-traffic-not-allowed", "deployment-script-failed-in-ec2"), DEPLOYMENT),
    # its log names no endpoint
    "deployment-cleanup-failing": FAILED,
    "deployment-revision-gone": {*FAILED, "revision"},
    "deployment-bucket-in-other-region": FAILED,
    "deployment-key-denied": FAILED,
    "deployment-root-read-only": {*FAILED, "host root_folder"},
    "proxy-without-scheme": {"host config", "host config_file"},
    "deployment-old-script-missing": {*FAILED, "host deployment", "host revisions", "host hook_log"},
    "deployment-file-exists": {*FAILED, "host deployment", "host revisions"},
    "deployment-root-noexec": {
        *(*FAILED, "host root_folder", "host revisions", "host deployment", "host hook_log"),
    },
    **dict.fromkeys(OF_CODES, DEPLOYMENT),
    "deployment-found-no-instances": {*DEPLOYMENT, "registration", "registration of web-02"},
    "deployment-stopped": {*DEPLOYMENT, "calls of others"},
    "deployment-queued": DEPLOYMENT,
    "deployment-running": {*DEPLOYMENT, *STOPPED},
    "clock-drifts": {"Date"},
    # They leave web-01 alone: tests/sandbox/scenarios/test_ec2.py.
    **{name: set() for name in SCENARIOS if name.startswith("ec2-")},
    # They leave the hosts alone: tests/sandbox/scenarios/test_group.py.
    **{name: set() for name in SCENARIOS if name.startswith("group-")},
    "group-selects-none": {"registration", "registration of web-02"},
}

# What lets the host out, in the scenarios in which it is in EC2.
OPEN = {
    "group": ["-1 "],
    "acl": ["in all", "out all"],
    "routes": ["local", "nat"],
    "endpoints": ["ssm", "ssmmessages"],
    "public address": None,
}
AROUND: dict[str, dict[str, Any]] = {
    "security-group-blocks": {"group": ["tcp 80"]},
    "nacl-blocks-return": {"acl": ["in 443", "out 443"]},
    "no-route": {"routes": ["local"]},
    "vpc-endpoint-of-s3-denies": {
        "endpoints": ["s3", "ssm", "ssmmessages"],
        "routes": ["local", "nat", "vpce"],
    },
    "endpoint-closed": {"endpoints": ["codedeploy-commands-secure", "ssm", "ssmmessages"]},
}


class Seen:
    """What the scenario's own caller sees of web-01 and of what is around it."""

    def __init__(self, sandbox: Any) -> None:
        self.client = cache(lambda service, region: client(sandbox, service, region_name=region))

    def ask(self, operation: str, *, region: str = REGION, **parameters: Any) -> Any:
        """The answer to `service.method`, or the code of the error."""
        service, method = operation.split(".")
        try:
            answer = getattr(self.client(service, region), method)(**parameters)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    def facts(self) -> dict[str, Any]:
        """All of it, by the names that DIFFERS uses."""
        get = "codedeploy.get_on_premises_instance"
        registered = {"registrationStatus": "Registered"}
        keys = self.ask("iam.list_access_keys", UserName="web-01")
        node = self.node()
        return {
            "registration": self.ask(get, instanceName="web-01"),
            "registration of web-02": self.ask(get, instanceName="web-02"),
            "registration elsewhere": self.ask(get, instanceName="web-01", region="eu-central-1"),
            "registered names": self.ask("codedeploy.list_on_premises_instances", **registered),
            "node": node,
            "inventory": self.applications(node),
            **self.host(node),
            "host's role": type(self.ask("iam.get_role", RoleName="CodeDeployOnPremises")),
            "keys": keys if isinstance(keys, str) else [key["Status"] for key in keys["AccessKeyMetadata"]],
            "may register": self.may(CALLER, "codedeploy:RegisterOnPremisesInstance", WEB_01),
            "may list": self.may(CALLER, "codedeploy:ListOnPremisesInstances"),
            "key of the bucket": self.key_of_the_bucket(),
            "may read the bucket": self.may(HOSTS, "s3:GetObject", "arn:aws:s3:::shop-revisions/x"),
            "may poll": self.may(HOSTS, "codedeploy-commands-secure:PollHostCommand"),
            "revision": type(self.ask("s3.head_object", Bucket="shop-revisions", Key="web/1.4.2.zip")),
            "in EC2": self.around(node),
            "deployment": self.ask("codedeploy.get_deployment", deploymentId="d-SHOPWEB01"),
            "deployment targets": self.targets("d-SHOPWEB01"),
            "calls of others": self.calls(),
            "Date": self.date_is_right(),
        }

    def node(self) -> Any:
        """Systems Manager's description of the host by its name, as far as it does not follow from the id."""
        nodes = self.ask("ssm.describe_instance_information")["InstanceInformationList"]
        found = [node for node in nodes if node["ComputerName"] == "web-01.example.com"]
        return (
            {key: found[0][key] for key in ("InstanceId", "PingStatus", "LastPingDateTime")} if found else {}
        )

    def applications(self, node: Any) -> Any:
        parameters: Any = {
            "InstanceId": node.get("InstanceId", "mi-0a1b2c3d4e5f60009"),
            "TypeName": "AWS:Application",
        }
        return self.ask("ssm.list_inventory_entries", **parameters)["Entries"]

    def host(self, node: Any) -> dict[str, Any]:
        """Each section of what the probe says; or how it came that it said nothing."""
        command: Any = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": [probe_script()]}}
        sent = self.ask("ssm.send_command", InstanceIds=[node.get("InstanceId", "i-00000000")], **command)
        if isinstance(sent, str):
            return {"host": sent}
        name = {"CommandId": sent["Command"]["CommandId"], "InstanceId": node["InstanceId"]}
        answer: Any = ""
        while isinstance(answer, str) or answer["Status"] == "InProgress":
            answer = self.ask("ssm.get_command_invocation", **name)
        return {f"host {key}": value for key, value in json.loads(answer["StandardOutputContent"]).items()}

    def may(self, who: str, action: str, resource: str = "*") -> Any:
        parameters: Any = {"PolicySourceArn": who, "ActionNames": [action], "ResourceArns": [resource]}
        answer = self.ask("iam.simulate_principal_policy", **parameters)
        return answer if isinstance(answer, str) else answer["EvaluationResults"][0]["EvalDecision"]

    def targets(self, deployment: str) -> Any:
        """What happened on each target of a deployment."""
        listed = self.ask("codedeploy.list_deployment_targets", deploymentId=deployment)
        if isinstance(listed, str) or not listed["targetIds"]:
            return listed
        named = {"deploymentId": deployment, "targetIds": listed["targetIds"]}
        return self.ask("codedeploy.batch_get_deployment_targets", **named)

    def around(self, node: Any) -> Any:
        """What lets the host out, in a few words."""
        name = node.get("InstanceId", "")
        if not name.startswith("i-"):
            return None
        (reservation,) = self.ask("ec2.describe_instances", InstanceIds=[name])["Reservations"]
        (host,) = reservation["Instances"]
        subnet = [{"Name": "association.subnet-id", "Values": [host["SubnetId"]]}]
        vpc = [{"Name": "vpc-id", "Values": [host["VpcId"]]}]
        ids = [group["GroupId"] for group in host["SecurityGroups"]]
        (group,) = self.ask("ec2.describe_security_groups", GroupIds=ids)["SecurityGroups"]
        (acl,) = self.ask("ec2.describe_network_acls", Filters=subnet)["NetworkAcls"]
        (table,) = self.ask("ec2.describe_route_tables", Filters=subnet)["RouteTables"]
        endpoints = self.ask("ec2.describe_vpc_endpoints", Filters=vpc)["VpcEndpoints"]
        allowed = [entry for entry in acl["Entries"] if entry["RuleAction"] == "allow"]
        return {
            "group": [
                f"{rule['IpProtocol']} {rule.get('ToPort', '')}" for rule in group["IpPermissionsEgress"]
            ],
            "acl": sorted(
                f"{'out' if entry['Egress'] else 'in'} {entry.get('PortRange', {}).get('To', 'all')}"
                for entry in allowed
            ),
            "routes": sorted(
                "nat" if "NatGatewayId" in route else route["GatewayId"].partition("-")[0]
                for route in table["Routes"]
            ),
            "endpoints": sorted(endpoint["ServiceName"].rpartition(".")[2] for endpoint in endpoints),
            "public address": host.get("PublicIpAddress"),
        }

    def key_of_the_bucket(self) -> list[str]:
        """How the bucket encrypts, the state of its key, and whether the hosts may decrypt with it."""
        found = self.ask("s3.get_bucket_encryption", Bucket="shop-revisions")
        (rule,) = found["ServerSideEncryptionConfiguration"]["Rules"]
        default = rule["ApplyServerSideEncryptionByDefault"]
        key = default.get("KMSMasterKeyID")
        state = key and self.ask("kms.describe_key", KeyId=key)["KeyMetadata"]["KeyState"]
        return [default["SSEAlgorithm"], state, key and self.may(HOSTS, "kms:Decrypt", key)]

    def calls(self) -> list[tuple[str, ...]]:
        """What CloudTrail knew when the sandbox began."""
        events = self.ask("cloudtrail.lookup_events", EndTime=NOON)["Events"]
        records = [json.loads(event["CloudTrailEvent"]) for event in events]
        return [
            (r["eventTime"], r["eventName"], r["userIdentity"]["arn"], r.get("errorCode", ""))
            for r in records
        ]

    def date_is_right(self) -> bool:
        answer = self.client("sts", REGION).get_caller_identity()
        told = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        return abs((told - datetime.now(UTC)).total_seconds()) < 60


def seen(name: str) -> dict[str, Any]:
    with serve(name, clock=NOON, probe=probe_script()) as sandbox:
        return Seen(sandbox).facts()


@pytest.fixture(scope="module")
def healthy() -> dict[str, Any]:
    return seen("healthy")


@pytest.mark.parametrize("name", DIFFERS)
def test_a_scenario_differs_in_what_it_says_and_is_the_same_each_time(
    name: str, healthy: dict[str, Any]
) -> None:
    found = seen(name)
    names = set(found) | set(healthy)
    differing = {fact for fact in names if found.get(fact) != healthy.get(fact)}
    if "host" in found:  # it could not be reached
        differing = {fact for fact in differing if not fact.startswith("host ")}
    assert differing == DIFFERS[name]
    assert found["in EC2"] == (OPEN | AROUND[name] if name in AROUND else None)
    assert seen(name) == found


def test_the_healthy_account_is_what_the_others_begin_with(healthy: dict[str, Any]) -> None:
    """So that a difference from it means something."""
    assert healthy["registration"]["instanceInfo"]["tags"][1] == {"Key": "Environment", "Value": "production"}
    assert healthy["registered names"] == {"instanceNames": ["batch-01", "web-01", "web-02"]}
    assert healthy["registration elsewhere"] == "InstanceNotRegisteredException"
    assert healthy["node"]["PingStatus"] == "Online"
    assert healthy["host agent"]["running"]["value"] is True
    assert {healthy[name] for name in ("may register", "may list", "may read the bucket")} == {"allowed"}
    assert healthy["may poll"] == "implicitDeny"
    assert healthy["keys"] == "NoSuchEntity"
    assert healthy["deployment"]["deploymentInfo"]["status"] == "Succeeded"
    statuses = [one["instanceTarget"]["status"] for one in healthy["deployment targets"]["deploymentTargets"]]
    assert set(statuses) == {"Succeeded"}
    assert len(healthy["calls of others"]) == 3
    assert healthy["Date"] is True


def test_an_ec2_host_has_the_same_id_in_each_process() -> None:
    ids = []
    for _ in range(2):
        with sandbox_process("no-route") as about:
            sandbox = SimpleNamespace(endpoint=about["endpoint"], address=lambda about=about: about)
            ids.append(Seen(sandbox).node()["InstanceId"])
    assert ids[0] == ids[1]
    assert re.fullmatch("i-[0-9a-f]{17}", ids[0])


def test_in_an_outage_everything_is_answered_with_503() -> None:
    with serve("outage") as sandbox:
        for service, method in {
            "codedeploy": "list_on_premises_instances",
            "sts": "get_caller_identity",
            "ec2": "describe_vpcs",
            "s3": "list_buckets",
        }.items():
            with pytest.raises(ClientError) as raised:
                getattr(client(sandbox, service), method)()
            assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
            assert raised.value.response["Error"]["Code"] == "ServiceUnavailable"


def test_every_scenario_has_its_row_and_says_in_a_sentence_what_is_wrong() -> None:
    assert set(SCENARIOS) == set(DIFFERS) | {"outage"}
    assert next(iter(SCENARIOS)) == "healthy"
    for name, function in SCENARIOS.items():
        sentence = (inspect.getdoc(function) or "").partition("\n")[0]
        assert re.fullmatch(r"[A-Z][^.]*(\.\d[^.]*)*\.([xX0-9][^.]*\.)*", sentence), (name, sentence)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert len({inspect.getdoc(function) for function in SCENARIOS.values()}) == len(SCENARIOS)
