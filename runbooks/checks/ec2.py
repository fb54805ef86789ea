"""Can CodeDeploy work on this EC2 instance, which has no registration?"""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from runbooks.aws import Aws, Refusal, failures
from runbooks.aws.arn import Arn
from runbooks.aws.regions import dns_suffix, neighbours
from runbooks.checks._deployed import ELSEWHERE
from runbooks.checks._ec2 import only_ec2, profile_arn
from runbooks.checks._host import install, require, require_report, restarting, yml_path
from runbooks.checks._iam import let_in, trusts
from runbooks.checks._polling import polls_as, polls_elsewhere
from runbooks.checks._running import STARTS
from runbooks.checks._settings import stray_keys
from runbooks.commands import aws_cli, script
from runbooks.facts.ec2 import DESCRIBE, GONE, NOT_FOUND, instance, instance_profile, present, tags_of
from runbooks.facts.host_report import can_be_asked, host_report
from runbooks.facts.iam import caller_arn
from runbooks.findings import FAIL, OK, UNKNOWN, CouldNotCheck, Finding, needs
from runbooks.host import parse_version
from runbooks.host.versions import TOKENS_SINCE
from runbooks.question import Question

TITLE = "Can CodeDeploy work on the EC2 instance?"
GUIDE = "/guides/check-the-instance/#ec2"
RUNBOOK = "instance-state"

_IDENTITY_PAGE = "/guides/check-the-agent/#identity"
_ROLE_PAGE = "/guides/check-permissions/#actions"


@needs("instance")
def ec2_instance_is_running(aws: Aws, question: Question) -> Iterator[Finding]:
    """The EC2 instance is in this account and Region, and it is running.

    EC2 instances are not registered: CodeDeploy finds them by their tags or their Auto Scaling group. The neighbouring
    Regions are asked only if the instance is not here. EC2 lists a terminated instance for some time.
    """
    id_ = only_ec2(question)
    host = instance(aws, id_)
    if isinstance(host, Refusal):
        says = f"EC2 knows no instance {id_} in {aws.region} of this account: {host.code}."
        fix = f"{ELSEWHERE} One that replaced a terminated instance has another ID."
        yield Finding(FAIL, says, code="not-found", about=id_, fix=fix, next=GUIDE, of=frozenset({id_}))
        yield from _elsewhere(aws, id_)
        return
    state, name = host["State"]["Name"], tags_of(host).get("Name", "")
    what = f"The EC2 instance {id_}{f' ({name})' if name else ''}"
    why = (host.get("StateReason") or {}).get("Message", "")
    is_state = f"{what} is {state}{f': {why}' if why else ''}"
    if state == "running":
        yield Finding(OK, f"{what} is running in {aws.region}.", about=id_)
    elif state == "pending":
        says = f"{what} is pending: ask again when it runs and its agent has had two minutes."
        yield Finding(UNKNOWN, says, code="pending", about=id_)
    elif state in GONE:
        fix = "Ask about the instance that replaced it; one that is terminated does not start again."
        yield Finding(FAIL, f"{is_state}.", code="terminated", about=id_, fix=fix, next=GUIDE)
    else:
        start = aws_cli(aws.place, "ec2", "start-instances", instance_ids=id_)
        fix = start if state == "stopped" else "Wait until it is stopped, then start it."
        says = f"{is_state}. CodeDeploy deploys to running instances only."
        of = frozenset((id_, "probe", "ping"))  # so Systems Manager does not hear from it either
        yield Finding(FAIL, says, code=state, about=id_, fix=fix, next=GUIDE, of=of)


def _elsewhere(aws: Aws, id_: str) -> Iterator[Finding]:
    """Where else the instance is, of the neighbouring Regions; those that did not answer are UNKNOWN."""
    closed: dict[str, list[str]] = {}  # Regions by the reason why they did not answer
    for region in neighbours(aws.region):
        expecting = (*failures.DENIED, *failures.UNKNOWN_CREDENTIALS)
        found = instance(aws, id_, region=region, expecting=expecting)
        if not isinstance(found, Refusal):
            fix = f"Use {region} (--region {region}), if the deployment group is there too."
            says = f"The EC2 instance {id_} is in {region}, not in {aws.region}."
            of = frozenset((id_, region))
            yield Finding(FAIL, says, code="in-another-region", about=id_, fix=fix, next=GUIDE, of=of)
        elif found.code != NOT_FOUND:
            closed.setdefault(failures.refused(DESCRIBE, found), []).append(region)
    for reason, regions in closed.items():
        says = f"Could not check {', '.join(regions)}: {reason}"
        yield Finding(UNKNOWN, says, code="regions-not-checked", about=id_)


