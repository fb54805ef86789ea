"""What the agent on a machine makes of a deployment: how an event fails, and what it reports.

The messages are those of agent 1.8.1, which was run for them, or of its source.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatch
from types import MappingProxyType

from codedeploy_sandbox.hosts.host import DEPLOYMENTS
from codedeploy_sandbox.hosts.machine import Machine

EVENTS = (
    "ApplicationStop",
    "DownloadBundle",
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
)
# What a load balancer adds: before the others, and after them.
BLOCK = ("BeforeBlockTraffic", "BlockTraffic", "AfterBlockTraffic")
ALLOW = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic")
# Assumption: quick
EVENT = timedelta(seconds=1)  # what an event takes
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
    script: str = ""  # the one that it reports
    running: str = ""  # the one that ran, where it reports none
    output: tuple[str, ...] = ()  # what the script printed
    logged: str = ""  # what the agent logs beside its report to CodeDeploy, where it logs more
    takes: timedelta = timedelta(seconds=1)
    heard: bool = True  # an agent took the event
    opens: bool = False  # it fails whichever event is the first
    number: int = 0  # the agent's own for it, where that does not follow from the code
    archive: tuple[tuple[str, str], ...] | None = (
        None  # files of the revision, where it is not the sandbox's own
    )
    second: bool = False  # an agent 2.x reports it

    def diagnostics(self, began: datetime) -> dict[str, str]:
        """What CodeDeploy answers about the event, which began then. Agent 2.x reports each line with its time."""
        time = f"{began:%Y-%m-%d %H:%M:%S} " if self.second else ""
        return {
            "errorCode": self.code,
            "scriptName": self.script,
            "message": self.message,
            "logTail": "".join(f"{time}{line}\n" for line in self.lines if self.script),
        }

    @property
    def lines(self) -> tuple[str, ...]:
        """What the agent writes into the script's log. It names the script when it runs it, and 2.x before it looks for it."""
        script = self.script or self.running
        if not script:
            return ()
        ran = self.second or self.code not in ("ScriptMissing", "ScriptNotExecutable")
        return (f"LifecycleEvent - {self.event}", *([f"Script - {script}"] * ran), *self.output)

    @property
    def tail(self) -> str:
        """The end of the script's log, as agent 1.x reports it: without times."""
        return "".join(f"{line}\n" for line in self.lines if self.script)

    def left(self) -> dict[str, str]:
        """The revision in the archive, as far as the failure follows from it; by the words of agent 1.x."""
        if self.archive is not None:
            return dict(self.archive)
        files = dict(REVISION)
        if self.code == "ScriptMissing":
            files.pop(self.script, None)
        elif "Errno::ENOENT with message" in self.message:
            files[self.script] = files[self.script].replace("\n", "\r\n")
        elif "did not find an AppSpec file" in self.message:
            del files["appspec.yml"]
        elif self.message.startswith("(<unknown>)"):
            files["appspec.yml"] = APPSPEC.replace("  - source", "\t- source")
        elif "rb_sysopen" in self.message and "deployment-archive/" in self.message:
            files.pop(self.message.partition("deployment-archive/")[2], None)
        return files

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
    takes = timedelta(seconds=seconds)
    return Failure(
        "ApplicationStart", code, message, _START, output=output, logged=logged or error, takes=takes
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
    opens=True,
)


def no_appspec(archive: str) -> str:
    """The message about a revision without an AppSpec file."""
    at = f'The revision was unpacked to directory "{archive}", and the AppSpec file was expected but not found at path "{archive}/appspec.yml".'
    return f'The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at revision-relative path "appspec.yml". {at} Consult the AWS CodeDeploy Appspec documentation for more information at http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html'


FAILURES: dict[str, Failure] = {
    "script-failed": _script(
        "ScriptFailed",
        f"{_AT} run as user root failed with exit code 127",
        "[stderr]scripts/start.sh: line 3: gunicorn: command not found",
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
        running=_START,
        number=7,
    ),
    "cleanup-failing": replace(
        _agent("DownloadBundle", "Error deleting directories: 1", "RuntimeError"),
        logged="\n".join(
            (
                "ERROR [codedeploy-agent(1415)]: InstanceAgent::LinuxUtil: Error deleting directories: 1",
                performing(
                    "RuntimeError - Error deleting directories: 1 - /opt/codedeploy-agent/lib/instance_agent/platform/linux_util.rb:98:in `delete_folder'"
                ),
            )
        ),
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
    "interpreter-missing": replace(
        _script(
            "ScriptFailed",
            f"{_AT} failed with error Errno::ENOENT with message No such file or directory - {{archive}}/{_START}",
        ),
        archive=(*REVISION.items(), (_START, "#!/usr/local/bin/bash\nsystemctl start shop\n")),
    ),
    # a process that a signal ended has no exit code
    "script-killed": _script(
        "ScriptFailed", f"{_AT} run as user root failed with exit code ", "[stdout]warming the cache"
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
        no_appspec(f"/{DEPLOYMENTS}/{GROUP}/d-SHOPWEB00/deployment-archive"),
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
    "bundle-in-other-region": _agent(
        "DownloadBundle",
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
        "Aws::S3::Errors::PermanentRedirect",
        _S3,
    ),
    "bundle-key-denied": _agent(
        "DownloadBundle",
        "User: arn:aws:sts::111122223333:assumed-role/CodeDeployOnPremises/web-01 is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666 because no identity-based policy allows the kms:Decrypt action",
        "Aws::S3::Errors::AccessDenied",
        _S3,
    ),
    "disk-full": replace(
        _agent(
            "ApplicationStop",
            "No space left on device @ fptr_finalize_flush - {root}/ongoing-deployment/{id}",
            "Errno::ENOSPC",
            "/usr/lib/ruby/3.1.0/fileutils.rb:1394",
        ),
        opens=True,
    ),
    "root-read-only": replace(
        _agent(
            "ApplicationStop",
            "Read-only file system @ dir_s_mkdir - {root}/ongoing-deployment",
            "Errno::EROFS",
            "/usr/lib/ruby/3.1.0/fileutils.rb:243",
        ),
        opens=True,
    ),
    "silent": SILENT,
    # CodeDeploy's own, at the load balancer
    # Assumption: traffic-failure
    "traffic-not-allowed": Failure(
        "AllowTraffic",
        "UnknownError",
        "The AllowTraffic lifecycle event failed: the instance did not become healthy in time [sandbox].",
    ),
}


def within(failure: Failure | None, events: tuple[str, ...]) -> Failure | None:
    """The failure where these are the events; None where the one that would fail is not among them."""
    if failure and failure.opens:
        return replace(failure, event=events[0])
    return failure if failure and failure.event in events else None


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
