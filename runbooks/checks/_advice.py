"""What the dictionary of the agent's log says of a line, as far as it is true of this host."""

import re

from runbooks.host import HostReport
from runbooks.host.log import Standing
from runbooks.question import is_ec2

_SENTENCE = re.compile(r"(?<=[.]) +(?=[A-Z])")
_ON_PREMISES = re.compile(r"On-premises[:,] |On an on-premises host ")
_ON_EC2 = re.compile(r"On EC2:? ")
_LABEL = re.compile(r"^(?:On-premises|On EC2)[:,] (\w)")
_CONNECTION = re.compile(r"TCP connection to ([\w.-]+):(\d+)")


def advice(report: HostReport, one: Standing, instance: str) -> tuple[str, str]:
    """Cause and cure of a standing symptom: of a proxy where the line names one, and only of this kind of host."""
    if proxy := _proxy(report, one.line):
        return proxy, "Start the proxy, or correct the setting that names it, and restart the agent."
    return of_kind(one.symptom.cause, instance), of_kind(one.symptom.do, instance)


def of_kind(text: str, instance: str) -> str:
    """A text without the sentences about the other kind of host: EC2 or on-premises. ``instance`` may be ""."""
    if not instance:
        return text
    other = _ON_PREMISES if is_ec2(instance) else _ON_EC2
    sentences = [one for one in _SENTENCE.split(text) if not other.match(one)]
    return " ".join(_LABEL.sub(lambda found: found[1].upper(), one) for one in sentences)


def _proxy(report: HostReport, line: str) -> str:
    """That the connection of a line went to a proxy; "" where it did not, by the settings that the report holds."""
    found = _CONNECTION.search(line)
    if not found:
        return ""
    place = f"{found[1]}:{found[2]}"
    variables = {
        f"{name} of its environment": report.agent.variable(name)
        for name in ("http_proxy", "https_proxy", "all_proxy")
    }
    settings = {"proxy_uri of its configuration": report.proxy()} | variables
    named = next((name for name, url in settings.items() if place in url), "")
    if not named:
        return ""
    return f"{place} is the agent's proxy ({named}), not CodeDeploy, and it does not answer."
