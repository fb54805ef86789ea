"""Do the AppSpec files and the hook scripts on this host work: of the newest revision, of the one before, and did they?"""

from collections.abc import Iterator
from datetime import timedelta

from runbooks.appspec import scripts
from runbooks.appspec.bundle import Bundle, Entry
from runbooks.appspec.fault import ONE, TWO
from runbooks.appspec.linter import judge
from runbooks.appspec.reading import Mapping, read
from runbooks.aws import Aws
from runbooks.checks._deployed import PAST_OLD_SCRIPTS, with_the_command
from runbooks.checks._host import host_name, ongoing, require, require_report
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, CouldNotCheck, Finding, Log, NotApplicable
from runbooks.host import HookRun, HostReport, Kept, Script, gist, hook_run, kept, symptoms
from runbooks.host.hook_log import Answer, answers, held_since, output
from runbooks.question import Question
from runbooks.text.times import local_time

TITLE = "Do the hook scripts on the host start and end well?"
GUIDE = "/best-practices/lifecycle-hooks/"
RUNBOOK = "triage"

_MISSING, _INTERPRETER = "/symptoms/hook-script-missing/", "/symptoms/hook-interpreter-missing/"
_OLD_SCRIPT = "/symptoms/hook-script-failed/#old-script"
# The rules of the linter that say whether a script starts: the code and the page of the finding.
_RULES = {
    "script-is-in-the-bundle": ("missing", _MISSING),
    "script-has-unix-line-ends": ("crlf", _INTERPRETER),
    "script-has-an-interpreter": ("interpreter", _INTERPRETER),
}
_RECENT = timedelta(days=1)  # the agent keeps its log for a week
# What the linter takes a script for; one that could not be seen is a link, of which it says nothing.
_KINDS = {"there": "file", "folder": "folder", "absent": ""}
# Why the AppSpec file of a revision is not judged.
_UNSEEN = {
    "no-archive": "the folder of that revision is not there",
    "barred": "the user of the probe may not read it; run the probe as root",
    "outside": "it lies behind a link that leads out of PROBE_ROOT",
    "long": "it is longer than the probe shows",
    "ok": "the probe masked or cut a line of it",
}


def appspec_of_the_newest_revision_is_valid(aws: Aws, question: Question) -> Iterator[Finding]:
    """The newest revision on the host has an AppSpec file that the agent there accepts.

    The agent parses it before the first hook after DownloadBundle, and a file that it does not accept fails the deployment
    there. It is judged by the rules of `runbooks appspec`, as far as they stop the agent of this host; whether the
    files that it copies are in the revision is not part of it.
    """
    report = require_report(aws, question, agent=True)
    name, agent = host_name(question, report), _line(report)
    sound = []
    for one in _of_role(report, "newest"):
        if one.appspec is not None:
            faults = [
                each for each in judge(one.appspec, None)[1] if each.outcome(agent) and not each.depends
            ]
            for fault in faults:
                says = (
                    f"Line {fault.mark.line} of the appspec.yml of {one.deployment} on {name}: {fault.says}"
                )
                yield Finding(FAIL, says, code="fault", about=one.path, fix=fault.fix, next=fault.next)
            sound += [] if faults else [one.deployment]
        elif one.state == "no-appspec":
            says = f"The revision of {one.deployment} on {name} has no appspec.yml at its root: it fails before its first hook."
            fix = "Pack the bundle with appspec.yml at its root, and deploy again."
            page = "/symptoms/appspec-missing/"
            yield Finding(FAIL, says, code="missing", about=one.path, fix=fix, next=page)
        else:
            yield _not_seen(one, name)
    if sound:
        says = f"Agent {agent} accepts the appspec.yml of {', '.join(sound)} on {name}."
        yield Finding(OK, says, about=name)


def hook_scripts_of_the_newest_revision_can_start(aws: Aws, question: Question) -> Iterator[Finding]:
    """Each hook script of the newest revision on the host is there, and can be started.

    The probe reads the AppSpec file of each deployment group's newest revision, and of each script the mode and the first
    line. A missing execute bit is no fault, since the agent sets it; it is one where the agent's user may not. The scripts
    of ApplicationStop, BeforeBlockTraffic and AfterBlockTraffic are those of the last successful revision: another check.
    """
    report = require_report(aws, question, agent=True)
    yield from _judged(report, host_name(question, report), _of_role(report, "newest"), old=False)


def hook_scripts_of_the_last_good_revision_can_start(aws: Aws, question: Question) -> Iterator[Finding]:
    """The hook scripts that the next deployment runs of the last successful revision are there, and can be started.

    ApplicationStop, BeforeBlockTraffic and AfterBlockTraffic run the scripts of the group's last successful revision on
    that host. So no new revision fixes a fault in them, and each deployment fails until one ignores it.
    """
    report = require_report(aws, question, agent=True)
    revisions = [one for one in _of_role(report, "last") if one.state != "no-archive"]
    if not revisions:
        says = "The folder of the last successful revision is not there."
        raise NotApplicable(says, about=host_name(question, report), next="host-has-sound-state")
    found = _judged(report, host_name(question, report), revisions, old=True)
    # on a host of several groups it may be another group's
    yield from with_the_command(aws, question, found) if len(revisions) == 1 else found


