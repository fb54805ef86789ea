"""Each template: clean under cfn-lint, closed to values out of range, and deployed in the sandbox."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from runbooks import policy
from tests.templates.conftest import UNPROVED, Deployed, wanted
from tests.templates.stacks import STACKS, TEMPLATES, accepts, association, broken_rules, read

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS")
PARAMETERS = [(name, parameter) for name in STACKS for parameter in read(name).get("Parameters", {})]

SITES = (
    ["https://guide.example", "http://10.0.0.1:8000/guide", "https://guide.example/a/b.c"],
    [
        "guide.example",
        "https://guide.example?x",
        "https://guide.example#x",
        'https://guide.example/"',
        "https://guide.example/`",
        "https://user@guide.example",
        "https://guide.example/ ",
        "javascript:alert(1)",
        "",
    ],
)
# By template and parameter: values at the edge that are taken, and values past it that are not.
EDGES: dict[tuple[str, str], tuple[list[str], list[str]]] = {
    ("agent-installed.yml", "AgentLine"): (["1.8", "2.x"], ["1.7", "1.7.1", "2", "latest", ""]),
    ("agent-installed.yml", "TagKey"): (["a", "x" * 100, "team:CodeDeploy"], ["", "x" * 101, "a b", "*"]),
    ("agent-installed.yml", "CanaryValue"): (["canary"], ["", "a'b", "x" * 101]),
    ("agent-installed.yml", "FleetValue"): (["fleet"], ["", "a,b", "x" * 101]),
    ("agent-installed.yml", "CanarySchedule"): (
        [
            "cron(0 2 ? * TUE *)",
            "cron(59 23 ? * TUE#3 *)",
            "cron(0 02 ? * MON-FRI *)",
            "cron(0 0 ? * 1,7 *)",
            "cron(0 2 ? * * *)",
            "cron(0 2 1,31 * ? *)",
        ],
        [
            "",
            "rate(1 day)",
            "cron(0 2 ? * TUE)",
            "at(2026-11-26T00:00:00)",
            "cron(0 2 ? * TUE *) x",
            "cron(99 99 ? * XXX *)",
            "cron(60 2 ? * TUE *)",
            "cron(0 24 ? * TUE *)",
            "cron(0 2 ? * 0 *)",
            "cron(0 2 ? * 8 *)",
            "cron(0 2 ? * TUE#6 *)",
            "cron(0 2 0 * ? *)",
            "cron(0 2 32 * ? *)",
            "cron(0 2 1 * TUE *)",  # one of the two days must be a question mark
            "cron(0 2 ? * ? *)",
            "cron(0 2 ? 12 TUE *)",  # State Manager takes no month
            "cron(0 2 ? * TUE 2027)",
            "cron(* * ? * TUE *)",
            "cron(0 */12 ? * * *)",
        ],
    ),
    ("agent-installed.yml", "FleetSchedule"): (["cron(0 2 ? * THU *)"], ["rate(30 minutes)", "cron()"]),
    ("agent-installed.yml", "CanaryDays"): (["1", "31"], ["0", "32"]),
    ("agent-installed.yml", "OnlyOnSchedule"): (["true", "false"], ["yes", ""]),
    ("agent-installed.yml", "MaxConcurrencyPercent"): (["1", "50"], ["0", "51", "100", "10%"]),
    ("agent-installed.yml", "MaxErrors"): (["0", "10"], ["-1", "11", "5%"]),
    ("agent-installed.yml", "WaitMinutes"): (["1", "60"], ["0", "61"]),
    ("agent-installed.yml", "ProofMinutes"): (["2", "15"], ["1", "16"]),
    ("closed-vpc.yml", "RouteTableIds"): (
        ["rtb-01234567", "rtb-0123456789abcdef0"],
        ["rtb-1", "subnet-01234567", ""],
    ),
    ("closed-vpc.yml", "HostsCidr"): (
        ["10.0.0.0/16", "10.255.0.1/32"],
        ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/15", "10.0.0.0/33", "256.0.0.0/16", "10.0.0.0", ""],
    ),
    ("closed-vpc.yml", "WithApi"): (["true", "false"], ["1"]),
    ("closed-vpc.yml", "WithSts"): (["true"], ["TRUE"]),
    ("closed-vpc.yml", "WithEc2Messages"): (["true"], ["yes"]),
    ("closed-vpc.yml", "WithLogs"): (["true"], [""]),
    ("hybrid-nodes.yml", "RoleName"): (["a", "x" * 64], ["", "x" * 65, "a/b", "a b"]),
    ("hybrid-nodes.yml", "HostPolicyArn"): (
        [
            "arn:aws:iam::111122223333:policy/roles-HostPolicy-1",
            "arn:aws-us-gov:iam::111122223333:policy/a/b",
        ],
        ["", "arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::111122223333:role/x", "*"],
    ),
    ("hybrid-nodes.yml", "NodeLimit"): (["1", "1000"], ["0", "1001"]),
    **{(f"notify-{name}.yml", "Site"): SITES for name in ("api-errors", "deployments", "events")},
    ("notify-api-errors.yml", "ReadCalls"): (["yes", "no"], ["true", ""]),
    ("notify-deployments.yml", "Mail"): (["", "a@b.example"], ["a", "a@b c", "a@b\n", "a@b@c"]),
    ("notify-deployments.yml", "OpsItems"): (["yes", "no"], ["true", ""]),
    ("notify-deployments.yml", "Automation"): (["abc", "Team_Run.book-1"], ["", "ab", "a b", "x" * 129]),
    ("session-renewed.yml", "TagKey"): (["a", "x" * 100], ["", "x" * 101, "a b", "*"]),
    ("session-renewed.yml", "TagValue"): (["renewed"], ["", "a,b", "x" * 101]),
    ("session-renewed.yml", "MaxConcurrencyPercent"): (["1", "50"], ["0", "51"]),
    ("session-renewed.yml", "MaxErrors"): (["0", "10"], ["-1", "11"]),
    ("roles.yml", "Application"): (["shop", "shop*", "x" * 99], ["", "*", "a*b", "a/b", "x" * 101]),
    ("roles.yml", "RevisionBucket"): (["shop-revisions"], ["*", "arn:aws:s3:::x", "-shop"]),
    ("roles.yml", "RevisionPrefix"): (["", "web/"], ["web", "${aws:username}/"]),
    ("roles.yml", "InstancePrefix"): (["web-", "x" * 60], ["", "*", "i-", "i-0123", "x" * 61, "a:b"]),
    ("roles.yml", "SessionRenewerArn"): (
        ["", "arn:aws:iam::111122223333:user/renewer", "arn:aws-cn:iam::111122223333:role/a/b"],
        ["*", "arn:aws:iam::111122223333:root", "arn:aws:iam::1:user/x", "arn:aws:iam::111122223333:user/*"],
    ),
    ("roles.yml", "SessionSeconds"): (["3600", "43200"], ["3599", "43201"]),
}
TYPED = ("AWS::EC2::VPC::Id", "List<AWS::EC2::Subnet::Id>")  # CloudFormation itself looks these up


def test_cfn_lint_finds_nothing() -> None:
    """In any CloudFormation template of the folder; the others are documents of Systems Manager."""
    stacks = [
        path for path in TEMPLATES.glob("*.yml") if "\nAWSTemplateFormatVersion" in f"\n{path.read_text()}"
    ]
    assert {path.name for path in stacks} >= set(STACKS)
    run = [Path(sys.executable).with_name("cfn-lint"), *stacks]
    done = subprocess.run(run, capture_output=True, text=True, timeout=100, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_policies_of_the_diagnosis_are_what_the_checks_call() -> None:
    written = (TEMPLATES / "diagnosis-policies.yml").read_text(encoding="utf-8")
    assert written == policy.template(), "run `make templates`"


def test_each_parameter_has_its_edges_here() -> None:
    typed = {pair for pair in PARAMETERS if read(pair[0])["Parameters"][pair[1]]["Type"] in TYPED}
    assert set(PARAMETERS) - typed == set(EDGES)


@pytest.mark.parametrize("pair", EDGES, ids=":".join)
def test_a_value_out_of_range_is_refused_by_the_template(pair: tuple[str, str]) -> None:
    parameter = read(pair[0])["Parameters"][pair[1]]
    taken, refused = EDGES[pair]
    assert [value for value in taken if not accepts(parameter, value)] == []
    assert [value for value in refused if accepts(parameter, value)] == []
    assert "Default" not in parameter or accepts(parameter, str(parameter["Default"]))


def test_numbers_have_both_limits() -> None:
    for name, parameter in PARAMETERS:
        declared = read(name)["Parameters"][parameter]
        if declared["Type"] == "Number":
            assert {"MinValue", "MaxValue"} <= set(declared), (name, parameter)


def test_cloudformation_has_no_activation() -> None:
    """The page says so, and gives a command instead. A new type would be the better way."""
    types = PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1")
    assert "AWS::SSM::Document" in types
    assert [type_ for type_ in types if type_.startswith("AWS::SSM") and "ctivation" in type_] == []


# What they make


@pytest.mark.parametrize("name", STACKS)
def test_it_is_deployed_in_the_sandbox(name: str, deployed: Deployed) -> None:
    assert set(deployed.made[name]) == wanted(name)


def test_what_is_not_proved_is_what_moto_does_not_make(deployed: Deployed) -> None:
    """When moto learns one of them, this fails, and it can be inspected."""
    for name in STACKS:
        for id_, resource in read(name)["Resources"].items():
            if resource["Type"] in UNPROVED:
                assert id_ not in deployed.made[name], f"moto makes {resource['Type']} now"


def test_the_document_holds_the_script_and_the_region(deployed: Deployed) -> None:
    answer = deployed.client("ssm").get_document(Name=deployed.made["agent-installed.yml"]["Document"])
    content = yaml.safe_load(answer["Content"])
    written = read("agent-installed.yml")["Resources"]["Document"]["Properties"]["Content"]
    assert content["mainSteps"] == written["mainSteps"]
    assert content["parameters"]["Region"]["default"] == "eu-west-1"
    assert content["parameters"]["Suffix"]["default"] == "amazonaws.com"
    assert len(answer["Content"].encode()) < 64 * 1024  # of the whole document


def test_the_associations_keep_to_the_model_of_systems_manager() -> None:
    stack = read("agent-installed.yml")
    canary, fleet = association(stack, "Canary"), association(stack, "Fleet")
    assert canary["ScheduleExpression"] == "cron(0 2 ? * TUE *)"
    assert fleet["ApplyOnlyAtCronInterval"]  # whatever the canary does
    everywhere = [
        id_ for name in STACKS for id_, one in read(name)["Resources"].items() if one["Type"] in UNPROVED
    ]
    assert sorted(everywhere) == ["Canary", "Fleet", "MayPublish", "MayPublish", "Renewed"]


def test_a_fleet_that_is_its_own_canary_is_refused_by_the_template() -> None:
    stack = read("agent-installed.yml")
    assert broken_rules(stack) == []
    assert broken_rules(stack, CanaryValue="first", FleetValue="second") == []
    (said,) = broken_rules(stack, CanaryValue="all", FleetValue="all")
    assert said.startswith("CanaryValue and FleetValue must differ")


def test_the_document_takes_every_value_that_the_template_lets_through() -> None:
    """A value that the association passes on, and that the document refuses, would fail on each host."""
    stack = read("agent-installed.yml")
    inner = stack["Resources"]["Document"]["Properties"]["Content"]["parameters"]
    assert inner["Line"]["allowedValues"] == stack["Parameters"]["AgentLine"]["AllowedValues"]
    for name in ("WaitMinutes", "ProofMinutes"):
        parameter = stack["Parameters"][name]
        as_pattern = {"Type": "String", "AllowedPattern": inner[name]["allowedPattern"]}
        assert all(accepts(as_pattern, str(parameter[edge])) for edge in ("MinValue", "MaxValue"))
    seconds = (
        stack["Parameters"]["WaitMinutes"]["MaxValue"] + stack["Parameters"]["ProofMinutes"]["MaxValue"]
    ) * 60
    step = stack["Resources"]["Document"]["Properties"]["Content"]["mainSteps"][0]
    assert seconds + 600 <= int(step["inputs"]["timeoutSeconds"])  # and ten minutes for the installation


def test_the_endpoints_are_in_the_vpc_and_open_to_the_hosts_only(deployed: Deployed) -> None:
    made, ec2 = deployed.made["closed-vpc.yml"], deployed.client("ec2")
    endpoints = {
        one["ServiceName"].rpartition(".")[2]: one
        for one in ec2.describe_vpc_endpoints()["VpcEndpoints"]
        if one["VpcEndpointId"] in made.values()
    }
    interfaces = {
        "codedeploy-commands-secure",
        "ssm",
        "ssmmessages",
        "codedeploy",
        "sts",
        "ec2messages",
        "logs",
    }
    assert set(endpoints) == interfaces | {"s3"}
    assert endpoints["s3"]["VpcEndpointType"] == "Gateway"
    assert endpoints["s3"]["RouteTableIds"]
    for name in interfaces:
        one = endpoints[name]
        assert one["ServiceName"] == f"com.amazonaws.eu-west-1.{name}"
        assert (one["VpcEndpointType"], one["PrivateDnsEnabled"], len(one["SubnetIds"])) == (
            "Interface",
            True,
            2,
        )
    (group,) = ec2.describe_security_groups(GroupIds=[made["SecurityGroup"]])["SecurityGroups"]
    (rule,) = group["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"], [one["CidrIp"] for one in rule["IpRanges"]]) == (
        443,
        443,
        ["10.0.0.0/16"],
    )


def test_the_agent_polls_the_endpoint_of_the_template_only_with_auth_policy() -> None:
    """The name of the endpoint is the one that the agent asks for when it has enable_auth_policy."""
    probe = (TEMPLATES.parent / "runbooks/host/probe.sh").read_text(encoding="utf-8")
    assert "if is_on enable_auth_policy; then service=$service-secure; fi" in probe
    service = read("closed-vpc.yml")["Resources"]["Commands"]["Properties"]["ServiceName"]["Fn::Sub"]
    assert service.endswith(".codedeploy-commands-secure")


def test_one_template_makes_a_function_and_none_needs_a_macro() -> None:
    assert not [name for name in STACKS if "Transform" in read(name)]
    functions = [name for name in STACKS if "AWS::Lambda::Function" in json.dumps(read(name))]
    assert functions == ["notify-deployments.yml"]
