"""The script of agent-installed.yml, run on hosts that are folders: what it changes, and when it says OK."""

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runbooks.host.versions import versions
from tests.templates.stacks import read

STEP = read("agent-installed.yml")["Resources"]["Document"]["Properties"]["Content"]["mainSteps"][0]
SCRIPT = "\n".join(STEP["inputs"]["runCommand"])
PARAMETERS = read("agent-installed.yml")["Resources"]["Document"]["Properties"]["Content"]["parameters"]

POLL = (
    "2026-11-26T08:42:04 INFO  [codedeploy-agent(1412)]: [Aws::CodeDeployCommand::Client 200 45.053927 0 retries] "
    'poll_host_command(host_identifier:"arn:aws:iam::111122223333:user/web-01")\n'
)
REFUSED = (
    "2026-11-26T08:42:04 ERROR [codedeploy-agent(1412)]: InstanceAgent::Plugins::CodeDeployPlugin::CommandPoller: "
    "Cannot reach InstanceService: Aws::CodeDeployCommand::Errors::AccessDeniedException - \n"
)
LOOP = "2026-11-26 08:42:04  INFO Starting host command poll loop host_identifier=arn poll_interval_ms=1000 max_concurrent=16\n"
REFUSED_2 = "2026-11-26 08:42:04 ERROR Error polling for host commands: HTTP 400 AKIA1234567890ABCDEF\n"


def filled(**values: str) -> str:
    """The script with the parameters of the document filled in."""
    text = SCRIPT
    for name, value in {"Region": "eu-west-1", "Suffix": "amazonaws.com", **values}.items():
        text = text.replace(f"{{{{ {name} }}}}", value)
    assert "{{" not in text
    return text


