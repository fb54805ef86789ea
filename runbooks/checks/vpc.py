"""The VPC between the host and CodeDeploy."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from runbooks.aws import Aws
from runbooks.aws.regions import partition_of
from runbooks.checks._iam import COMMANDS, by_policy, resources
from runbooks.checks._revision import bundle_asked
from runbooks.commands import aws_cli, substituted
from runbooks.facts.host_report import can_be_asked, host_report, report_if_any
from runbooks.facts.packets import (
    ANYWHERE,
    acl_passage,
    free_number_before,
    group_allows,
    group_peers,
    routes_out,
)
from runbooks.facts.vpc import (
    agent_endpoints,
    ec2_host,
    endpoint_policy,
    groups,
    network_acl,
    route_table,
    s3_gateways,
)
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, CouldNotCheck, Finding, NotApplicable, needs
from runbooks.host import Datum, HostReport, switched_on
from runbooks.question import Question

TITLE = "Does the VPC let the host out?"
GUIDE = "/guides/check-the-network/"
RUNBOOK = "network"

_PAGE = "/guides/check-the-network/#look"
_ENDPOINTS_PAGE = "/guides/check-the-network/#vpc-endpoints"
# The ports that a system opens connections from by default: answers come back to these.
_LINUX_PORTS, _WINDOWS_PORTS = (32768, 60999), (49152, 65535)
_WAYS = {
    "NatGatewayId": "the NAT gateway",
    "TransitGatewayId": "the transit gateway",
    "VpcPeeringConnectionId": "the VPC peering",
    "NetworkInterfaceId": "the network interface",
    "LocalGatewayId": "the local gateway",
    "CarrierGatewayId": "the carrier gateway",
    "CoreNetworkArn": "the core network",
    "GatewayId": "the gateway",  # igw-, vgw- or vpce-
}


@needs("instance")
def security_group_lets_https_out(aws: Aws, question: Question) -> Iterator[Finding]:
    """The host's security groups let HTTPS out to any IPv4 address.

    The agent only opens connections, so it needs no inbound rule: a security group is stateful and lets the answers in.
    The rules of all groups add up. If TCP 443 is allowed to some addresses only, they may or may not be those of
    CodeDeploy and of S3, which change.
    """
    host = _host_without_proxy(aws, question)
    ids = [group["GroupId"] for group in host["SecurityGroups"]]
    rules = [rule for group in groups(aws, ids) for rule in group["IpPermissionsEgress"]]
    allowed, peers = group_allows(rules, 443), group_peers(rules, 443)
    about, rules_allow = ids[0], f"The rules of {', '.join(ids)} allow"
    out = f"HTTPS out of {host['InstanceId']}"
    if allowed == [ANYWHERE]:
        yield Finding(OK, f"{rules_allow} {out} to any IPv4 address.", about=about)
    elif allowed or peers:
        where = ", ".join([*map(str, allowed), *peers])
        says = f"{rules_allow} {out} to {where} only; whether CodeDeploy and S3 are there is not known."
        yield Finding(WARN, says, code="some-addresses", about=about, next=_PAGE)
    else:
        rule = {"group_id": about, "protocol": "tcp", "port": "443", "cidr": "0.0.0.0/0"}
        fix = aws_cli(aws.place, "ec2", "authorize-security-group-egress", **rule)
        says = f"{rules_allow} no {out}: none is for TCP 443 to an IPv4 address."
        yield Finding(FAIL, says, code="no-rule", about=about, fix=fix, next=_PAGE)
    _proxy_is_known(aws, question)


@needs("instance")
def network_acl_lets_https_through(aws: Aws, question: Question) -> Iterator[Finding]:
    """The network ACL of the host's subnet lets HTTPS out and its answers in.

    An ACL is stateless: TCP 443 must be allowed out and, for the answers, the ports that the host connects from must be
    allowed in: by default 32768 to 60999 on Linux and 49152 to 65535 on Windows. The rule with the lowest number that
    matches a packet decides.
    """
    host = _host_without_proxy(aws, question)
    acl = network_acl(aws, host)
    yield _through(aws, acl, "HTTPS out to", True, 443, 443)
    first, last = _WINDOWS_PORTS if host.get("Platform") == "windows" else _LINUX_PORTS
    yield _through(aws, acl, f"the answers to HTTPS (ports {first} to {last}) in from", False, first, last)
    _proxy_is_known(aws, question)


@needs("instance")
def route_leads_out(aws: Aws, question: Question) -> Iterator[Finding]:
    """A route leads from the host's subnet to the internet, or an endpoint of CodeDeploy is in the VPC.

    A subnet without a route table of its own uses the main one of the VPC. An internet gateway serves only hosts with a
    public address; a route is a black hole if its target was deleted. What is beyond a transit gateway, an appliance or a
    VPN is not checked.
    """
    host = _host_without_proxy(aws, question)
    table = route_table(aws, host)
    routes, unrouted = routes_out(table["Routes"])
    if targetless := [route["DestinationCidrBlock"] for route in routes if not _target(route)]:
        raise CouldNotCheck(
            f"EC2 gives no target that is known of the route {', '.join(targetless)} in {table['RouteTableId']}."
        )
    faults = {_way(route): _fault(route, host) for route in routes}
    live = [way for way, fault in faults.items() if not fault]
    dead = [f"{way} {fault}" for way, fault in faults.items() if fault]
    about, name = table["RouteTableId"], f"The route table {table['RouteTableId']} of {host['SubnetId']}"
    if live and not dead and not unrouted:
        yield Finding(OK, f"{name} leads out by {', '.join(live)}.", about=about)
    elif live:
        gaps = "; ".join(dead + ["some addresses of the internet have no route"] * bool(unrouted))
        yield Finding(
            WARN,
            f"{name} leads out only in part, by {', '.join(live)}: {gaps}.",
            code="in-part",
            about=about,
            next=_PAGE,
        )
    elif usable := [e["VpcEndpointId"] for e in agent_endpoints(aws, host) if _is_available(e)]:
        says = f"{name} does not lead to the internet, but the agent's endpoint {usable[0]} is in the VPC; S3 needs one too."
        yield Finding(OK, says, about=about, next="vpc-endpoint-serves-the-agent")
    else:
        why = "; ".join(dead) or "it has no route to the internet"
        yield Finding(
            FAIL,
            f"{name} does not lead out: {why}.",
            code="no-route",
            about=about,
            fix=_way_out(aws, host, table, routes),
            next=_PAGE,
        )
    _proxy_is_known(aws, question)


@needs("instance")
def vpc_endpoint_serves_the_agent(aws: Aws, question: Question) -> Iterator[Finding]:
    """If the VPC has an endpoint for the agent, it is available, lets the host in, and the agent uses it.

    That is the endpoint `codedeploy-commands-secure`. It must be available, have private DNS so that the usual name
    resolves to it, a security group that lets HTTPS in from the host, and a policy that lets the agent poll. The agent uses it only with
    `enable_auth_policy: true`. Revisions in S3 need an endpoint, or a route out, of their own.
    """
    host = _host_without_proxy(aws, question)
    endpoints = agent_endpoints(aws, host)
    if not endpoints:
        _proxy_is_known(aws, question)
        says = f"The VPC {host['VpcId']} has no endpoint for the agent, so the agent uses the public one."
        raise NotApplicable(says, about=host["VpcId"])
    seen = report_if_any(aws, question)
    is_idle = seen is not None and _uses_it(seen).value is False
    for endpoint in endpoints:
        for finding in _serves(aws, endpoint, host):
            # what the agent does not use stops none of its calls
            idle = f"{finding.says} The agent does not use it."
            is_bad = is_idle and finding.verdict is FAIL
            yield replace(finding, verdict=WARN, says=idle, fix="") if is_bad else finding
    switch = _uses_it(host_report(aws, question))
    if switch.error:
        raise CouldNotCheck(f"whether the agent uses the endpoint is not known: {switch.error}.")
    ids = ", ".join(endpoint["VpcEndpointId"] for endpoint in endpoints)
    if switch.value:
        yield Finding(OK, f"The agent uses {ids}: its enable_auth_policy is on.", about=ids)
    else:
        says = f"The agent does not use {ids}: its enable_auth_policy is off, so it polls another name."
        yield Finding(WARN, says, code="not-used", about=ids, next=_ENDPOINTS_PAGE)


@needs("instance")
def vpc_endpoint_of_s3_lets_the_revision_through(aws: Aws, question: Question) -> Iterator[Finding]:
    """The policy of the VPC's gateway endpoint for S3 lets the revision through.

    The host's requests to S3 go through a gateway endpoint where the route table of its subnet leads to one, and the policy
    of the endpoint has to allow s3:GetObject beside that of the host's identity (AWS's user guide). It is read as it
    stands: what depends on a condition or on who asks is not known. Interface endpoints for S3 are not read.
    """
    bucket, _, key = bundle_asked(aws, question).partition("/")
    host = _host_without_proxy(aws, question)
    table = str(route_table(aws, host)["RouteTableId"])
    endpoints = s3_gateways(aws, host, table)
    if not endpoints:
        _proxy_is_known(aws, question)
        says = f"The route table {table} of {host['InstanceId']} leads to no gateway endpoint of S3."
        raise NotApplicable(says, about=table)
    for endpoint in endpoints:
        yield _policy_lets(aws, endpoint, bucket, key)
    _proxy_is_known(aws, question)


def _policy_lets(aws: Aws, endpoint: Mapping[str, Any], bucket: str, key: str) -> Finding:
    """Whether the policy of an endpoint allows to read an object; without a key whether it does so of the whole bucket."""
    about, partition = str(endpoint["VpcEndpointId"]), partition_of(aws.region)
    try_ = f"arn:{partition}:s3:::{bucket}/{key or '*'}"
    document = _document(endpoint)
    said = by_policy(document, "s3:GetObject", try_)
    what = f"The policy of the VPC endpoint {about}, through which the host reads S3,"
    own = [one for one in resources(document) if one.startswith(f"arn:{partition}:s3:::{bucket}/")]
    some = not key and bool(set(own) - {try_})  # it mentions some keys only
    if said == "?" or (said != "Deny" and some):
        says = f"Whether {about} lets the host do s3:GetObject on {try_} is not known: its policy has conditions, or allows some identities or keys only."
        return Finding(UNKNOWN, says, code="undecided", about=about, next=_ENDPOINTS_PAGE)
    if said == "Allow":
        return Finding(OK, f"{what} allows s3:GetObject on {try_}.", about=about)
    does = "denies" if said else "does not allow"
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:{partition}:s3:::{bucket}/*",
    }
    fix = f"Add to the policy of {about}: `{json.dumps(statement)}`."
    if said:
        fix = f"Take the denial out of the policy of {about}, or leave {bucket} out of it."
    says = f"{what} {does} s3:GetObject on {try_}."
    return Finding(FAIL, says, code="denied", about=about, fix=fix, next=_ENDPOINTS_PAGE)


def _document(endpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """The policy of an endpoint."""
    document = endpoint_policy(endpoint)
    if document is None:
        raise CouldNotCheck(f"EC2 gives no policy of {endpoint['VpcEndpointId']} that can be read.")
    return document


def _host_without_proxy(aws: Aws, question: Question) -> dict[str, Any]:
    """The EC2 instance of the host. Raises `NotApplicable` if it is not one, or if its agent uses a proxy."""
    host = ec2_host(aws, question.instance)
    report = report_if_any(aws, question)  # its refusal is said behind the verdict (`_proxy_is_known`)
    if report and (proxy := report.proxy()):
        says = f"The agent on {question.instance} uses the proxy {proxy}: the VPC has to let the host reach the proxy, and the proxy has to let HTTPS out."
        raise NotApplicable(says, about=host["InstanceId"], next=_PAGE)
    return host


def _proxy_is_known(aws: Aws, question: Question) -> None:
    """Raise what kept the host's report from being read, which could have named a proxy: then the rules might not count."""
    if can_be_asked(aws, question):
        host_report(aws, question)


