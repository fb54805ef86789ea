"""Can the agent on this host carry out a deployment: room, rights, programs, and what it keeps of earlier ones?"""

import re
import shlex
from collections.abc import Iterator

from runbooks.aws import Aws
from runbooks.checks._deployed import PAST_OLD_SCRIPTS, with_the_command
from runbooks.checks._host import (
    LONGEST_EVENT,
    host_name,
    install,
    install_packages,
    ongoing,
    require,
    require_report,
    restarting,
    service,
)
from runbooks.checks._start import OLDEST_RUBY, files_used, is_barred, newest_ruby, ruby_version, runs_on
from runbooks.commands import script, then
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Command, Finding
from runbooks.host import HostReport, run_state
from runbooks.host.report import Folder
from runbooks.host.running import span
from runbooks.question import Question

TITLE = "Can the host carry out a deployment?"
GUIDE = "/guides/check-the-agent/"
RUNBOOK = "triage"

# Below these the agent cannot record that an event began, or is about to be unable to.
_FULL_KB, _LOW_KB = 10_240, 512_000
_NO_INODES, _FEW_INODES = 100, 5_000

# What fails where a program of deployments is missing. By the source of agent 1.x.
_NEEDED = {
    "unzip": "the agent unpacks .zip revisions with its own code, and the files lose their execute bits",
    "tar": "revisions of the types tar and tgz cannot be unpacked",
    "gzip": "revisions of the type tgz cannot be unpacked",
    "su": "hook scripts with runas cannot be run",
}
_BARRED = re.compile(r" may not use (.+): mode ")
_DENIED_PAGE = "/symptoms/permission-denied/"
_AT_NEED = {"setfacl": "acls", "semanage": "context"}  # and the part of an AppSpec file that needs it

# What the state of a group's last successful revision means, and the page of what follows.
_OLD_SCRIPT = "/symptoms/hook-script-failed/#old-script"
_LAST = {
    "empty": ("is empty: the agent may not find that revision (not verified)", "/symptoms/state-corrupt/"),
    "damaged": ("is damaged: the next deployment fails", "/symptoms/state-corrupt/"),
    "gone": ("names a folder that is not there: ApplicationStop of the next deployment fails", _OLD_SCRIPT),
    "no-archive": (
        "names a folder without its deployment-archive: ApplicationStop of the next deployment fails",
        _OLD_SCRIPT,
    ),
}

# What agent 2.x makes of it, by its source: it goes on without the hook scripts of that revision.
_GONE = {
    "gone": "names a folder that is not there: agent 2.x runs no ApplicationStop script, and goes on",
    "no-archive": "names a folder without its deployment-archive: agent 2.x runs no ApplicationStop script, and goes on",
}


def host_has_room(aws: Aws, question: Question) -> Iterator[Finding]:
    """The file systems in which the agent works have room.

    They are those of root_dir, of the log and of /tmp. Without room or inodes every deployment fails, since the agent
    cannot even record that an event began. Hook scripts are run inside root_dir, so noexec stops them.
    """
    report = require_report(aws, question, agent=True)
    name = host_name(question, report)
    least = []
    for folder in (report.root_folder, report.log_folder, report.temporary_folder):
        found = _room(report, name, folder)
        if found:
            yield found
        else:
            least.append(f"{folder.path.value} {_size(folder.free.value or 0)}")
    if len(least) == 3:
        yield Finding(OK, f"On {name} these have room: {', '.join(least)}.", about=name)


