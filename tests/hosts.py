"""Hosts for the probe to look at: a root directory, and the commands that speak of it.

A host is built from a few words (:func:`build`). Its PATH holds fakes of the commands that ask the machine
(systemctl, dpkg, rpm, pgrep, curl, getent, hostname) and links to the plain tools, nothing else: a command that
a host has not is really not there.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runbooks.host import probe_script

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
PRIVATE_KEY = "MIIEowIBAAKCAQEAexampleexample"
SECRETS = (
    *(KEY_ID, SECRET_KEY, SESSION_KEY_ID, SESSION_TOKEN, SESSION_TOKEN[:30], PROXY_PASSWORD, "p@ss/word"),
    *(SIGNATURE, HEX_TOKEN, SHORT_PASSWORD, PRIVATE_KEY, SECRET_KEY[:20], KEY_ID[4:], SESSION_KEY_ID[4:]),
)

# How a secret may stand in a log: ini, YAML, JSON, Ruby, Rust, headers, URLs, bare, several on a line.
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
    f"curl -H 'Authorization: token {HEX_TOKEN}' https://api.github.com/",
    f"GET https://bucket.s3.amazonaws.com/app.zip?X-Amz-Credential={KEY_ID}%2F20261124"
    f"&X-Amz-Security-Token={SESSION_TOKEN[:60]}%2F&X-Amz-Signature={SIGNATURE}",
    f"Seahorse::Client::NetworkingError via http://deploy:{PROXY_PASSWORD}@proxy.example.com:3128 failed",
    f"export DB_PASSWORD={SHORT_PASSWORD} PGPASSWORD: '{SHORT_PASSWORD}'",
    f"the key {SECRET_KEY} and the token {SESSION_TOKEN} stand alone",
    f"the key id ({KEY_ID}) too, and {HEX_TOKEN}",
    "-----BEGIN RSA PRIVATE KEY-----",
    PRIVATE_KEY,
    "-----END RSA PRIVATE KEY-----",
)
CLEAN_LINE = "2026-11-24 02:00:00 INFO  [codedeploy-agent(1412)]: master 1412: Spawned child 1/1"

# The plain tools that the probe may count on, and the two that it can do without.
TOOLS = (
    "awk",
    "cut",
    "date",
    "grep",
    "head",
    "id",
    "od",
    "sed",
    "tail",
    "tr",
    "wc",
    "uname",
    "stat",
    "timeout",
)

SYSTEMS = {
    "rhel": {"ID": '"rhel"', "VERSION_ID": '"9.4"', "PRETTY_NAME": '"Red Hat Enterprise Linux 9.4 (Plow)"'},
    "debian": {"PRETTY_NAME": '"Debian GNU/Linux 12 (bookworm)"', "VERSION_ID": '"12"', "ID": "debian"},
    "amazon": {"ID": '"amzn"', "VERSION_ID": '"2023"', "PRETTY_NAME": '"Amazon Linux 2023"'},
}

CONFIG = "etc/codedeploy-agent/conf/codedeployagent.yml"
IDENTITY = "etc/codedeploy-agent/conf/codedeploy.onpremises.yml"
CREDENTIALS = "etc/codedeploy-agent/creds"
LOG = "var/log/aws/codedeploy-agent/codedeploy-agent.log"
VERSION = "opt/codedeploy-agent/.version"
PID = "opt/codedeploy-agent/state/.pid/codedeploy-agent.pid"

DEFAULT_CONFIG = """---
:log_aws_wire: false
:log_dir: '/var/log/aws/codedeploy-agent/'
:pid_dir: '/opt/codedeploy-agent/state/.pid/'
:program_name: codedeploy-agent
:root_dir: '/opt/codedeploy-agent/deployment-root'
:verbose: false
:wait_between_runs: 1
"""
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

ANSWERS = (
    "printf 'HTTP/1.1 404 Not Found\\r\\ndate: %s\\r\\n\\r\\n' \"$(date -u '+%a, %d %b %Y %H:%M:%S GMT')\""
)
NO_ANSWER = "echo 'curl: (28) Connection timed out after 5001 milliseconds' >&2; exit 28"


@dataclass(frozen=True)
class Host:
    """A root and the PATH that belongs to it. ``calls`` is where its curl writes how it was called."""

    root: Path
    path: Path
    calls: Path

    def run(
        self,
        shell: Sequence[str] = ("sh",),
        *,
        as_nobody: bool = False,
        **env: str,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the real probe with ``shell``, from standard input. With busybox's all plain tools are busybox's."""
        if shell[0] == "busybox":
            link_tools(self.path, str(shutil.which("busybox")))
        return subprocess.run(
            [shutil.which(shell[0]) or shell[0], *shell[1:], "-s"],
            input=probe_script().encode(),
            capture_output=True,
            env={"PATH": str(self.path), "PROBE_ROOT": str(self.root), **env},
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
class Fakes:
    """The commands of a host. None: the command is not there. A word is what systemctl says."""

    systemctl: str | None = "active"
    package: str | None = "1.8.1-13"
    manager: str | None = "rpm"
    pgrep: str | None = None
    getent: str | None = "echo '192.0.2.10      endpoint.example'"
    curl: str | None = f"case $url in http://169.254.*) {NO_ANSWER} ;; *) {ANSWERS} ;; esac"
    hostname: str | None = "echo web-01"

    def scripts(self, calls: Path) -> dict[str, str]:
        said = {
            "dpkg": "dpkg-query: package 'codedeploy-agent' is not installed",
            "rpm": "package codedeploy-agent is not installed",
        }
        found = {
            "dpkg": f"Status: install ok installed\\nVersion: {self.package}",
            "rpm": f"Status: install ok installed\\nVersion: {self.package}",
        }
        scripts = {"getent": self.getent, "hostname": self.hostname, "pgrep": self.pgrep}
        if self.systemctl is not None:
            scripts["systemctl"] = f"echo {self.systemctl}; [ {self.systemctl} = active ] || exit 3"
        if self.manager and self.package and " " in self.package:  # a manager that cannot say
            scripts[self.manager] = f"echo '{self.package}' >&2; exit 2"
        elif self.manager:
            scripts[self.manager] = (
                f"printf '{found[self.manager]}\\n'"
                if self.package
                else f'echo "{said[self.manager]}"; exit 1'
            )
        if self.curl is not None:
            scripts["curl"] = f'echo "$* proxy=${{https_proxy-}}" >>{calls}\nfor url; do :; done\n{self.curl}'
        return {name: script for name, script in scripts.items() if script is not None}


@dataclass
class Files:
    """The files of a host, by path below its root. None: the file is not there. Bytes and text are its content."""

    version: str | None = "OFFICIAL_1.8.1-13_rpm\n"
    config: str | bytes | None = DEFAULT_CONFIG
    identity: str | bytes | None = SESSION_YML
    credentials: str | None = CREDENTIALS_FILE
    log: str | bytes | None = "\n".join([CLEAN_LINE, *LEAKING_LINES, CLEAN_LINE]) + "\n"
    pid: str | None = "1412\n"
    processes: Mapping[int, str] = field(default_factory=lambda: {1412: "codedeploy-agent: master 1412"})

    def contents(self) -> dict[str, str | bytes]:
        files = {
            VERSION: self.version,
            CONFIG: self.config,
            IDENTITY: self.identity,
            CREDENTIALS: self.credentials,
            LOG: self.log,
            PID: self.pid,
            "proc/1/comm": "systemd\n",
            "proc/1/cmdline": "/sbin/init\0",
        }
        processes = {f"proc/{pid}/cmdline": line.replace(" ", "\0") for pid, line in self.processes.items()}
        return {path: text for path, text in (files | processes).items() if text is not None}


def build(
    place: Path, system: str = "rhel", *, fakes: Fakes | None = None, files: Files | None = None
) -> Host:
    """A host of one of SYSTEMS below ``place``; without more words a healthy one with agent 1.8.1."""
    fakes, files = fakes or Fakes(), files or Files()
    host = Host(root=place / "root", path=place / "bin", calls=place / "calls")
    host.path.mkdir(parents=True)
    write(host.root, "etc/os-release", "".join(f"{key}={value}\n" for key, value in SYSTEMS[system].items()))
    for path, text in files.contents().items():
        write(host.root, path, text)
    for path in (IDENTITY, CREDENTIALS):
        if (host.root / path).exists():
            (host.root / path).chmod(0o600)
    if fakes.systemctl is not None:
        (host.root / "run/systemd/system").mkdir(parents=True)
    for name, script in fakes.scripts(host.calls).items():
        command(host.path, name, script)
    link_tools(host.path)
    return host


def write(root: Path, path: str, text: str | bytes) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(text if isinstance(text, bytes) else text.encode())


def command(place: Path, name: str, script: str) -> None:
    (place / name).write_text(f"#!/bin/sh\n{script}\n")
    (place / name).chmod(0o755)


def link_tools(place: Path, busybox: str | None = None) -> None:
    """Links to the plain tools, of the machine or all of them to ``busybox``."""
    for name in TOOLS:
        found = busybox or shutil.which(name)
        assert found, f"the tests of the probe need {name}: install coreutils, grep, sed and an awk"
        if (place / name).is_symlink() or not busybox:
            (place / name).unlink(missing_ok=True)
            (place / name).symlink_to(found)


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
