"""What several checks ask of a host's report, and the commands that fix a host."""

import re
import shlex
from datetime import timedelta
from typing import TypeVar

from runbooks.aws import Aws
from runbooks.aws.regions import dns_suffix
from runbooks.commands import script, then
from runbooks.facts.host_report import host_report
from runbooks.findings import Command, CouldNotCheck, NotApplicable
from runbooks.host import Datum, HostReport
from runbooks.host.report import File
from runbooks.host.versions import TOKENS_SINCE, is_before
from runbooks.question import Question

T = TypeVar("T")

IDENTITY_PAGE = "/guides/check-the-agent/#identity"
CONFIG = "/etc/codedeploy-agent/conf/codedeployagent.yml"

# How a package is installed, by the id of the system.
_APT, _YUM = "sudo apt-get install -y", "sudo yum install -y"
_MANAGERS = dict.fromkeys(("debian", "ubuntu"), _APT) | dict.fromkeys(
    ("amzn", "centos", "ol", "rhel", "rocky"), _YUM
)
_NAMES = {_APT: {"ruby": "ruby-full"}, _YUM: {}}  # of packages, where they differ

_PACKAGE = re.compile(r"[0-9]+(\.[0-9]+)+-[0-9]+")  # the version of the agent's package

LONGEST_EVENT = timedelta(minutes=70)  # an event has at most an hour


def require_report(aws: Aws, question: Question, *, agent: bool = False) -> HostReport:
    """The host's report. Raises `NotApplicable` where no host was asked about.

    With ``agent`` also where no agent is installed there: then what a check asks of one does not arise.
    """
    question.require("host")
    report = host_report(aws, question)
    if agent and (reason := no_agent(report)):
        raise NotApplicable(reason, about=host_name(question, report))
    return report


def no_agent(report: HostReport) -> str:
    """That no agent is on the host; "" where one is, or where that is not known."""
    absent = report.agent.installed.value is False and report.agent.running.value is not True
    return "No agent is installed on the host." if absent else ""


def host_name(question: Question, report: HostReport) -> str:
    """How to call the host: as it was asked about, else as it calls itself."""
    return question.instance or report.host.hostname.value or "the host"


def require(datum: Datum[T], what: str) -> T:
    """The value of a datum. Raises `CouldNotCheck` where there is none."""
    if datum.value is None:
        reason = datum.error or "the probe found nothing"
        as_root = "; run the probe as root" if "this user" in reason else ""
        raise CouldNotCheck(f"{what} is not known: {reason}{as_root}.")
    return datum.value


def unreadable(report: HostReport, file: File) -> bool:
    """Whether the agent cannot read a file that is there: no user can, or root cannot.

    Raises `CouldNotCheck` where only the user that the probe ran as could not.
    """
    readable, everybody = file.readable, "not a regular file" in file.readable.by
    if readable.value is False and report.host.uid.value != 0 and not everybody:
        raise CouldNotCheck(f"{readable.by}; run the probe as root.")
    return not require(readable, f"whether {file.path.value} can be read")


def yml_path(report: HostReport) -> str:
    """Where the agent looks for its identity."""
    return report.identity_file.path.value or "codedeploy.onpremises.yml"


def why_unreadable(report: HostReport) -> str:
    """Why the agent has no yml to read: it is not there, or cannot be read; "" where it has one.

    Raises `CouldNotCheck` where that is not known.
    """
    if not require(report.identity_file.exists, "whether the agent's yml is there"):
        return f"There is no {yml_path(report)}."
    if unreadable(report, report.identity_file):
        return f"The agent cannot read its yml: {report.identity_file.readable.by}."
    if report.identity.registration.error:
        raise CouldNotCheck(f"{report.identity.registration.error}, so read it by hand.")
    return ""


def _no_token(report: HostReport) -> str:
    """That the metadata service takes no question without a token, and this agent sends none; else ""."""
    if report.network.imds_token.value != "required" or not is_before(
        report.agent.version.value, TOKENS_SINCE
    ):
        return ""
    return f" There a token is required (IMDSv2), and agent {report.agent.version.value} sends none: 1.2.1 is the first that does."


def age_of(report: HostReport, file: File) -> timedelta | None:
    """For how long a file has not been written, by the host's own clock."""
    epoch, modified = report.clock.epoch.value, file.modified.value
    return None if epoch is None or modified is None else timedelta(seconds=epoch - modified)


def yml_faults(report: HostReport) -> list[str]:
    """What is wrong with the agent's yml by itself, whatever is registered."""
    path, identity = yml_path(report), report.identity
    if reason := why_unreadable(report):
        if report.agent.line.value == "1.x" and "is a directory" in report.identity_file.readable.by:
            return [f"{reason} The agent's worker ends at each start."]
        return [
            f"{reason} So it asks instance metadata who it is: on EC2 the EC2 instance, elsewhere no one."
            + _no_token(report)
        ]
    faults = []
    if identity.registration.value == "both":
        faults.append(
            f"{path} has iam_user_arn and iam_session_arn, and the agent refuses to work with both."
        )
    elif identity.registration.value == "neither":
        faults.append(f"{path} has neither iam_user_arn nor iam_session_arn.")
    if missing := require(identity.missing, f"what {path} lacks"):
        faults.append(f"{path} lacks {', '.join(missing)}.")
    shown = {
        "region": identity.region,
        "iam_user_arn": identity.iam_user_arn,
        "iam_session_arn": identity.iam_session_arn,
    }
    faults += [f"{field} in {path}: {datum.error}." for field, datum in shown.items() if datum.error]
    return faults


