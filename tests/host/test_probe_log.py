"""The host probe and the agent's log: the heads of its entries, without secrets, without noise, never too much."""

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from runbooks.host import symptom_of, symptoms
from runbooks.host.log import read_entry
from tests.support import hosts
from tests.support.agent_lines import boot, first, polling, refused, second
from tests.support.hosts import HEAD, SHELLS, Fakes, Files, Host, build

FOLDER = f"/{hosts.LOGS}"


def log_of(host: Host, shell: tuple[str, ...] = ("sh",)) -> dict[str, Any]:
    said: dict[str, Any] = host.document(shell, PROBE_NETWORK="0")["log"]
    return said


def with_log(place: Path, *lines: str) -> Host:
    return build(place, files=Files(log="".join(f"{line}\n" for line in lines)))


def expected_line(line: bytes) -> str:
    return line.replace(b"\0", b"").replace(b"\r", b"").replace(b"\t", b" ")[:500].decode("utf-8", "replace")


@pytest.mark.parametrize("shell", SHELLS)
def test_any_bytes_in_the_log_come_out_as_correct_json(shell: tuple[str, ...], place: Path) -> None:
    dice = random.Random(20261124)
    lines = [
        HEAD.encode() + line
        for line in (
            b'"quotes", \\backslashes\\, \\u0041, </script>, {"complete":true}',
            b"\x1b[31mred\x1b[0m \x07bell \x7f del \x01\x02\x1f",
            "Größe 日本語 🎉 \u2028 \ufeff".encode(),
            b"broken \xff\xfe \xc0\xaf \xe2\x82 \xed\xa0\x80 \xf4\x90\x80\x80 \xf0\x9f\x8e",
            b"tab\there, nul\x00gone, return\rgone",
            *(bytes(dice.choice(range(256)) for _ in range(60)).replace(b"\n", b"") for _ in range(30)),
        )
    ]
    host = build(place, files=Files(log=b"\n".join(lines) + b"\n"))
    assert log_of(host, shell)["lines"]["value"] == [expected_line(line) for line in lines]


