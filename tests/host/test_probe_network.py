"""The host probe and the network: which endpoints it asks, which way, and what it makes of the answers."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from codedeploy_sandbox.hosts.host import DATE, NO_ANSWER, NO_ROUTE, POLLS_2, curl, required

from tests.support import hosts
from tests.support.agent_lines import first
from tests.support.hosts import ANSWERS, SHELLS, Fakes, Files, build, disagreements

COMMANDS = "https://codedeploy-commands.eu-west-1.amazonaws.com"
PROXY = "http://deploy:" + hosts.PROXY_PASSWORD + "@proxy.example.com:3128"
PROXIES = {"http_proxy": "http://env.example.com:3128", "HTTPS_PROXY": "http://env.example.com:8080"}
SECOND = Files(version="agent_version: 2.1.0\n", processes=POLLS_2, pid=None)
TOKEN = "AQAEAGvBHzUcTpVpWPEWV8NTBxBLkXTLSjhAbTKq0aXGSlcLZw=="
DOCUMENT = '{"accountId" : "111122223333", "region" : "us-east-1"}'
INTERCEPTED = (
    "echo 'curl: (60) SSL certificate problem: self-signed certificate in certificate chain' >&2; exit 60"
)
VPCE = "https://vpce-0a1b.codedeploy-commands-secure.eu-west-1.vpce.amazonaws.com"
TOLD = first("INFO", f"CodeDeploy endpoint: {VPCE}")
OPENSSL = (
    "case $1 in s_client) echo cert ;; x509) cat >/dev/null; echo 'issuer=CN = Example Web Filter' ;; esac"
)


def status(code: int) -> str:
    return f"printf 'HTTP/1.1 {code} Status\\r\\n\\r\\n'"


# How the host is, and what the probe must say. A text in < > is a piece of an error.
HOSTS: dict[str, tuple[Fakes, Files, dict[str, Any]]] = {
    "a proxy without a scheme, its password short": (
        Fakes(),
        Files(config=":proxy_uri: ab:cd@proxy.example.com:3128\n"),
        {"config.proxy_uri": "[masked]@proxy.example.com:3128", "endpoint_s3.via": "direct"},
    ),
    "a proxy without a scheme, which agent 2.x takes": (
        Fakes(package="2.1.0-1"),
        replace(SECOND, config="proxy_uri: proxy.example.com:3128\n"),
        {"endpoint_s3.via": "proxy"},
    ),
    "proxy, secure endpoint, FIPS": (
        Fakes(),
        Files(
            config=f":proxy_uri: {PROXY}\n:enable_auth_policy: true\n:use_fips_mode: true\n:log_aws_wire: true\n"
        ),
        {
            "config.proxy_uri": "http://[masked]@proxy.example.com:3128",
            "config.enable_auth_policy": "true",
            "config.log_aws_wire": "true",
            "endpoint_commands.url": COMMANDS.replace("commands", "commands-secure-fips"),
            "endpoint_commands.via": "proxy",
        },
    ),
    "a switch in quotes, which is on in Ruby": (
        Fakes(),
        Files(config=":enable_auth_policy: 'false'\n"),
        {"config.enable_auth_policy": "false", "endpoint_commands.url": COMMANDS.replace("commands", "commands-secure")},
    ),
    "endpoints of its own": (
        Fakes(),
        Files(
            config=f"deploy_control_endpoint: {VPCE}\ns3_endpoint_override: https://s3.example.com:8443/\n",
            identity=None,
        ),
        {
            "endpoint_commands.url": VPCE,
            "endpoint_s3.url": "https://s3.example.com:8443/",
            "endpoint_s3.status": 404,
        },
    ),
    "the endpoint that its log names": (
        Fakes(),
        Files(log=f"{first('INFO', f'CodeDeploy endpoint: {COMMANDS}')}\n{TOLD}\n"),
        {"endpoint_commands.url": VPCE},
    ),
    "the endpoint that the log of agent 2.x names": (
        Fakes(package="2.1.0-1"),
        replace(
            SECOND,
            log=f"2026-11-26 08:42:04  INFO CodeDeploy command client configured endpoint={VPCE} region=eu-west-1\n",
        ),
        {"endpoint_commands.url": VPCE},
    ),
    "an endpoint that is not a URL": (
        Fakes(),
        Files(config="deploy_control_endpoint: https://$(id)/\ns3_endpoint_override: file:///etc/passwd\n"),
        {"endpoint_commands.url": "<not a plain URL>", "endpoint_s3.status": "<not a plain URL>"},
    ),
    "no name resolution, no connection": (
        Fakes(getent="exit 2", curl="echo 'curl: (6) Could not resolve host: x' >&2; exit 6"),
        Files(),
        {
            "endpoint_commands.address": None,
            "endpoint_commands.status": "<curl: (6) Could not resolve host>",
            "endpoint_commands.date": "<curl: (6) Could not resolve host>",
        },
    ),
    "name resolution that hangs, curl that dies": (
        Fakes(getent="exit 124", curl="exit 56"),
        Files(),
        {"endpoint_commands.address": "<getent failed>", "endpoint_commands.status": "<curl failed>"},
    ),
    "no getent, no curl": (
        Fakes(getent=None, curl=None),
        Files(),
        {
            "endpoint_commands.address": "<getent is not on this host>",
            "endpoint_commands.status": "<curl is not on this host>",
            "network.imds_answers": "<curl is not on this host>",
            "network.imds_token": "<curl is not on this host>",
            "network.imds_status": "<curl is not on this host>",
        },
    ),
    "a proxy that answers before the endpoint does": (
        Fakes(
            curl="printf 'HTTP/1.1 200 Connection established\\r\\n\\r\\nHTTP/2 403 \\r\\nDate: Tue, 24 Nov 2020 03:00:00 GMT\\r\\n\\r\\n'"
        ),
        Files(config=":proxy_uri: http://proxy.example.com:3128\n"),
        {"endpoint_commands.status": 403, "endpoint_commands.date": "Tue, 24 Nov 2020 03:00:00 GMT"},
    ),
    "a proxy of the environment, which agent 1.x takes for its first connection only": (
        Fakes(),
        Files(environment={**PROXIES, "PATH": "/bin", "DB_PASSWORD": hosts.SHORT_PASSWORD}),
        {
            "agent.environment": ["http_proxy=http://env.example.com:3128", "HTTPS_PROXY=http://env.example.com:8080"],
            "endpoint_commands.via": "direct",
            "endpoint_start.via": "environment",
            "endpoint_start.status": 404,
        },
    ),
    "a proxy of the environment, which agent 2.x takes for all": (
        Fakes(package="2.1.0-1"),
        replace(SECOND, environment=PROXIES),
        {"endpoint_commands.via": "environment", "endpoint_s3.via": "environment", "endpoint_start.url": None},
    ),
    "a proxy of the environment, its password masked": (
        Fakes(),
        Files(environment={"https_proxy": PROXY}),
        {"agent.environment": ["https_proxy=http://[masked]@proxy.example.com:3128"]},
    ),
    "a proxy of the unit, the agent stopped": (
        Fakes(systemctl="inactive dead", unit={"Environment": "LANG=C HTTPS_PROXY=http://env.example.com:8080"}),
        Files(processes={}),
        {"agent.environment": ["HTTPS_PROXY=http://env.example.com:8080"]},
    ),
    "profiles that set a proxy, which a start by hand takes": (
        Fakes(),
        Files(
            others={
                "etc/profile.d/proxy.sh": "export https_proxy=http://proxy.example.com:3128\n",
                "etc/profile.d/other.sh": "# export http_proxy=x\nexport EDITOR=vi\n",
                "etc/environment": "HTTP_PROXY=http://proxy.example.com:3128\n",
            }
        ),
        {"agent.profiles": ["/etc/profile.d/proxy.sh", "/etc/environment"]},
    ),
    "a proxy that intercepts": (
        Fakes(curl=curl(INTERCEPTED), plain={"openssl": OPENSSL, "cat": "while read -r x; do :; done"}),
        Files(),
        {"endpoint_commands.status": "<curl: (60)>", "endpoint_commands.issuer": "issuer=CN = Example Web Filter"},
    ),
    "a proxy that intercepts, and no openssl": (
        Fakes(curl=curl(INTERCEPTED)),
        Files(),
        {"endpoint_commands.issuer": "<openssl is not on this host>"},
    ),
    "a certificate that is accepted": (Fakes(), Files(), {"endpoint_commands.issuer": None}),
    "metadata that answers": (
        Fakes(curl=curl(ANSWERS, f"case $url in */document) echo '{DOCUMENT}' ;; *) {status(200)} ;; esac")),
        Files(),
        {"network.imds_answers": True, "network.imds_token": None, "network.imds_status": 200},
    ),
    "metadata that answers 404": (
        Fakes(curl=curl(ANSWERS, status(404))),
        Files(),
        {"network.imds_answers": True, "network.imds_status": 404, "network.imds_region": None},
    ),
    "metadata that requires a token (IMDSv2)": (
        Fakes(curl=curl(ANSWERS, required(TOKEN, f"{status(200)}; case $url in */document) echo '{DOCUMENT}' ;; esac"))),
        Files(),
        {"network.imds_token": "required", "network.imds_status": 200, "network.imds_region": "us-east-1"},
    ),
    "an EC2 instance, whose Region the metadata service knows": (
        Fakes(curl=curl(ANSWERS, required(TOKEN, f"{status(200)}; case $url in */document) echo '{DOCUMENT}' ;; esac"))),
        Files(identity=None),
        {
            "endpoint_commands.url": COMMANDS.replace("eu-west-1", "us-east-1"),
            "endpoint_commands.status": 404,
            "endpoint_s3.url": "https://aws-codedeploy-us-east-1.s3.us-east-1.amazonaws.com",
            "network.imds_region": "us-east-1",
        },
    ),
    "no yml, and a service at that address that gives no Region": (
        Fakes(curl=curl(ANSWERS, status(200))),
        Files(identity=None),
        {"endpoint_commands.url": "<no Region is known>", "network.imds_answers": True, "network.imds_region": None},
    ),
    "metadata that offers a token, and answers without one too": (
        Fakes(curl=curl(ANSWERS, f"{status(200)}; case $url in */api/token) echo {TOKEN} ;; esac")),
        Files(),
        {"network.imds_token": "offered", "network.imds_status": 200},
    ),
    "metadata that asks for a token and gives none": (
        Fakes(curl=curl(ANSWERS, status(401))),
        Files(),
        {"network.imds_answers": True, "network.imds_token": None, "network.imds_status": 401},
    ),
    "a network that answers every address with its own page": (
        Fakes(curl=curl(ANSWERS, f"{status(200)}; echo '<html>Sign in</html>'")),
        Files(),
        {"network.imds_answers": True, "network.imds_token": None, "network.imds_status": 200},
    ),
    "metadata whose token does not come, from a container": (
        Fakes(curl=curl(ANSWERS, f"case $url in */api/token) {NO_ANSWER} ;; *) {status(401)} ;; esac")),
        Files(),
        {"network.imds_answers": True, "network.imds_token": None, "network.imds_status": 401},
    ),
    "metadata whose packets are dropped": (
        Fakes(curl=curl(ANSWERS, NO_ANSWER)),
        Files(),
        {"network.imds_answers": False, "network.imds_token": None, "network.imds_status": None},
    ),
    "metadata that curl cannot ask": (
        Fakes(curl=curl(ANSWERS, "echo 'curl: (2) bad' >&2; exit 2")),
        Files(),
        {"network.imds_answers": "<curl: (2)>"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", HOSTS)
def test_says_where_the_agent_gets_and_no_secret(name: str, shell: tuple[str, ...], place: Path) -> None:
    fakes, files, expected = HOSTS[name]
    done = build(place, fakes=fakes, files=files).run(shell)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [secret for secret in hosts.SECRETS if secret.encode() in done.stdout] == []
    assert disagreements(json.loads(done.stdout), expected) == []


def test_the_region_of_the_metadata_is_read(place: Path) -> None:
    # the body goes where curl's -o says
    metadata = f"{status(200)}; case $url in */document) echo '{DOCUMENT}' ;; esac"
    document = build(place, fakes=Fakes(curl=curl(ANSWERS, metadata))).document()
    assert disagreements(document, {"network.imds_region": "us-east-1", "network.imds_status": 200}) == []


def calls(host: hosts.Host) -> dict[str, str]:
    """How curl was called, by the last word: the URL."""
    lines = host.calls.read_text().splitlines()
    return {line.rsplit(" proxy=", 1)[0].rsplit(" ", 1)[1]: line for line in lines}


def test_the_proxy_s_password_is_on_no_command_line(place: Path) -> None:
    host = build(place, files=Files(config=f":proxy_uri: {PROXY}\n"))
    host.document(https_proxy="http://other.example.com", HTTPS_PROXY="http://other.example.com")
    for url, call in calls(host).items():
        arguments, proxy = call.rsplit("proxy=", 1)
        assert hosts.PROXY_PASSWORD not in arguments
        assert arguments.startswith("-q ")
        if "169.254" in url:
            assert arguments.startswith("-q --noproxy *")
        else:
            assert proxy == PROXY


def test_the_token_of_the_metadata_service_is_on_no_command_line_and_in_no_report(place: Path) -> None:
    host = build(place, fakes=Fakes(curl=curl(ANSWERS, required(TOKEN, status(200)))))
    done = host.run()
    asked = [line for line in host.calls.read_text().splitlines() if "169.254" in line]
    assert ["PUT" in line for line in asked] == [False, True, False, False]
    assert TOKEN not in "".join(asked) + done.stdout.decode()


def test_without_a_proxy_the_shell_s_is_not_used(place: Path) -> None:
    host = build(place)
    document = host.document(https_proxy="http://other.example.com")
    assert document["endpoint_commands"]["via"] == {"value": "direct"}
    assert all(call.startswith("-q --noproxy *") for call in calls(host).values())


def test_the_network_can_be_left_out(place: Path) -> None:
    host = build(place)
    document = host.document(PROBE_NETWORK="0")
    assert not host.calls.exists()
    assert document["endpoint_commands"]["url"]["value"].startswith("https://codedeploy-commands.")
    names = ("endpoint_commands.status", "endpoint_s3.address", "network.imds_answers", "network.imds_status")
    assert disagreements(document, dict.fromkeys(names, "<not asked: PROBE_NETWORK=0>")) == []


def test_endpoints_that_hang_are_asked_at_the_same_time(place: Path) -> None:
    """Each may take 5 seconds, and a run must not take their sum."""
    host = build(place, fakes=Fakes(curl=curl(f"sleep 2; {ANSWERS}", f"sleep 2; {NO_ROUTE}"), plain={"sleep": "exec /bin/sleep $1"}))  # fmt: skip
    start = time.monotonic()
    assert host.document()["endpoint_s3"]["status"] == {"value": 404}
    assert time.monotonic() - start < 5.5


def partitions() -> list[Any]:
    loaded = Loader().load_data("endpoints")["partitions"]
    return [
        pytest.param(region, p["dnsSuffix"], id=region) for p in loaded for region in list(p["regions"])[:1]
    ]


@pytest.mark.parametrize(("region", "suffix"), partitions())
def test_each_partition_has_its_domain(region: str, suffix: str, place: Path) -> None:
    host = build(place, files=Files(identity=hosts.SESSION_YML.replace(hosts.REGION, region)))
    document = host.document(PROBE_NETWORK="0")
    assert document["endpoint_commands"]["url"]["value"] == f"https://codedeploy-commands.{region}.{suffix}"
    assert document["endpoint_s3"]["url"]["value"] == f"https://aws-codedeploy-{region}.s3.{region}.{suffix}"


def test_the_date_of_an_endpoint_is_taken(place: Path) -> None:
    answer = f"printf 'HTTP/1.1 404 Not Found\\r\\nDate: Tue, 24 Nov 2020 03:00:00 GMT\\r\\n\\r\\n'  # {DATE}"
    document = build(place, fakes=Fakes(curl=curl(answer + "\n"))).document()
    assert document["endpoint_s3"]["date"] == {"value": "Tue, 24 Nov 2020 03:00:00 GMT"}
