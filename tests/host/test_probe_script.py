"""The host probe as a script: how it is handed over, what it needs, and what its own words promise."""

import json
import re
import shutil
import stat
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from botocore.loaders import Loader

from runbooks.host import HostReport, probe_script
from tests.support import hosts
from tests.support.hosts import Fakes, build

SCRIPT = Path(str(files("runbooks.host") / "probe.sh"))


def test_hostile_words_are_data_too(place: Path) -> None:
    hostile = 'x"y\\z\x1b[31m$(id)`id`{{ssm}}'
    host = build(
        place,
        fakes=Fakes(hostname="printf 'bad\"\\\\\\033[1m\\377host\\nsecond\\tline'"),
        files=hosts.Files(version=f"{hostile}\n", config=f"verbose: a{hostile}\n"),
    )
    hosts.write(host.root, "etc/os-release", f"PRETTY_NAME={hostile}\nID=\xff\n".encode("latin-1"))
    document = host.document(PROBE_INSTANCE=f"{hostile}\nnext")
    assert document["host"]["hostname"]["value"] == 'bad"\\\x1b[1m\ufffdhost second line'
    assert document["host"]["instance"]["value"] == f"{hostile} next"
    assert document["host"]["os_id"]["value"] == "\ufffd"
    assert document["agent"]["version_file"]["value"] == hostile
    assert document["config"]["verbose"]["value"] == f"a{hostile}"


def test_nothing_below_the_root_is_executed(place: Path) -> None:
    host = build(place, fakes=Fakes(systemctl=None, manager=None, ruby=None))
    for name in ("systemctl", "rpm", "codedeploy-agent", "ruby"):
        for folder in ("bin", "usr/bin", "opt/codedeploy-agent/bin"):
            (host.root / folder).mkdir(parents=True, exist_ok=True)
            hosts.command(host.root / folder, name, f"touch {place}/executed")
    document = host.document()
    assert not (place / "executed").exists()
    assert "neither dpkg nor rpm" in document["agent"]["package_version"]["error"]


@pytest.mark.parametrize("tool", ["awk", "od", "sed"])
def test_a_host_without_a_basic_tool_says_so(tool: str, place: Path) -> None:
    host = build(place)
    (host.path / tool).unlink()
    done = host.run()
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"schema": 2, "failed": f"{tool} is not on this host", "complete": True}


def test_a_host_with_the_basic_tools_alone_still_answers(place: Path) -> None:
    host = build(place)
    for name in ("stat", "timeout", "readlink"):
        (host.path / name).unlink()
    document = host.document()
    assert document["log_file"]["size"] == {"error": "stat failed"}
    assert document["log_file"]["readable"] == {"value": True}
    assert document["log"]["lines"]["value"]
    assert document["endpoint_commands"]["address"] == {"value": "192.0.2.10"}


@pytest.mark.parametrize("how", ["file", "text", "named"])
def test_it_runs_in_each_way_that_it_is_handed_over(how: str, place: Path) -> None:
    """As a file, as the text of a command, and with the instance's name written into it."""
    host = build(place)
    odd = 'it\'s "web" $(id)'
    (place / "probe.sh").write_text(probe_script(odd if how == "named" else None))
    argument = ["-c", probe_script()] if how == "text" else [str(place / "probe.sh")]
    done = subprocess.run(
        [str(shutil.which("sh")), *argument],
        env={"PATH": str(host.path), "PROBE_ROOT": str(host.root)},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["host"]["instance"]["value"] == (odd if how == "named" else None)


def test_it_does_not_take_itself_for_the_agent() -> None:
    """Whole command lines are searched, and the probe's own may hold the probe."""
    (pattern,) = re.findall(r"^PROCESS='([^\n]*)' #", probe_script(), re.MULTILINE)
    agents = [
        "codedeploy-agent: master 1412",
        "codedeploy-agent: booting child",
        "codedeploy-agent: InstanceAgent::Plugins::CodeDeployPlugin::CommandPoller of master 1412",
        "/opt/codedeploy-agent/bin/codedeploy-agent start",
        "/opt/codedeploy-agent/bin/codedeploy-agent _worker",
        "/usr/bin/ruby3.2 /opt/codedeploy-agent/bin/codedeploy-agent start",
    ]
    others = [
        f"sh -c {probe_script()}".replace("\n", " "),
        "vi /etc/codedeploy-agent/conf/codedeployagent.yml",
        "tail -f /var/log/aws/codedeploy-agent/codedeploy-agent.log",
        "/bin/sh /var/lib/amazon/ssm/codedeploy-agent-probe.sh",
        "systemctl status codedeploy-agent",
    ]
    found = subprocess.run(
        ["grep", "-E", pattern], input="\n".join(agents + others), text=True, capture_output=True, check=True
    )
    assert found.stdout.splitlines() == agents


def test_systems_manager_can_carry_it() -> None:
    """Double braces are Systems Manager's own in a command, and it hands out 24,000 characters of output."""
    assert "{{" not in probe_script()
    members = Loader().load_service_model("ssm", "service-2")["shapes"]
    assert members["StandardOutputContent"]["max"] == 24_000
    (limit,) = re.findall(r"^LIMIT=(\d+)", probe_script(), re.MULTILINE)
    assert int(limit) < 24_000


def test_its_head_names_all_that_it_reports(place: Path) -> None:
    document = build(place).document()
    head = probe_script().partition("set -u")[0]
    (settings,) = re.findall(r"SETTINGS='([^']*)'", probe_script())
    sections = {name for name in HostReport.__dataclass_fields__ if name != "collected_at"}
    assert set(document) == sections | {"schema", "collected_at", "complete"}
    assert set(document["config"]) == set(settings.split())
    for section in sections:
        assert re.search(rf"\b{section}\b", head), f"the head does not name {section}"
        for name in document[section] if section != "config" else ():
            assert re.search(rf"\b{name}\b", head), f"the head does not name {section}.{name}"


def test_it_is_clean_under_shellcheck() -> None:
    shellcheck = shutil.which("shellcheck", path=Path(sys.executable).parent)
    assert shellcheck, "shellcheck is not here: `make setup` installs it"
    done = subprocess.run(
        [shellcheck, "--shell=sh", str(SCRIPT)], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    assert probe_script().startswith("#!/bin/sh\n")
    assert stat.S_ISREG(SCRIPT.stat().st_mode)
