"""Is the agent there, does it run, and is it who it should be?"""

from collections.abc import Iterator
from datetime import timedelta

from runbooks.aws import Aws
from runbooks.checks._advice import advice
from runbooks.checks._ec2 import only_on_premises
from runbooks.checks._host import (
    CONFIG,
    IDENTITY_PAGE,
    age_of,
    arn_of,
    config_path,
    host_name,
    install,
    install_again,
    require,
    require_report,
    restarting,
    set_line,
    take_session,
    unreadable,
    why_unreadable,
    yml_faults,
    yml_path,
)
from runbooks.checks._polling import metadata, polls_as, polls_elsewhere
from runbooks.checks._registering import needed_tags, register_instead
from runbooks.checks._running import (
    STARTS,
    beside_systemd,
    by_systemd,
    does_not_work,
    not_enabled,
    of_before,
    of_the_future,
)
from runbooks.checks._settings import bad_settings, configure
from runbooks.checks._start import what_stops
from runbooks.commands import then
from runbooks.facts.registration import registered_arn, registered_arns
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, CouldNotCheck, Finding, Log, NotApplicable, needs
from runbooks.host import HostReport, gist, judge_log, longest_silence, run_state, supported
from runbooks.host.versions import METADATA_SINCE, is_before
from runbooks.question import Question

TITLE = "Does the agent work, and as whom?"
GUIDE = "/guides/check-the-agent/"
RUNBOOK = "agent"

# A failing agent polls, and logs, at least every 90 seconds.
_FAILURE_IS_OVER = timedelta(minutes=10)


def agent_is_installed(aws: Aws, question: Question) -> Iterator[Finding]:
    """The agent is installed on the host.

    Registration does not ask for it, so a host without one looks well until a deployment waits for it and
    fails. The probe asks dpkg and rpm, and looks for the file in which the agent keeps its version.
    """
    report = require_report(aws, question)
    name, installed = host_name(question, report), report.agent.installed
    if require(installed, f"whether the agent is installed on {name}"):
        yield _whole(report, name, aws.region)
    else:
        yield Finding(
            FAIL,
            f"No agent is installed on {name} ({installed.by}).",
            code="absent",
            about=name,
            fix=install(report, aws.region),
            next="/guides/agent-not-installed/#mend",
        )


def _whole(report: HostReport, name: str, region: str) -> Finding:
    """Whether an agent that is installed has the certificates that 1.x reads at each start, by its source."""
    installed, certificates = report.agent.installed, report.agent.certificates
    if certificates.value is not False:
        return Finding(OK, f"The agent is installed on {name} ({installed.by}).", about=name)
    state = run_state(report)
    verdict, at = (WARN, "its next start") if state and state.state == "polls" else (FAIL, "each start")
    says = f"The agent on {name} is incomplete: {certificates.by}, and its worker ends at {at}."
    fix, page = install_again(report, region), "/symptoms/agent-damaged/"
    return Finding(verdict, says, code="no-certificates", about=name, fix=fix, next=page)


def agent_is_running(aws: Aws, question: Question) -> Iterator[Finding]:
    """The agent runs, and only once.

    One that does not run fetches no deployment: the target stays pending and then fails. Nor does one whose worker
    ends at each start, though systemd calls it `active`. Read the agent's log before you restart it, since a restart
    hides why it stopped. Whether an agent that runs is silent, the check of its log says.
    """
    report = require_report(aws, question, agent=True)
    name, running = host_name(question, report), report.agent.running
    if require(running, f"whether the agent runs on {name}"):
        require(report.agent.processes, f"which processes the agent on {name} has")
    if bad := does_not_work(report, name):
        yield bad
        return
    yield Finding(OK, f"The agent runs on {name} ({by_systemd(running.by)}).", about=name)
    yield from beside_systemd(report, name)
    yield from of_before(report, name)
    yield from not_enabled(report, name)


