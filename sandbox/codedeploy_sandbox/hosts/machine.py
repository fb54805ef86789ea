"""The machines behind the instances, each described in a few words, and the probe run on one of them."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from codedeploy_sandbox.hosts.host import (
    CREDENTIALS,
    DATE,
    DEFAULT_CONFIG,
    DEPLOYMENT_TOOLS,
    DEPLOYMENTS,
    IDENTITY,
    LOG,
    LOGS,
    NO_ANSWER,
    NO_ROUTE,
    POLLS,
    POLLS_2,
    Fakes,
    Files,
    Host,
    build,
    command,
    curl,
    df,
    required,
    status,
)

_LONGEST = 30  # seconds; the probe on a host of fakes takes less than one
_NO_PROXY = "echo 'curl: (7) Failed to connect to 127.0.0.1 port 3128: Connection refused' >&2; exit 7"
_OWN_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\S+) ")
_INTERCEPTED = (
    "echo 'curl: (60) SSL certificate problem: unable to get local issuer certificate' >&2; exit 60"
)
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
    processes: tuple[tuple[int, str], ...] | None = (
        None  # the agent's, by number and title; None: as it polls
    )
    ages: tuple[tuple[int, int], ...] = ()  # of them, in seconds
    owner: int = 0  # the number of the user that they run as
    environment: tuple[tuple[str, str], ...] = ()  # theirs
    unit: str = ""  # the unit's state and sub-state, where they are not those of a running or a stopped agent
    shows: tuple[tuple[str, str], ...] = ()  # more that systemd shows of the unit
    config: str | None = ""  # the agent's configuration; "": as the package ships it, None: there is none
    settings: str = ""  # lines that are added to it
    log: tuple[str, ...] = ()  # the newest lines of its agent's log, without their time
    rotated: tuple[str, ...] = ()  # the lines of the log of the day before
    # what its agent logged of deployments, after these; a line may begin with its time
    reports: tuple[str, ...] = ()
    fails: str = ""  # how an event of every deployment fails on it, by its name in `hosts.agent.FAILURES`
    quiet: timedelta = timedelta(seconds=5)  # how long ago the newest of them was written
    ahead: timedelta = timedelta()  # of its clock
    resolves: bool = True  # names
    dead_proxy: bool = False  # what goes by a proxy gets nowhere
    blocked: str = ""  # the URLs that nothing gets to, as a pattern of the shell
    # what a service at 169.254.169.254 answers: "dropped", a status, or a Region with its document
    metadata: str = ""
    token: str = ""  # that it gives; without one it then answers 401
    instance: str = ""  # the ARN of the EC2 instance that it is, as which an agent without a yml works
    credentials: bool = True  # the file that the yml of a session names is there
    private: bool = True  # its root alone can read the files with keys
    free: int = 15_000_000  # kB on its disk
    inodes: int = 900_000
    mounts: str = "/dev/vda1 / ext4 rw,relatime 0 0\n"
    ruby: str | None = "3.1.2"
    without: tuple[str, ...] = ()  # tools of deployments that it has not
    signers: bool = True  # the certificates of agent 1.x are there
    issuer: str = ""  # of the certificate that HTTPS meets, where the host does not accept it
    kernel: tuple[str, ...] = ()  # lines of the kernel's log
    under_way: timedelta = timedelta(minutes=2)  # how long ago the events under way were noted
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
    if machine.dead_proxy:
        endpoints = f'if [ -n "${{https_proxy-}}" ]; then {_NO_PROXY}; fi; {endpoints}'
    if machine.issuer:
        endpoints = _INTERCEPTED
    here = machine.agent and machine.running
    return Fakes(
        systemctl=machine.unit or ("active running" if here else "inactive dead"),
        unit=dict(machine.shows),
        package=machine.package,
        manager="dpkg" if machine.system == "debian" else "rpm",
        df=df(machine.free, machine.inodes),
        ruby=machine.ruby and f"echo 'ruby {machine.ruby} (2022-04-12) [x86_64-linux]'",
        tools=tuple(name for name in DEPLOYMENT_TOOLS if name not in machine.without),
        getent="echo '192.0.2.10      endpoint.example'" if machine.resolves else "exit 2",
        curl=curl(endpoints if machine.resolves else _NO_NAME, _metadata(machine.metadata, machine.token)),
        hostname=f"echo {machine.name}",
        plain={  # so that neither the day nor the user of this process shows
            "date": f"case $* in *%s) echo {int(local.timestamp())} ;; *%z) echo +0000 ;;"
            f" *) echo {local:%Y-%m-%dT%H:%M:%SZ} ;; esac",
            "id": "case $1 in -u) echo 0 ;; *) echo root ;; esac",
            "dmesg": "\n".join(f"echo {quote(line)}" for line in machine.kernel) or ":",
            "openssl": f"case $1 in x509) echo {quote(f'issuer={machine.issuer}')} ;; esac",
        },
    )


def _metadata(answers: str, token: str) -> str:
    """What a curl to the metadata address meets (shell)."""
    if answers in ("", "dropped"):
        return NO_ANSWER if answers else NO_ROUTE
    if answers.isdecimal():
        return required(token, status(int(answers)))
    document = f'{{"accountId" : "111122223333", "region" : "{answers}"}}'
    return required(token, f"{status(200)}; case $url in */document) echo '{document}' ;; esac")


def _files(machine: Machine, local: datetime) -> Files:
    if machine.agent is None:
        return Files(None, None, None, None, None, None, processes={})
    second = machine.agent.startswith("2.")
    config = machine.config
    if config == "":
        config = "---\nlog_dir: /var/log/aws/codedeploy-agent\n" if second else DEFAULT_CONFIG
    kind = "deb" if machine.system == "debian" else "rpm"
    processes = dict(machine.processes) if machine.processes is not None else POLLS_2 if second else POLLS
    older = local - timedelta(days=1)
    others = dict(machine.others)
    if machine.rotated:
        others[f"{LOGS}/codedeploy-agent.{local:%Y%m%d}.log"] = _stamped(machine, machine.rotated, older)
    return Files(
        version=f"agent_version: {machine.agent}\n" if second else f"OFFICIAL_{machine.package}_{kind}\n",
        config=config if config is None else config + machine.settings,
        identity=machine.identity,
        credentials=_CREDENTIALS if machine.credentials and CREDENTIALS in (machine.identity or "") else None,
        log=_stamped(machine, (machine.log or _well(machine)) + machine.reports, local - machine.quiet),
        pid="1412\n" if machine.running and not second else None,
        processes=processes if machine.running else {},
        ages=dict(machine.ages),
        owner=machine.owner,
        environment=dict(machine.environment),
        mounts=machine.mounts,
        signers=machine.signers,
        others={"tmp/.keep": "", f"{DEPLOYMENTS}/.keep": "", **others},
    )


def _stamped(machine: Machine, lines: tuple[str, ...], newest: datetime) -> str:
    """The lines of a log: each at the time that it begins with, the others a minute apart before the next one.

    Agent 2.x writes a space where 1.x writes a T.
    """
    mark = " " if (machine.agent or "").startswith("2.") else "T"
    rows: list[tuple[datetime, str]] = []
    before = newest
    for line in reversed(lines):
        own = _OWN_TIME.match(line)
        rows.append((datetime.fromisoformat(own[1]), line[own.end() :]) if own else (before, line))
        before = min(before, rows[-1][0]) - timedelta(minutes=1)
    times = accumulate((at for at, _ in reversed(rows)), max)  # no line is older than the one above it
    return "".join(
        f"{at:%Y-%m-%d{mark}%H:%M:%S} {line}\n" for at, (_, line) in zip(times, reversed(rows), strict=True)
    )


def poll(arn: str) -> str:
    """What agent 1.x logs of a poll that CodeDeploy answered."""
    call = f'poll_host_command(host_identifier:"{arn}")'
    return (
        f"INFO  [codedeploy-agent(1415)]: [Aws::CodeDeployCommand::Client 200 45.434682 0 retries] {call}  "
    )


def _well(machine: Machine) -> tuple[str, ...]:
    """What an agent logs that has started and polls."""
    yml = dict(line.split(": ", 1) for line in (machine.identity or "").splitlines() if ": " in line)
    arn = yml.get("iam_session_arn") or yml.get("iam_user_arn") or machine.instance
    region = yml.get("region") or machine.metadata
    if (machine.agent or "").startswith("2."):
        told = f"host_identifier={arn} poll_interval_ms=1000 max_concurrent=16"
        return (f" INFO Starting host command poll loop {told}",)
    secure = "-secure" if "enable_auth_policy: true" in machine.settings else ""
    own = re.search(r"deploy_control_endpoint: (\S+)", machine.settings)
    url = own[1] if own else f"https://codedeploy-commands{secure}.{region}.amazonaws.com"
    start: tuple[str, ...] = (
        "INFO  [codedeploy-agent(1412)]: master 1412: Spawned child 1/1",
        "INFO  [codedeploy-agent(1412)]: Started master 1412 with 1 children",
    )
    if not arn:
        return start
    if not yml:
        from_metadata = "Creating client url from IMDS region and domain"
        start += (unread_yml(1415), f"INFO  [codedeploy-agent(1415)]: {from_metadata}")
    return (*start, f"INFO  [codedeploy-agent(1415)]: CodeDeploy endpoint: {url}", poll(arn), poll(arn))


def unread_yml(pid: int) -> str:
    """What agent 1.x logs at its start where there is no yml, as on EC2."""
    return f"INFO  [codedeploy-agent({pid})]: On Premises config file does not exist or not readable"


def _date_files(host: Host, machine: Machine, local: datetime) -> None:
    """A `stat` that says of each file when it was written and that it is root's, on every system alike."""
    ages = {LOG: machine.quiet, CREDENTIALS: timedelta(minutes=10)}
    cases = ""
    for path in sorted(p for p in host.root.rglob("*") if p.is_file() and "proc" not in p.parts):
        name, seen = str(path.relative_to(host.root)), path.stat()
        age = machine.under_way if "ongoing-deployment" in name else ages.get(name, timedelta(days=30))
        told = f"mode={seen.st_mode & 0o777:o} size={seen.st_size} written={int((local - age).timestamp())}"
        cases += f"*/{name}) {told} ;;\n"
    forms = "*%U*) echo $mode root $size $written ;; *%g*) echo $mode 0 0 ;; *%s*) echo $size ;; *) echo $written ;;"
    script = f'for path; do :; done; [ -e "$path" ] || exit 1\ncase $path in\n{cases}'
    rest = "*/tmp) mode=1777 size=0 written=0 ;;\n*) mode=755 size=0 written=0 ;;"
    command(host.path, "stat", f"{script}{rest}\nesac\ncase $* in {forms} esac")
