"""The checks on the VPC, against moto's EC2."""

import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from codedeploy_sandbox.hosts.machine import Machine, run_probe, user_yml
from moto import mock_aws

from runbooks.aws import sandboxed
from runbooks.aws.clients import Clients
from runbooks.aws.session import Aws
from runbooks.checks import vpc
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, CheckFunction, Finding
from runbooks.host import probe_script, read_report
from runbooks.question import Question
from tests.checks.packet_rules import ALL, group, route
from tests.support.findings import assert_sound, only
from tests.support.world import QUICK

REGION = "eu-west-1"
QUESTION = Question(instance="web-01")
NODE = "i-0123456789abcdef0"
LINUX = "ami-760aaa0f"  # one that the sandbox has


class Site:
    """web-01 as an EC2 instance in moto: a VPC, one subnet with a way out, a security group, the instance."""

    def __init__(self, ec2: Any, aws: Aws) -> None:
        self.ec2, self.aws = ec2, aws
        self.undo = ExitStack()
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        self.gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        self.main_table = self.described("route_tables")[0]["RouteTableId"]
        self.route_out(self.main_table)
        self.acl = self.described("network_acls")[0]["NetworkAclId"]
        self.group = self.new_group("host")
        self.instance = self.launch(public=True)
        self.registered()
        self.managed(self.instance)

    def described(self, what: str) -> list[dict[str, Any]]:
        answer = getattr(self.ec2, f"describe_{what}")(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])
        return next(value for key, value in answer.items() if key != "ResponseMetadata")

    def route_out(self, table: str, cidr: str = ALL) -> None:
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock=cidr, GatewayId=self.gateway)

    def new_group(self, name: str) -> str:
        found = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)
        return str(found["GroupId"])

    def launch(self, *, public: bool) -> str:
        self.ec2.modify_subnet_attribute(SubnetId=self.subnet, MapPublicIpOnLaunch={"Value": public})
        started = self.ec2.run_instances(
            ImageId=LINUX, MinCount=1, MaxCount=1, SubnetId=self.subnet, SecurityGroupIds=[self.group]
        )
        return str(started["Instances"][0]["InstanceId"])

    def own_table(self) -> str:
        """Give the subnet a route table of its own, with the local route alone."""
        table = str(self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"])
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=self.subnet)
        return table

    def entry(self, number: int, action: str, *, egress: bool, ports: tuple[int, int] = (0, 65535)) -> None:
        self.ec2.create_network_acl_entry(
            NetworkAclId=self.acl, RuleNumber=number, RuleAction=action, Egress=egress, Protocol="6",
            CidrBlock=ALL, PortRange={"From": ports[0], "To": ports[1]},
        )  # fmt: skip

    def allow_out(self, **rule: Any) -> None:
        """Replace the outbound rules of the host's group by one for TCP 443."""
        self.ec2.revoke_security_group_egress(GroupId=self.group, IpPermissions=[group("-1", ALL)])
        if rule:
            permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443} | rule
            self.ec2.authorize_security_group_egress(GroupId=self.group, IpPermissions=[permission])

    def endpoint(
        self, *, private_dns: bool = True, lets_in: dict[str, Any] | None = None, policy: str = ""
    ) -> str:
        """An endpoint for the agent, whose group lets in what ``lets_in`` says, with a policy ("": moto's own)."""
        entrance = self.new_group("endpoint")
        if lets_in:
            self.ec2.authorize_security_group_ingress(GroupId=entrance, IpPermissions=[lets_in])
        made = self.ec2.create_vpc_endpoint(
            VpcId=self.vpc, VpcEndpointType="Interface", ServiceName=f"com.amazonaws.{REGION}.codedeploy-commands-secure",
            SubnetIds=[self.subnet], SecurityGroupIds=[entrance], PrivateDnsEnabled=private_dns,
            **({"PolicyDocument": policy} if policy else {}),
        )  # fmt: skip
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    def s3_gateway(self, policy: str, table: str = "") -> None:
        """A gateway endpoint of S3 in a route table, the subnet's unless another is given, with a policy ("": moto's own)."""
        self.ec2.create_vpc_endpoint(
            VpcId=self.vpc, VpcEndpointType="Gateway", ServiceName=f"com.amazonaws.{REGION}.s3",
            RouteTableIds=[table or self.main_table], **({"PolicyDocument": policy} if policy else {}),
        )  # fmt: skip

    def registered(self) -> None:
        self.answers("codedeploy:GetOnPremisesInstance", {"instanceInfo": {"instanceName": "web-01"}})

    def managed(self, *nodes: str) -> None:
        found = [{"InstanceId": node, "ComputerName": "web-01"} for node in nodes]
        self.answers("ssm:DescribeInstanceInformation", {"InstanceInformationList": found})

    def answers(self, api: str, parsed: dict[str, Any], status: int = 200) -> None:
        """Let each call be answered so, without a request: what moto does not have, or would not say."""
        service, operation = api.split(":")
        answer = parsed | {"ResponseMetadata": {"RequestId": "r-1", "HTTPStatusCode": status}}
        http = AWSResponse("http://127.0.0.1", status, HTTPHeaders(), None)
        events, name = self.aws.client(service).meta.events, f"before-call.{service}.{operation}"
        events.unregister(name, unique_id=api)  # the newest answer is the one
        events.register(name, lambda **_: (http, answer), unique_id=api)
        self.undo.callback(events.unregister, name, unique_id=api)

    def ask(self, check: CheckFunction, question: Question = QUESTION) -> list[Finding]:
        found = run(check, self.aws.remembering(), question)
        for finding in found:
            assert_sound(finding)
        return found


