"""The machines behind the instances, each described in a few words, and the probe run on one of them."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from codedeploy_sandbox.hosts.host import (
    CONFIG,
    CREDENTIALS,
    DATE,
    DEFAULT_CONFIG,
    IDENTITY,
    LOG,
    NO_ANSWER,
    Fakes,
    Files,
    Host,
    build,
    command,
    curl,
)

_LONGEST = 30  # seconds; the probe on a host of fakes takes less than one
_NO_NAME = "echo 'curl: (6) Could not resolve host' >&2; exit 6"

# The keys on the hosts are not secret, since they open nothing. The probe must still not show them.
_CREDENTIALS = """[default]
aws_access_key_id = ASIASANDBOXHOST00000
aws_secret_access_key = the-sandbox-verifies-no-signature
aws_session_token = the-sandbox-verifies-no-signature
"""


@dataclass(frozen=True)
class Machine:
    """A machine, healthy unless its description says otherwise."""

    name: str
    identity: str | None = None  # the text of the agent's yml
    system: str = "rhel"
    agent: str | None = "1.8.1"  # None: no agent is installed
    running: bool = True
    settings: str = ""  # lines that are added to the agent's configuration
    log: tuple[str, ...] = ()  # the newest lines of its agent's log, without their time
    quiet: timedelta = timedelta(seconds=5)  # how long ago the newest of them was written
    ahead: timedelta = timedelta()  # of its clock
    resolves: bool = True  # names
    blocked: str = ""  # the URLs that cannot be reached, as a pattern of the shell
    metadata: bool = False  # a service at 169.254.169.254 answers
    credentials: bool = True  # the file that the yml of a session names is there
    private: bool = True  # its root alone can read the files with keys
    others: tuple[tuple[str, str], ...] = ()  # more files: path and text

    @property
    def package(self) -> str | None:
        """The version of the agent's package, as package managers write it."""
        return self.agent and f"{self.agent}-1"


class Output(NamedTuple):
    """What a command on a machine left."""

    status: int
    stdout: str
    stderr: str


def session_yml(arn: str, region: str) -> str:
    """The yml of an agent that is a session of a role."""
    return f"---\nregion: {region}\niam_session_arn: {arn}\naws_credentials_file: /{CREDENTIALS}\n"


def user_yml(arn: str, region: str) -> str:
    """The yml of an agent that is an IAM user."""
    key = (
        "aws_access_key_id: AKIASANDBOXHOST00000\naws_secret_access_key: the-sandbox-verifies-no-signature\n"
    )
    return f"---\nregion: {region}\niam_user_arn: {arn}\n{key}"


@lru_cache(maxsize=100)  # at the same time a machine gives the same answer, and the clock may be fixed
def run_probe(machine: Machine, now: datetime, probe: str) -> Output:
    """Run the probe, a shell script, on a machine, at this time by AWS's clock; the machine's root is $PROBE_ROOT."""
    with tempfile.TemporaryDirectory(prefix="sandbox-host-") as place:
        local = now + machine.ahead
        host = build(Path(place), machine.system, _fakes(machine, now), _files(machine, local))
        for path in (IDENTITY, CREDENTIALS):
            if not machine.private and (host.root / path).is_file():
                (host.root / path).chmod(0o644)
        _date_files(host, machine, local)
        done = subprocess.run(
            [shutil.which("sh") or "/bin/sh", "-s"],
            input=probe,
            env=host.environment,
            cwd=place,
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
    return Output(done.returncode, done.stdout, done.stderr)


def _fakes(machine: Machine, now: datetime) -> Fakes:
    local = now + machine.ahead
    answer = f"printf 'HTTP/1.1 404 Not Found\\r\\nDate: {now:{DATE}}\\r\\n\\r\\n'"
    endpoints = (
        f"case $url in {machine.blocked}) {NO_ANSWER} ;; *) {answer} ;; esac" if machine.blocked else answer
    )
    return Fakes(
        systemctl="active running" if machine.agent and machine.running else "inactive dead",
        package=machine.package,
        manager="dpkg" if machine.system == "debian" else "rpm",
        pgrep=None if machine.agent and machine.running else "exit 1",
        getent="echo '192.0.2.10      endpoint.example'" if machine.resolves else "exit 2",
        curl=curl(endpoints if machine.resolves else _NO_NAME, answer if machine.metadata else NO_ANSWER),
        hostname=f"echo {machine.name}",
        plain={  # hide the day and the user of this process
            "date": f"case $2 in +%s) echo {int(local.timestamp())} ;; *) echo {local:%Y-%m-%dT%H:%M:%SZ} ;; esac",
            "id": "case $1 in -u) echo 0 ;; *) echo root ;; esac",
        },
    )


def _files(machine: Machine, local: datetime) -> Files:
    if machine.agent is None:
        return Files(None, None, None, None, None, None, processes={})
    second = machine.agent.startswith("2.")
    config = "---\nlog_dir: /var/log/aws/codedeploy-agent\n" if second else DEFAULT_CONFIG
    kind = "deb" if machine.system == "debian" else "rpm"
    return Files(
        version=f"agent_version: {machine.agent}\n" if second else f"OFFICIAL_{machine.package}_{kind}\n",
        config=config + machine.settings,
        identity=machine.identity,
        credentials=_CREDENTIALS if machine.credentials and CREDENTIALS in (machine.identity or "") else None,
        log=_log(machine, local),
        pid="1412\n" if machine.running and not second else None,
        processes={1412: "codedeploy-agent: master 1412"} if machine.running else {},
        others=dict(machine.others),
    )


def _log(machine: Machine, local: datetime) -> str:
    """The log's lines, a minute apart."""
    lines = machine.log or (_started(machine),)
    newest = local - machine.quiet
    times = (newest - timedelta(minutes=ago) for ago in range(len(lines) - 1, -1, -1))
    return "".join(f"{time:%Y-%m-%d %H:%M:%S} {line}\n" for time, line in zip(times, lines, strict=True))


def _started(machine: Machine) -> str:
    """The agent's first log line."""
    if not (machine.agent or "").startswith("2."):
        return "INFO  [codedeploy-agent(1412)]: master 1412: Spawned child 1/1"
    of = next((line for line in (machine.identity or "").splitlines() if "_arn: " in line), "")
    start = f"host_identifier={of.partition(': ')[2]} poll_interval_ms=1000 max_concurrent=16"
    return f" INFO Starting host command poll loop {start}"


def _date_files(host: Host, machine: Machine, local: datetime) -> None:
    """A `stat` that says when each file was written and that root owns it, the same on every system."""
    ages = {LOG: machine.quiet, CREDENTIALS: timedelta(minutes=10)}
    cases = ""
    for path in (CONFIG, IDENTITY, CREDENTIALS, LOG):
        if (host.root / path).exists():
            seen = (host.root / path).stat()
            written = int((local - ages.get(path, timedelta(days=30))).timestamp())
            cases += f"*/{path}) echo {seen.st_mode & 0o777:o} root {seen.st_size} {written} ;; "
    command(host.path, "stat", f"case $4 in {cases}*) exit 1 ;; esac")