def _room(report: HostReport, name: str, folder: Folder) -> Finding | None:
    """What is wrong with the file system of one folder."""
    path = str(folder.path.value)
    if folder.exists.value is False and "is not a directory" in folder.exists.by:
        says = f"{path} on {name} is not a directory: the agent cannot write there."
        fix = "Move that file away, or name another folder in the configuration, and restart the agent."
        page = "/symptoms/deployment-root/"
        return Finding(FAIL, says, code="not-a-directory", about=path, fix=fix, next=page)
    free = require(folder.free, f"how much room {path} on {name} has")
    options = (folder.options.value or "").split(",")
    inodes = folder.inodes.value
    if inodes is None and folder.inodes.error:
        require(folder.inodes, f"how many inodes {path} on {name} has left")
    if "ro" in options:
        return _read_only(name, path, options)
    if "noexec" in options and folder is report.root_folder:
        says = f"The file system of {path} on {name} is mounted noexec: hook scripts cannot be run from there. Take noexec out of /etc/fstab too, so that it stays."
        fix = _remounted("exec", path)
        return Finding(FAIL, says, code="noexec", about=path, fix=fix, next="/symptoms/hook-not-startable/")
    for left, none, few, what, free_some in (
        (free, _FULL_KB, _LOW_KB, f"{_size(free)}", "Free space there"),
        (inodes, _NO_INODES, _FEW_INODES, f"{inodes} inodes", "Delete files there that are not needed"),
    ):
        if left is not None and left < few:
            full = left < none
            so = "each event of a deployment fails there" if full else "the next revisions may not fit"
            says = f"The file system of {path} on {name} has {what} left: {so}."
            code = "full" if full else "low"
            fix = f"{free_some}, and set max_revisions to 2 or 3, so that old revisions are deleted."
            verdict, page = FAIL if full else WARN, "/symptoms/disk-full/"
            return Finding(verdict, says, code=code, about=path, fix=fix, next=page)
    return None


def _read_only(name: str, path: str, options: list[str]) -> Finding:
    """That a file system is mounted read-only, and how it is made writable again."""
    says = f"The file system of {path} on {name} is mounted read-only. "
    if {"errors=remount-ro", "emergency_ro"} & set(options):
        says += "By its options the kernel does that after an error: save the data and check the disk (sudo dmesg) before you remount it."
    else:
        says += (
            "Its options name no error, so it was mounted so: change ro in /etc/fstab too, so that it stays."
        )
    fix, page = _remounted("rw", path), "/symptoms/read-only-fs/"
    return Finding(FAIL, says, code="read-only", about=path, fix=fix, next=page)


def _remounted(option: str, path: str) -> Command:
    """The command that mounts the file system of a folder again, with this option."""
    return script(f'sudo mount -o remount,{option} "$(findmnt -no TARGET -T {shlex.quote(path)})"')


def _size(kilobytes: int) -> str:
    for unit, size in (("GB", 1_000_000), ("MB", 1_000)):
        if kilobytes >= size:
            return f"{kilobytes // size} {unit}"
    return f"{kilobytes} kB"


def agent_may_use_its_files(aws: Aws, question: Question) -> Iterator[Finding]:
    """The user that the agent runs as may read its configuration and keys, and write where it works.

    The probe runs as root, which may do everything: so it compares the modes of the files with the user of the agent's
    process, or with the user that its unit or its configuration names. Access lists (ACLs) and SELinux are left aside.
    """
    report = require_report(aws, question, agent=True)
    name, user = host_name(question, report), require(report.agent.user, "the user of the agent")
    used, whole, seen = 0, True, files_used(report)
    fix, page = _let_in(report, user, [one.by for _, one in seen if is_barred(one)]), _DENIED_PAGE
    for path, usable in seen:
        if is_barred(usable):
            whole, says = False, f"The agent on {name} runs as {user}: {usable.by}."
            yield Finding(FAIL, says, code="barred", about=path, fix=fix, next=page)
        elif usable.error:
            whole = False
            says = f"Could not check: whether {user} may use {path} is not known: {usable.error}."
            yield Finding(UNKNOWN, says, code="not-known", about=path)
        elif usable.value:
            used += 1
    if whole and used:
        by = f" ({report.agent.user.by})" if report.agent.user.by else ""
        says = f"The agent on {name} runs as {user}{by}, which may use the {used} files and folders that it needs."
        yield Finding(OK, says, about=name)


