"""What the agent on a machine makes of a deployment: how an event fails, what it reports, and what it leaves on the host.

The messages are those of agent 1.8.1, which was run for them, or of its source.
"""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatch
from types import MappingProxyType

from codedeploy_sandbox.hosts.host import DEPLOYMENTS
from codedeploy_sandbox.hosts.machine import Machine, poll

EVENTS = (
    "ApplicationStop",
    "DownloadBundle",
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
)
GROUP = "5f1e"  # the folder of the deployment group

APPSPEC = """version: 0.0
os: linux
files:
  - source: /index.html
    destination: /srv/app
hooks:
  ApplicationStop:
    - location: scripts/stop.sh
      timeout: 5
      runas: root
  ApplicationStart:
    - location: scripts/start.sh
      timeout: 5
      runas: root
"""
# The revision that every account of the sandbox has in its bucket.
REVISION = MappingProxyType(
    {
        "appspec.yml": APPSPEC,
        "index.html": "<h1>shop</h1>\n",
        "scripts/start.sh": "#!/bin/sh\nsystemctl start shop\n",
        "scripts/stop.sh": "#!/bin/sh\nsystemctl stop shop\n",
    }
)


@dataclass(frozen=True)
class Failure:
    """How an event fails on a host. `{archive}`, `{root}` and `{id}` in its texts stand for the deployment's own."""

    event: str
    code: str  # the model's LifecycleErrorCode
    message: str
    script: str = ""
    output: tuple[str, ...] = ()  # what the script printed
    logged: str = ""  # what the agent logs beside its report to CodeDeploy, where it logs more
    takes: timedelta = timedelta(seconds=1)
    heard: bool = True  # an agent took the event
    number: int = 0  # the agent's own for it, where that does not follow from the code
    archive: tuple[tuple[str, str], ...] | None = (
        None  # files of the revision, where it is not the sandbox's own
    )

    @property
    def diagnostics(self) -> dict[str, str]:
        """What CodeDeploy answers about the event."""
        return {
            "errorCode": self.code,
            "scriptName": self.script,
            "message": self.message,
            "logTail": self.tail,
        }

    @property
    def tail(self) -> str:
        """The end of the script's log, as the agent writes it."""
        if not self.output:
            return ""
        lines = (f"LifecycleEvent - {self.event}", f"Script - {self.script}", *self.output)
        return "".join(f"{line}\n" for line in lines)

    def of(self, deployment: str) -> "Failure":
        """The failure with the names of one deployment."""
        root = f"/{DEPLOYMENTS}/{GROUP}/{deployment}"
        names = {"archive": f"{root}/deployment-archive", "root": f"/{DEPLOYMENTS}", "id": deployment}
        texts = {}
        for field in ("message", "logged"):
            text = getattr(self, field)
            for name, value in names.items():
                text = text.replace(f"{{{name}}}", value)
            texts[field] = text
        return replace(self, **texts)


_PLUGIN = "InstanceAgent::Plugins::CodeDeployPlugin::"
_LIBRARY = "/opt/codedeploy-agent/lib/instance_agent/plugins/codedeploy"
_START = "scripts/start.sh"
_AT = f"Script at specified location: {_START}"


def performing(error: str) -> str:
    """The line of the agent's log about an exception in an event."""
    return f"ERROR [codedeploy-agent(1415)]: {_PLUGIN}CommandPoller: Error during perform: {error}"


def of_script(message: str) -> str:
    """The line of the agent's log about a hook script that failed."""
    where = f"{_LIBRARY}/hook_executor.rb:202:in `execute_script'"
    return performing(f"{_PLUGIN}ScriptError - {message} - {where}")


def _script(code: str, message: str, *output: str, seconds: int = 1, logged: str = "") -> Failure:
    error = of_script(message)
    return Failure(
        "ApplicationStart", code, message, _START, output, logged or error, timedelta(seconds=seconds)
    )


def _agent(event: str, message: str, error: str = "", where: str = f"{_LIBRARY}/installer.rb:122") -> Failure:
    """A failure of the agent's own work, with the class of the exception where it logs one."""
    logged = performing(f"{error} - {message} - {where}:in `x'") if error else ""
    return Failure(event, "UnknownError", message, logged=logged)


_S3 = "/opt/codedeploy-agent/vendor/gems/aws-sdk-core-3.211.0/lib/seahorse/client/plugins/raise_response_errors.rb:17"
SILENT = Failure(
    "ApplicationStop",
    "UnknownError",
    "CodeDeploy agent was not able to receive the lifecycle event. Check the CodeDeploy agent logs on your host and make sure the agent is running and can connect to the CodeDeploy server.",
    # Assumption: quick
    takes=timedelta(seconds=5),
    heard=False,
)


def no_appspec(archive: str) -> str:
    """The message about a revision without an AppSpec file."""
    at = f'The revision was unpacked to directory "{archive}", and the AppSpec file was expected but not found at path "{archive}/appspec.yml".'
    return f'The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at revision-relative path "appspec.yml". {at} Consult the AWS CodeDeploy Appspec documentation for more information at http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html'


