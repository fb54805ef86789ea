"""The permissions of the identity that the host signs with."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.arn import Arn
from runbooks.checks._ec2 import only_on_premises, role_of
from runbooks.checks._iam import COMMANDS, simulated
from runbooks.checks._revision import bundle_asked
from runbooks.commands import aws_cli, substituted, then
from runbooks.facts.encryption import default_encryption, key
from runbooks.facts.host_report import host_report
from runbooks.facts.iam import access_keys, caller_arn, holder
from runbooks.facts.registration import registered_arn
from runbooks.facts.revisions import bucket_region
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, CouldNotCheck, Finding, NotApplicable, needs
from runbooks.host import switched_on
from runbooks.question import Question, is_ec2

TITLE = "What may the host's identity do?"
GUIDE = "/guides/check-permissions/"
RUNBOOK = "permissions"

_DENIED = "/guides/check-permissions/#deny-kinds"
_KMS = "/symptoms/s3-kms-denied/"


@needs("instance")
def registered_identity_exists(aws: Aws, question: Question) -> Iterator[Finding]:
    """The identity that the instance is registered with exists, and a user's access key is active.

    It is not verified whether registration checks that the identity exists; one that is deleted later shows only when
    the agent signs with it. Of a user its keys are checked, of a session its role: whether a session has expired shows
    on the host.
    """
    only_on_premises(question)
    arn = _registered(aws, question)
    identity = holder(aws, arn)
    if identity is None:
        kind = "user" if Arn.of(arn).kind == "user" else "role"
        yield Finding(
            FAIL,
            f"{question.instance} is registered as {arn}, but IAM has no such {kind}: the agent cannot sign.",
            code="no-such-identity",
            about=arn,
            fix=f"Create that {kind} again, or register {question.instance} with an identity that exists.",
            next="/guides/check-the-agent/#identity",
        )
    elif "UserName" in identity:
        yield _keys(aws, arn, identity["UserName"])
    else:
        says = f"{question.instance} is registered as a session of {identity['Arn']}, which exists."
        yield Finding(OK, says, about=arn)


@needs("instance")
def host_may_read_the_bucket(aws: Aws, question: Question) -> Iterator[Finding]:
    """The host's identity may read the revision bucket.

    The agent fetches the revision with it: on-premises the identity that is registered, on EC2 the role of the instance.
    Without --bucket it is the revision of the deployment, or else the one that the deployment group was given last. AWS
    documents three actions: without s3:GetObject no revision arrives; the other two are for versioned revisions and for a
    clear error if an object is missing. Give `BUCKET/KEY` if policies allow a prefix only. The bucket's own policy and its
    encryption key are not part of the simulation, so an OK is of the identity's own policies.
    """
    bucket, _, key = bundle_asked(aws, question).partition("/")
    who = _host_identity(aws, question)
    arn = f"arn:{Arn.of(who).partition}:s3:::{bucket}"
    objects = ("s3:GetObject", "s3:GetObjectVersion")
    folder = key[: key.rfind("/") + 1]  # the next revision has another name, and rather the same folder
    yield from simulated(
        aws, who, objects, f"{arn}/{key or '*'}", page=_DENIED, useful=objects[1:], granted=f"{arn}/{folder}*"
    )
    yield from simulated(aws, who, ("s3:ListBucket",), arn, page=_DENIED, useful=("s3:ListBucket",))


@needs("instance")
def host_may_use_the_key_of_the_bucket(aws: Aws, question: Question) -> Iterator[Finding]:
    """The host's identity may decrypt with the KMS key of the bucket's default encryption, and the key is enabled.

    S3 decrypts a revision with the identity that fetches it. The default is what the bucket says; with which key an
    object is encrypted, a pipeline's artifact above all, only a read of the object shows, which a diagnosis does not
    do. The policy of the key and its grants are not part of the simulation.
    """
    bucket, who = bundle_asked(aws, question).partition("/")[0], _host_identity(aws, question)
    default = default_encryption(aws, bucket)
    if isinstance(default, Refusal):
        raise NotApplicable(f"The bucket {bucket} is not there: {default.code}.", about=bucket)
    algorithm, id_ = default
    if "kms" not in algorithm or not id_ or id_.endswith("alias/aws/s3"):
        raise NotApplicable(_no_own_key(bucket, algorithm), about=bucket)
    found = key(aws, id_, "" if id_.startswith("arn:") else bucket_region(aws, bucket))
    if found is None:
        says = f"The key {id_}, of the default encryption of {bucket}, is not there: nothing encrypted with it can be read."
        yield Finding(FAIL, says, code="no-key-there", about=id_, next=_KMS)
        return
    arn, state = str(found["Arn"]), str(found["KeyState"])
    if found.get("KeyManager") == "AWS":
        raise NotApplicable(_no_own_key(bucket, algorithm), about=bucket)
    if state != "Enabled":
        yield _unusable(aws, bucket, found)
        return
    could = "none of its policies allows it; the key's own policy or a grant may, which was not checked"
    for finding in simulated(aws, who, ("kms:Decrypt",), arn, page=_KMS, elsewhere=could):
        of = f" It is the key of the default encryption of {bucket}; a revision may have another."
        yield replace(finding, says=finding.says + of)


def _no_own_key(bucket: str, algorithm: str) -> str:
    what = {"": "no default encryption", "AES256": "the default encryption AES256, which needs no key"}
    named = what.get(algorithm, f"the default encryption {algorithm} with the key that AWS manages for S3")
    return f"{bucket} has {named}. A revision that was uploaded with a key of its own does not show here."


def _unusable(aws: Aws, bucket: str, found: Mapping[str, Any]) -> Finding:
    """The finding about a key in a state in which it decrypts nothing."""
    arn, id_, state = str(found["Arn"]), str(found["KeyId"]), str(found["KeyState"])
    at = replace(aws.place, region=Arn.of(arn).region)
    enable = aws_cli(at, "kms", "enable-key", key_id=id_)
    cancel = aws_cli(at, "kms", "cancel-key-deletion", key_id=id_)
    ask = "Ask who {} it, and why; CloudTrail has the {} of the last 90 days. If it was a mistake: `{}`."
    fixes = {
        "Disabled": ask.format("disabled", "DisableKey", enable),
        "PendingDeletion": ask.format("scheduled", "ScheduleKeyDeletion", then(cancel, enable)),
    }
    says = f"The key {arn}, of the default encryption of {bucket}, is {state}: nothing encrypted with it can be read."
    verdict = UNKNOWN if state in ("Creating", "Updating") else FAIL
    return Finding(verdict, says, code="key-not-enabled", about=arn, fix=fixes.get(state, ""), next=_KMS)


@needs("instance")
def host_may_use_commands_secure(aws: Aws, question: Question) -> Iterator[Finding]:
    """The host's identity may use the endpoint codedeploy-commands-secure, if the agent uses it.

    The agent polls that endpoint only with `enable_auth_policy: true`, and then needs four actions that AWS's managed
    policies for instances do not hold. Without them each poll is denied.
    """
    who = _host_identity(aws, question)
    report = host_report(aws, question)
    switch = switched_on(report.config.enable_auth_policy, report.agent.line.value)
    if switch.error:
        raise CouldNotCheck(f"whether enable_auth_policy is on is not known: {switch.error}.")
    if not switch.value:
        raise NotApplicable(
            "enable_auth_policy is off on the host, so its agent needs no permission to poll."
        )
    yield from simulated(aws, who, COMMANDS, "*", page="/guides/check-permissions/#actions")


def _registered(aws: Aws, question: Question) -> str:
    """The ARN that the instance is registered with. Raises `NotApplicable` if it is not registered."""
    arn = registered_arn(aws, question.instance)
    if not arn:
        says = f"{question.instance} is not registered, so it has no identity."
        raise NotApplicable(says, about=question.instance)
    caller = caller_arn(aws)
    if Arn.of(arn).account != Arn.of(caller).account:
        raise CouldNotCheck(
            f"{arn} is of another account, whose IAM {caller} cannot read: use credentials of that account."
        )
    return arn


def _host_identity(aws: Aws, question: Question) -> str:
    """The ARN of the user or role whose policies count for the host. Raises `NotApplicable` if there is none."""
    if is_ec2(question.instance):
        return role_of(aws, question.instance)
    arn = _registered(aws, question)
    identity = holder(aws, arn)
    if identity is None:
        says = f"{arn} does not exist, so it has no permissions."
        raise NotApplicable(says, about=arn, next="registered-identity-exists")
    return str(identity["Arn"])


def _keys(aws: Aws, arn: str, user: str) -> Finding:
    keys = access_keys(aws, user)
    active = sum(key["Status"] == "Active" for key in keys)
    has = f"The user {user} has {len(keys)} access key{'' if len(keys) == 1 else 's'}"
    if not keys:
        # A new key serves the host only once it is in the agent's yml there, and its secret is shown only then.
        fix = f"Create an access key for {user}, and put it into the agent's yml on the host."
        says = f"The user {user} has no access key: the agent cannot sign."
        return Finding(FAIL, says, code="no-key", about=arn, fix=fix)
    if not active:
        says = f"{has}, none of them active: the agent cannot sign."
        fix, page = _activate(aws, user, len(keys)), "/guides/check-the-agent/#identity"
        return Finding(FAIL, says, code="no-active-key", about=arn, fix=fix, next=page)
    if active < len(keys):
        says = f"{has}, {active} of them active; which of them the host signs with is not known."
        return Finding(WARN, says, code="some-keys-inactive", about=arn)
    return Finding(OK, f"{has}, all active.", about=arn)


def _activate(aws: Aws, user: str, count: int) -> str:
    """What to do where no access key of a user is active: who set it so may have had a reason."""
    ask = "Ask who set it to inactive, and why; CloudTrail has the UpdateAccessKey of the last 90 days."
    new = f"If the key leaked or was replaced, create a new one for {user} and put it into the agent's yml on the host."
    # the command asks for the key's id, because reports mask it
    query = "AccessKeyMetadata[0].AccessKeyId"
    one = aws_cli(aws.place, "iam", "list-access-keys", user_name=user, query=query, output="text")
    activate = aws_cli(aws.place, "iam", "update-access-key", user_name=user, status="Active")
    again = substituted(activate, "access-key-id", one)
    which = f"`{again}`" if count == 1 else "set the one in the agent's yml to active"
    return f"{ask} {new} Otherwise {which}."