def hook_scripts_of_the_last_deployment_ended_well(aws: Aws, question: Question) -> Iterator[Finding]:
    """The hook scripts of the last deployment that ran any on this host ended well.

    The log of hook scripts says which script of which event ran and what it printed. How the event ended is what
    the agent reported to CodeDeploy, by its own log: a line after [stderr] is no fault by itself. A report of agent 1.x
    names no deployment and is joined by its time, so of two deployments at the same time it may be the other one's.
    """
    report = require_report(aws, question, agent=True)
    name, section = host_name(question, report), report.hook_log
    require(section.steps, "what the hook scripts of the last deployment did")
    if section.deployment.value is None:
        says = f"No deployment on {name} has a log of hook scripts: none has run one, or its log was deleted."
        raise NotApplicable(says, about=name)
    ran = hook_run(section)
    if ran is None:
        raise CouldNotCheck(
            f"what {section.deployment.by} on {name} shows names no event: it is a script's output alone."
        )
    failures = ran.failures()
    for one in failures:
        found = [_ended(report, name, ran, one)]
        yield from with_the_command(aws, question, found) if ran.deployment == question.deployment else found
    if ran.ending() is None:
        raise _no_ending(report, name, ran)
    if not failures:
        scripts_ = len([step for step in ran.steps if step.script])
        says = f"The agent reported {ran.last.event} of {ran.deployment} on {name} as succeeded"
        yield Finding(OK, f"{says}; its log names {scripts_} script{'s' * (scripts_ != 1)}.", about=name)


def _ended(report: HostReport, name: str, ran: HookRun, answer: Answer) -> Finding:
    """The finding about an event that failed."""
    event, symptom = ran.event_of(answer), answer.symptom or "event-failed"
    of = f"{event} of {ran.deployment}" if event else ran.deployment
    which = f"the hook script {answer.script}" if answer.script else "the event"
    says = f"In {of} on {name}, {which} failed. The agent reported: {gist(answer.message).rstrip('.') or 'no reason'}."
    printed = output(report.hook_log) if event == ran.last.event else ""
    if printed:
        says += f" The script printed last: “{gist(printed)}”"
    killed = ""
    if symptom == "hook-script-killed" and report.host.kills.value:
        killed = f" The kernel killed last, for want of memory: {report.host.kills.value[-1]}"
    over = ran.is_over(answer, answers(report.hook_log))
    past = " A later event succeeded, so it may be past." * over
    return Finding(
        WARN if over else FAIL,
        says + killed + past,
        code=symptom,
        of=frozenset(filter(None, (ran.deployment, event, answer.script, name))),
        below=f"Confirmed on {name}: the agent reported the same{f' of {event}' if event else ''}.{killed}{past}",
        about=answer.script or ran.deployment,
        fix=_repair(event in scripts.LATER, next(one.do for one in symptoms() if one.id == symptom)),
        next=f"/symptoms/{symptom}/",
        logs=(Log(name, report.hook_log.deployment.by, report.hook_log.output.value or ()),),
    )


def _no_ending(report: HostReport, name: str, ran: HookRun) -> CouldNotCheck | NotApplicable:
    """Why it is not known how the last event of a deployment ended."""
    event, begun = f"{ran.last.event} of {ran.deployment} on {name}", local_time(ran.last.time)
    age, since = report.local_age(ran.last.time), held_since(report.hook_log)
    if ran.deployment in [id_ for id_, _ in ongoing(report)]:
        return CouldNotCheck(f"{event} is under way; ask again when it has ended.")
    if age is not None and age > _RECENT and (since is None or since > ran.last.time):
        says = f"{event} ran at {begun}, and the agent's log holds nothing as old: how it ended is no longer known."
        return NotApplicable(says, about=name)
    return CouldNotCheck(f"the agent's log does not say how {event}, begun at {begun}, ended.")


def _of_role(report: HostReport, role: str) -> list[Kept]:
    """The revisions of a role. Raises `NotApplicable` where the agent keeps none, `CouldNotCheck` where that is not known."""
    for datum in (report.revisions.kept, report.revisions.appspec, report.revisions.scripts):
        require(datum, "what the agent keeps of its revisions")
    found = [one for one in kept(report.revisions) if one.role in (role, "both", "more")]
    if not found:
        which = "newest" if role == "newest" else "last successful"
        raise NotApplicable(f"The agent keeps no {which} revision on the host: none was deployed to it yet.")
    return found


def _judged(report: HostReport, name: str, revisions: list[Kept], *, old: bool) -> Iterator[Finding]:
    agent = _line(report)
    count, whole = 0, True
    for one in revisions:
        paths = _paths(one, old=old)
        count += len(paths or ())
        for finding in _of_revision(one, name, paths, agent, old=old):
            whole = False
            yield finding
    if not whole:
        return
    ids = ", ".join(one.deployment for one in revisions)
    if not count:
        which = "that the next deployment runs" if old else "of its own"
        says = (
            f"The AppSpec file of {ids} on {name} names no hook script {which}, as far as it can be parsed."
        )
        raise NotApplicable(says, about=name, next="appspec-of-the-newest-revision-is-valid")
    what = "hook script that the next deployment runs" if old else "hook script"
    says = f"Of {ids} on {name}, {count} {what}{'s' * (count > 1)}: there, with the program that the first line names."
    yield Finding(OK, says, about=name)