@pytest.fixture(scope="module")
def moto() -> Iterator[tuple[Any, Aws]]:
    """One moto for all tests of this file, and who builds in it and who looks at it."""
    with mock_aws():
        session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name=REGION)
        ec2: Any = session.client("ec2")  # made before Aws guards the session: this one builds
        yield ec2, Aws(Clients(session, config=QUICK))  # one try: a call that is throttled is not waited for


@pytest.fixture
def site(moto: tuple[Any, Aws]) -> Iterator[Site]:
    site = Site(*moto)
    with site.undo:
        yield site


CHECKS = [
    vpc.security_group_lets_https_out,
    vpc.network_acl_lets_https_through,
    vpc.route_leads_out,
    vpc.vpc_endpoint_serves_the_agent,
]


def test_a_host_with_a_way_out_is_well(site: Site) -> None:
    verdicts = [{finding.verdict for finding in site.ask(check)} for check in CHECKS]
    assert verdicts == [{OK}, {OK}, {OK}, {SKIP}]
    proof = {call.api for check in CHECKS for finding in site.ask(check) for call in finding.proof}
    assert {api for api in proof if api.startswith("ec2:")} == {
        "ec2:DescribeInstances",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeRouteTables",
        "ec2:DescribeVpcEndpoints",
    }


@pytest.mark.parametrize("check", CHECKS)
def test_a_host_in_no_vpc_is_not_applicable(site: Site, check: CheckFunction) -> None:
    site.managed("mi-0123456789abcdef0")
    assert "mi-0123456789abcdef0" in (finding := only(site.ask(check))).says
    assert finding.verdict is SKIP
    assert only(site.ask(check, Question())).verdict is SKIP
    site.managed()
    assert only(site.ask(check)).verdict is UNKNOWN


@pytest.mark.parametrize("check", CHECKS)
def test_a_host_that_ec2_does_not_know_is_unknown(site: Site, check: CheckFunction) -> None:
    site.managed(NODE)
    finding = only(site.ask(check))
    assert finding.verdict is UNKNOWN
    assert "ec2:DescribeInstances" in finding.says
    assert NODE in finding.says


@pytest.mark.parametrize("check", CHECKS)
def test_a_host_that_is_gone_is_unknown(site: Site, check: CheckFunction) -> None:
    gone = {"InstanceId": site.instance, "State": {"Name": "terminated"}}
    site.answers("ec2:DescribeInstances", {"Reservations": [{"Instances": [gone]}]})
    finding = only(site.ask(check))
    assert finding.verdict is UNKNOWN
    assert "is it running" in finding.says


def test_a_group_without_https_out_fails(site: Site) -> None:
    site.allow_out()
    finding = only(site.ask(vpc.security_group_lets_https_out))
    assert finding.verdict is FAIL
    assert site.group in finding.says
    fix = shlex.split(finding.fix)
    assert fix[fix.index("--group-id") + 1] == site.group
    site.ec2.authorize_security_group_egress(
        GroupId=site.group, IpPermissions=[group("tcp", ALL, (443, 443))]
    )
    assert only(site.ask(vpc.security_group_lets_https_out)).verdict is OK