@pytest.mark.parametrize(
    "unit", [b"A line of the log that goes on for a while. ", b'\x01"\\\xff', "日本".encode()]
)
def test_the_document_stays_short_and_whole(unit: bytes, place: Path) -> None:
    """5 MB of log, with the newest lines in it, and everything else as long as it can be."""
    letters = [chr(65 + n % 26) + chr(65 + n // 26) for n in range(200)]  # so that they are not alike
    lines = [HEAD.encode() + letter.encode() + unit * (400 // len(unit)) + b"\n" for letter in letters]
    log = b"".join(lines) * (5_000_000 // len(b"".join(lines))) + f"{HEAD}the newest line\n".encode()
    long = '"' * 2000
    host = build(
        place,
        fakes=Fakes(hostname=f"printf '%s' '{long}'"),
        files=Files(
            log=log,
            version=long,
            config=f"log_dir: /var/log/aws/codedeploy-agent\nverbose: x{long}\nproxy_uri: h{long}\n",
            processes={n: f"codedeploy-agent: master {n}{long}" for n in range(1000, 1020)},
        ),
    )
    done = host.run(PROBE_INSTANCE=long)
    document = json.loads(done.stdout)
    assert len(done.stdout) < 24_000
    assert list(document)[-1] == "complete"
    sent = document["log"]["lines"]["value"]
    assert sent[-1] == f"{HEAD}the newest line"
    assert len(sent) >= 5
    assert set(sent[:-1]) <= {line.rstrip(b"\n")[:500].decode("utf-8", "replace") for line in lines}
    assert document["host"]["instance"]["value"].endswith("\u2026")


def test_one_endless_line_is_not_shown_from_its_middle(place: Path) -> None:
    secret_ends = b"aws_secret_access_key = " + b"x" * 70_000 + hosts.SHORT_PASSWORD.encode() + b"\n"
    host = build(place, files=Files(log=HEAD.encode() + b"x" * 5_000_000 + secret_ends))
    done = host.run()
    assert json.loads(done.stdout)["log"]["lines"]["value"] == []
    assert hosts.SHORT_PASSWORD.encode() not in done.stdout


# Lines of the journal and of a terminal are in no log; these two are ordinary, so the probe leaves them out.
KNOWN = [
    (symptom, line)
    for symptom in symptoms()
    for group in symptom.samples.values()
    for line in group
    if read_entry(line) and not symptom.terminal and symptom.id not in ("info", "poll-answered")
]


@pytest.mark.parametrize("start", range(0, len(KNOWN), 10))
def test_every_known_line_is_still_known_after_masking(start: int, place: Path) -> None:
    chosen = KNOWN[start : start + 10]
    sent = log_of(with_log(place, *(line for _, line in chosen)))["lines"]["value"]
    assert sorted(found.id for line in sent if (found := symptom_of(line))) == sorted(
        symptom.id for symptom, _ in chosen
    )


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("secret", ["s3cr3t-but-of-no-form", "ünïcode-s3cret", "a[b]*c.d\\e"])
def test_the_yml_s_own_secrets_are_masked_wherever_they_are(
    secret: str, shell: tuple[str, ...], place: Path
) -> None:
    """By their very text, for those that have no form to be known by."""
    yml = hosts.USER_YML.replace(hosts.SECRET_KEY, secret)
    cut = HEAD + "- " * ((496 - len(HEAD)) // 2)  # the secret would be cut in the midst of it
    log = f"{HEAD}it is {secret}, {secret}!\n{cut}{secret}\n"
    host = build(place, files=Files(identity=yml, log=log, version=f"1.8.1 {secret}\n"))
    document = host.document(shell)
    assert document["log"]["lines"]["value"] == [
        f"{HEAD}it is [masked], [masked]!",
        f"{cut}[masked]"[:500],
    ]
    assert document["agent"]["version_file"]["value"] == "1.8.1 [masked]"


@pytest.mark.parametrize("secret", ["string", "identity", "missing", "masked", '"value"', "179549"])
def test_a_secret_that_is_a_word_of_the_document_does_not_break_it(secret: str, place: Path) -> None:
    host = build(place, files=Files(identity=hosts.USER_YML.replace(hosts.SECRET_KEY, secret)))
    assert host.document()["identity"]["registration"] == {"value": "user"}


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("the password was changed", "the password was changed"),  # a word is no secret
        ("Incorrect password", "Incorrect password"),
        ("Token expired", "Token expired"),
        ("password: a b c", "password [masked]"),
        ("-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----"),
        (
            "/opt/codedeploy-agent/deployment-root/5f1e1e2a-0b0d-4c5b-a51f-1b6a6d4e8f00/d-ABC/deployment-archive",
            "/opt/codedeploy-agent/deployment-root/5f1e1e2a-0b0d-4c5b-a51f-1b6a6d4e8f00/d-ABC/deployment-archive",
        ),
    ],
)
def test_what_is_no_secret_stays(line: str, sent: str, place: Path) -> None:
    assert log_of(with_log(place, HEAD + line))["lines"]["value"] == [HEAD + sent]


ORDINARY = (
    first("INFO", "Version file found in /opt/codedeploy-agent/.version with agent version OFFICIAL_1.8.1-13_rpm."),
    first("DEBUG", "InstanceAgent::Plugins::CodeDeployPlugin::CommandPoller: Sleeping 1 seconds."),
    first("INFO", "[Aws::CodeDeployCommand::Client 200 0.1 0 retries] put_host_command_acknowledgement(x)  "),
)  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
def test_only_the_heads_of_entries_that_say_something_are_sent(shell: tuple[str, ...], place: Path) -> None:
    error = refused("AccessDeniedException - ")
    old = "2026-11-26 09:00:00 ERROR [codedeploy-agent(1412)]: an entry in the form of older agents"
    rust = second("ERROR", "Worker failed to create client: x")
    host = with_log(
        place,
        *(polling(at=f"2026-11-26T07:{minute:02d}:00") for minute in range(60)),
        *(ORDINARY * 20),
        error,
        "/usr/lib/ruby/3.1.0/net/http.rb:1214:in `connect'",
        "  2026-11-26T09:00:00 ERROR is not at the beginning",
        "[stdout]all is well",
        old,
        rust,
    )
    said = log_of(host, shell)
    assert said["lines"]["value"] == [polling(at="2026-11-26T07:59:00"), error, old, rust]
    assert (said["entries"]["value"], said["errors"]["value"], said["polls"]["value"]) == (123, 3, 60)
    assert said["since"] == {"value": "2026-11-26T07:00:00"}
    assert said["files"] == {"value": [f"{FOLDER}/codedeploy-agent.log"]}


def test_the_newest_poll_keeps_its_place(place: Path) -> None:
    error, later = refused("AccessDeniedException - "), first("ERROR", "later")
    sent = log_of(with_log(place, polling(), error, polling(), later))["lines"]["value"]
    assert sent == [error, polling(), later]
    assert log_of(with_log(place / "2", error, polling()))["lines"]["value"] == [error, polling()]


@pytest.mark.parametrize("shell", SHELLS)
def test_of_lines_that_differ_in_numbers_only_the_newest_three_are_sent(
    shell: tuple[str, ...], place: Path
) -> None:
    """A worker that ends each second would push everything else out."""
    cause = boot("RuntimeError - The config file is in an invalid format")
    ends = [first("INFO", f"master 1412: Received CHLD - cleaning dead child {n}") for n in range(2000)]
    assert log_of(with_log(place, cause, *ends), shell)["lines"]["value"] == [cause, *ends[-3:]]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_short_log_is_read_back_into_the_newest_rotated_file(shell: tuple[str, ...], place: Path) -> None:
    now, yesterday, before = (first("ERROR", word, f"2026-11-{day}T09:00:00") for word, day in
                              (("now", 26), ("yesterday", 25), ("before", 24)))  # fmt: skip
    host = build(
        place,
        files=Files(
            log=f"# Logfile created\n{now}\n",
            others={
                f"{hosts.LOGS}/codedeploy-agent.20261125.log": f"{yesterday}\n",
                f"{hosts.LOGS}/codedeploy-agent.20261124.log": f"{before}\n",
                f"{hosts.LOGS}/codedeploy-agent.aws_wire.log": f"{HEAD}{hosts.SHORT_PASSWORD}\n",
            },
        ),
    )
    _age(host.root / hosts.LOGS / "codedeploy-agent.20261124.log", 86_400)
    said = log_of(host, shell)
    assert said["lines"]["value"] == [yesterday, now]
    assert said["files"]["value"] == [
        f"{FOLDER}/codedeploy-agent.log",
        f"{FOLDER}/codedeploy-agent.20261125.log",
    ]


def _age(path: Path, seconds: int) -> None:
    os.utime(path, (path.stat().st_mtime - seconds,) * 2)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_huge_log_takes_no_time(shell: tuple[str, ...], place: Path) -> None:
    host = build(place, files=Files(log=""))
    with (host.root / hosts.LOG).open("r+b") as file:
        file.seek(400_000_000)  # a hole
        file.write(f"\n{HEAD}the newest line\n".encode())
    start = time.monotonic()
    assert log_of(host, shell)["lines"]["value"] == [f"{HEAD}the newest line"]
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("/etc/shadow", "leads out of PROBE_ROOT"),
        ("../../../../../../../etc/shadow", "leads out of PROBE_ROOT"),
        ("../../../../etc/shadow", "is a link to another directory"),
        ("../elsewhere/a.log", "is a link to another directory"),
    ],
)
def test_a_log_that_is_a_link_to_another_place_is_not_read(
    target: str, why: str, shell: tuple[str, ...], place: Path
) -> None:
    """The agent's user may write there, and the probe runs as root: it would print any file to anyone who asks."""
    secret = "2026-11-24 root:$6$salt$hash"
    host = build(place, files=Files(log=None, others={
        "etc/shadow": f"{secret}\n", "var/log/aws/elsewhere/a.log": f"{secret}\n", f"{hosts.LOGS}/x": "",
    }))  # fmt: skip
    (host.root / hosts.LOG).symlink_to(target)
    (host.root / hosts.LOGS / "codedeploy-agent.20261125.log").symlink_to(target)
    done = host.run(shell)
    assert why in json.loads(done.stdout)["log"]["lines"]["error"]
    assert b"$6$salt" not in done.stdout
    assert done.stderr == b""


def test_a_log_that_is_a_link_within_its_folder_is_read(place: Path) -> None:
    host = build(place, files=Files(log=None, others={f"{hosts.LOGS}/current.log": f"{HEAD}hello\n"}))
    (host.root / hosts.LOG).symlink_to("current.log")
    assert log_of(host)["lines"]["value"] == [f"{HEAD}hello"]


def test_a_rotated_file_that_is_a_link_elsewhere_is_not_read(place: Path) -> None:
    host = build(place, files=Files(log="", others={"etc/shadow": f"{HEAD}$6$salt\n"}))
    (host.root / hosts.LOGS / "codedeploy-agent.20261125.log").symlink_to("../../../../etc/shadow")
    assert log_of(host)["lines"]["value"] == []
