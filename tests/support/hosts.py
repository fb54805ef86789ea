"""Hosts of the sandbox for the probe to look at, with secrets planted in them, and the ways to run it there."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox.hosts import host as hosts
from codedeploy_sandbox.hosts.host import (
    ANSWERS,
    CREDENTIALS,
    DEFAULT_CONFIG,
    IDENTITY,
    LOG,
    LOGS,
    NO_ANSWER,
    Fakes,
    command,
    curl,
    df,
    status,
    write,
)

from runbooks.host import probe_script

__all__ = [
    "ANSWERS",
    "CREDENTIALS",
    "DEFAULT_CONFIG",
    "IDENTITY",
    "LOG",
    "LOGS",
    "NO_ANSWER",
    "Fakes",
    "Files",
    "Host",
    "build",
    "command",
    "curl",
    "df",
    "status",
    "write",
]


def _usable(shell: Sequence[str]) -> bool:
    """Whether it is here and takes commands from the PATH. Some builds of busybox prefer their own: no fake counts."""
    if not shutil.which(shell[0]):
        return False
    asked = [*shell, "-c", "command -v hostname || echo /"]
    return "/" in subprocess.run(asked, capture_output=True, text=True, check=False).stdout


# The shells that hosts have as sh: dash on Debian, bash on RHEL and Amazon Linux, busybox's on small images.
SHELLS = [
    pytest.param(shell, id=shell[0])
    for shell in (("dash",), ("bash", "--posix"), ("busybox", "sh"))
    if _usable(shell)
] or [pytest.param(("sh",), id="sh")]

ACCOUNT = "111122223333"
REGION = "eu-west-1"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/CodeDeployOnPremises/web-01"
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/AWS/CodeDeploy/web-01"

# AWS's own examples of keys, and the like. None of these may ever be printed.
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SESSION_KEY_ID = "ASIAIOSFODNN7EXAMPLE"
SESSION_TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE" + "tOkEn1/" * 30 + "=="
PROXY_PASSWORD = "pr0xy:p@ss/word"
SIGNATURE = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
HEX_TOKEN = "0123456789abcdef0123456789abcdef01234567"
SHORT_PASSWORD = "hunter2"
BEARER = "gho-short_token.v1"
PRIVATE_KEY = "MIIEowIBAAKCAQEAexampleexample"
GITHUB_TOKEN = "ghp_" + "a1B2" * 9
CHAT_TOKEN = "-".join(("xoxb", "17653672481", "19874698323", "abcdEFGH"))
WEB_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ3ZWIifQ.c2lnbmF0dXJl"
SECRETS = (
    *(KEY_ID, SECRET_KEY, SESSION_KEY_ID, SESSION_TOKEN, SESSION_TOKEN[:30], PROXY_PASSWORD, "p@ss/word"),
    *(
        SIGNATURE,
        HEX_TOKEN,
        BEARER,
        SHORT_PASSWORD,
        PRIVATE_KEY,
        SECRET_KEY[:20],
        KEY_ID[4:],
        SESSION_KEY_ID[4:],
    ),
    *(GITHUB_TOKEN[4:], CHAT_TOKEN[5:], WEB_TOKEN[8:]),
)

HEAD = "2026-11-24T02:00:00 ERROR [codedeploy-agent(1412)]: "  # of an entry of the log

# How a secret may stand in an entry of a log: ini, YAML, JSON, Ruby, Rust, headers, URLs, bare, several on a line.
LEAKING_LINES = (
    f"aws_access_key_id = {KEY_ID}",
    f"aws_secret_access_key = {SECRET_KEY}",
    f"aws_session_token={SESSION_TOKEN}",
    f"  :aws_secret_access_key: {SHORT_PASSWORD}",
    f'{{"AccessKeyId":"{SESSION_KEY_ID}","SecretAccessKey":"{SECRET_KEY}","Token":"{SESSION_TOKEN}"}}',
    f'{{\\"SecretAccessKey\\": \\"{SECRET_KEY}\\", \\"SessionToken\\": \\"{SESSION_TOKEN}\\"}}',
    f'{{:access_key_id=>"{KEY_ID}", :secret_access_key=>"{SHORT_PASSWORD}"}}',
    f'Credentials {{ access_key_id: "{KEY_ID}", secret_access_key: "{SHORT_PASSWORD}" }}',
    f'-> "Authorization: AWS4-HMAC-SHA256 Credential={KEY_ID}/20261124/eu-west-1/s3/aws4_request,'
    f' SignedHeaders=host, Signature={SIGNATURE}\\r\\n"',
    f'-> "x-amz-security-token: {SESSION_TOKEN}\\r\\n"',
    f"authorization: Bearer {HEX_TOKEN}",
    f"sent Bearer {BEARER}, refused",
    f"curl -H 'Authorization: token {HEX_TOKEN}' https://api.github.com/",
    f"GET https://bucket.s3.amazonaws.com/app.zip?X-Amz-Credential={KEY_ID}%2F20261124"
    f"&X-Amz-Security-Token={SESSION_TOKEN[:60]}%2F&X-Amz-Signature={SIGNATURE}",
    f"Seahorse::Client::NetworkingError via http://deploy:{PROXY_PASSWORD}@proxy.example.com:3128 failed",
    f"export DB_PASSWORD={SHORT_PASSWORD} PGPASSWORD: '{SHORT_PASSWORD}'",
    f"the key {SECRET_KEY} and the token {SESSION_TOKEN} stand alone",
    f"the key id ({KEY_ID}) too, and {HEX_TOKEN}",
    f"login failed for user app with password {SHORT_PASSWORD}",
    f"the passphrase is {SHORT_PASSWORD}, says the script",
    f"git clone https://x-access-token:{GITHUB_TOKEN}@github.com/a/b; {GITHUB_TOKEN}",
    f"posted with {CHAT_TOKEN} to the channel",
    f"sent {WEB_TOKEN} to the API",
)
# And in lines that begin no entry: none of these is sent, whatever stands in it.
LEAKING_REST = (
    *("-----BEGIN RSA PRIVATE KEY-----", PRIVATE_KEY, "-----END RSA PRIVATE KEY-----"),
    *(f"[stderr]DB: {SHORT_PASSWORD}", f"    {SESSION_TOKEN[:30]}"),
)
CLEAN_LINE = "2026-11-24 02:00:00 INFO  [codedeploy-agent(1412)]: master 1412: Spawned child 1/1"

SESSION_YML = f"""---
region: {REGION}
iam_session_arn: {SESSION_ARN}
aws_credentials_file: /{CREDENTIALS}
"""
USER_YML = f"""---
region: {REGION}
iam_user_arn: {USER_ARN}
aws_access_key_id: {KEY_ID}
aws_secret_access_key: {SECRET_KEY}
"""
CREDENTIALS_FILE = f"""[default]
aws_access_key_id = {SESSION_KEY_ID}
aws_secret_access_key = {SECRET_KEY}
aws_session_token = {SESSION_TOKEN}
"""


class Host(hosts.Host):
    """A host of the sandbox, on which the probe is run in every way."""

    def run(
        self,
        shell: Sequence[str] = ("sh",),
        *,
        as_nobody: bool = False,
        **env: str,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the real probe with ``shell``, from standard input. With busybox's all plain tools are busybox's."""
        if shell[0] == "busybox":
            for tool in hosts.TOOLS:
                if (self.path / tool).is_symlink():  # and not a fake
                    (self.path / tool).unlink()
                    (self.path / tool).symlink_to(str(shutil.which("busybox")))
        return subprocess.run(
            [shutil.which(shell[0]) or shell[0], *shell[1:], "-s"],
            input=probe_script().encode(),
            capture_output=True,
            env=self.environment | env,
            cwd="/",
            timeout=60,
            user=65534 if as_nobody else None,
            group=65534 if as_nobody else None,
            extra_groups=[] if as_nobody else None,
            check=False,
        )

    def document(self, shell: Sequence[str] = ("sh",), **how: Any) -> dict[str, Any]:
        """The document that the probe prints; it fails unless that is all that it prints."""
        done = self.run(shell, **how)
        assert (done.returncode, done.stderr) == (0, b"")
        parsed: dict[str, Any] = json.loads(done.stdout)
        return parsed