def test_a_group_that_lets_some_out_is_a_risk(site: Site) -> None:
    site.allow_out(IpRanges=[{"CidrIp": "10.0.0.0/16"}])
    finding = only(site.ask(vpc.security_group_lets_https_out))
    assert (finding.verdict, finding.fix) == (WARN, "")
    assert "10.0.0.0/16 only" in finding.says


def test_a_group_that_lets_groups_out_is_a_risk(site: Site) -> None:
    site.allow_out(UserIdGroupPairs=[{"GroupId": site.group}])
    finding = only(site.ask(vpc.security_group_lets_https_out))
    assert finding.verdict is WARN
    assert f"to {site.group} only" in finding.says


def test_a_group_that_is_not_described_is_unknown(site: Site) -> None:
    site.answers("ec2:DescribeSecurityGroups", {"SecurityGroups": []})
    finding = only(site.ask(vpc.security_group_lets_https_out))
    assert finding.verdict is UNKNOWN
    assert site.group in finding.says


def test_an_acl_that_stops_the_answers_fails_with_a_rule_that_goes_before(site: Site) -> None:
    site.entry(90, "deny", egress=False, ports=(1024, 65535))
    out, back = site.ask(vpc.network_acl_lets_https_through)
    assert (out.verdict, back.verdict) == (OK, FAIL)
    assert "rule 90" in back.says
    fix = shlex.split(back.fix)
    assert fix[fix.index("--rule-number") + 1] == "89"
    assert "--ingress" in fix
    site.entry(89, "allow", egress=False, ports=(32768, 60999))  # what the fix does
    assert {finding.verdict for finding in site.ask(vpc.network_acl_lets_https_through)} == {OK}


def test_an_acl_that_stops_https_out_fails(site: Site) -> None:
    site.entry(50, "deny", egress=True, ports=(443, 443))
    out, back = site.ask(vpc.network_acl_lets_https_through)
    assert (out.verdict, back.verdict) == (FAIL, OK)
    assert "--egress" in out.fix


def test_an_acl_that_stops_some_ports_is_a_risk(site: Site) -> None:
    site.entry(90, "deny", egress=False, ports=(32768, 40000))
    _, back = site.ask(vpc.network_acl_lets_https_through)
    assert (back.verdict, back.fix) == (WARN, "")
    assert "ports 32768 to 40000" in back.says


def test_windows_opens_connections_from_other_ports(site: Site) -> None:
    site.entry(90, "deny", egress=False, ports=(32768, 49151))
    instance = {
        "InstanceId": site.instance, "SubnetId": site.subnet, "VpcId": site.vpc,
        "SecurityGroups": [{"GroupId": site.group}], "Platform": "windows",
        "State": {"Name": "running"},
    }  # fmt: skip
    assert {f.verdict for f in site.ask(vpc.network_acl_lets_https_through)} == {OK, WARN}
    site.answers("ec2:DescribeInstances", {"Reservations": [{"Instances": [instance]}]})
    assert {f.verdict for f in site.ask(vpc.network_acl_lets_https_through)} == {OK}


def test_the_main_table_counts_where_a_subnet_has_none(site: Site) -> None:
    assert site.main_table in only(site.ask(vpc.route_leads_out)).says
    table = site.own_table()
    finding = only(site.ask(vpc.route_leads_out))
    assert finding.verdict is FAIL
    assert table in finding.says
    assert f"create-route --route-table-id {table}" in finding.fix
    site.route_out(table)
    assert only(site.ask(vpc.route_leads_out)).verdict is OK


def test_a_black_hole_is_no_way_out(site: Site) -> None:
    table = {
        "RouteTableId": "rtb-1",
        "Associations": [{"SubnetId": site.subnet}],
        "Routes": [route(ALL, NatGatewayId="nat-1", State="blackhole")],
    }
    site.answers("ec2:DescribeRouteTables", {"RouteTables": [table]})
    finding = only(site.ask(vpc.route_leads_out))
    assert finding.verdict is FAIL
    assert "nat-1 (0.0.0.0/0) is a blackhole" in finding.says
    assert "replace-route" in finding.fix


def test_an_internet_gateway_needs_a_public_address(site: Site) -> None:
    private = site.launch(public=False)
    site.managed(private)
    finding = only(site.ask(vpc.route_leads_out))
    assert finding.verdict is FAIL
    assert f"{private} has none" in finding.says
    assert f"associate-address --instance-id {private}" in finding.fix