FAILURES: dict[str, Failure] = {
    "script-failed": _script(
        "ScriptFailed",
        f"{_AT} run as user root failed with exit code 127",
        "[stderr]scripts/start.sh: line 2: gunicorn: command not found",
    ),
    "script-missing": _script(
        "ScriptMissing", f"Script does not exist at specified location: {{archive}}/{_START}"
    ),
    "script-not-executable": _script(
        "ScriptNotExecutable", f"Unable to set script at specified location: {_START} as executable"
    ),
    "script-timed-out": _script(
        "ScriptTimedOut",
        f"{_AT} failed to complete in 5 seconds",
        "[stdout]waiting for the database",
        seconds=5,
        logged=f"INFO  [codedeploy-agent(1415)]: {_PLUGIN}HookExecutor: {_AT} timed out",
    ),
    # Assumption: other-codes
    "output-left-open": replace(
        _script("UnknownError", f"{_AT} failed to close STDOUT", seconds=5),
        logged=f"ERROR [codedeploy-agent(1415)]: {_PLUGIN}HookExecutor: {_AT} failed to close STDOUT",
        number=6,
    ),
    "agent-restarted": Failure(
        "ApplicationStart",
        "UnknownError",
        "Failed: Failing in-progress lifecycle event after an agent restart.",
        logged=f"WARN  [codedeploy-agent(1415)]: {_PLUGIN}CommandPoller: Deployment tracking file found: {{root}}/ongoing-deployment. The agent likely restarted while running a customer-supplied script. Failing the lifecycle event.",
        number=7,
    ),
    # Assumption: cleanup-message
    "cleanup-failing": _agent(
        "DownloadBundle",
        "Directory not empty @ dir_s_rmdir - {archive}",
        "Errno::ENOTEMPTY",
        "/usr/lib/ruby/3.1.0/fileutils.rb:1394",
    ),
    # Assumption: two-agents
    "two-agents": Failure(
        "AfterInstall",
        "UnknownError",
        "One or more lifecycle events did not run and the deployment was unsuccessful.",
        heard=False,
    ),
    "script-crlf": _script(
        "ScriptFailed",
        f"{_AT} failed with error Errno::ENOENT with message No such file or directory - {{archive}}/{_START}",
    ),
    "noexec": _script(
        "ScriptFailed",
        f"{_AT} failed with error Errno::EACCES with message Permission denied - {{archive}}/{_START}",
    ),
    "appspec-missing": _agent("BeforeInstall", no_appspec("{archive}")),
    "appspec-invalid": _agent(
        "BeforeInstall",
        "(<unknown>): found character that cannot start any token while scanning for the next token at line 4 column 1",
    ),
    "last-revision-gone": Failure(
        "ApplicationStop",
        "UnknownError",
        no_appspec(f"/{DEPLOYMENTS}/{GROUP}/d-SHOPWEB01/deployment-archive"),
    ),
    "file-exists": _agent(
        "Install",
        "The deployment failed because a specified file already exists at this location: /srv/app/index.html",
        "RuntimeError",
    ),
    "source-missing": _agent(
        "Install", "No such file or directory @ rb_sysopen - {archive}/index.html", "Errno::ENOENT"
    ),
    "read-only": _agent(
        "Install", "Read-only file system @ rb_sysopen - /srv/app/index.html", "Errno::EROFS"
    ),
    "old-script-missing": Failure(
        "ApplicationStop",
        "ScriptMissing",
        f"Script does not exist at specified location: /{DEPLOYMENTS}/{GROUP}/d-SHOPWEB00/deployment-archive/scripts/stop.sh",
        "scripts/stop.sh",
        logged=of_script(
            f"Script does not exist at specified location: /{DEPLOYMENTS}/{GROUP}/d-SHOPWEB00/deployment-archive/scripts/stop.sh"
        ),
    ),
    "stop-script-timed-out": Failure(
        "ApplicationStop",
        "ScriptTimedOut",
        "Script at specified location: scripts/stop.sh failed to complete in 30 seconds",
        "scripts/stop.sh",
    ),
    "bundle-denied": _agent("DownloadBundle", "Access Denied", "Aws::S3::Errors::AccessDenied", _S3),
    "bundle-gone": _agent(
        "DownloadBundle", "The specified key does not exist.", "Aws::S3::Errors::NoSuchKey", _S3
    ),
    "bucket-gone": _agent(
        "DownloadBundle", "The specified bucket does not exist", "Aws::S3::Errors::NoSuchBucket", _S3
    ),
    "bundle-broken": _agent(
        "DownloadBundle", "Zip end of central directory signature not found", "Zip::Error"
    ),
    "disk-full": _agent(
        "ApplicationStop",
        "No space left on device @ fptr_finalize_flush - {root}/ongoing-deployment/{id}",
        "Errno::ENOSPC",
        "/usr/lib/ruby/3.1.0/fileutils.rb:1394",
    ),
    "silent": SILENT,
}