def arn_of(report: HostReport) -> str:
    """The ARN in a yml that has no faults."""
    return report.identity.iam_session_arn.value or report.identity.iam_user_arn.value or ""


def take_session(report: HostReport, registered: str) -> str:
    """How a host takes its registered identity: first the credentials, then the yml that names whose they are."""
    if report.identity.registration.value != "session" or ":assumed-role/" not in registered:
        return f"Write {yml_path(report)} again, with {registered} and credentials of that identity, and restart the agent."
    session = registered.rpartition("/")[2]
    edit = set_line(report, yml_path(report), "iam_session_arn", registered)
    edit = f"`{edit}`" if isinstance(edit, Command) else edit
    return (
        f"Give the session the name {session} where the host renews its credentials; once it has them: {edit}"
    )


def config_path(report: HostReport) -> str:
    """Where the agent's configuration is: agent 1.x takes the copy in its own folder where there is no other."""
    return report.config_file.path.value or CONFIG


def set_line(report: HostReport, path: str, key: str, value: str) -> str:
    """The command that changes a line of a file of the agent's and restarts the agent; a sentence while one deploys.

    It keeps the old file beside it, but not the yml, which may hold a secret key: its old value stands in the finding.
    """
    quoted = re.sub(r"([\\&|])", r"\\\1", value)
    # As the probe reads it: the key may wear a colon, quotes, and spaces behind it.
    edit = shlex.quote(rf's|^(["\x27]?:?{key}["\x27]?[[:blank:]]*:).*|\1 {quoted}|')
    keep = "" if path == yml_path(report) else ".bak"
    return restarting(report, f"sudo sed -E -i{keep} {edit} {shlex.quote(path)}")


def append_line(report: HostReport, key: str, value: str) -> str:
    """The command that adds a setting to the agent's configuration, and restarts the agent."""
    line = shlex.quote(f":{key}: {value}")
    return restarting(report, f"echo {line} | sudo tee -a {shlex.quote(config_path(report))}")


def install(report: HostReport, region: str, *, second: bool = False) -> Command:
    """The commands that install the agent, or update it within its line; the ``second`` line where that is asked for.

    Where there is none it is 1.8, since it is not verified in which Regions 2.x is.
    """
    second = second or report.agent.line.value == "2.x"
    url = f"{_bucket(region)}/{'latestv2' if second else 'latest'}/install"
    ruby = install_packages(report, "ruby")
    run = f"sudo env AWS_REGION={region} ./install auto"
    return then("" if second else ruby, f"curl -fsSO {url}", "chmod +x install", run)


def install_again(report: HostReport, region: str) -> str:
    """The command that installs the package of agent 1.x over the same version, and restarts the agent.

    Package managers know no repository that holds it, and the installer skips a version that is there: so it is the file
    that the installer fetches. A sentence where the version of the package is not known.
    """
    debian = "dpkg" in report.agent.installed.by
    version = report.agent.package_version.value or ""
    if not _PACKAGE.fullmatch(version):
        return "Remove the package codedeploy-agent, and install it again: an update skips a version that is there."
    package = f"codedeploy-agent_{version}_all.deb" if debian else f"codedeploy-agent-{version}.noarch.rpm"
    url = f"{_bucket(region)}/releases/{package}"
    if not debian:
        return restarting(report, f"sudo rpm -U --replacepkgs {url}")
    return restarting(report, f"curl -fsSO {url}", f"sudo dpkg -i {package}")


def _bucket(region: str) -> str:
    """The address of the bucket that holds the agent's packages for a Region."""
    return f"https://aws-codedeploy-{region}.s3.{region}.{dns_suffix(region)}"


def install_packages(report: HostReport, package: str) -> Command:
    """The command that installs a package of the host's distribution."""
    known = _MANAGERS.get(report.host.os_id.value or "")
    commands = [f"{one} {_NAMES[one].get(package, package)}" for one in ([known] if known else [_YUM, _APT])]
    return script(commands[0] if known else f"({' || '.join(commands)})")


def ongoing(report: HostReport) -> list[tuple[str, timedelta]]:
    """The deployments of which an event is noted as under way, each with the age of that note."""
    parts = [text.split(" ") for text in report.deployment.ongoing.value or ()]
    return [(p[0], timedelta(seconds=int(p[1]))) for p in parts if len(p) == 2 and p[1].isdecimal()]


def restarting(report: HostReport, *commands: str) -> str:
    """These commands and a restart of the agent; a sentence while a deployment runs, which a restart would fail."""
    whole = then(*commands, service(report, "restart"))
    running = [id_ for id_, age in ongoing(report) if age <= LONGEST_EVENT]
    if not running or report.agent.running.value is False:
        return whole
    return f"{', '.join(running)} is under way on the host, and a restart would fail it: let it end, then run {whole}"


def service(report: HostReport, verb: str) -> str:
    """The command that starts or restarts the agent, by the host's init. 2.x brings a unit for systemd only."""
    if report.host.init.value in ("systemd", None):
        return script(f"sudo systemctl {verb} codedeploy-agent")
    return "" if report.agent.line.value == "2.x" else script(f"sudo service codedeploy-agent {verb}")
