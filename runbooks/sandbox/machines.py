"""The machines behind the instances, each described in a few words, and the probe run on one of them."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files as resources
from pathlib import Path
from typing import NamedTuple

from runbooks.sandbox.hosts import (
    CONFIG,
    CREDENTIALS,
    DEFAULT_CONFIG,
    IDENTITY,
    LOG,
    NO_ANSWER,
    Fakes,
    Files,
    Host,
    answers,
    build,
    command,
)

SYSTEMS = {"rhel": "rpm", "debian": "deb", "amazon": "rpm"}  # the kind of package that each takes
_LONGEST = 30  # seconds; the probe on a host of fakes takes less than one
_NO_NAME = "echo 'curl: (6) Could not resolve host' >&2; exit 6"

# The keys on the hosts are no secret: they open nothing. The probe must not show them even so.
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
    log: tuple[str, ...] = ()  # its newest lines, without their time
    quiet: timedelta = timedelta(seconds=5)  # how long ago the newest of them was written
    ahead: timedelta = timedelta()  # of its clock
    resolves: bool = True  # names
    https: bool = True  # gets out
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


def probe() -> str:
    """The project's own host probe: the one command that the sandbox runs."""
    return (resources("runbooks") / "host" / "probe.sh").read_text(encoding="utf-8")


def session_yml(arn: str, region: str) -> str:
    """The yml of an agent that is a session of a role."""
    return f"---\nregion: {region}\niam_session_arn: {arn}\naws_credentials_file: /{CREDENTIALS}\n"


def user_yml(arn: str, region: str) -> str:
    """The yml of an agent that is an IAM user."""
    key = "aws_access_key_id: AKIASANDBOXHOST00000\naws_secret_access_key: the-sandbox-verifies-no-signature\n"
    return f"---\nregion: {region}\niam_user_arn: {arn}\n{key}"


@lru_cache(maxsize=100)  # a machine says the same at the same time, and time may stand still
def run_probe(machine: Machine, now: datetime) -> Output:
    """Run the probe on a machine, at this time by AWS's clock."""
    with tempfile.TemporaryDirectory(prefix="runbooks-host-") as place:
        local = now + machine.ahead
        host = build(Path(place), machine.system, _fakes(machine, now), _files(machine, local))
        _date_files(host, machine, local)
        done = subprocess.run(
            [shutil.which("sh") or "/bin/sh", "-s"],
            input=probe(),
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
    curl = answers(f"{now:%a, %d %b %Y %H:%M:%S} GMT")
    if not machine.https:
        curl = NO_ANSWER
    if not machine.resolves:
        curl = _NO_NAME
    return Fakes(
        systemctl="active" if machine.agent and machine.running else "inactive",
        package=machine.package,
        manager="dpkg" if machine.system == "debian" else "rpm",
        pgrep=None if machine.agent and machine.running else "exit 1",
        getent="echo '192.0.2.10      endpoint.example'" if machine.resolves else "exit 2",
        curl=curl,
        hostname=f"echo {machine.name}",
        plain={  # so that neither the day nor the user of this process shows
            "date": f"case $2 in +%s) echo {int(local.timestamp())} ;; *) echo {local:%Y-%m-%dT%H:%M:%SZ} ;; esac",
            "id": "case $1 in -u) echo 0 ;; *) echo root ;; esac",
        },
    )


def _files(machine: Machine, local: datetime) -> Files:
    if machine.agent is None:
        return Files(*[None] * 6, processes={}, others=dict(machine.others))
    second = machine.agent.startswith("2.")
    config = "---\nlog_dir: /var/log/aws/codedeploy-agent\n" if second else DEFAULT_CONFIG
    label = f"OFFICIAL_{machine.package}_{SYSTEMS[machine.system]}"
    return Files(
        version=f"agent_version: {machine.agent}\n" if second else f"{label}\n",
        config=config + machine.settings,
        identity=machine.identity,
        credentials=_CREDENTIALS if "aws_credentials_file" in (machine.identity or "") else None,
        log=_log(machine, local),
        pid="1412\n" if machine.running and not second else None,
        processes={1412: "codedeploy-agent: master 1412"} if machine.running else {},
        others=dict(machine.others),
    )


def _log(machine: Machine, local: datetime) -> str:
    """The log's lines, a minute apart."""
    lines = machine.log or _healthy_log(machine)
    newest = local - machine.quiet
    times = (newest - timedelta(minutes=ago) for ago in range(len(lines) - 1, -1, -1))
    return "".join(f"{time:%Y-%m-%d %H:%M:%S} {line}\n" for time, line in zip(times, lines, strict=True))


def _healthy_log(machine: Machine) -> tuple[str, ...]:
    arn = next((line.partition(": ")[2] for line in (machine.identity or "").splitlines() if "_arn: " in line), "")
    if (machine.agent or "").startswith("2."):
        return (
            f" INFO Starting host command poll loop host_identifier={arn} poll_interval_ms=1000 max_concurrent=16",
        )
    by = "INFO  [codedeploy-agent(1412)]:"
    poll = f'{by} [Aws::CodeDeployCommand::Client 200 45.148832 0 retries] poll_host_command(host_identifier:"{arn}")'
    return (f"{by} master 1412: Spawned child 1/1", poll, poll)


def _date_files(host: Host, machine: Machine, local: datetime) -> None:
    """A `stat` that tells of each file when it was written and that it is root's, on every system alike."""
    ages = {LOG: machine.quiet, CREDENTIALS: timedelta(minutes=10)}
    cases = ""
    for path in (CONFIG, IDENTITY, CREDENTIALS, LOG):
        if (host.root / path).exists():
            seen = (host.root / path).stat()
            modified = local - ages.get(path, timedelta(days=30))
            cases += f"*/{path}) echo {seen.st_mode & 0o777:o} root {seen.st_size} {int(modified.timestamp())} ;; "
    command(host.path, "stat", f'case $4 in {cases}*) exit 1 ;; esac')