def _line(report: HostReport) -> str:
    return TWO if report.agent.line.value == "2.x" else ONE


def _not_seen(one: Kept, name: str) -> Finding:
    """That the AppSpec file of a revision could not be seen."""
    if one.role == "more":
        says = f"Could not check: {name} keeps more revisions than the probe reads."
    else:
        why = _UNSEEN.get(one.state, "it is not known")
        says = (
            f"Could not check: what the AppSpec file of {one.deployment} on {name} says is not known: {why}."
        )
    return Finding(UNKNOWN, says, code="not-known", about=one.path or name)


def _root(one: Kept) -> Mapping | None:
    root = read(one.appspec).root if one.appspec is not None else None
    return root if isinstance(root, Mapping) else None


def _paths(one: Kept, *, old: bool) -> list[str] | None:
    """The paths of the scripts that count, None where the AppSpec file does not show them."""
    root = _root(one)
    if root is None:
        return None
    return [path for event, path in scripts.locations(root) if (event in scripts.LATER) is old]


def _of_revision(
    one: Kept, name: str, paths: list[str] | None, agent: str, *, old: bool
) -> Iterator[Finding]:
    if old and one.state == "no-appspec":
        says = f"The last successful revision on {name}, of {one.deployment}, has no appspec.yml: ApplicationStop of the next deployment fails."
        fix = f"{PAST_OLD_SCRIPTS}; the next success replaces that revision."
        yield Finding(FAIL, says, code="no-appspec", about=one.path, fix=fix, next=_OLD_SCRIPT)
    elif one.appspec is None and one.state != "no-appspec":
        yield _not_seen(one, name)
    elif paths is not None:
        seen = {_normal(location): script for location, script in one.scripts.items()}
        for path in dict.fromkeys(paths):
            yield from _of_script(one, name, path, seen.get(path), old=old)
        yield from _of_linter(one, name, paths, seen, agent, old=old)


def _of_script(one: Kept, name: str, path: str, script: Script | None, *, old: bool) -> Iterator[Finding]:
    """What only the host shows of a script."""
    which = f"the hook script {path} of {one.deployment} on {name}"
    if script is None or script.state in ("barred", "outside"):
        why = _UNSEEN[script.state] if script else "the probe does not show it"
        says = f"Could not check: whether {which} can be started is not known: {why}."
        yield Finding(UNKNOWN, says, code="not-known", about=path)
    elif script.program == "gone":
        program = (
            script.first.removeprefix("#!").split()[0].rstrip("\r") if script.first.strip("#! \r") else ""
        )
        if script.first.endswith("\r"):
            return  # the linter says that
        says = f"In {which}, the first line names {program}, which is not on the host."
        yield Finding(FAIL, says, code="no-program", about=path, fix=_repair(old), next=_INTERPRETER)
    elif script.may == "stuck":
        says = f"The user of the agent neither owns {which} nor is root, so it cannot set the execute bit that is missing."
        yield Finding(FAIL, says, code="not-executable", about=path, next="/symptoms/hook-not-executable/")
    elif script.may == "?":
        says = f"Could not check: whether {which} may be executed is not known."
        yield Finding(UNKNOWN, says, code="not-known", about=path)


def _of_linter(
    one: Kept, name: str, paths: list[str], seen: dict[str, Script], agent: str, *, old: bool
) -> Iterator[Finding]:
    """What the linter says of the scripts, as far as it stops the agent."""
    kinds = {path: _KINDS.get(seen[path].state, "outside") if path in seen else "outside" for path in paths}
    bundle = Bundle(
        "folder",
        {path: Entry(path, kind) for path, kind in kinds.items() if kind},
        lambda wanted: {path: seen[path].begins for path in wanted if path in seen},
    ).close()
    root = _root(one)
    for fault in scripts.scripts(root, bundle) if root else ():
        event = fault.about.removeprefix("hooks.").partition("[")[0]
        if fault.code not in _RULES or (event in scripts.LATER) is not old or not fault.outcome(agent):
            continue
        code, page = _RULES[fault.code]
        says = f"{event} of {one.deployment} on {name} cannot start its script. {fault.says.replace('The bundle', 'The revision')}"
        yield Finding(FAIL, says, code=code, about=fault.about, fix=_repair(old, fault.fix), next=page)


def _repair(
    old: bool, fix: str = "Install that program, or name one that every host has, and deploy again."
) -> str:
    """What to do; no new revision changes the scripts of the old one."""
    return f"{PAST_OLD_SCRIPTS}." if old else fix


def _normal(location: str) -> str:
    return "/".join(part for part in location.split("/") if part not in ("", "."))