@needs("instance")
def ec2_instance_has_a_role(aws: Aws, question: Question) -> Iterator[Finding]:
    """The EC2 instance has an instance profile with a role that EC2 may assume.

    The role is the identity of the host: its agent signs as it, and fetches revisions as it. A role without an instance
    profile cannot be given to an instance.
    """
    id_ = only_ec2(question)
    arn = profile_arn(present(aws, id_))
    if not arn:
        says = f"{id_} has no instance profile, so its agent has no credentials."
        attach = aws_cli(aws.place, "ec2", "associate-iam-instance-profile", instance_id=id_)
        fix = f"Attach an instance profile whose role may read the revisions, in place of NAME, and restart the agent: `{attach} --iam-instance-profile Name=NAME`"
        of = frozenset((id_, "missing-credentials"))  # as the agent's log says it
        yield Finding(FAIL, says, code="no-profile", about=id_, fix=fix, next=_ROLE_PAGE, of=of)
        return
    profile = instance_profile(aws, arn)
    if profile is None:
        says = f"{id_} has the instance profile {arn}, and IAM has no such profile."
        fix = "Attach an instance profile that exists."
        yield Finding(FAIL, says, code="no-such-profile", about=arn, fix=fix, next=_ROLE_PAGE)
    elif not profile["Roles"]:
        says = f"The instance profile {arn} of {id_} has no role, so EC2 renews no credentials for it."
        name = Arn.of(arn).name
        add = aws_cli(aws.place, "iam", "add-role-to-instance-profile", instance_profile_name=name)
        fix = f"Add a role that may read the revisions to the instance profile, in place of NAME: `{add} --role-name NAME`"
        yield Finding(FAIL, says, code="no-role", about=arn, fix=fix, next=_ROLE_PAGE)
    else:
        yield _trusting(aws, id_, profile["Roles"][0])


def _trusting(aws: Aws, id_: str, role: dict[str, Any]) -> Finding:
    arn, trust = role.get("Arn"), role.get("AssumeRolePolicyDocument")
    if not arn or not isinstance(trust, dict):
        raise CouldNotCheck(f"IAM gives no trust policy of the role of {id_}.")
    principal = f"ec2.{dns_suffix(aws.region)}"
    answer = trusts(trust, {principal, "ec2.amazonaws.com"})
    if answer.doubt:
        raise CouldNotCheck(f"whether EC2 may assume {arn} is not known: {answer.doubt}.")
    if answer.yes:
        return Finding(OK, f"{id_} has the role {arn}, which EC2 may assume.", about=arn)
    says = f"The role {arn} of {id_} cannot be assumed by EC2: {answer.why}."
    fix = let_in(aws, arn, trust, answer, principal)
    return Finding(FAIL, says, code="not-trusted", about=arn, fix=fix, next=_ROLE_PAGE)


