"""As whom and in which Region the agent works: what its log and the metadata service show, beside its own files."""

import re
from collections.abc import Iterator

from runbooks.aws.regions import dns_suffix
from runbooks.checks._host import IDENTITY_PAGE, append_line, config_path, restarting, set_line
from runbooks.findings import FAIL, OK, WARN, Finding
from runbooks.host import HostReport, run_state

_REGION_OF = re.compile(r"codedeploy-commands(?:-secure)?(?:-fips)?\.([a-z]+-[a-z0-9-]+-\d)\.")


def polls_as(report: HostReport, name: str, arn: str, though: str) -> Iterator[Finding]:
    """That an agent which polls does so, by its log, as another than ``arn``, ``though`` something says so."""
    state, polled = run_state(report), report.polled_as()
    if state and state.state == "polls" and polled and polled != arn:
        says = f"By its log the agent on {name} polls as {polled}, though {though}."
        fix = restarting(report)
        yield Finding(FAIL, says, code="polls-as-another", about=polled, fix=fix, next=IDENTITY_PAGE)


def polls_elsewhere(report: HostReport, name: str, region: str, but: str) -> Iterator[Finding]:
    """That an agent which polls does so, by its log, in another Region than ``region``, ``but``."""
    state, url = run_state(report), report.endpoint_commands.url.value or ""
    found = _REGION_OF.search(url)
    by_log = report.endpoint_commands.url.by == "its log"
    if not state or state.state != "polls" or not found or found[1] == region or not by_log:
        return
    says = f"By its log the agent on {name} polls {url}, but {but}."
    right = f"https://{found[0].replace(found[1], region)}{dns_suffix(region)}"
    if report.config.deploy_control_endpoint.value:
        fix = set_line(report, config_path(report), "deploy_control_endpoint", right)
    elif report.network.imds_answers.value:
        fix = append_line(report, "deploy_control_endpoint", right)
    else:
        fix = restarting(report)
    causes = ("agent-takes-its-region-from-its-yml",)
    yield Finding(
        FAIL, says, code="polls-elsewhere", about=url, fix=fix, next=IDENTITY_PAGE, explained_by=causes
    )


def metadata(report: HostReport, name: str, status: int) -> Finding:
    """What it means that something answers the host at the metadata address. The agent needs a status of 2xx.

    The probe asks as the agent does: with a token, where the service gives one.
    """
    region, yml = report.network.imds_region.value, report.identity.region.value
    if not 200 <= status < 300:
        no_token = " and gives no token" if status == 401 and not report.network.imds_token.value else ""
        says = f"What answers {name} at 169.254.169.254 says HTTP {status}{no_token}, so its agent takes nothing from it."
        return Finding(OK, says, about=name)
    if region and region == yml:
        token = ", to those who send a token" if report.network.imds_token.value == "required" else ""
        says = f"The metadata service of {name} names the Region of its yml, {region}{token}."
        return Finding(OK, says, about=name)
    url = f"https://codedeploy-commands.{yml}.{dns_suffix(yml)}" if yml else ""
    says = f"A metadata service answers {name} at 169.254.169.254, and its agent takes Region and domain from there"
    polled = report.endpoint_commands.url
    as_yet = bool(yml and polled.by == "its log" and f".{yml}." in (polled.value or ""))
    verdict, code = (FAIL, "metadata-other-region") if region and not as_yet else (WARN, "metadata-answers")
    if region:
        says += f": {region}, though its yml names {yml}"
        says += ", where it still polls by its log, until its next start" if as_yet else ""
    return Finding(
        verdict,
        f"{says}.",
        code=code,
        about=name,
        fix=append_line(report, "deploy_control_endpoint", url) if url else "",
        next="/guides/check-the-network/#metadata",
    )
