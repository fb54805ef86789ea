"""Hosts for the probe to look at: a directory in the place of a machine's root, and commands that describe it.

The commands are fakes of those that ask the machine or the network (systemctl, dpkg, rpm, curl, getent, hostname,
df, ruby) and links to the plain tools. Nothing else is on the PATH, so a command that a host has not is really not
there, and nothing leaves this machine.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

# The plain tools that the probe counts on, and those that it can do without.
TOOLS = (
    *("awk", "cut", "date", "grep", "head", "id", "od", "sed", "tail", "tr", "wc", "uname"),
    *("stat", "timeout", "readlink"),
)
# Those that deployments use. The probe only asks whether they are there.
DEPLOYMENT_TOOLS = ("unzip", "tar", "gzip", "setfacl", "semanage", "su", "sudo")

SYSTEMS = {
    "rhel": {"ID": '"rhel"', "VERSION_ID": '"9.4"', "PRETTY_NAME": '"Red Hat Enterprise Linux 9.4 (Plow)"'},
    "debian": {"PRETTY_NAME": '"Debian GNU/Linux 12 (bookworm)"', "VERSION_ID": '"12"', "ID": "debian"},
    "amazon": {"ID": '"amzn"', "VERSION_ID": '"2023"', "PRETTY_NAME": '"Amazon Linux 2023"'},
}

CONFIG = "etc/codedeploy-agent/conf/codedeployagent.yml"
IDENTITY = "etc/codedeploy-agent/conf/codedeploy.onpremises.yml"
CREDENTIALS = "etc/codedeploy-agent/creds"
LOGS = "var/log/aws/codedeploy-agent"
LOG = f"{LOGS}/codedeploy-agent.log"
VERSION = "opt/codedeploy-agent/.version"
PID = "opt/codedeploy-agent/state/.pid/codedeploy-agent.pid"
DEPLOYMENTS = "opt/codedeploy-agent/deployment-root"
SIGNERS = "opt/codedeploy-agent/certs/host-agent-deployment-signer-ca-chain.pem"  # of agent 1.x
SPARE_CONFIG = "opt/codedeploy-agent/conf/codedeployagent.yml"  # the agent's own, where there is no other

# The processes of an agent 1.x that polls, by the titles that it gives them, and of a 2.x.
MASTER = "codedeploy-agent: master 1412"
POLLS = {
    1412: MASTER,
    1415: "codedeploy-agent: InstanceAgent::Plugins::CodeDeployPlugin::CommandPoller of master 1412",
}
BOOTS = {1412: MASTER, 1420: "codedeploy-agent: booting child"}
POLLS_2 = {
    1412: "/opt/codedeploy-agent/bin/codedeploy-agent start",
    1415: "/opt/codedeploy-agent/bin/codedeploy-agent _worker",
}

DEFAULT_CONFIG = """---
:log_aws_wire: false
:log_dir: '/var/log/aws/codedeploy-agent/'
:pid_dir: '/opt/codedeploy-agent/state/.pid/'
:program_name: codedeploy-agent
:root_dir: '/opt/codedeploy-agent/deployment-root'
:verbose: false
:wait_between_runs: 1
"""

_SIGNERS = "-----BEGIN CERTIFICATE-----\nof-the-sandbox\n-----END CERTIFICATE-----\n"

NO_ROUTE = "echo 'curl: (7) Failed to connect to 169.254.169.254 port 80: No route to host' >&2; exit 7"
NO_ANSWER = "echo 'curl: (28) Connection timed out after 5001 milliseconds' >&2; exit 28"
DATE = "%a, %d %b %Y %H:%M:%S GMT"  # as HTTP writes it
ANSWERS = f"printf 'HTTP/1.1 404 Not Found\\r\\ndate: %s\\r\\n\\r\\n' \"$(date -u '+{DATE}')\""


def curl(endpoints: str, metadata: str = NO_ROUTE) -> str:
    """A curl to which the endpoints answer in one way and the instance metadata service in another (shell)."""
    return f"case $url in http://169.254.*) {metadata} ;; *) {endpoints} ;; esac"


def status(code: int) -> str:
    """What a server answers to every request (shell)."""
    return f"printf 'HTTP/1.1 {code} Status\\r\\n\\r\\n'"


def required(token: str, answer: str) -> str:
    """A metadata service that answers only to those who send the token that it gives (shell); "" for none."""
    if not token:
        return f"case $url in */api/token) {status(404)} ;; *) {answer} ;; esac"
    given = f"case $* in *-K*) read -r sent ;; *) sent= ;; esac; case $sent in *{token}*) {answer} ;; *) {status(401)} ;; esac"
    return f"case $url in */api/token) {status(200)}; echo {token} ;; *) {given} ;; esac"


def df(free: int = 15_000_000, inodes: int = 900_000) -> str:
    """A `df -P -k PATH` or `df -P -i PATH` whose file systems have so many free kB and inodes (shell)."""
    left = f"case $2 in -i) left={inodes} ;; *) left={free} ;; esac"  # never by the path: it is random
    head = "echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'"
    return f"{left}\n{head}\necho /dev/vda1 20000000 1 $left 1% /"


@dataclass
class Fakes:
    """The commands of a host that ask the machine, as shell. None: the command is not there."""

    systemctl: str | None = "active running"  # the unit's state and sub-state
    unit: Mapping[str, str] = field(default_factory=dict)  # more that systemctl shows of it
    package: str | None = "1.8.1-13"  # the agent's; "removed", "damaged" (the database), or none at all
    manager: str | None = "rpm"
    df: str | None = df()
    ruby: str | None = "echo 'ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux-gnu]'"
    tools: tuple[str, ...] = DEPLOYMENT_TOOLS  # of those that deployments use, the ones that are there
    getent: str | None = "echo '192.0.2.10      endpoint.example'"
    curl: str | None = curl(ANSWERS)
    hostname: str | None = "echo web-01"
    plain: Mapping[str, str] = field(default_factory=dict)  # in the place of plain tools

    def scripts(self, calls: Path) -> dict[str, str]:
        """The script of each command that is there; curl's writes into `calls` how it was called."""
        scripts = {"getent": self.getent, "hostname": self.hostname, "df": self.df, "ruby": self.ruby}
        scripts |= {**dict.fromkeys(self.tools, "exit 1"), **self.plain}
        if self.systemctl is not None:
            scripts["systemctl"] = "".join(
                f"echo {quote(f'{name}={value}')}\n" for name, value in self._shown().items()
            )
        if self.manager:
            scripts[self.manager] = self._manager()
        if self.curl is not None:
            scripts["curl"] = (
                f'echo "$* proxy=${{https_proxy-}}" >>{quote(str(calls))}\nfor url; do :; done\n{self.curl}'
            )
        return {name: script for name, script in scripts.items() if script is not None}

    def _shown(self) -> dict[str, str]:
        state, _, sub = (self.systemctl or "").partition(" ")
        known = {"LoadState": "loaded", "ActiveState": state, "SubState": sub, "Result": "success"}
        return known | {"NRestarts": "0", "UnitFileState": "enabled"} | dict(self.unit)

    def _manager(self) -> str:
        if self.package is None:
            return "echo \"package 'codedeploy-agent' is not installed\" >&2; exit 1"
        if self.package == "removed":  # dpkg remembers it for its configuration files
            return "printf 'Status: deinstall ok config-files\\nVersion: 1.8.0-12\\n'"
        if self.package == "damaged":
            return "echo 'error: cannot open the database' >&2; exit 2"
        return (
            f"printf 'Package: codedeploy-agent\\nStatus: install ok installed\\nVersion: {self.package}\\n'"
        )


