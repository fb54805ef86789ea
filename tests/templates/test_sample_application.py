"""The sample application, deployed as the agent deploys: event by event, with its variables, and more than once."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from codedeploy_sandbox import serve

from runbooks.appspec.linter import lint
from tests.support.sandbox import client
from tests.templates.stacks import TEMPLATES

SAMPLE = TEMPLATES / "sample-application"
APPSPEC: dict[str, Any] = yaml.safe_load((SAMPLE / "appspec.yml").read_text(encoding="utf-8"))
HOOKS = sorted((SAMPLE / "hooks").glob("*.sh"))
EVENTS = (
    "ApplicationStop",
    "DownloadBundle",
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
)
SERVICE = """
case $* in
    *is-active*) [ -f {root}/pid ] && kill -0 "$(cat {root}/pid)" 2>/dev/null ;;
    stop*) [ ! -f {root}/pid ] || kill "$(cat {root}/pid)" 2>/dev/null; rm -f {root}/pid ;;
    restart*) "$0" stop shop; sleep 0.2
        SHOP_PORT={port} {python} {root}/opt/shop/shop.py >/dev/null 2>&1 </dev/null & echo $! >{root}/pid ;;
esac
"""


class Failed(Exception):
    """An event that the agent would report as failed."""


class Host:
    """A folder that stands for a host: the paths of the hooks lie in it, and its systemctl starts a real process."""

    def __init__(self, root: Path) -> None:
        self.root, self.port, self.log = root, free_port(), list[str]()
        self.archives: list[Path] = []
        (root / "etc/systemd/system").mkdir(parents=True)
        (root / "opt").mkdir()
        (root / "bin").mkdir()
        command = root / "bin/systemctl"
        body = SERVICE.format(root=root, port=self.port, python=sys.executable)
        command.write_text(f'#!/bin/sh\necho "$*" >>{root}/systemctl.log\n{body}')
        command.chmod(0o755)

    def archive(self, deployment: str) -> Path:
        """The unpacked revision of a deployment, with its paths and its port on this host."""
        place = self.root / "deployment-root/group" / deployment / "deployment-archive"
        shutil.copytree(SAMPLE, place)
        for path in place.rglob("*"):
            if path.is_file():
                text = (
                    path.read_text(encoding="utf-8")
                    .replace("=8080", f"={self.port}")
                    .replace("within 90", "within 5")
                )
                text = text.replace("/opt/shop", f"{self.root}/opt/shop").replace(
                    "=/etc", f"={self.root}/etc"
                )
                path.write_text(text, encoding="utf-8")
        return place

    def deploy(self, deployment: str) -> None:
        """All events of a deployment. ApplicationStop is of the last successful revision. Raises `Failed`."""
        archive = self.archive(deployment)
        for event in EVENTS:
            if event == "Install":
                (mapped,) = APPSPEC["files"]
                shutil.copytree(
                    archive / mapped["source"], self.root / mapped["destination"][1:], dirs_exist_ok=True
                )
            elif event == "ApplicationStop" and self.archives:
                self.run(self.archives[-1], event, deployment)
            elif event not in ("ApplicationStop", "DownloadBundle"):
                self.run(archive, event, deployment)
        self.archives.append(archive)

    def run(self, archive: Path, event: str, deployment: str) -> None:
        """One event, as agent 1.x runs it: each script in a process group of its own, with a limit."""
        for script in APPSPEC["hooks"].get(event, []):
            self.script(archive / script["location"], event, deployment, script["timeout"])

    def script(self, path: Path, event: str, deployment: str, limit: float = 60) -> None:
        environment = {
            "PATH": f"{self.root}/bin:{os.environ['PATH']}",
            "LIFECYCLE_EVENT": event,
            "DEPLOYMENT_ID": deployment,
            "APPLICATION_NAME": "shop",
            "DEPLOYMENT_GROUP_NAME": "web",
            "DEPLOYMENT_GROUP_ID": "group",
        }
        with subprocess.Popen(
            [path], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                said, _ = process.communicate(timeout=min(limit, 60))  # ends only when the outputs are closed
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGTERM)
                raise Failed(f"{event}: {path.name} did not end, or left its outputs open") from None
        self.log += said.splitlines()
        if process.returncode != 0:
            raise Failed(f"{event}: {path.name} failed with exit code {process.returncode}\n{said}")

    @property
    def answers(self) -> str:
        """What the running service says of itself."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
            return str(answer.read().decode())

    def files(self) -> dict[str, bytes]:
        """All that the deployments left in the folders of the application."""
        paths = [*(self.root / "opt").rglob("*"), *(self.root / "etc").rglob("*")]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in paths if path.is_file()}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    subprocess.run([host.root / "bin/systemctl", "stop", "shop"], check=False)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_hooks_are_clean_under_shellcheck(shell: str) -> None:
    shellcheck = shutil.which("shellcheck", path=Path(sys.executable).parent)
    assert shellcheck, "shellcheck is not here: `make setup` installs it"
    run = [shellcheck, f"--shell={shell}", "-x", "-P", str(SAMPLE / "hooks"), *map(str, HOOKS)]
    assert subprocess.run(run, capture_output=True, text=True, check=False).stdout == ""


def bundled(archive: Path, without: str = "") -> Path:
    """The sample as a zip file, without one of its files where that is named."""
    with zipfile.ZipFile(archive, "w") as bundle:
        for path in sorted(SAMPLE.rglob("*")):
            if "__pycache__" not in path.parts and path.name != without:
                bundle.write(path, path.relative_to(SAMPLE))
    return archive