def agent_version_is_supported(aws: Aws, question: Question) -> Iterator[Finding]:
    """The agent's version is one that AWS supports.

    AWS supports the newest minor version; that 1.8 is still one while 2.x is out is inferred. An old agent shows when
    it deploys, or no longer starts after the host has changed. The table of versions is the guide's own and has a date.
    """
    report = require_report(aws, question, agent=True)
    name = host_name(question, report)
    version = require(report.agent.version, f"the version of the agent on {name}")
    support = supported(version)
    says = f"On {name}, {support.says}."
    if support.state == "unreadable":
        yield Finding(
            UNKNOWN, f"Could not check: on {name}, {support.says}.", code="unreadable-version", about=name
        )
    elif support.state == "supported":
        yield Finding(OK, says, about=name)
    elif support.state == "unlisted":  # newer than the table does not prove that it is supported
        yield Finding(
            WARN,
            f"{says} Look at AWS's own list.",
            code="unlisted-version",
            about=name,
            next="/guides/agent-too-old/#look",
        )
    else:
        verdict = WARN if support.state == "superseded" else FAIL
        yield Finding(
            verdict,
            says,
            code="old-version",
            about=name,
            fix=install(report, aws.region),
            next="/guides/agent-too-old/#mend",
            explained_by=(
                "host-has-the-tools",
                "metadata-service-serves-the-agent",
            ),  # to be fixed first
        )


@needs("instance")
def agent_identity_is_the_registered_one(aws: Aws, question: Question) -> Iterator[Finding]:
    """The agent's yml names one identity, and it is the one that the instance is registered with.

    A host does not know its CodeDeploy name: this ARN is all that joins the two, letter for letter. Where
    they differ, users report that AWS answers the agent with AccessDeniedException.
    """
    only_on_premises(question)
    report = require_report(aws, question, agent=True)
    name, faults = question.instance, yml_faults(report)
    for fault in faults:
        yield Finding(
            FAIL,
            f"The agent on {name} has no valid identity. {fault}",
            code="unsound-yml",
            about=name,
            fix="Write the yml again, with the Region, one ARN and what its kind needs, and restart the agent.",
            next=IDENTITY_PAGE,
        )
    if faults:
        return
    registered, arn, region = (
        registered_arn(aws, question.instance),
        arn_of(report),
        report.identity.region.value,
    )
    if not registered:
        raise NotApplicable(
            f"{name} is not registered in {aws.region}, so there is nothing to compare with.", about=name
        )
    if arn == registered:
        yield Finding(OK, f"The agent on {name} is {arn}, as {name} is registered.", about=arn)
    else:
        yield Finding(
            FAIL,
            f"The agent on {name} is {arn}, but {name} is registered as {registered}.",
            code="other-arn",
            about=arn,
            fix=take_session(report, registered),
            next=IDENTITY_PAGE,
            of=frozenset((name, "identity")),
        )
    if region != aws.region:
        says = f"The yml of {name} sends its agent to {region}, but {name} is registered in {aws.region}."
        fix = set_line(report, yml_path(report), "region", aws.region)
        yield Finding(FAIL, says, code="other-region", about=name, fix=fix, next=IDENTITY_PAGE)
    though = f"its yml names {arn}: it has not read the yml since"
    yield from polls_as(report, name, arn, though)
    yield from polls_elsewhere(report, name, aws.region, f"{name} is registered in {aws.region}")


