"""The account's IAM as the sandbox's own data: users, groups, roles, and the policies that they have.

Enforcement and simulation read this, not moto. moto's IAM gets the same data when it is first needed (`push`), and what
clients change there is read back (`pull`).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from codedeploy_sandbox.iam.policy import Policy

Document = dict[str, Any]
Ask = Callable[..., dict[str, Any]]  # moto, asked by service, operation and parameters


@dataclass(frozen=True)
class Principal:
    """Who sends a request: the ARN that GetCallerIdentity would answer with."""

    arn: str
    access_key: str

    @property
    def account(self) -> str:
        """The number of the account."""
        return self.arn.split(":")[4]

    @property
    def kind(self) -> str:
        """`user` or `assumed-role`."""
        return self.arn.split(":", 5)[5].partition("/")[0]

    @property
    def name(self) -> str:
        """The user's name, or the name of the session."""
        return self.arn.rpartition("/")[2]

    @property
    def user_id(self) -> str:
        """IAM's unique id: AIDA... for a user, AROA...:session for the session of a role."""
        if self.kind == "assumed-role":
            return f"{self.issuer_id}:{self.name}"
        return _unique_id("AIDA", self.arn)

    @property
    def issuer(self) -> str:
        """The ARN of the role behind a session."""
        _, _, _, account, path = self.arn.rsplit(":", 4)
        return f"arn:aws:iam::{account}:role/{path.split('/')[1]}"

    @property
    def issuer_id(self) -> str:
        """IAM's unique id of the role behind a session."""
        return _unique_id("AROA", self.issuer)


@dataclass
class Identity:
    """A user, a group or a role. `groups` and `keys` (the status of each access key) are a user's, `trust` a role's."""

    arn: str
    inline: dict[str, Document] = field(default_factory=dict)
    attached: list[str] = field(default_factory=list)  # ARNs of managed policies
    boundary: str = ""  # the ARN of one
    tags: dict[str, str] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    trust: Document = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """`user`, `group` or `role`."""
        return self.arn.split(":", 5)[5].partition("/")[0]

    @property
    def name(self) -> str:
        """The name without its path."""
        return self.arn.rpartition("/")[2]

    @property
    def path(self) -> str:
        """`/`, or `/AWS/CodeDeploy/` and the like."""
        return self.arn.split(":", 5)[5].removeprefix(self.kind).removesuffix(self.name)


@dataclass
class Iam:
    """All identities of the account, the managed policies by their ARN, and the service control policies.

    An empty list of service control policies means that the account is in no organisation.
    """

    identities: list[Identity] = field(default_factory=list)
    managed: dict[str, Document] = field(default_factory=dict)
    scps: list[Document] = field(default_factory=list)

    def add(self, arn: str, **facts: Any) -> Identity:
        """Add an identity, replacing one with the same kind and name."""
        identity = Identity(arn, **facts)
        self.remove(identity.kind, identity.name)
        self.identities.append(identity)
        return identity

    def remove(self, kind: str, name: str) -> None:
        """Remove the identity of this kind and name, if there is one."""
        self.identities = [one for one in self.identities if (one.kind, one.name) != (kind, name)]

    def find(self, kind: str, name: str) -> Identity | None:
        """The `user`, `group` or `role` of this name, whatever its path."""
        return next((one for one in self.identities if (one.kind, one.name) == (kind, name)), None)

    def behind(self, arn: str) -> Identity | None:
        """Whose policies count for a caller: the user itself, or the role of a session. A session's ARN has no path."""
        kind, _, name = arn.split(":", 5)[5].partition("/")
        if kind == "assumed-role":
            return self.find("role", name.partition("/")[0])
        return next((one for one in self.identities if one.arn == arn), None)

    def policies(self, identity: Identity) -> list[Policy]:
        """The identity policies that count: its own, and for a user those of its groups."""
        found = [self.find("group", name) for name in identity.groups]
        holders = [identity, *(group for group in found if group)]
        # Assumption: matched-source
        return [
            *(
                Policy.of(f"{holder.kind}_{holder.name}_{name}", document)
                for holder in holders
                for name, document in holder.inline.items()
            ),
            *(self._policy(arn) for holder in holders for arn in holder.attached),
        ]

    def boundary(self, identity: Identity) -> Policy | None:
        """The permissions boundary of a user or a role."""
        return self._policy(identity.boundary) if identity.boundary else None

    def organisation(self) -> list[list[Policy]]:
        """The service control policies, as the one level of an organisation; none where there is no organisation."""
        policies = [Policy.of(f"scp-{number}", document) for number, document in enumerate(self.scps, 1)]
        return [policies] if policies else []

    def _policy(self, arn: str) -> Policy:
        # A policy that was deleted allows nothing.
        document = self.managed.get(arn, {"Statement": []})
        return Policy.of(arn.rpartition("/")[2], document)