def test_half_a_way_out_is_a_risk(site: Site) -> None:
    site.route_out(site.own_table(), "0.0.0.0/1")
    finding = only(site.ask(vpc.route_leads_out))
    assert finding.verdict is WARN
    assert "0.0.0.0/1" in finding.says


def test_no_way_out_is_well_where_the_agent_has_an_endpoint(site: Site) -> None:
    site.own_table()
    endpoint = site.endpoint()
    finding = only(site.ask(vpc.route_leads_out))
    assert (finding.verdict, finding.next) == (OK, "vpc-endpoint-serves-the-agent")
    assert endpoint in finding.says


def test_a_vpc_without_a_route_table_is_unknown(site: Site) -> None:
    site.answers("ec2:DescribeRouteTables", {"RouteTables": []})
    assert only(site.ask(vpc.route_leads_out)).verdict is UNKNOWN


def on_host(setting: str) -> Question:
    """A question with what the probe sees on a host whose agent has this setting."""
    machine = Machine(
        "web-01", settings=setting, identity=user_yml("arn:aws:iam::111122223333:user/web-01", REGION)
    )
    return replace(
        QUESTION,
        host_report=read_report(run_probe(machine, sandboxed.DAY, probe_script()).stdout, now=sandboxed.DAY),
    )


@pytest.fixture(scope="module")
def uses_it() -> Question:
    return on_host(":enable_auth_policy: true\n")


@pytest.fixture(scope="module")
def uses_the_public_one() -> Question:
    return on_host("")


@pytest.mark.parametrize("check", CHECKS)
def test_an_agent_behind_a_proxy_is_not_judged_by_the_rules_for_443(site: Site, check: CheckFunction) -> None:
    finding = only(site.ask(check, on_host(":proxy_uri: http://proxy.example.com:3128\n")))
    assert finding.verdict is SKIP
    assert "uses the proxy http://proxy.example.com:3128" in finding.says


FROM_THE_VPC = group("tcp", "10.0.0.0/16", (443, 443))


def test_an_endpoint_that_the_agent_uses_is_well(site: Site, uses_it: Question) -> None:
    endpoint = site.endpoint(lets_in=FROM_THE_VPC)
    entered, used = site.ask(vpc.vpc_endpoint_serves_the_agent, uses_it)
    assert (entered.verdict, used.verdict) == (OK, OK)
    assert endpoint in entered.says
    assert endpoint in used.says


def test_an_endpoint_that_lets_the_group_of_the_host_in_is_well(site: Site, uses_it: Question) -> None:
    site.endpoint(lets_in=group("-1") | {"UserIdGroupPairs": [{"GroupId": site.group}]})
    assert {f.verdict for f in site.ask(vpc.vpc_endpoint_serves_the_agent, uses_it)} == {OK}


def polls(effect: str = "Allow", **more: Any) -> dict[str, Any]:
    what = {"Principal": "*", "Action": "codedeploy-commands-secure:*", "Resource": "*"}
    return {"Effect": effect, **what} | more


ONE = "codedeploy-commands-secure:PollHostCommand"


@pytest.mark.parametrize(
    ("policy", "verdict", "says"),
    [
        ({"Statement": [polls()]}, None, ""),
        ({"Statement": [polls(), polls("Deny", Action=ONE)]}, FAIL, f"do {ONE}."),
        ({"Statement": [polls(Action=ONE)]}, FAIL, "GetDeploymentSpecification"),
        ({"Statement": [polls(Action="codedeploy:*")]}, FAIL, ONE),
        ({"Statement": [polls(Principal={"AWS": "111122223333"})]}, UNKNOWN, "not known"),
        ({"Statement": [polls(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})]}, UNKNOWN, "not known"),
        ("{", UNKNOWN, "no policy of vpce-"),
        ("[]", UNKNOWN, "no policy of vpce-"),
    ],
)  # fmt: skip
def test_the_policy_of_the_endpoint_of_the_agent(
    site: Site, uses_it: Question, policy: Any, verdict: Any, says: str
) -> None:
    text = policy if isinstance(policy, str) else json.dumps(policy)
    site.endpoint(lets_in=FROM_THE_VPC, policy=text)
    found = [one for one in site.ask(vpc.vpc_endpoint_serves_the_agent, uses_it) if one.verdict is not OK]
    assert [one.verdict for one in found] == [verdict] * bool(verdict)
    assert says in "".join(one.says for one in found)