def agent_identity_is_registered_under_this_name(aws: Aws, question: Question) -> Iterator[Finding]:
    """No other name is registered with the ARN that the agent on this host has.

    A copied image, or a host that was given a new name, works under the name that holds its ARN. No call
    searches by ARN, so all registered names are read, and only where this one does not hold it.
    """
    only_on_premises(question)
    report = require_report(aws, question, agent=True)
    name = question.instance
    if not name:
        raise NotApplicable("No instance was asked about.")
    if faults := yml_faults(report):
        raise NotApplicable(f"The agent on {name} has no valid identity to look for. {faults[0]}", about=name)
    registered, arn = registered_arn(aws, question.instance), arn_of(report)
    if arn == registered:
        yield Finding(OK, f"{arn}, the agent's on {name}, is registered as {name}.", about=arn)
        return
    holders = [holder for holder, held in registered_arns(aws).items() if held == arn]
    if not registered and name.lower() in map(str.lower, holders):
        raise NotApplicable(f"{name} is {' and '.join(holders)} but for upper and lower case.", about=name)
    for holder in holders:
        yield Finding(
            FAIL,
            f"The agent on {name} has the ARN of {holder}, {arn}.",
            code="held-by-another-name",
            about=holder,
            fix=take_session(report, registered) if registered else _of_its_own(aws, question, holder, arn),
            next="/guides/check-the-instance/#arn",
            of=frozenset((name, "identity", holder)),
        )
    if not holders:
        yield Finding(OK, f"{arn}, the agent's on {name}, is registered under no other name.", about=arn)


def _of_its_own(aws: Aws, question: Question, holder: str, arn: str) -> str:
    """What to do about a host whose ARN is registered under another name: whether that is the same host is not known."""
    name, tags = question.instance, needed_tags(aws, question)
    rename = then(register_instead(aws, holder, name, arn), *tags)
    return (
        f"If {holder} is this host, ask about {holder}, or give it the name {name}. Note the tags of {holder} before, which are lost: `{rename}`{'' if tags else ', then add its tags'}."
        f" If {holder} is another host, this one is a copy of it: give it an identity of its own."
    )


def agent_settings_are_sound(aws: Aws, question: Question) -> Iterator[Finding]:
    """The agent's configuration is there, and sets nothing that stops the agent or writes secrets.

    Agent 1.x does not start without the file, and takes every quoted value of a switch for on, "false" too.
    use_fips_mode is for Regions in the United States only. log_aws_wire writes signatures and session tokens to a
    file of its own, and is meant for a short time. A proxy needs http:// in front.
    """
    report = require_report(aws, question, agent=True)
    name, file, page = host_name(question, report), report.config_file, "/guides/check-the-agent/#look"
    if not require(file.exists, f"whether the agent on {name} is configured"):
        verdict = FAIL if report.agent.line.value == "1.x" else WARN
        says, fix = f"There is no {CONFIG} on {name}.", configure(report) if verdict is FAIL else ""
        yield Finding(verdict, says, code="no-configuration", about=name, fix=fix, next=page)
        return
    if unreadable(report, file):
        yield Finding(
            FAIL,
            f"The agent on {name} cannot read its configuration: {file.readable.by}.",
            code="unreadable-configuration",
            about=name,
            fix="Put a file that root can read in its place, and restart the agent.",
            next=page,
        )
        return
    bad = False
    for finding in bad_settings(report, name):
        bad = True
        yield finding
    if not bad:
        yield Finding(
            OK, f"{config_path(report)} on {name} is there, with nothing known to be bad in it.", about=name
        )


def agent_takes_its_region_from_its_yml(aws: Aws, question: Question) -> Iterator[Finding]:
    """Agent 1.x takes its Region and endpoint from its own files, not from a metadata service.

    From 1.3.1 to 1.8.x, whatever answers at 169.254.169.254 gives the agent its Region and domain, even with a
    yml. On another cloud that is a wrong host name, or since 1.7.1 a worker that ends at each start. Whether the service requires
    a token (IMDSv2) makes no difference: these versions send one.
    """
    report = require_report(aws, question, agent=True)
    name = host_name(question, report)
    line = require(report.agent.line, f"the line of the agent on {name}")
    if line != "1.x":
        raise NotApplicable(f"The agent on {name} is of the line {line}; this is known of 1.x.", about=name)
    if reason := why_unreadable(report):
        raise NotApplicable(reason, about=name)
    if is_before(report.agent.version.value, METADATA_SINCE):
        older = (
            f"Agent {report.agent.version.value} on {name} is older than 1.3.1; this is known of later ones."
        )
        raise NotApplicable(older, about=name)
    endpoint = report.config.deploy_control_endpoint
    if endpoint.error:
        require(endpoint, f"deploy_control_endpoint on {name}")
    if endpoint.value:
        yield Finding(OK, f"The configuration of {name} names the endpoint, {endpoint.value}.", about=name)
    elif not require(report.network.imds_answers, f"whether a metadata service answers {name}"):
        slow = (
            "; agent 1.x waits 3.5 minutes for one at its start"
            if "(28)" in report.network.imds_answers.by
            else ""
        )
        yield Finding(OK, f"No metadata service answers {name}{slow}.", about=name)
    else:
        yield metadata(report, name, require(report.network.imds_status, f"what answers {name} as metadata"))