@needs("instance")
def metadata_service_serves_the_agent(aws: Aws, question: Question) -> Iterator[Finding]:
    """The EC2 instance's metadata service answers, in the way in which its agent asks.

    The agent has its name, Region and credentials from there. Agent 1.2.1 and later bring a token (IMDSv2), by their
    source; an older one is refused where the instance requires tokens. How far the answers may travel (the hop limit)
    matters only for an agent in a container: it is named where the probe, which runs as the SSM Agent does, got no answer.
    """
    id_ = only_ec2(question)
    options = present(aws, id_).get("MetadataOptions") or {}
    page = "/guides/check-the-network/#metadata"
    if (endpoint := options.get("HttpEndpoint")) not in ("enabled", "disabled"):
        raise CouldNotCheck(f"EC2 does not say whether the metadata service of {id_} is on.")
    if endpoint == "disabled":
        change = {"instance_id": id_, "http_endpoint": "enabled"}
        fix = aws_cli(aws.place, "ec2", "modify-instance-metadata-options", **change)
        says = (
            f"The metadata service of {id_} is off, so its agent learns neither its name nor its credentials."
        )
        yield Finding(FAIL, says, code="off", about=id_, fix=fix, next=page, of=_unnamed(id_))
        return
    if can_be_asked(aws, question) and (barred := _barred(aws, question, options)):
        yield barred
        return
    if options.get("HttpTokens") == "optional":
        yield Finding(OK, f"The metadata service of {id_} is on, with or without a token.", about=id_)
        return
    report = require_report(aws, question, agent=True)
    version = require(report.agent.version, f"the version of the agent on {id_}")
    number = parse_version(version)
    if number is None:
        raise CouldNotCheck(f"{version!r} is not a version of the agent.")
    version = ".".join(map(str, number[:3]))
    if number >= TOKENS_SINCE:
        says = f"The metadata service of {id_} is on, and requires a token, which agent {version} brings."
        yield Finding(OK, says, about=id_)
    else:
        says = f"The metadata service of {id_} requires a token, and agent {version} brings none."
        fix = install(report, aws.region)
        yield Finding(FAIL, says, code="tokens-required", about=id_, fix=fix, next=page, of=_unnamed(id_))


def _unnamed(id_: str) -> frozenset[str]:
    """What follows for an agent that does not learn who it is: its log says so, and its worker does not start."""
    return frozenset((id_, "no-identity", STARTS))


def _barred(aws: Aws, question: Question, options: Mapping[str, Any]) -> Finding | None:
    """That the metadata service is on, and its answers do not get to the host, as the probe asked it there."""
    id_, answers = question.instance, host_report(aws, question).network.imds_answers
    if answers.value is not False:
        return None
    says = f"The metadata service of {id_} is on, and does not answer the host ({answers.by})."
    fix = (
        "Take out the rule of the firewall or the route on the host that keeps packets from 169.254.169.254."
    )
    if "(28)" in answers.by and options.get("HttpPutResponseHopLimit") == 1:
        change = {"instance_id": id_, "http_put_response_hop_limit": "2"}
        fix = aws_cli(aws.place, "ec2", "modify-instance-metadata-options", **change)
        says += " Its hop limit is 1, so its answers do not reach into a container; if the agent runs in none, a firewall of the host drops them."
    page = "/guides/check-the-network/#metadata"
    return Finding(FAIL, says, code="no-answer", about=id_, fix=fix, next=page, of=_unnamed(id_))


@needs("instance")
def agent_works_as_the_ec2_instance(aws: Aws, question: Question) -> Iterator[Finding]:
    """The agent on the EC2 instance takes its identity from the instance profile, not from a file.

    An on-premises yml in its place, as a copied image may hold, makes the agent another host. By reports of users it
    also takes keys in /root/.aws/credentials before those of the role.
    """
    id_ = only_ec2(question)
    report = require_report(aws, question, agent=True)
    path = yml_path(report)
    if require(report.identity_file.exists, f"whether {path} is on {id_}"):
        arn = report.identity.iam_session_arn.value or report.identity.iam_user_arn.value
        says = (
            f"There is {path} on {id_}, and its agent takes its identity from it{f': {arn}' if arn else ''}."
        )
        fix = restarting(report, script(f"sudo mv {shlex.quote(path)} {shlex.quote(f'{path}.unused')}"))
        yield Finding(FAIL, says, code="stray-yml", about=path, fix=fix, next=_IDENTITY_PAGE)
        return
    own = _own_arn(aws, id_)
    bad = [
        *stray_keys(report, id_),
        *polls_as(report, id_, own, f"there is no {path} now and the instance is {own}"),
        *polls_elsewhere(report, id_, aws.region, f"{id_} is in {aws.region}"),
    ]
    yield from bad
    if not bad:
        says = f"There is no {path} on {id_}, so its agent works as the EC2 instance."
        yield Finding(OK, says, about=id_)


def _own_arn(aws: Aws, id_: str) -> str:
    """The ARN that an agent on this instance has, by the source of agent 1.8.1 (lib/instance_metadata.rb)."""
    caller = Arn.of(caller_arn(aws))
    return f"arn:{caller.partition}:ec2:{aws.region}:{caller.account}:instance/{id_}"