def _let_in(report: HostReport, user: str, reasons: list[str]) -> str:
    """The command that lets the agent's user use all that it may not; ``reasons`` name the paths, as the probe does."""
    named = dict.fromkeys(found[1] for why in reasons if (found := _BARRED.search(why)))
    temporary = report.temporary_folder.path.value or ""
    files = {path for path, _ in files_used(report)} - {temporary}
    own = [shlex.quote(path) for path in named if path in files]
    above = [shlex.quote(path) for path in named if path not in {*files, temporary}]
    commands = (
        f"sudo chmod a+x {' '.join(above)}" if above else "",
        *(f"sudo chown {'-R ' * ('codedeploy' in path)}{shlex.quote(user)} {path}" for path in own),
        f"sudo chmod 1777 {temporary}" if temporary in named else "",
    )
    return restarting(report, *commands)


def host_has_the_tools(aws: Aws, question: Question) -> Iterator[Finding]:
    """The programs that the agent and deployments call are on the host.

    Agent 1.x runs on the host's own Ruby; 2.x needs none. Both unpack revisions with the host's programs. What only
    some AppSpec files need is named and not judged.
    """
    report = require_report(aws, question, agent=True)
    name = host_name(question, report)
    line = require(report.agent.line, f"the line of the agent on {name}")
    missing = require(report.tools.missing, f"which programs are missing on {name}")
    needed = [tool for tool in missing if tool in _NEEDED]
    ruby = _ruby(report, name, aws.region) if line == "1.x" else None
    if ruby:
        yield ruby
    for tool in needed:
        fix, so = install_packages(report, "util-linux" if tool == "su" else tool), _NEEDED[tool]
        page = "/symptoms/unzip-missing/" if tool == "unzip" else "/symptoms/bundle-broken/"
        yield Finding(
            WARN, f"There is no {tool} on {name}: {so}.", code="no-tool", about=tool, fix=fix, next=page
        )
    if not ruby and not needed:
        version = report.tools.ruby.value
        runs = (
            f"{' '.join((version or '').split()[:2])}, unzip, tar and su" if version else "unzip, tar and su"
        )
        rare = [
            f"{tool}, which only {_AT_NEED[tool]} of an AppSpec file need"
            for tool in missing
            if tool in _AT_NEED
        ]
        lacks = f" It has no {' and no '.join(rare)}." if rare else ""
        yield Finding(OK, f"{name} has {runs}.{lacks}", about=name)


def _ruby(report: HostReport, name: str, region: str) -> Finding | None:
    """What is wrong with the Ruby of an agent 1.x."""
    text, ruby = report.tools.ruby.value, ruby_version(report)
    if report.tools.ruby.error:
        require(report.tools.ruby, f"the Ruby of {name}")
    if text is None:
        if ruby is None:
            return None  # there is one, which the PATH of this user does not show
        says = f"There is no ruby on the PATH of {name}, and agent 1.x does not start without one."
        fix = then(install_packages(report, "ruby"), service(report, "restart"))
        return Finding(FAIL, says, code="no-ruby", about=name, fix=fix, next="/symptoms/no-ruby/")
    if ruby is None:
        says = f"Could not check: {text!r} is not a version of Ruby."
        return Finding(UNKNOWN, says, code="unreadable-ruby", about=name)
    has, fix = f"{name} has {text.split(' (')[0]}, and agent", install(report, region, second=True)
    if ruby < OLDEST_RUBY:
        says = f"{has} 1.x does not start with a Ruby before 2.0. Agent 2.x needs no Ruby."
        return Finding(FAIL, says, code="old-ruby", about=name, fix=fix, next="/symptoms/no-ruby/")
    if runs_on(report, ruby):
        return None
    state = run_state(report)
    down = state is not None and state.state in ("loops", "stopped")
    newest = ".".join(map(str, newest_ruby(report)))
    so = "it does not work now" if down else "it may not start again"
    says = f"{has} {report.agent.version.value} is known to run on at most {newest}: {so}. Agent 2.x needs no Ruby."
    verdict, page = FAIL if down else WARN, "/symptoms/ruby-mismatch/"
    return Finding(verdict, says, code="new-ruby", about=name, fix=fix, next=page)