def _through(aws: Aws, acl: dict[str, Any], what: str, egress: bool, first: int, last: int) -> Finding:
    passage = acl_passage(acl["Entries"], egress=egress, first=first, last=last)
    name, about = f"The network ACL {acl['NetworkAclId']}", acl["NetworkAclId"]
    if not passage.stopped:
        return Finding(OK, f"{name} lets {what} any IPv4 address.", about=about)
    rules = "; ".join(_stopping(rule, ports, (first, last)) for rule, *ports in passage.stopped)
    if passage.passes:
        says = f"{name} lets {what} some addresses or ports only, because of {rules}."
        return Finding(WARN, says, code="in-part", about=about, next=_PAGE)
    number = free_number_before(acl["Entries"], passage.stopped[0][0]["RuleNumber"], egress=egress)
    fix = aws_cli(
        aws.place,
        "ec2",
        "create-network-acl-entry",
        network_acl_id=about,
        rule_number=str(number),
        protocol="tcp",
        rule_action="allow",
        port_range=f"From={first},To={last}",
        cidr_block="0.0.0.0/0",
        **{"egress" if egress else "ingress": True},
    )
    return Finding(
        FAIL,
        f"{name} does not let {what} any IPv4 address, because of {rules}.",
        code="denied",
        about=about,
        fix=fix if number else "",
        next=_PAGE,
    )