def test_an_endpoint_that_lets_the_host_not_in_fails(site: Site, uses_it: Question) -> None:
    site.endpoint(lets_in=group("tcp", "192.168.0.0/16", (443, 443)))
    entered, used = site.ask(vpc.vpc_endpoint_serves_the_agent, uses_it)
    assert (entered.verdict, used.verdict) == (FAIL, OK)
    assert "--protocol tcp --port 443 --cidr 10.0.0." in entered.fix


def test_an_endpoint_that_is_closed_is_a_risk_to_an_agent_that_does_not_use_it(
    site: Site, uses_the_public_one: Question
) -> None:
    site.endpoint(lets_in=group("tcp", "192.168.0.0/16", (443, 443)))
    found = site.ask(vpc.vpc_endpoint_serves_the_agent, uses_the_public_one)
    assert {finding.verdict for finding in found} == {WARN}
    assert {finding.code.partition("/")[2] for finding in found} == {"no-rule", "not-used"}


def test_an_endpoint_that_lets_a_prefix_list_in_is_a_risk(site: Site, uses_it: Question) -> None:
    rule = group("tcp", "", (443, 443)) | {"PrefixListIds": [{"PrefixListId": "pl-1"}]}
    site.endpoint(lets_in=FROM_THE_VPC)
    found = [entry | {"IpPermissions": [rule]} for entry in site.described("security_groups")]
    site.answers("ec2:DescribeSecurityGroups", {"SecurityGroups": found})
    entered, _ = site.ask(vpc.vpc_endpoint_serves_the_agent, uses_it)
    assert entered.verdict is WARN
    assert "pl-1" in entered.says


def test_an_endpoint_without_private_dns_is_a_risk(site: Site, uses_it: Question) -> None:
    endpoint = site.endpoint(private_dns=False, lets_in=FROM_THE_VPC)
    hidden, entered, used = site.ask(vpc.vpc_endpoint_serves_the_agent, uses_it)
    assert (hidden.verdict, entered.verdict, used.verdict) == (WARN, OK, OK)
    assert hidden.fix.startswith(
        f"aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint} --private-dns-enabled --region "
    )
    assert "--private-dns-enabled" in hidden.fix


def test_an_endpoint_that_the_agent_passes_by_is_a_risk(site: Site, uses_the_public_one: Question) -> None:
    site.endpoint(lets_in=FROM_THE_VPC)
    _, used = site.ask(vpc.vpc_endpoint_serves_the_agent, uses_the_public_one)
    assert used.verdict is WARN
    assert "enable_auth_policy is off" in used.says


def test_an_endpoint_that_is_not_available_fails(site: Site, uses_it: Question) -> None:
    site.endpoint(lets_in=FROM_THE_VPC)
    found = [entry | {"State": "pendingAcceptance"} for entry in site.described("vpc_endpoints")]
    site.answers("ec2:DescribeVpcEndpoints", {"VpcEndpoints": found})
    first, _ = site.ask(vpc.vpc_endpoint_serves_the_agent, uses_it)
    assert first.verdict is FAIL
    assert "pendingAcceptance" in first.says
    site.own_table()  # nor does it stand for a route
    assert only(site.ask(vpc.route_leads_out)).verdict is FAIL


def test_what_is_known_of_an_endpoint_is_said_though_the_host_was_not_checked(site: Site) -> None:
    site.endpoint(lets_in=FROM_THE_VPC)
    entered, unseen = site.ask(vpc.vpc_endpoint_serves_the_agent)
    assert (entered.verdict, unseen.verdict) == (OK, UNKNOWN)
    assert "give its output with host_report" in unseen.says


def test_endpoints_of_other_services_are_not_the_agent_s(site: Site) -> None:
    site.endpoint(lets_in=FROM_THE_VPC)
    found = [
        entry | {"ServiceName": f"com.amazonaws.{REGION}.codedeploy"}
        for entry in site.described("vpc_endpoints")
    ]
    site.answers("ec2:DescribeVpcEndpoints", {"VpcEndpoints": found})
    assert only(site.ask(vpc.vpc_endpoint_serves_the_agent)).verdict is SKIP


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"Error": {"Code": "UnauthorizedOperation", "Message": "You are not authorized."}}, "was denied"),
        ({"Error": {"Code": "RequestLimitExceeded", "Message": "Request limit exceeded."}}, "was throttled"),
        ({}, "not AWS"),
    ],
)
@pytest.mark.parametrize("check", CHECKS)
def test_what_ec2_does_not_tell_is_unknown(
    site: Site, uses_it: Question, check: CheckFunction, broken: dict[str, Any], says: str
) -> None:
    """Each check, with each of its calls to EC2 refused, or answered without the list that was asked for."""
    site.endpoint(lets_in=FROM_THE_VPC)
    site.own_table()  # so that every check needs all of its calls
    calls = {call.api for finding in site.ask(check, uses_it) for call in finding.proof}
    asked = sorted(call for call in calls if call.startswith("ec2:"))
    assert asked
    for api in asked:
        with ExitStack() as undo:
            site.undo, kept = undo, site.undo
            site.answers(api, broken, status=403 if broken else 200)
            finding = site.ask(check, uses_it)[-1]
            site.undo = kept
        assert finding.verdict is UNKNOWN, (api, finding.says)
        assert api in finding.says
        assert says in finding.says