_AT_START = "error during start or run"  # how agent 1.x logs that its worker did not start


def agent_log_is_clean(aws: Aws, question: Question) -> Iterator[Finding]:
    """The newest lines of the agent's log hold nothing that is known to be bad.

    The probe brings the newest lines, secrets masked, and a dictionary of both lines of the agent, 1.x and
    2.x, knows what they mean. What a later success has taken back is left out. Lines that the dictionary
    does not know say nothing.
    """
    report = require_report(aws, question, agent=True)
    name, running = host_name(question, report), report.agent.running.value
    path = report.log_file.path.value or "the agent's log"
    if report.log_file.exists.value is False and running is False:
        raise NotApplicable(
            f"There is no {path} on {name}, and no agent runs that would write it.", about=name
        )
    lines = require(report.log.lines, f"what {path} says")
    if not lines:
        raise CouldNotCheck(f"{path} on {name} is empty.")
    state = run_state(report)
    causes = () if state and state.state == "polls" else what_stops(report, name)
    judged, silent = judge_log(lines), age_of(report, report.log_file) or timedelta(0)
    logs = (Log(name, path, lines),)
    for one in judged.faults:
        # 2.x logs no success, but it would have logged the next failure.
        sticks, second = one.symptom.sticks, report.agent.line.value == "2.x"
        over = one.since or (running and second and not sticks and silent > _FAILURE_IS_OVER)
        cause, do = advice(report, one, question.instance)
        past = " It has not been logged again since, so it may be past." if over else ""
        of = frozenset((name, one.symptom.id, *([STARTS] if _AT_START in one.line else ())))
        more = (check for check in one.symptom.checks if check != "agent-is-running")
        yield Finding(
            WARN if over else FAIL,
            f"The agent's log on {name} says: “{gist(one.line, one.symptom)}”. {cause}{past}",
            code="bad-line",
            about=one.symptom.id,
            fix=do,
            of=of,
            below=f"The agent's log on {name} says: “{gist(one.line, one.symptom)}”.{past}",
            next=f"/symptoms/{one.symptom.id}/",
            logs=logs,
            explained_by=(*(() if sticks else causes), *more),
        )
    for line in judged.unknown:
        says = f"The agent's log on {name} has an error that this guide does not know: “{gist(line)}”"
        yield Finding(
            WARN, says, code="unknown-line", about=name, next="/guides/check-the-agent/#log-lines", logs=logs
        )
    yield from of_the_future(report, name)
    if running and report.agent.line.value == "1.x" and silent > longest_silence(report):
        minutes = int(silent.total_seconds() // 60)
        says = f"The agent on {name} runs, but has logged nothing for {minutes} minutes: it hangs, or logs elsewhere."
        yield Finding(
            WARN,
            says,
            code="silent",
            about=name,
            fix=restarting(report),
            next="/guides/check-the-agent/#log",
        )
    elif not judged.understood and not judged.unknown:
        raise CouldNotCheck(f"of the {len(lines)} newest entries of {path} on {name} this guide knows none.")
    elif not judged.faults and not judged.unknown:
        notes = "".join(f" It notes: {one.symptom.cause}" for one in judged.standing)
        newest = f"newest {len(lines)} lines" if len(lines) > 1 else "only line"
        says = f"The {newest} of {path} on {name} hold{'' if len(lines) > 1 else 's'} nothing known to be bad.{notes}"
        yield Finding(OK, says, about=name, logs=logs)