def _stopping(rule: Mapping[str, Any], stopped: list[int], asked: tuple[int, int]) -> str:
    """A rule that stops packets; which ports, where those are not all that were asked about."""
    number = "the last rule (*)" if rule["RuleNumber"] == 32767 else f"rule {rule['RuleNumber']}"
    first, last = stopped
    ports = "" if (first, last) == asked else f" (ports {first} to {last})"
    return f"{number}, which denies {rule['CidrBlock']}{ports}"


def _way(route: Mapping[str, Any]) -> str:
    """What a route leads to, in words: "the NAT gateway nat-1 (0.0.0.0/0)"."""
    target = _target(route)
    return f"{_WAYS[target]} {route[target]} ({route['DestinationCidrBlock']})"


def _target(route: Mapping[str, Any]) -> str:
    """The member of a route that names its target; "" if it has none that is known."""
    return next((key for key in _WAYS if route.get(key)), "")


def _fault(route: Mapping[str, Any], host: Mapping[str, Any]) -> str:
    if _is_black_hole(route):
        return f"is a {route['State']}"
    if route.get("GatewayId", "").startswith("igw-") and not host.get("PublicIpAddress"):
        return f"serves only hosts with a public address, and {host['InstanceId']} has none"
    return ""


def _way_out(aws: Aws, host: Mapping[str, Any], table: Mapping[str, Any], routes: list[Any]) -> str:
    """The command that opens a way out: a public address for an internet gateway, else the VPC's NAT gateway."""
    if any(route.get("GatewayId", "").startswith("igw-") and not _is_black_hole(route) for route in routes):
        new = aws_cli(aws.place, "ec2", "allocate-address", domain="vpc", query="AllocationId", output="text")
        address = aws_cli(aws.place, "ec2", "associate-address", instance_id=host["InstanceId"])
        return substituted(address, "allocation-id", new)
    held = any(route["DestinationCidrBlock"] == "0.0.0.0/0" for route in routes)
    in_vpc = json.dumps(
        [{"Name": "vpc-id", "Values": [host["VpcId"]]}, {"Name": "state", "Values": ["available"]}]
    )
    query = "NatGateways[0].NatGatewayId"
    nat = aws_cli(aws.place, "ec2", "describe-nat-gateways", filter=in_vpc, query=query, output="text")
    to = {"route_table_id": table["RouteTableId"], "destination_cidr_block": "0.0.0.0/0"}
    change = aws_cli(aws.place, "ec2", "replace-route" if held else "create-route", **to)
    return substituted(change, "nat-gateway-id", nat)