_UPTIME = 1_000_000  # seconds


@dataclass
class Files:
    """The files of a host, by path below its root. None: the file is not there."""

    version: str | None = "OFFICIAL_1.8.1-13_rpm\n"
    config: str | bytes | None = DEFAULT_CONFIG
    identity: str | bytes | None = None
    credentials: str | None = None
    log: str | bytes | None = None
    pid: str | None = "1412\n"
    processes: Mapping[int, str] = field(default_factory=lambda: POLLS)
    ages: Mapping[int, int] = field(default_factory=dict)  # of processes, in seconds; a day unless given
    owner: int = 0  # the user number that they have
    environment: Mapping[str, str] = field(default_factory=dict)  # theirs
    mounts: str = "/dev/vda1 / ext4 rw,relatime 0 0\n"
    signers: bool = True  # the certificates of agent 1.x
    others: Mapping[str, str | bytes] = field(default_factory=dict)

    def contents(self) -> dict[str, str | bytes]:
        """The content of each file that is there."""
        files: dict[str, str | bytes | None] = {
            VERSION: self.version,
            CONFIG: self.config,
            IDENTITY: self.identity,
            CREDENTIALS: self.credentials,
            LOG: self.log,
            PID: self.pid,
            "proc/1/comm": "systemd\n",
            "proc/1/cmdline": "/sbin/init\0",
            "proc/uptime": f"{_UPTIME}.00 1.00\n",
            "proc/mounts": self.mounts,
            "etc/passwd": "root:x:0:0:root:/root:/bin/sh\ncodedeploy:x:990:990::/:/sbin/nologin\n",
            "etc/group": "root:x:0:\ncodedeploy:x:990:\n",
            SIGNERS: _SIGNERS if (self.version or "").startswith("OFFICIAL_1") and self.signers else None,
            **self.others,
        }
        for pid, title in self.processes.items():
            files |= self._process(pid, title)
        return {path: text for path, text in files.items() if text is not None}

    def _process(self, pid: int, title: str) -> dict[str, str | bytes | None]:
        start = (_UPTIME - self.ages.get(pid, 86_400)) * 100  # in ticks since the machine started
        environment = "".join(f"{name}={value}\0" for name, value in self.environment.items())
        ids = "\t".join([str(self.owner)] * 4)
        return {
            f"proc/{pid}/cmdline": f"{title.replace(' ', chr(0)) if title[0] == '/' else title}\0\0",
            f"proc/{pid}/status": f"Name:\truby\nUid:\t{ids}\nGid:\t{ids}\nGroups:\t{self.owner}\n",
            f"proc/{pid}/stat": f"{pid} (a (b) c) S {'0 ' * 18}{start} 0 0\n",
            f"proc/{pid}/environ": environment,
        }