def push(iam: Iam, ask: Ask) -> None:
    """Put everything into moto's IAM, which is empty. moto does not keep a user's permissions boundary."""
    for arn, document in iam.managed.items():
        path, _, name = arn.partition(":policy")[2].rpartition("/")
        ask("iam", "CreatePolicy", PolicyName=name, Path=f"{path}/", PolicyDocument=json.dumps(document))
    for one in sorted(iam.identities, key=lambda one: one.kind):  # groups come before their members
        of = {f"{one.kind.title()}Name": one.name}
        more: dict[str, Any] = {}
        if one.tags:
            more["Tags"] = [{"Key": key, "Value": value} for key, value in one.tags.items()]
        if one.kind == "role":
            more["AssumeRolePolicyDocument"] = json.dumps(one.trust)
            more |= {"PermissionsBoundary": one.boundary} if one.boundary else {}
        ask("iam", f"Create{one.kind.title()}", Path=one.path, **of, **more)
        for name, document in one.inline.items():
            text = json.dumps(document)
            ask("iam", f"Put{one.kind.title()}Policy", **of, PolicyName=name, PolicyDocument=text)
        for arn in one.attached:
            ask("iam", f"Attach{one.kind.title()}Policy", **of, PolicyArn=arn)
        for group in one.groups:
            ask("iam", "AddUserToGroup", GroupName=group, **of)
        for status in one.keys:
            key = ask("iam", "CreateAccessKey", **of)["AccessKey"]["AccessKeyId"]
            ask("iam", "UpdateAccessKey", **of, AccessKeyId=key, Status=status)


def pull(before: Iam, ask: Ask) -> Iam:
    """What moto's IAM holds now; a user's permissions boundary, which moto does not keep, is still what it was."""
    details = ask("iam", "GetAccountAuthorizationDetails")
    managed = {one["Arn"]: _current(one["PolicyVersionList"]) for one in details["Policies"]}
    now = Iam(managed=managed, scps=before.scps)
    for kind in ("Group", "Role", "User"):
        for one in details[f"{kind}DetailList"]:
            old = before.behind(one["Arn"])
            kept = old.boundary if old and kind == "User" else ""
            keys = ask("iam", "ListAccessKeys", UserName=one["UserName"]) if kind == "User" else {}
            now.add(
                one["Arn"],
                keys=[key["Status"] for key in keys.get("AccessKeyMetadata", ())],
                inline={
                    p["PolicyName"]: _read(p["PolicyDocument"]) for p in one.get(f"{kind}PolicyList", ())
                },
                attached=[p["PolicyArn"] for p in one["AttachedManagedPolicies"]],
                boundary=one.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", kept),
                tags={tag["Key"]: tag.get("Value", "") for tag in one.get("Tags", ())},
                groups=one.get("GroupList", []),
                trust=_read(one.get("AssumeRolePolicyDocument", "{}")),
            )
    return now


def _current(versions: list[dict[str, Any]]) -> Document:
    return next(_read(one["Document"]) for one in versions if one["IsDefaultVersion"])


def _read(text: str) -> Document:
    document: Document = json.loads(unquote(text))  # IAM answers with documents in percent encoding
    return document


def _unique_id(prefix: str, arn: str) -> str:
    return prefix + sha256(arn.encode()).hexdigest()[:17].upper()
