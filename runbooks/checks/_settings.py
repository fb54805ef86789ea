"""What a setting of the agent's configuration does wrong, and what a former one left behind."""

import re
import shlex
from collections.abc import Iterator

from runbooks.checks._host import CONFIG, append_line, config_path, require, restarting, set_line
from runbooks.commands import script
from runbooks.findings import FAIL, WARN, Finding
from runbooks.host import Datum, HostReport, run_state, switched_on
from runbooks.question import is_ec2

_PAGE = "/guides/check-the-agent/#look"
_SWITCHES = ("enable_auth_policy", "use_fips_mode", "disable_imds_v1", "log_aws_wire", "verbose")
# What agent 1.x does not work without: it has no default for these. The values are the package's.
_NEEDED = {
    "log_dir": "/var/log/aws/codedeploy-agent/",
    "pid_dir": "/opt/codedeploy-agent/state/.pid/",
    "root_dir": "/opt/codedeploy-agent/deployment-root",
}
_URLS = ("deploy_control_endpoint", "s3_endpoint_override")
_OF_REVISIONS = _URLS[1:]  # without which the agent polls all the same
_NUMBERS = {"max_revisions": "5", "wait_between_runs": "30"}  # with the defaults of agent 2.x
_JUDGED = (*_SWITCHES, *_NEEDED, *_NUMBERS, *_URLS, "children", "proxy_uri")
# By AWS's page on limits a deployment fails if an event does not start within five minutes.
_LONGEST_WAIT = 240
_ENDPOINT = re.compile(r"(?:^|[./])codedeploy(-commands(-secure)?)?(?:-fips)?\.[a-z]{2,}-[a-z-]+-\d")


def bad_settings(report: HostReport, name: str) -> Iterator[Finding]:
    """A finding for each setting that stops the agent, is not taken as it is meant, or writes secrets.

    Raises `CouldNotCheck` where a setting is not known. Facts: agent 1.8.1, which was run; 2.x by its source.
    """
    settings = {setting: _known(report, name, setting) for setting in _JUDGED}
    on = {switch: switched_on(settings[switch], report.agent.line.value).value for switch in _SWITCHES}
    yield from _quoted(report, name, settings)
    region = report.identity.region.value or report.network.imds_region.value or ""
    if on["use_fips_mode"] and region and not region.startswith("us-"):
        says = f"use_fips_mode is on for {name} in {region}, which has no FIPS endpoint: the agent does not start."
        fix, page = _set(report, "use_fips_mode", "false"), "/guides/check-the-network/#endpoints"
        yield Finding(FAIL, says, code="fips-outside-us", about=name, fix=fix, next=page)
    yield from _kept(report, name, settings["max_revisions"])
    yield from _children(report, name, settings["children"].value)
    yield from _relative(report, name, settings)
    yield from _needed(report, name, settings)
    yield from _wait(report, name, settings["wait_between_runs"].value or "")
    yield from _schemes(report, name, settings)
    yield from _endpoint(
        report, name, settings["deploy_control_endpoint"].value or "", on["enable_auth_policy"] is True
    )
    yield from _proxy(report, name, settings["proxy_uri"].value or "")
    yield from _wire(report, name, on["log_aws_wire"] is True)
    if not is_ec2(name):  # where the agent has no yml by right, a check of its own judges this
        yield from stray_keys(report, name)


def configure(report: HostReport) -> str:
    """The command that writes the configuration of agent 1.x as its package brings it, and restarts the agent."""
    lines = ["---", *(f":{setting}: {value}" for setting, value in _NEEDED.items()), ":wait_between_runs: 1"]
    printed = f"printf '%s\\n' {' '.join(shlex.quote(line) for line in lines)} | sudo tee {CONFIG}"
    return restarting(report, f"sudo mkdir -p {CONFIG.rpartition('/')[0]}", printed)


def settings_that_stop(report: HostReport, name: str) -> bool:
    """Whether a setting keeps the agent from its work. False where a setting is not known: that is another finding."""
    unknown = any(getattr(report.config, setting).error for setting in _JUDGED)
    if unknown or report.wire_log.exists.value is None:
        return False
    return any(
        finding.verdict is FAIL and finding.about not in _OF_REVISIONS
        for finding in bad_settings(report, name)
    )


def stray_keys(report: HostReport, name: str) -> Iterator[Finding]:
    """That root has keys which an agent without a yml takes, as users report."""
    if report.root_credentials.exists.value and report.identity_file.exists.value is False:
        path = report.root_credentials.path.value
        says = f"There are keys in {path} on {name}, and users report that an agent without a yml uses them."
        fix = "Move them to a file that is not root's own, or remove them, and restart the agent."
        page = "/guides/check-the-agent/#identity"
        yield Finding(WARN, says, code="stray-keys", about=str(path), fix=fix, next=page)


