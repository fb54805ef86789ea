"""Each command that a finding gives is run, and the check that gave it is OK afterwards.

The commands that ask AWS run as they are, by the stock command line. Those for a host run in a folder that holds the
files of the agent, with stand-ins for what would change this machine; what they did is then true of the sandbox's host.
"""

import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from codedeploy_sandbox import Sandbox
from codedeploy_sandbox.hosts.host import DEFAULT_CONFIG
from codedeploy_sandbox.hosts.machine import Machine
from codedeploy_sandbox.scenarios.helpers import EC2, NODE

from runbooks.diagnosis import diagnose
from runbooks.findings import OK, SKIP, Command
from tests.support import hosts
from tests.support.diagnosed import diagnosed
from tests.support.sandbox import AWS, environment_for
from tests.support.world import DISTINCT, PATIENT, asked, everything, subject, world

# What a command changes that no sandbox has.
ELSEWHERE = {
    "agent-may-use-its-files": "chown: a file of the sandbox's host has no owner of its own",
    "host-keeps-its-keys-private": "chmod: a file of the sandbox's host has no mode of its own",
    "host-is-managed-and-online": "amazon-ssm-agent: Systems Manager hears of a host of the sandbox as its scenario says",
    "this-clock-is-right": "timedatectl: it would set the clock of this machine",
}
# A finding that follows once the switch is off: the file that is left, with `rm` as its own command.
LEFT = "agent-settings-are-sound/wire-log-left"
ROOT_FOLDER = "/opt/codedeploy-agent/deployment-root"
CONFIG = Path("/etc/codedeploy-agent/conf/codedeployagent.yml")
IDENTITY = Path("/etc/codedeploy-agent/conf/codedeploy.onpremises.yml")


def commands(scenario: str) -> dict[str, list[Command]]:
    """By check: the commands of its findings."""
    found = {
        check.id: [f.fix for f in findings if isinstance(f.fix, Command)]
        for check, findings in diagnosed(scenario).first.results.items()
    }
    return {check: fixes for check, fixes in found.items() if fixes}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("scenario", sorted(DISTINCT))
def test_a_fix_turns_its_check_ok(scenario: str, tmp_path: Path) -> None:
    for check, fixes in commands(scenario).items():
        if check in ELSEWHERE:
            continue
        with world(scenario, config=PATIENT) as (aws, sandbox):
            for number, fix in enumerate(fixes):
                if fix.startswith("aws "):  # as someone who may do what the caller may not
                    run(
                        fix,
                        tmp_path,
                        environment_for(sandbox.address()) | {"AWS_ACCESS_KEY_ID": "administrator"},
                    )
                else:
                    on_the_host(fix, sandbox, tmp_path / f"{check}-{number}")
            after = diagnose(aws, checks=[check], **asked(everything(scenario)))
        left = {f.code: f.says for f in after.findings if f.verdict not in (OK, SKIP)}
        left.pop(LEFT, None)
        assert not left, (fixes, left)


def run(command: str, folder: Path, environment: dict[str, str]) -> None:
    path = f"{Path(AWS).parent}{os.pathsep}{environment.get('PATH', os.environ['PATH'])}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, (command, done.stderr)


def on_the_host(command: str, sandbox: Sandbox, folder: Path) -> None:
    """Run the command on the files of the scenario's host, and let the host be as it leaves them."""
    nodes = sandbox.account.state("eu-west-1").nodes
    node = EC2 if subject(sandbox.scenario) == EC2 else NODE
    machine: Machine = nodes[node].machine
    files, tools, done = folder / "root", folder / "bin", folder / "done"
    conf = files / "etc/codedeploy-agent/conf"
    conf.mkdir(parents=True)
    tools.mkdir()
    hosts.command(tools, "sudo", 'exec "$@"')
    hosts.command(tools, "systemctl", f'echo "$@" >>{done}')
    hosts.command(tools, "kill", f'echo "$@" >{folder / "killed"}')
    hosts.command(tools, "sleep", "true")
    hosts.command(tools, "rpm", f"echo rpm >{folder / 'replaced'}")
    hosts.command(tools, "mount", f'echo "$2" >{folder / "mounted"}')
    hosts.command(tools, "findmnt", "for path; do :; done; echo $path")
    hosts.command(tools, "timedatectl", f"echo set >{folder / 'clock'}")
    hosts.command(tools, "yum", f'echo "$@" >>{folder / "installed"}')
    hosts.command(tools, "umount", f'echo "$@" >>{folder / "unmounted"}')
    hosts.command(tools, "env", f"cat install >>{done}")  # `env AWS_REGION=... ./install auto`
    hosts.command(tools, "curl", 'echo "install $2" >install')
    if machine.identity is not None:
        (conf / IDENTITY.name).write_text(machine.identity)
    if machine.config is not None:
        (conf / CONFIG.name).write_text((machine.config or DEFAULT_CONFIG) + machine.settings)
    for path, text in machine.others:
        (files / path).parent.mkdir(parents=True, exist_ok=True)
        (files / path).write_text(text)
    here = command.replace("/etc/codedeploy-agent/", f"{files}/etc/codedeploy-agent/")
    here = here.replace(f"rm {ROOT_FOLDER}", f"rm {files}{ROOT_FOLDER}")
    run(here, folder, {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"})
    installed, unmounted = _words(folder / "installed"), _words(folder / "unmounted")
    after = replace(
        machine,
        identity=_text(conf / IDENTITY.name),
        config=_text(conf / CONFIG.name),
        settings="",
        others=tuple(one for one in machine.others if (files / one[0]).exists()),
        without=tuple(one for one in machine.without if one not in installed),
        mounts="".join(
            line for line in machine.mounts.splitlines(keepends=True) if line.split()[1] not in unmounted
        ),
    )
    if option := _text(folder / "mounted"):
        before = {"exec": ",noexec", "rw": "ro,"}[option.strip().removeprefix("remount,")]
        after = replace(after, mounts=after.mounts.replace(before, "rw," if before == "ro," else ""))
    if (folder / "killed").exists():
        after = replace(after, processes=None)
    if (folder / "replaced").exists():
        after = replace(after, signers=True)
    if (folder / "clock").exists():
        after = replace(after, ahead=timedelta())
    if done.exists():  # the agent was restarted, or installed
        after = replace(after, running=True, unit="", log=())
        installed_line = "2.1.0" if "latestv2" in done.read_text() else "1.8.1"
        after = replace(after, agent=installed_line) if "install" in done.read_text() else after
    nodes[node] = replace(nodes[node], machine=after)


def _words(path: Path) -> list[str]:
    return (_text(path) or "").split()


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