@dataclass
class Files(hosts.Files):
    """The files of a host, with secrets planted in each that may hold one."""

    identity: str | bytes | None = SESSION_YML
    credentials: str | None = CREDENTIALS_FILE
    log: str | bytes | None = (
        "\n".join([CLEAN_LINE, *(HEAD + line for line in LEAKING_LINES), *LEAKING_REST, CLEAN_LINE]) + "\n"
    )


def build(
    place: Path, system: str = "rhel", *, fakes: Fakes | None = None, files: Files | None = None
) -> Host:
    """A host of one of SYSTEMS below ``place``; without more words a healthy one with agent 1.8.1."""
    missing = [tool for tool in hosts.TOOLS if not shutil.which(tool)]
    assert not missing, f"the tests of the probe need {missing}: install coreutils, grep, sed and an awk"
    host = hosts.build(place, system, fakes or Fakes(), files or Files())
    return Host(host.root, host.path, host.calls)


def disagreements(document: dict[str, Any], expected: dict[str, Any]) -> list[Any]:
    """Where a document of the probe says other than expected: a text in < > is a piece of an error."""
    wrong = []
    for name, wanted in expected.items():
        section, _, key = name.partition(".")
        datum = document[section][key]
        if isinstance(wanted, str) and wanted.startswith("<"):
            fits = wanted[1:-1] in datum.get("error", "")
        else:
            fits = "error" not in datum and datum["value"] == wanted
        if not fits:
            wrong.append((name, wanted, datum))
    return wrong


def fingerprint(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Every file below ``root`` with mode, size, time of change and content: equal before and after a look."""
    seen = {}
    for path in sorted(root.rglob("*")):
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        seen[str(path)] = (stat.st_mode, stat.st_size, stat.st_mtime_ns, content)
    return seen


def is_root() -> bool:
    return os.geteuid() == 0
