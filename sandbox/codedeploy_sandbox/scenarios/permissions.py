"""Missing permissions and missing identities."""

from collections.abc import Callable

from codedeploy_sandbox.hosts.machine import user_yml
from codedeploy_sandbox.iam.identities import Document
from codedeploy_sandbox.moto_client import Ask
from codedeploy_sandbox.scenarios.baseline import CALLER_POLICIES, HOST_ROLE, allow, encrypts, only
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import forget, machine, user
from codedeploy_sandbox.scenarios.records import played
from codedeploy_sandbox.state import ACCOUNT, REGION, Account

_ALIAS = "alias/revisions"


def key_inactive(account: Account) -> None:
    """The instance web-01 is registered by an IAM user, whose only access key is inactive."""
    healthy(account)
    old, world = forget(account, "web-01"), account.state(REGION)
    world.register("web-01", old.registered, user=user("web-01"))
    world.instances["web-01"].tags = old.tags
    machine(account, identity=user_yml(user("web-01"), REGION))
    like = account.iam.behind(user("batch-01"))
    account.iam.add(user("web-01"), inline=dict(like.inline) if like else {}, keys=["Inactive"])


def role_missing(account: Account) -> None:
    """The role behind web-01's session was deleted."""
    healthy(account)
    account.iam.remove("role", HOST_ROLE)


def bucket_denied(account: Account) -> None:
    """The role of the hosts may not read the revision bucket."""
    healthy(account)
    only(account, name=HOST_ROLE)
    played(account, "bundle-denied")


def bucket_key_denied(account: Account) -> None:
    """The bucket of the revisions encrypts with a KMS key, and no policy lets the role of the hosts decrypt with it."""
    _encrypted(account)


def bucket_key_disabled(account: Account) -> None:
    """The KMS key with which the bucket of the revisions encrypts is disabled."""
    _encrypted(account, lambda ask, key: ask("kms", "DisableKey", KeyId=key))
    role = account.iam.find("role", HOST_ROLE)
    if role:
        role.inline["Decrypt"] = allow("kms:Decrypt")


def _encrypted(account: Account, change: Callable[[Ask, str], object] = lambda ask, key: None) -> None:
    """The healthy fleet, whose bucket encrypts with a KMS key; `change` then changes that."""
    healthy(account)

    def make(ask: Ask) -> None:
        key = ask("kms", "CreateKey", Description="Revisions")["KeyMetadata"]["KeyId"]
        ask("kms", "CreateAlias", AliasName=_ALIAS, TargetKeyId=key)
        change(ask, key)

    def encrypt(ask: Ask) -> None:
        key = ask("kms", "DescribeKey", KeyId=_ALIAS)["KeyMetadata"]["Arn"]
        encrypts(ask, SSEAlgorithm="aws:kms", KMSMasterKeyID=key)

    account.seeds += [("kms", make), ("s3", encrypt)]


def commands_secure_denied(account: Account) -> None:
    """The agent on web-01 has enable_auth_policy on, but its role may not use codedeploy-commands-secure."""
    healthy(account)
    machine(account, settings=":enable_auth_policy: true\n")


def caller_denied(account: Account) -> None:
    """The caller may read everything, but neither register nor tag an instance."""
    healthy(account)
    only(account, CALLER_POLICIES["Diagnose"], CALLER_POLICIES["Probe"])


def simulation_denied(account: Account) -> None:
    """The caller may do everything except use IAM's policy simulator, so what is allowed is not known."""
    healthy(account)
    less = _without("iam:Simulate*", CALLER_POLICIES["Diagnose"])
    only(account, *(CALLER_POLICIES | {"Diagnose": less}).values())


def list_needs_star(account: Account) -> None:
    """The caller's policy names the ARNs of instances only: Get is allowed, and List, which needs `*`, is denied."""
    healthy(account)
    less = _without("codedeploy:List*", CALLER_POLICIES["Diagnose"])
    names = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:instance:*"
    instances = allow("codedeploy:*OnPremisesInstance*", on=names)
    others = allow("codedeploy:ListApplication*", "codedeploy:ListDeployment*")
    only(account, *(CALLER_POLICIES | {"Diagnose": less, "Register": instances}).values(), others)


def _without(action: str, document: Document) -> Document:
    (statement,) = document["Statement"]
    rest = [one for one in statement["Action"] if one != action]
    return {**document, "Statement": [{**statement, "Action": rest}]}