def _known(report: HostReport, name: str, setting: str) -> Datum[str]:
    datum: Datum[str] = getattr(report.config, setting)
    if datum.error:
        require(datum, f"{setting} on {name}")
    return datum


def _set(report: HostReport, setting: str, value: str) -> str:
    return set_line(report, config_path(report), setting, value)


def _quoted(report: HostReport, name: str, settings: dict[str, Datum[str]]) -> Iterator[Finding]:
    """The switches whose quotes change what they mean."""
    if report.agent.line.value == "2.x":
        yield from _typed(report, name, settings)
        return
    for switch in _SWITCHES:
        setting = settings[switch]
        meant_off = (setting.value or "").lower() in ("", "false", "no", "off")
        if setting.by != "quoted" or not meant_off:
            continue
        says = (
            f'{switch} on {name} is "{setting.value or ""}" in quotes, and agent 1.x takes every text for on.'
        )
        fix = _set(report, switch, "false")
        yield Finding(WARN, says, code="quoted-switch", about=switch, fix=fix, next=_PAGE)


def _typed(report: HostReport, name: str, settings: dict[str, Datum[str]]) -> Iterator[Finding]:
    """The values that agent 2.x refuses, by its source: a switch is true or false, a number has digits, neither quotes."""
    state = run_state(report)
    polls = state is not None and state.state == "polls"
    verdict, so = (WARN, "does not start again") if polls else (FAIL, "does not start")
    for setting in (*_SWITCHES, *_NUMBERS):
        value, quoted = settings[setting].value, settings[setting].by == "quoted"
        if value is None and not quoted:
            continue
        text, is_switch = value or "", setting in _SWITCHES
        if not quoted and (text.lower() in ("true", "false") if is_switch else text.isdecimal()):
            continue
        seen = f'"{text}" in quotes' if quoted else repr(text)
        wanted = "true or false" if is_switch else "a number"
        says = f"{setting} on {name} is {seen}, and agent 2.x {so} with anything but {wanted} there, without quotes."
        on = str(text.lower() in ("true", "yes", "on")).lower()
        right = on if is_switch else text if text.isdecimal() else _NUMBERS[setting]
        fix, page = _set(report, setting, right), "/symptoms/agent-config/"
        yield Finding(verdict, says, code="wrong-type", about=setting, fix=fix, next=page)


def _kept(report: HostReport, name: str, setting: Datum[str]) -> Iterator[Finding]:
    """A number of revisions to keep that the agent refuses, or with which it deletes what it needs."""
    kept = setting.value
    if kept is None or kept.strip("0").isdecimal():
        return
    fix, page = _set(report, "max_revisions", "5"), "/symptoms/max-revisions/"
    if report.agent.line.value == "2.x":
        return  # with 0 it keeps the last successful revision alone, by its source; `_typed` says what is not a number
    says = f"max_revisions is {kept!r} on {name}: the agent deletes the revision that it has just fetched, or does not start."
    yield Finding(FAIL, says, code="max-revisions", about=name, fix=fix, next=page)


def _children(report: HostReport, name: str, children: str | None) -> Iterator[Finding]:
    """Another number of workers than the one that agent 1.x starts with; 2.x does not read it."""
    if children is None or report.agent.line.value != "1.x" or re.match(r"0*1(?!\d)", children):
        return
    says = f"children is {children!r} on {name}, and agent 1.x does not start with another number than 1."
    fix = _set(report, "children", "1")
    yield Finding(FAIL, says, code="children", about=name, fix=fix, next="/symptoms/agent-config/")


def _relative(report: HostReport, name: str, settings: dict[str, Datum[str]]) -> Iterator[Finding]:
    """A root_dir that depends on the folder in which the agent was started. By the source; it was not run."""
    root = settings["root_dir"].value or "/"
    if not root.startswith("/"):
        now = report.root_folder.path.value or "not known"
        says = f"root_dir is {root!r} on {name}, a relative path: an agent that is started from another folder finds none of its revisions again (now {now})."
        fix = _set(report, "root_dir", now if now.startswith("/") else _NEEDED["root_dir"])
        page = "/symptoms/deployment-root/"
        yield Finding(WARN, says, code="relative-root", about=root, fix=fix, next=page)