def test_the_bundle_is_clean_as_a_folder_and_as_an_archive(tmp_path: Path) -> None:
    for given in (SAMPLE, bundled(tmp_path / "shop.zip")):
        assert list(lint(str(given)).faults) == []


@pytest.mark.parametrize(("without", "ends"), [("", "Succeeded"), ("validate.sh", "Failed")])
def test_the_agents_of_the_sandbox_take_the_bundle_as_it_is(without: str, ends: str, tmp_path: Path) -> None:
    where = {"bucket": "shop-revisions", "key": "web/sample.zip"}
    with serve("healthy") as sandbox:
        archive = bundled(tmp_path / "shop.zip", without)
        client(sandbox, "s3").upload_file(str(archive), where["bucket"], where["key"])
        codedeploy = client(sandbox, "codedeploy")
        id_ = codedeploy.create_deployment(
            applicationName="shop",
            deploymentGroupName="web",
            revision={"revisionType": "S3", "s3Location": {**where, "bundleType": "zip"}},
        )["deploymentId"]
        status = ""
        while status not in ("Succeeded", "Failed"):  # each question moves the sandbox's clock on
            status = codedeploy.get_deployment(deploymentId=id_)["deploymentInfo"]["status"]
    assert status == ends


def test_every_hook_that_is_named_is_there_and_executable() -> None:
    named = [script["location"] for scripts in APPSPEC["hooks"].values() for script in scripts]
    assert {f"hooks/{path.name}" for path in HOOKS} == {*named, "hooks/common.sh"}
    assert all(os.access(SAMPLE / location, os.X_OK) for location in named)


def test_each_limit_inside_a_hook_is_below_the_limit_of_its_event() -> None:
    """Or the agent would end the script first, and its own words on what it waited for would be lost."""
    for scripts in APPSPEC["hooks"].values():
        for script in scripts:
            text = (SAMPLE / script["location"]).read_text(encoding="utf-8")
            inside = [int(number) for number in re.findall(r"\b(?:timeout|within) (\d+)", text)]
            assert sum(inside) < script["timeout"], script["location"]
    assert sum(script["timeout"] for scripts in APPSPEC["hooks"].values() for script in scripts) < 3600


def test_the_first_deployment_has_nothing_to_stop(host: Host) -> None:
    host.deploy("d-ONE")
    assert host.answers == '{"deployment": "d-ONE"}'
    assert [line.split()[2] for line in host.log] == [
        "BeforeInstall:", "AfterInstall:", "AfterInstall:", "ApplicationStart:", "ValidateService:",
    ]  # fmt: skip


def test_each_line_says_when_for_which_deployment_and_at_which_event(host: Host) -> None:
    host.deploy("d-ONE")
    form = re.compile(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ d-ONE ({'|'.join(EVENTS)}): \S")
    assert [line for line in host.log if not form.match(line)] == []


def test_the_second_deployment_stops_the_first(host: Host) -> None:
    host.deploy("d-ONE")
    host.log.clear()
    host.deploy("d-TWO")
    assert host.answers == '{"deployment": "d-TWO"}'
    assert host.log[0].endswith("d-TWO ApplicationStop: stopped")
    assert len(list(host.root.glob("etc/systemd/system/*"))) == 1


def test_the_same_deployment_again_changes_nothing(host: Host) -> None:
    host.deploy("d-ONE")
    before = host.files()
    shutil.rmtree(host.archives.pop().parent)
    host.log.clear()
    host.deploy("d-ONE")
    assert host.files() == before
    assert not [line for line in host.log if "unit changed" in line]
    assert (host.root / "systemctl.log").read_text().count("daemon-reload") == 1


@pytest.mark.parametrize("event", [event for event in EVENTS if event in APPSPEC["hooks"]])
def test_a_hook_that_runs_twice_in_a_row_succeeds_twice(event: str, host: Host) -> None:
    host.deploy("d-ONE")
    for _ in range(2):
        host.run(host.archives[-1], event, "d-ONE")


def test_a_service_of_another_deployment_is_not_healthy(host: Host) -> None:
    host.deploy("d-ONE")
    with pytest.raises(Failed, match=r"validate.sh failed with exit code 1[\s\S]*gave up: answers as d-TWO"):
        host.run(host.archives[-1], "ValidateService", "d-TWO")


def test_a_service_that_is_down_is_not_healthy(host: Host) -> None:
    host.deploy("d-ONE")
    host.run(host.archives[-1], "ApplicationStop", "d-ONE")
    with pytest.raises(Failed, match="ValidateService"):
        host.run(host.archives[-1], "ValidateService", "d-ONE")


def test_a_host_that_lacks_a_tool_fails_before_the_install(host: Host) -> None:
    for tool in ("sh", "date", "dirname", "df", "awk", "python3", "timeout"):  # all but curl
        (host.root / "bin" / tool).symlink_to(str(shutil.which(tool)))
    archive = host.archive("d-ONE")
    script = archive / "hooks/prepare.sh"
    script.write_text(script.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\nPATH={host.root}/bin\n"))
    with pytest.raises(Failed, match="curl is not on this host"):
        host.run(archive, "BeforeInstall", "d-ONE")
    assert not (host.root / "opt/shop").exists()