def _is_black_hole(route: Mapping[str, Any]) -> bool:
    return bool(route.get("State", "active") != "active")


def _uses_it(report: HostReport) -> Datum[bool]:
    """Whether the agent uses the endpoint codedeploy-commands-secure, by its configuration."""
    return switched_on(report.config.enable_auth_policy, report.agent.line.value)


def _is_available(endpoint: Mapping[str, Any]) -> bool:
    return bool(endpoint["State"].lower() == "available")


def _serves(aws: Aws, endpoint: dict[str, Any], host: dict[str, Any]) -> Iterator[Finding]:
    about = endpoint["VpcEndpointId"]
    if not _is_available(endpoint):
        yield Finding(
            FAIL,
            f"The agent's endpoint {about} is {endpoint['State']}.",
            code="not-available",
            about=about,
            next=_ENDPOINTS_PAGE,
        )
        return
    if not endpoint.get("PrivateDnsEnabled"):
        says = f"{about} has no private DNS, so the agent finds it only by deploy_control_endpoint."
        fix = aws_cli(
            aws.place, "ec2", "modify-vpc-endpoint", vpc_endpoint_id=about, private_dns_enabled=True
        )
        yield Finding(WARN, says, code="no-private-dns", about=about, fix=fix, next=_ENDPOINTS_PAGE)
    yield _lets_in(aws, endpoint, host)
    yield from _lets_poll(endpoint)