@dataclass
class Host:
    """A folder that stands for a host, with commands that act on it.

    ``after`` is what the agent writes into its log: by the count of the sleeps since its restart.
    """

    root: Path
    line: str = "1.8"
    installs: str = "OFFICIAL_1.8.1-13_deb"
    after: dict[int, str] = field(default_factory=dict)
    wait: int = 2
    proof: int = 3

    def __post_init__(self) -> None:
        for folder in (
            "bin",
            "etc/codedeploy-agent/conf",
            "opt/codedeploy-agent/deployment-root/ongoing-deployment",
            "var/log/aws/codedeploy-agent",
            "ticks",
        ):
            (self.root / folder).mkdir(parents=True)
        self.config.write_text(f":log_dir: '{self.log.parent}'\n:wait_between_runs: 1\n")
        self.command(
            "curl",
            'while [ $# -gt 1 ]; do [ "$1" != -o ] || to=$2; shift; done\n'
            f'echo "curl $1" >>{self.root}/calls\ncp {self.root}/installer "$to"',
        )
        (self.root / "installer").write_text(
            f'echo "install $* $AWS_REGION" >>{self.root}/calls\n'
            f"printf 'agent_version: %s' '{self.installs}' >{self.version}\n"
            f"echo ':verbose: true' >{self.config}\n"
        )
        self.command("ruby", 'exec sh "$@"')
        self.command("dpkg", f'echo "dpkg $*" >>{self.root}/calls; [ "$1" = -s ] || rm -f {self.version}')
        self.command("systemctl", f'echo "systemctl $*" >>{self.root}/calls; echo 0 >{self.root}/slept')
        self.command(
            "sleep",
            f"""
echo "sleep $1" >>{self.root}/calls
[ -f {self.root}/slept ] || exit 0
count=$(cat {self.root}/slept); echo $((count + 1)) >{self.root}/slept
[ ! -f {self.root}/ticks/$count ] || cat {self.root}/ticks/$count >>{self.log}""",
        )

    @property
    def config(self) -> Path:
        return self.root / "etc/codedeploy-agent/conf/codedeployagent.yml"

    @property
    def version(self) -> Path:
        return self.root / "opt/codedeploy-agent/.version"

    @property
    def log(self) -> Path:
        return self.root / "var/log/aws/codedeploy-agent/codedeploy-agent.log"

    @property
    def ongoing(self) -> Path:
        return self.root / "opt/codedeploy-agent/deployment-root/ongoing-deployment"

    @property
    def calls(self) -> list[str]:
        """The commands that were run, without the sleeps."""
        written = self.root / "calls"
        lines = written.read_text().splitlines() if written.exists() else []
        return [line for line in lines if not line.startswith(("sleep", "dpkg -s"))]

    def command(self, name: str, body: str) -> None:
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the script with the host's commands first, and its paths below the folder."""
        for count, text in self.after.items():
            (self.root / "ticks" / str(count)).write_text(text)
        text = filled(Line=self.line, WaitMinutes=str(self.wait), ProofMinutes=str(self.proof))
        for path in (
            "/etc/codedeploy-agent",
            "/opt/codedeploy-agent",
            "/var/log/aws",
            "/tmp/codedeploy-agent",
        ):
            text = text.replace(path, f"{self.root}{path}")
        return subprocess.run(
            ["sh", "-c", text],
            env={"PATH": f"{self.root}/bin:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


INSTALL = [
    "curl https://aws-codedeploy-eu-west-1.s3.eu-west-1.amazonaws.com/latest/install",
    "install auto eu-west-1",
    "systemctl restart codedeploy-agent",
]
INSTALL_2 = [INSTALL[0].replace("/latest/", "/latestv2/"), *INSTALL[1:]]


def last(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr).strip().splitlines()[-1]


def test_it_is_clean_under_shellcheck(tmp_path: Path) -> None:
    shellcheck = shutil.which("shellcheck", path=Path(sys.executable).parent)
    assert shellcheck, "shellcheck is not here: `make setup` installs it"
    script = tmp_path / "agent.sh"
    script.write_text(filled(Line="1.8", WaitMinutes="2", ProofMinutes="3"))
    # SC2050: with the parameters filled in, some comparisons are of constants.
    run = [shellcheck, "--shell=sh", "--exclude=SC2050,SC2194", str(script)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_its_parameters_hold_no_quote() -> None:
    """They are put into the script between quotes."""
    for name, parameter in PARAMETERS.items():
        assert "allowedPattern" in parameter or "allowedValues" in parameter, name
        assert "'" not in str(parameter.get("allowedPattern", "")), name


def test_agent_1_is_installed_and_polls(tmp_path: Path) -> None:
    host = Host(tmp_path, after={3: POLL})
    done = host.run()
    assert (done.returncode, last(done)) == (0, f"OK: agent 1.8.1 polls, by {host.log}. Before: none.")
    assert host.calls == INSTALL


def test_agent_2_needs_a_minute_without_a_refusal(tmp_path: Path) -> None:
    host = Host(tmp_path, line="2.x", installs="2.1.0", after={1: LOOP})
    done = host.run()
    assert (done.returncode, last(done)) == (0, f"OK: agent 2.1.0 polls, by {host.log}. Before: none.")
    assert host.calls == INSTALL_2
    assert (host.root / "slept").read_text().strip() == str(2 + 12)  # the loop after 2, then 12 of 5 seconds


@pytest.mark.parametrize(
    "after",
    [
        {},
        {1: LOOP, 13: REFUSED_2},  # one turn before the minute has passed
        dict.fromkeys(range(1, 40, 5), LOOP),  # it starts again and again
    ],
)
def test_agent_2_that_is_silent_or_refused_or_crashes_is_not_proved(
    tmp_path: Path, after: dict[int, str]
) -> None:
    done = Host(tmp_path, line="2.x", installs="2.1.0", after=after).run()
    assert (done.returncode, "did not poll within 3 minutes" in last(done)) == (1, True)
    assert "AKIA1234567890ABCDEF" not in done.stderr


@pytest.mark.parametrize(("turn", "code"), [(35, 0), (36, 1)])
def test_the_proof_has_a_limit(tmp_path: Path, turn: int, code: int) -> None:
    """3 minutes are 36 turns of 5 seconds."""
    assert Host(tmp_path, after={turn: POLL}).run().returncode == code


def test_a_poll_of_yesterday_proves_nothing(tmp_path: Path) -> None:
    host = Host(tmp_path, after={2: REFUSED})
    host.log.write_text(POLL)
    done = host.run()
    assert done.returncode == 1
    assert "AccessDeniedException" in done.stderr
    assert last(done) == f"FAIL: agent 1.8.1 did not poll within 3 minutes, by {host.log}."


def test_a_poll_before_a_refusal_proves_nothing(tmp_path: Path) -> None:
    """The agent polled once, then its identity was refused: what counts is the end of the log."""
    assert Host(tmp_path, after={1: POLL + REFUSED}).run().returncode == 1
    assert Host(tmp_path / "again", after={1: REFUSED, 2: POLL}).run().returncode == 0


def test_a_log_that_was_moved_at_midnight_is_read_from_its_start(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.log.write_text("x" * 5000)
    host.command("systemctl", f"printf '%s' '{POLL}' >{host.log}")
    assert host.run().returncode == 0


def test_it_waits_for_a_deployment_and_gives_up_without_a_change(tmp_path: Path) -> None:
    host = Host(tmp_path)
    (host.ongoing / "d-ABC123").touch()
    done = host.run()
    assert (done.returncode, last(done)) == (
        1,
        "FAIL: deployment d-ABC123 still runs after 2 minutes. Nothing was changed.",
    )
    assert host.calls == []
    assert (host.root / "calls").read_text().count("sleep 60") == 2


def test_it_goes_on_when_the_deployment_ends(tmp_path: Path) -> None:
    host = Host(tmp_path, after={0: POLL})
    (host.ongoing / "d-ABC123").touch()
    slept = (host.root / "bin/sleep").read_text().removeprefix("#!/bin/sh\n")
    host.command("sleep", f"rm -f {host.ongoing}/*\n{slept}")
    assert host.run().returncode == 0


def test_the_tracking_file_of_a_dead_agent_is_ignored_after_a_day(tmp_path: Path) -> None:
    host = Host(tmp_path, after={0: POLL})
    left = host.ongoing / "d-OLD"
    left.touch()
    subprocess.run(["touch", "-d", "25 hours ago", left], check=True)
    assert host.run().returncode == 0


def test_the_root_dir_of_the_configuration_counts(tmp_path: Path) -> None:
    host = Host(tmp_path)
    (tmp_path / "data/ongoing-deployment").mkdir(parents=True)
    (tmp_path / "data/ongoing-deployment/d-THERE").touch()
    host.config.write_text(f'root_dir: "{tmp_path}/data"\n')
    assert "deployment d-THERE still runs" in last(host.run())


def test_a_deployment_that_begins_meanwhile_stops_the_restart(tmp_path: Path) -> None:
    host = Host(tmp_path)
    installer = host.root / "installer"
    installer.write_text(f"{installer.read_text()}touch {host.ongoing}/d-NEW\n")
    done = host.run()
    assert (done.returncode, "deployment d-NEW began" in last(done)) == (1, True)
    assert "systemctl restart codedeploy-agent" not in host.calls


def test_going_back_removes_2_and_keeps_the_configuration(tmp_path: Path) -> None:
    host = Host(tmp_path, after={0: POLL})
    host.version.write_text("agent_version: 2.1.0\n")
    identity = host.config.with_name("codedeploy.onpremises.yml")
    identity.write_text("region: eu-west-1\n")
    identity.chmod(0o600)
    host.command(
        "dpkg", f'echo "dpkg $*" >>{host.root}/calls; [ "$1" = -s ] || rm -f {host.version} {identity}'
    )
    written = host.config.read_text()
    assert last(host.run()).endswith("Before: 2.1.0.")
    assert host.calls == ["dpkg -r codedeploy-agent", *INSTALL] or host.calls == [
        INSTALL[0],
        "dpkg -r codedeploy-agent",
        *INSTALL[1:],
    ]
    assert host.config.read_text() == written
    assert (identity.read_text(), identity.stat().st_mode & 0o777) == ("region: eu-west-1\n", 0o600)


def test_going_forward_removes_nothing_and_keeps_the_configuration(tmp_path: Path) -> None:
    host = Host(tmp_path, line="2.x", installs="2.1.0", after={0: LOOP})
    host.version.write_text("agent_version: OFFICIAL_1.8.1-13_rpm\n")
    written = host.config.read_text()
    assert last(host.run()).endswith("Before: 1.8.1.")
    assert host.calls == INSTALL_2
    assert host.config.read_text() == written


def test_the_same_line_leaves_the_configuration_to_the_package(tmp_path: Path) -> None:
    host = Host(tmp_path, after={0: POLL})
    host.version.write_text("agent_version: OFFICIAL_1.8.0-9_deb")
    assert host.run().returncode == 0
    assert host.config.read_text() == ":verbose: true\n"
    assert sorted(path.name for path in host.config.parent.parent.iterdir()) == ["conf"]


@pytest.mark.parametrize("installs", ["OFFICIAL_1.7.1-8_deb", "2.1.0", "COMMIT_abc", "OFFICIAL_1.9.0-1_deb"])
def test_another_line_is_never_ok(tmp_path: Path, installs: str) -> None:
    done = Host(tmp_path, installs=installs, after={0: POLL}).run()
    assert (done.returncode, last(done).endswith("which is not of line 1.8.")) == (1, True)


def test_a_release_outside_both_lines_is_noticed() -> None:
    """The newest releases of the guide's table are of one of the two lines that the template offers."""
    recent = [release.version for release in versions().releases if release.number >= (1, 8)]
    assert all(version.startswith(("1.8.", "2.")) for version in recent)


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("curl", "echo 'curl: (22) 403' >&2; exit 22", "could not be downloaded from latest/ of the bucket"),
        ("ruby", "echo no gem >&2; exit 1", "the installer failed"),
        ("systemctl", "exit 1", "the agent could not be restarted"),
    ],
)
def test_a_step_that_fails_is_named(tmp_path: Path, name: str, body: str, said: str) -> None:
    host = Host(tmp_path, after={0: POLL})
    host.command(name, body)
    done = host.run()
    assert (done.returncode, said in last(done)) == (1, True)


def test_agent_1_without_ruby_is_refused_before_anything_changes(tmp_path: Path) -> None:
    host = Host(tmp_path)
    (host.root / "bin/ruby").unlink()
    text = filled(Line="1.8", WaitMinutes="2", ProofMinutes="2")
    tools = host.root / "tools"
    tools.mkdir()
    for tool in ("sh", "mktemp", "rm", "find", "head", "tail", "sed", "cat", "wc"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    done = subprocess.run(
        ["/bin/sh", "-c", text],
        env={"PATH": f"{host.root}/bin:{tools}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "needs Ruby" in last(done), host.calls) == (1, True, [])