def hears(machine: Machine, endpoint: str) -> bool:
    """Whether its agent gets as far as taking an event from this endpoint, by the machine alone."""
    titles = dict(machine.processes or ()).values()
    one_arn = (machine.identity or "").count("_arn: ") == 1
    return (
        bool(machine.agent)
        and machine.running
        and not any("booting child" in title for title in titles)
        and machine.resolves
        and not (machine.blocked and fnmatch(endpoint, machine.blocked))
        and abs(machine.ahead) < timedelta(minutes=5)
        and one_arn
        and (machine.credentials or "aws_credentials_file" not in (machine.identity or ""))
        # what it logged last is that CodeDeploy refuses it
        and not (machine.log and "Cannot reach InstanceService" in machine.log[-1])
        # it takes its Region from a metadata service that names one
        and (not machine.metadata or "-" not in machine.metadata or machine.metadata in endpoint)
    )


def derived(machine: Machine) -> str:
    """The name of the failure that follows from the machine's state, or ""."""
    return machine.fails or ("disk-full" if machine.free < 10_240 or machine.inodes < 100 else "")


_RECORDS = f"{DEPLOYMENTS}/deployment-instructions/"

# The agent's number for each code, in its report.
_NUMBERS = {
    "Success": 0,
    "ScriptMissing": 1,
    "ScriptNotExecutable": 2,
    "ScriptTimedOut": 3,
    "ScriptFailed": 4,
}


def marked(machine: Machine, arn: str, deployment: str, failure: Failure | None) -> Machine:
    """The machine after a deployment: what its agent logged, and what it left below its root_dir."""
    if failure and not failure.heard:
        return machine
    polls = () if (machine.agent or "").startswith("2.") else (poll(arn),)
    reports = (*machine.reports, *_reports(machine, deployment, failure), *polls)
    if failure is None:  # that also writes the agent's records of revisions again
        others = tuple(file for file in machine.others if not file[0].startswith(_RECORDS))
        fails = "" if machine.fails == "last-revision-gone" else machine.fails
        return replace(machine, reports=reports, others=others, fails=fails)
    place = f"{DEPLOYMENTS}/{GROUP}/{deployment}"
    files = dict(machine.others)
    if EVENTS.index(failure.event) > EVENTS.index("DownloadBundle"):
        files |= {f"{place}/deployment-archive/{name}": text for name, text in left(failure).items()}
        files |= {
            f"{DEPLOYMENTS}/deployment-instructions/{GROUP}_most_recent_install": f"/{place}\n",
            "bin/sh": "",  # what the scripts name in their first line
        }
    if failure.script:
        files[f"{place}/logs/scripts.log"] = failure.tail
        files[f"{DEPLOYMENTS}/deployment-logs/codedeploy-agent-deployments.log"] = failure.tail
    return replace(machine, reports=reports, others=tuple(sorted(files.items())))


def left(failure: Failure) -> dict[str, str]:
    """The revision in the archive, as far as a failure follows from it."""
    if failure.archive is not None:
        return dict(failure.archive)
    files = dict(REVISION)
    if failure.code == "ScriptMissing":
        files.pop(failure.script, None)
    elif "Errno::ENOENT with message" in failure.message:
        files[failure.script] = files[failure.script].replace("\n", "\r\n")
    elif "did not find an AppSpec file" in failure.message:
        del files["appspec.yml"]
    elif failure.message.startswith("(<unknown>)"):
        files["appspec.yml"] = APPSPEC.replace("  - source", "\t- source")
    elif "rb_sysopen" in failure.message and "deployment-archive/" in failure.message:
        files.pop(failure.message.partition("deployment-archive/")[2], None)
    return files


def _reports(machine: Machine, deployment: str, failure: Failure | None) -> tuple[str, ...]:
    """The lines of the agent's log about the event that failed, or about the last one."""
    event = failure.event if failure else EVENTS[-1]
    if (machine.agent or "").startswith("2."):
        span = f"deployment{{deployment_id={deployment} command={event} app=shop}}"
        if not failure:
            return ()
        script = f"{failure.script}: " if failure.script else ""
        return (f"ERROR {span}: Command failed elapsed_ms=2 error={script}{failure.message}",)
    status, number = (
        ("Failed", failure.number or _NUMBERS.get(failure.code, 5)) if failure else ("Succeeded", 0)
    )
    payload = {
        "error_code": number,
        "script_name": failure.script if failure else "",
        "message": failure.message if failure else "Succeeded: ",
        "log": failure.tail if failure else "",
    }
    diagnostics = f'{{format:"JSON",payload:{json.dumps(json.dumps(payload, separators=(",", ":")))}}}'
    call = f'put_host_command_complete(command_status:"{status}",diagnostics:{diagnostics},host_command_identifier:"eyJiYXRjaElkIjoi")'
    done = f"INFO  [codedeploy-agent(1415)]: [Aws::CodeDeployCommand::Client 200 0.053927 0 retries] {call}  "
    return tuple(filter(None, (failure.logged if failure else "", done)))