# The gateway endpoint of S3


S3 = vpc.vpc_endpoint_of_s3_lets_the_revision_through
OBJECT = Question(instance="web-01", bucket="shop-revisions/web/1.zip")


def statement(effect: str = "Allow", on: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": "*", "Action": "s3:Get*", "Resource": on} | more


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        ([statement()], OK),
        ([statement(on="arn:aws:s3:::shop-revisions/*", Action=["S3:getobject"])], OK),
        ([statement(on="arn:aws:s3:::other/*")], FAIL),
        ([statement(Action="s3:PutObject")], FAIL),
        ([], FAIL),
        ([statement(), statement("Deny", "arn:aws:s3:::shop-*")], FAIL),
        ([statement(), statement("Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})], UNKNOWN),
        ([statement(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})], UNKNOWN),
        ([statement(Principal={"AWS": "111122223333"})], UNKNOWN),
        ([{"Effect": "Allow", "Principal": "*", "NotAction": "s3:Put*", "Resource": "*"}], UNKNOWN),
        (["nonsense"], UNKNOWN),
    ],
)
def test_the_policy_of_the_gateway_of_s3(site: Site, statements: list[Any], verdict: Any) -> None:
    site.s3_gateway(json.dumps({"Statement": statements}))
    found = only(site.ask(S3, OBJECT))
    assert found.verdict is verdict, found.says
    assert "s3:GetObject on arn:aws:s3:::shop-revisions/web/1.zip" in found.says


def test_without_a_key_a_policy_that_allows_some_keys_is_not_decided(site: Site) -> None:
    site.s3_gateway(json.dumps({"Statement": [statement(on="arn:aws:s3:::shop-revisions/web/*")]}))
    assert only(site.ask(S3, Question(instance="web-01", bucket="shop-revisions"))).verdict is UNKNOWN


def test_without_a_key_a_policy_that_denies_some_keys_is_not_decided(site: Site) -> None:
    denies = statement("Deny", "arn:aws:s3:::shop-revisions/web/*")
    site.s3_gateway(json.dumps({"Statement": [statement(), denies]}))
    assert only(site.ask(S3, Question(instance="web-01", bucket="shop-revisions"))).verdict is UNKNOWN


def test_without_a_key_a_policy_of_the_whole_bucket_is_decided(site: Site) -> None:
    site.s3_gateway(json.dumps({"Statement": [statement(on="arn:aws:s3:::shop-revisions/*")]}))
    assert only(site.ask(S3, Question(instance="web-01", bucket="shop-revisions"))).verdict is OK


def test_a_bracket_in_a_key_is_no_pattern(site: Site) -> None:
    site.s3_gateway(json.dumps({"Statement": [statement(on="arn:aws:s3:::shop-revisions/[a]/*")]}))
    key = Question(instance="web-01", bucket="shop-revisions/[a]/1.zip")
    assert only(site.ask(S3, key)).verdict is OK


def test_a_gateway_of_another_route_table_does_not_count(site: Site) -> None:
    site.s3_gateway(
        json.dumps({"Statement": []}),
        table=site.ec2.create_route_table(VpcId=site.vpc)["RouteTable"]["RouteTableId"],
    )
    assert only(site.ask(S3, OBJECT)).verdict is SKIP


def test_the_policy_that_aws_gives_an_endpoint_allows_all(site: Site) -> None:
    site.s3_gateway("")
    assert only(site.ask(S3, OBJECT)).verdict is OK


def test_without_a_gateway_it_does_not_apply(site: Site) -> None:
    assert only(site.ask(S3, OBJECT)).verdict is SKIP
    assert "No bucket was given" in only(site.ask(S3)).says
