"""What the advice says of a line of the agent's log, by the kind of the host and by its proxies."""

from typing import Any

import pytest

from runbooks.checks._advice import advice, of_kind
from runbooks.checks._host import install_again
from runbooks.checks._running import by_systemd
from runbooks.host.log import judge_log
from tests.checks.on_hosts import aws, changed, document
from tests.support.agent_lines import boot

__all__ = ["aws", "document"]  # fixtures

BOTH = "It failed. On an on-premises host the yml is gone. On EC2 the service is off. On-premises: write it. On EC2: switch it on."
REFUSED = boot("Errno::ECONNREFUSED - Failed to open TCP connection to 10.0.0.9:3128 (Connection refused)")


@pytest.mark.parametrize(
    ("instance", "says"),
    [
        ("i-0123456789abcdef0", "It failed. On EC2 the service is off. Switch it on."),
        ("web-01", "It failed. On an on-premises host the yml is gone. Write it."),
        ("", BOTH),
    ],
)
def test_a_host_is_not_given_the_advice_for_the_other_kind(instance: str, says: str) -> None:
    assert of_kind(BOTH, instance) == says


@pytest.mark.parametrize(
    ("section", "name", "datum", "named"),
    [
        ("config", "proxy_uri", {"value": "http://10.0.0.9:3128"}, "proxy_uri of its configuration"),
        ("agent", "environment", {"value": ["http_proxy=http://10.0.0.9:3128"]}, "http_proxy of its environment"),
        ("config", "proxy_uri", {"value": "http://10.0.0.8:3128"}, ""),
    ],
)  # fmt: skip
def test_a_connection_that_goes_to_a_proxy_is_not_called_codedeploy(
    section: str, name: str, datum: Any, named: str, document: dict[str, Any]
) -> None:
    (one,) = judge_log([REFUSED]).faults
    cause, do = advice(changed(document, section, name, datum), one, "web-01")
    assert (f"10.0.0.9:3128 is the agent's proxy ({named}), not CodeDeploy" in cause) is bool(named)
    assert do.startswith("Start the proxy" if named else "Let HTTPS out")


@pytest.mark.parametrize(
    ("by", "says"),
    [
        ("systemctl: failed failed; no process", "systemctl: failed; no process"),
        ("systemctl: inactive dead; no process", "systemctl: inactive (dead); no process"),
        ("systemctl: active exited", "systemctl: active (exited)"),
        ("systemctl: no such unit; no process", "systemctl: no such unit; no process"),
        ("no process", "no process"),
    ],
)
def test_a_state_of_systemd_is_said_once(by: str, says: str) -> None:
    assert by_systemd(by) == says


@pytest.mark.parametrize(
    ("by", "version", "fix"),
    [
        ("rpm", "1.8.1-13", "sudo rpm -U --replacepkgs https://aws-codedeploy-eu-west-1.s3.eu-west-1.amazonaws.com/releases/codedeploy-agent-1.8.1-13.noarch.rpm && "),
        ("dpkg", "1.8.1-13", "curl -fsSO https://aws-codedeploy-eu-west-1.s3.eu-west-1.amazonaws.com/releases/codedeploy-agent_1.8.1-13_all.deb && sudo dpkg -i codedeploy-agent_1.8.1-13_all.deb && "),
        ("rpm", None, "Remove the package"),
        ("rpm", "1.8.1-13; rm -rf /", "Remove the package"),
    ],
)  # fmt: skip
def test_the_package_is_installed_over_itself(
    by: str, version: str | None, fix: str, document: dict[str, Any]
) -> None:
    agent = document["agent"] | {"installed": {"value": True, "by": by}}
    report = changed(document | {"agent": agent}, "agent", "package_version", {"value": version})
    assert install_again(report, "eu-west-1").startswith(fix)