def host_has_sound_state(aws: Aws, question: Question) -> Iterator[Finding]:
    """What the agent keeps of earlier deployments is whole, and none is left half done.

    The agent keeps it below root_dir, in deployment-instructions and ongoing-deployment. The next deployment needs it:
    its ApplicationStop runs the scripts of the last successful revision, and its Install removes that revision's files.
    """
    report = require_report(aws, question, agent=True)
    name, kept = host_name(question, report), report.deployment
    last = require(kept.last, f"what the agent on {name} keeps of its last deployments")
    require(kept.ongoing, f"which deployments are under way on {name}")
    under_way, bad = ongoing(report), False
    goes_on = report.agent.line.value == "2.x"
    for text in last:
        group, _, rest = text.partition(" ")
        state, _, path = rest.partition(" ")
        if state in _LAST:
            bad, (what, page) = True, _LAST[state]
            if goes_on and state in _GONE:
                what = _GONE[state]
            says = f"On {name} the record of the last successful revision of the group {group} {what}."
            verdict = WARN if state == "empty" or (goes_on and state in _GONE) else FAIL
            fix = f"{PAST_OLD_SCRIPTS}; the next success writes the record again."
            one = Finding(verdict, says, code=state, about=path or group, fix=fix, next=page)
            yield from with_the_command(aws, question, [one]) if len(last) == 1 else [one]
    for id_, age in under_way:
        if age > LONGEST_EVENT:
            says = f"{id_} on {name} is still noted as under way after {span(age)}, longer than an event may take."
            fix = _forgotten(report, id_)
            bad = True
            yield Finding(
                WARN, says, code="left-over", about=id_, fix=fix, next="/symptoms/restarted-in-deployment/"
            )
    for text in kept.stuck.value or ():
        kind, _, path = text.partition(" ")
        why = "a file system is mounted at" if kind == "mount" else "an attribute (lsattr) guards"
        so = "so that revision cannot be deleted" + (
            "" if goes_on else ", and a later deployment fails because of it"
        )
        says = f"Below the root_dir of {name} {why} {path}, {so}."
        fix = (
            script(f"sudo umount {shlex.quote(path)}")
            if kind == "mount"
            else script(f"sudo chattr -R -i -a {shlex.quote(path)}")
        )
        bad = True
        yield Finding(WARN, says, code="stuck", about=path, fix=fix, next="/symptoms/cleanup-failed/")
    for group in require(kept.cleanup, f"which files the last deployment to {name} wrote"):
        says = f"On {name} the list of files that were deployed to the group {group} is missing or empty"
        so = ": the next deployment finds those files in place and fails, unless it may overwrite them."
        bad = True
        yield Finding(WARN, says + so, code="no-cleanup", about=group, next="/symptoms/file-exists/")
    if not bad:
        runs = f" {', '.join(id_ for id_, _ in under_way)} is under way." if under_way else ""
        groups = (
            f"of {len(last)} deployment group{'s' * (len(last) != 1)}"
            if last
            else "of no deployment group yet"
        )
        yield Finding(OK, f"The agent on {name} keeps a whole record {groups}.{runs}", about=name)


def _forgotten(report: HostReport, deployment: str) -> str:
    """The command that has the agent forget an event: while its file is there, an agent 1.x refuses to stop for a day."""
    folder = report.deployment.ongoing.by or "the folder ongoing-deployment"
    if not folder.startswith("/"):
        return "Remove its file from ongoing-deployment, and restart the agent."
    return restarting(report, script(f"sudo rm {shlex.quote(f'{folder}/{deployment}')}"))