def _lets_poll(endpoint: Mapping[str, Any]) -> Iterator[Finding]:
    """What the policy of the agent's endpoint keeps the agent from; nothing where it allows all that the agent calls."""
    about, document = str(endpoint["VpcEndpointId"]), _document(endpoint)
    said = {action: by_policy(document, action, "*") for action in COMMANDS}
    denied = [action for action, one in said.items() if one == "Deny"]
    if not denied and set(resources(document)) == {"*"}:
        denied = [action for action, one in said.items() if not one]
    if denied:
        says = f"The policy of {about} does not let the agent do {', '.join(denied)}."
        fix = f"Allow these actions in the policy of {about}."
        yield Finding(FAIL, says, code="policy-denies", about=about, fix=fix, next=_ENDPOINTS_PAGE)
    elif set(said.values()) != {"Allow"}:
        says = f"Whether the policy of {about} lets the agent poll is not known: it has conditions, or allows some identities or resources only."
        yield Finding(UNKNOWN, says, code="policy-undecided", about=about, next=_ENDPOINTS_PAGE)


def _lets_in(aws: Aws, endpoint: dict[str, Any], host: dict[str, Any]) -> Finding:
    about, ids = endpoint["VpcEndpointId"], [group["GroupId"] for group in endpoint.get("Groups", ())]
    rules = [rule for group in groups(aws, ids) for rule in group["IpPermissions"]]
    if not host.get("PrivateIpAddress"):
        raise CouldNotCheck(f"EC2 gives no address of {host['InstanceId']}.")
    address = IPv4Address(host["PrivateIpAddress"])
    peers = group_peers(rules, 443)
    own = {group["GroupId"] for group in host["SecurityGroups"]}
    if own & set(peers) or any(address in network for network in group_allows(rules, 443)):
        return Finding(OK, f"{about} is available and lets HTTPS in from {address}.", about=about)
    if lists := [peer for peer in peers if peer.startswith("pl-")]:
        says = f"{about} lets HTTPS in from {', '.join(lists)}; whether {address} is there is not known."
        return Finding(WARN, says, code="prefix-list", about=about, next=_ENDPOINTS_PAGE)
    rule = {"group_id": ids[0], "protocol": "tcp", "port": "443", "cidr": f"{address}/32"}
    fix = aws_cli(aws.place, "ec2", "authorize-security-group-ingress", **rule)
    says = f"{about} lets no HTTPS in from {address}: no inbound rule of {', '.join(ids)} allows it."
    return Finding(FAIL, says, code="no-rule", about=about, fix=fix, next=_ENDPOINTS_PAGE)
