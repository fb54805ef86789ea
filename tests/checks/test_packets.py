"""What the rules of a VPC do with packets, as tables."""

from ipaddress import IPv4Network
from typing import Any

import pytest

from runbooks.facts import packets
from tests.checks.packet_rules import ALL, LAST, acl, group, route


@pytest.mark.parametrize(
    ("entries", "passes", "stopped"),
    [
        ([acl(100, "allow", protocol="-1"), LAST], True, []),
        ([LAST], False, [32767]),
        ([], False, [32767]),
        # The lowest number decides, in whatever order the answer lists them.
        ([acl(100, "allow", protocol="-1"), acl(90, "deny", ports="443"), LAST], False, [90]),
        ([acl(110, "deny", ports="443"), acl(100, "allow", ports="443"), LAST], True, []),
        # Other ports and other protocols are other packets.
        ([acl(90, "deny", ports="80"), acl(100, "allow", ports="443"), LAST], True, []),
        ([acl(90, "deny", protocol="17"), acl(100, "allow", ports="443"), LAST], True, []),
        ([acl(100, "allow", protocol="17"), LAST], False, [32767]),
        ([acl(100, "allow", ports="80-442"), LAST], False, [32767]),
        ([acl(100, "allow", ports="80-443"), LAST], True, []),
        # "All protocols" has no ports, whatever is written.
        ([acl(100, "allow", ports="80", protocol="-1"), LAST], True, []),
        # Parts of the addresses.
        ([acl(90, "deny", "198.51.100.0/24"), acl(100, "allow", ports="443"), LAST], True, [90]),
        ([acl(100, "allow", "10.0.0.0/8", "443"), LAST], True, [32767]),
        ([acl(100, "allow", "0.0.0.0/1"), acl(110, "allow", "128.0.0.0/1"), LAST], True, []),
        # What a wider rule has already taken, a later one cannot deny.
        ([acl(100, "allow", "10.0.0.0/8"), acl(110, "deny", "10.1.0.0/16"), acl(120, "allow"), LAST], True, []),
        # The direction, and IPv6, are other packets.
        ([acl(100, "allow") | {"Egress": False}, LAST], False, [32767]),
        ([{k: v for k, v in acl(100, "allow").items() if k != "CidrBlock"} | {"Ipv6CidrBlock": "::/0"}, LAST], False, [32767]),
    ],
)  # fmt: skip
def test_an_acl_decides_by_the_first_rule_that_fits(
    entries: list[dict[str, Any]], passes: bool, stopped: list[int]
) -> None:
    passage = packets.acl_passage(entries, egress=True, first=443, last=443)
    assert (passage.passes, [rule["RuleNumber"] for rule, _, _ in passage.stopped]) == (passes, stopped)


@pytest.mark.parametrize(
    ("entries", "passes", "stopped"),
    [
        ([acl(100, "allow", ports="1024-65535"), LAST], True, []),
        ([acl(100, "allow", ports="32768-60999"), LAST], True, []),
        ([acl(100, "allow", ports="32768-65535"), LAST], True, []),
        ([acl(100, "allow", ports="443"), LAST], False, [(32767, 32768, 60999)]),
        ([acl(100, "allow", ports="49152-65535"), LAST], True, [(32767, 32768, 49151)]),
        ([acl(90, "deny", ports="40000"), acl(100, "allow"), LAST], True, [(90, 40000, 40000)]),
        ([acl(100, "allow", ports="1024-40000"), acl(110, "allow", ports="40001-65535"), LAST], True, []),
    ],
)
def test_answers_need_every_port(
    entries: list[dict[str, Any]], passes: bool, stopped: list[tuple[int, int, int]]
) -> None:
    passage = packets.acl_passage(entries, egress=True, first=32768, last=60999)
    found = [(rule["RuleNumber"], first, last) for rule, first, last in passage.stopped]
    assert (passage.passes, found) == (passes, stopped)


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ([group("-1", ALL)], [ALL]),
        ([group("tcp", ALL, (443, 443))], [ALL]),
        ([group("tcp", ALL, (0, 65535))], [ALL]),
        ([group("6", ALL, (443, 443))], [ALL]),
        ([group("udp", ALL, (443, 443))], []),
        ([group("tcp", ALL, (80, 80))], []),
        ([group("tcp", ALL, (444, 65535))], []),
        ([group("icmp", ALL, (-1, -1))], []),
        ([], []),
        ([group("tcp", "0.0.0.0/1", (443, 443)), group("tcp", "128.0.0.0/1", (0, 500))], [ALL]),
        ([group("tcp", "10.0.0.0/16 10.0.7.0/24", (443, 443))], ["10.0.0.0/16"]),
        ([group("tcp", "", (443, 443)) | {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}], []),
    ],
)
def test_the_rules_of_groups_add_up(rules: list[dict[str, Any]], allowed: list[str]) -> None:
    assert [str(network) for network in packets.group_allows(rules, 443)] == allowed


def test_peers_that_are_no_addresses_are_named() -> None:
    rules = [
        {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "UserIdGroupPairs": [{"GroupId": "sg-1"}],
            "PrefixListIds": [{"PrefixListId": "pl-1"}],
        },
        {"IpProtocol": "udp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": "sg-2"}]},
    ]
    assert packets.group_peers(rules, 443) == ["sg-1", "pl-1"]


@pytest.mark.parametrize(
    ("routes", "used", "whole"),
    [
        ([route("172.31.0.0/16", GatewayId="local")], [], False),
        ([route("172.31.0.0/16", GatewayId="local"), route(ALL, NatGatewayId="nat-1")], [ALL], True),
        ([route("0.0.0.0/1", NatGatewayId="nat-1"), route("128.0.0.0/1", NatGatewayId="nat-1")], ["0.0.0.0/1", "128.0.0.0/1"], True),
        # Private networks are no way to the internet, and their black holes no harm.
        ([route("10.0.0.0/8", TransitGatewayId="tgw-1"), route(ALL, NatGatewayId="nat-1")], [ALL], True),
        # The most specific route carries the packet.
        ([route(ALL, NatGatewayId="nat-1"), route("52.94.0.0/16", TransitGatewayId="tgw-1")], ["52.94.0.0/16", ALL], True),
        ([route("52.94.0.0/16", NatGatewayId="nat-1")], ["52.94.0.0/16"], False),
        # A VPC whose own network is public is still only itself.
        ([route("52.94.0.0/16", GatewayId="local")], [], False),
        ([{"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"}], [], False),
    ],
)  # fmt: skip
def test_routes_that_carry_packets_out(routes: list[dict[str, str]], used: list[str], whole: bool) -> None:
    carrying, left = packets.routes_out(routes)
    assert ([found["DestinationCidrBlock"] for found in carrying], not left) == (used, whole)


def test_public_is_what_no_private_network_holds() -> None:
    def is_public(address: str) -> bool:
        return any(IPv4Network(address).subnet_of(network) for network in packets.PUBLIC)

    public = ("1.1.1.1", "52.94.1.1", "172.32.0.1", "223.255.255.255", "100.128.0.1")
    private = ("10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1", "100.64.0.1", "224.0.0.1", "255.255.255.255")  # fmt: skip
    assert [address for address in public if not is_public(address)] == []
    assert [address for address in private if is_public(address)] == []