def _needed(report: HostReport, name: str, settings: dict[str, Datum[str]]) -> Iterator[Finding]:
    """The settings that are missing and that agent 1.x has no default for."""
    if report.agent.line.value != "1.x":
        return
    for setting, value in _NEEDED.items():
        if not settings[setting].value:
            says = (
                f"{config_path(report)} on {name} has no {setting}, and agent 1.x does not work without it."
            )
            fix = append_line(report, setting, value)
            yield Finding(
                FAIL, says, code="missing-setting", about=setting, fix=fix, next="/symptoms/agent-config/"
            )


def _wait(report: HostReport, name: str, wait: str) -> Iterator[Finding]:
    """A wait between two polls that a deployment does not survive, or the agent does not."""
    if wait.startswith("-"):
        verdict, so = FAIL, "the agent's worker ends after each poll"
    elif wait.isdecimal() and int(wait) > _LONGEST_WAIT:
        verdict, so = (
            WARN,
            "an event may wait that long for its agent, and by AWS's page on limits five minutes fail a deployment",
        )
    else:
        return
    says = f"wait_between_runs is {wait} seconds on {name}: {so}."
    fix = _set(report, "wait_between_runs", "1")
    yield Finding(verdict, says, code="wait-between-runs", about=name, fix=fix, next=_PAGE)


def _schemes(report: HostReport, name: str, settings: dict[str, Datum[str]]) -> Iterator[Finding]:
    """The endpoints without https:// in front, which neither line of the agent takes for one."""
    for setting in _URLS:
        url = settings[setting].value or ""
        if not url or re.match("https?://", url):
            continue
        starts = setting != _URLS[0] and report.agent.line.value == "1.x"
        so = "fetches no revision" if starts else "does not start"
        says = f"{setting} on {name} is {url}, without https:// in front: the agent {so}."
        fix = "Name an endpoint that begins with https://."
        if "://" not in url:
            fix = _set(report, setting, f"https://{url}")
        page = "/symptoms/endpoint-setting-invalid/"
        yield Finding(FAIL, says, code="endpoint-without-scheme", about=setting, fix=fix, next=page)


def _endpoint(report: HostReport, name: str, url: str, policy: bool) -> Iterator[Finding]:
    """A configured endpoint that does not serve agents, or not one with this enable_auth_policy."""
    found = _ENDPOINT.search(url)
    if not found or (found[1] and bool(found[2]) == policy):
        return
    if found[1]:
        says = f"deploy_control_endpoint on {name} is {url}, and enable_auth_policy is {'on' if policy else 'off'}: only the endpoint of codedeploy-commands-secure is for agents that have it on."
        fix = _set(report, "enable_auth_policy", "false" if policy else "true")
    else:
        says = f"deploy_control_endpoint on {name} is {url}, which is CodeDeploy's API and does not serve agents."
        fix = "Name the endpoint of codedeploy-commands, or take the line out: the agent finds it by itself."
    yield Finding(WARN, says, code="endpoint-disagrees", about=url, fix=fix, next="/symptoms/wrong-endpoint/")


def _proxy(report: HostReport, name: str, proxy: str) -> Iterator[Finding]:
    """A proxy without http:// in front: agent 1.x does not start, or goes without it."""
    if not proxy or "://" in proxy or report.agent.line.value != "1.x":
        return
    ends = proxy[0].isdigit()
    so = "its worker ends at each start" if ends else "the agent goes without a proxy"
    says = f"proxy_uri on {name} is {proxy}, without http:// in front: {so}."
    # a masked user part cannot be written back
    fix = (
        "Put http:// in front of it." if "[masked]" in proxy else _set(report, "proxy_uri", f"http://{proxy}")
    )
    page = "/symptoms/proxy-setting-invalid/"
    yield Finding(FAIL if ends else WARN, says, code="proxy-without-scheme", about=name, fix=fix, next=page)


def _wire(report: HostReport, name: str, on: bool) -> Iterator[Finding]:
    """The log of all calls with their signatures and session tokens, that is written or was left."""
    path = report.wire_log.path.value or "codedeploy-agent.aws_wire.log"
    if on:
        says = (
            f"log_aws_wire is on for {name}: {path} holds the signature and the session token of each call."
        )
        fix = _set(report, "log_aws_wire", "false")
        yield Finding(WARN, says, code="wire-log", about=name, fix=fix, next=_PAGE)
    elif require(report.wire_log.exists, f"whether {path} is on {name}"):
        size = (report.wire_log.size.value or 0) // 1_000_000
        says = f"{path} was left on {name} ({size} MB): it holds signatures and session tokens, and nothing needs it."
        fix = script(f"sudo rm {shlex.quote(path)}")
        yield Finding(WARN, says, code="wire-log-left", about=path, fix=fix, next=_PAGE)