@dataclass(frozen=True)
class Host:
    """A host on disk: its root, the PATH that belongs to it, and where its curl writes how it was called."""

    root: Path
    path: Path
    calls: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which the probe reads this host and nothing else."""
        return {"PATH": str(self.path), "PROBE_ROOT": str(self.root)}


def build(place: Path, system: str, fakes: Fakes, files: Files) -> Host:
    """Make a host of one of SYSTEMS below the directory `place`."""
    host = Host(root=place / "root", path=place / "bin", calls=place / "calls")
    host.path.mkdir(parents=True)
    write(host.root, "etc/os-release", "".join(f"{key}={value}\n" for key, value in SYSTEMS[system].items()))
    for path, text in files.contents().items():
        write(host.root, path, text)
    for path in (IDENTITY, CREDENTIALS):
        if (host.root / path).is_file():
            (host.root / path).chmod(0o600)
    if fakes.systemctl is not None:
        (host.root / "run/systemd/system").mkdir(parents=True)
    link_tools(host.path)
    for name, script in fakes.scripts(host.calls).items():
        command(host.path, name, script)
    return host


def write(root: Path, path: str, text: str | bytes) -> None:
    """Write a file below a root, for all to read."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(text if isinstance(text, bytes) else text.encode())
    (root / path).chmod(0o644)


def command(place: Path, name: str, script: str) -> None:
    """Put a command into a directory of the PATH, replacing any other of this name."""
    (place / name).unlink(missing_ok=True)  # not through a link to a plain tool
    (place / name).write_text(f"#!/bin/sh\n{script}\n")
    (place / name).chmod(0o755)


def link_tools(place: Path) -> None:
    """Links to the plain tools that this machine has."""
    for name in TOOLS:
        if found := shutil.which(name):
            (place / name).symlink_to(found)
