"""Rules for packets, as EC2 describes them: of network ACLs, security groups and route tables."""

from typing import Any

ALL = "0.0.0.0/0"


def acl(number: int, action: str, cidr: str = ALL, ports: str = "", *, protocol: str = "6") -> dict[str, Any]:
    """An outbound entry of a network ACL; ``ports`` is "443" or "1024-65535"."""
    entry = {
        "Egress": True,
        "RuleNumber": number,
        "RuleAction": action,
        "CidrBlock": cidr,
        "Protocol": protocol,
    }
    first, _, last = ports.partition("-")
    return entry | ({"PortRange": {"From": int(first), "To": int(last or first)}} if ports else {})


LAST = acl(32767, "deny", protocol="-1")


def group(protocol: str, cidrs: str = "", ports: tuple[int, int] | None = None) -> dict[str, Any]:
    """A rule of a security group, for some networks."""
    rule: dict[str, Any] = {"IpProtocol": protocol, "IpRanges": [{"CidrIp": cidr} for cidr in cidrs.split()]}
    return rule | ({"FromPort": ports[0], "ToPort": ports[1]} if ports else {})


def route(cidr: str, **target: str) -> dict[str, str]:
    return {"DestinationCidrBlock": cidr, "State": "active"} | target
