"""Which IPv4 packets the rules of a VPC let through. Pure judgement, on rules as EC2 describes them."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, collapse_addresses
from typing import Any, NamedTuple, TypeVar

from runbooks.findings import CouldNotCheck

T = TypeVar("T")
Rule = Mapping[str, Any]

ANYWHERE = IPv4Network("0.0.0.0/0")
_NOT_PUBLIC = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
    "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",
)  # fmt: skip


def first_match(
    rules: Iterable[tuple[IPv4Network, T]], space: Iterable[IPv4Network] = (ANYWHERE,)
) -> tuple[list[tuple[IPv4Network, T]], list[IPv4Network]]:
    """Give each address of ``space`` to the first rule whose network holds it; and what no rule holds."""
    taken: list[tuple[IPv4Network, T]] = []
    left = list(space)
    for network, rule in rules:
        rest: list[IPv4Network] = []
        for part in left:
            if part.subnet_of(network):
                taken.append((part, rule))
            elif network.subnet_of(part):
                taken.append((network, rule))
                rest += part.address_exclude(network)
            else:
                rest.append(part)
        left = rest
    return taken, left


# The addresses of the internet: where a route out has to lead.
PUBLIC = first_match([(IPv4Network(network), None) for network in _NOT_PUBLIC])[1]


def group_allows(permissions: Iterable[Rule], port: int) -> list[IPv4Network]:
    """The networks that the rules of a security group let TCP through to (or from) on ``port``.

    Groups only allow, so their rules add up. Peers that are groups or prefix lists are not among these.
    """
    return list(
        collapse_addresses(
            address_range(peer["CidrIp"])
            for permission in permissions
            if _group_rule_is_for(permission, port)
            for peer in permission.get("IpRanges", ())
        )
    )


def group_peers(permissions: Iterable[Rule], port: int) -> list[str]:
    """The ids of the groups and prefix lists that the rules let TCP through to (or from) on ``port``."""
    return [
        str(peer.get("GroupId") or peer.get("PrefixListId") or "a peer without an id")
        for permission in permissions
        if _group_rule_is_for(permission, port)
        for peer in (*permission.get("UserIdGroupPairs", ()), *permission.get("PrefixListIds", ()))
    ]


def address_range(text: str) -> IPv4Network:
    """A range of addresses, as EC2 writes it. Raises `CouldNotCheck` for what is not one."""
    try:
        return IPv4Network(text, strict=False)
    except ValueError:
        raise CouldNotCheck(f"EC2 gives {text!r} as a range of IPv4 addresses, which it is not.") from None


_BY_NAME = {"-1": "all", "all": "all", "tcp": "tcp", "udp": "udp", "icmp": "icmp", "icmpv6": "icmpv6"}


def _protocol(text: str) -> str:
    """A protocol, which EC2 writes as a name or as its number: "all", "tcp" or another.

    Raises `CouldNotCheck` for what is neither.
    """
    name = text.strip().lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    if not (name.isascii() and name.isdigit()):
        raise CouldNotCheck(f"EC2 gives the protocol {text!r} in a rule, which is not known.")
    return "tcp" if int(name) == 6 else name


def _group_rule_is_for(permission: Rule, port: int) -> bool:
    match _protocol(permission["IpProtocol"]):
        case "all":
            return True
        case "tcp" if not {"FromPort", "ToPort"} <= set(permission):
            raise CouldNotCheck("EC2 gives no ports of a rule for TCP.")
        case "tcp":
            return bool(permission["FromPort"] <= port <= permission["ToPort"])
    return False


class Passage(NamedTuple):
    """What a network ACL does with some ports: whether any packet passes, and which rules stop others.

    ``stopped`` holds each denying rule with the first and last port that it stops; () when all may pass.
    """

    passes: bool
    stopped: tuple[tuple[Rule, int, int], ...]


def acl_passage(entries: Iterable[Rule], *, egress: bool, first: int, last: int) -> Passage:
    """Judge TCP to (``egress``) or from any IPv4 address on the ports ``first`` to ``last``.

    The entry with the lowest number that fits a packet decides, address by address and port by port. What
    no entry fits is denied; every ACL of AWS ends with such an entry, 32767.
    """
    rules = sorted(
        (entry for entry in entries if entry["Egress"] is egress and "CidrBlock" in entry and _is_tcp(entry)),
        key=lambda entry: int(entry["RuleNumber"]),
    )
    edges = {first, last + 1}
    edges |= {edge for rule in rules for edge in _ports(rule) if first < edge <= last}
    passes, stopped = False, dict[int, tuple[Rule, int, int]]()
    starts = sorted(edges)
    for low, high in zip(starts, (edge - 1 for edge in starts[1:]), strict=False):
        fitting = [
            (address_range(rule["CidrBlock"]), rule)
            for rule in rules
            if _ports(rule)[0] <= low and high < _ports(rule)[1]
        ]
        taken, left = first_match(fitting)
        passes |= any(rule["RuleAction"] == "allow" for _, rule in taken)
        deniers = [rule for _, rule in taken if rule["RuleAction"] != "allow"] + [_LAST] * bool(left)
        for rule in deniers:
            _, since, _ = stopped.get(rule["RuleNumber"], (rule, low, high))
            stopped[rule["RuleNumber"]] = (rule, since, high)
    return Passage(passes, tuple(stopped[number] for number in sorted(stopped)))


_LAST: Rule = {"RuleNumber": 32767, "CidrBlock": str(ANYWHERE)}


def free_number_before(entries: Iterable[Rule], number: int, *, egress: bool) -> int:
    """The highest rule number below ``number`` that no entry of that direction has; 0 when there is none."""
    used = {entry["RuleNumber"] for entry in entries if entry["Egress"] is egress}
    return next((free for free in range(number - 1, 0, -1) if free not in used), 0)


def _is_tcp(entry: Rule) -> bool:
    return _protocol(entry["Protocol"]) in ("all", "tcp")


def _ports(entry: Rule) -> tuple[int, int]:
    """The first port of an entry, and the one after its last. "All protocols" is all ports."""
    ports = entry.get("PortRange", {}) if _protocol(entry["Protocol"]) != "all" else {}
    return ports.get("From", 0), ports.get("To", 65535) + 1


def routes_out(routes: Iterable[Rule]) -> tuple[list[Rule], list[IPv4Network]]:
    """The routes that carry packets for the internet, the most specific first; and what none carries."""
    networks = [
        (address_range(route["DestinationCidrBlock"]), route)
        for route in routes
        if "DestinationCidrBlock" in route
    ]
    networks.sort(key=lambda found: -found[0].prefixlen)
    taken, left = first_match(networks, PUBLIC)
    used = {route["DestinationCidrBlock"]: route for _, route in taken if route.get("GatewayId") != "local"}
    return list(used.values()), left
