"""templates/session-renewal: the script run with the stock command line against the sandbox, and its units of systemd."""

import configparser
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox import Error, Fault, Sandbox, serve

from runbooks.aws import sandboxed
from tests.support.sandbox import client, environment_for
from tests.templates.stacks import TEMPLATES, association, read

RENEWAL = TEMPLATES / "session-renewal"
SCRIPT = RENEWAL / "codedeploy-session"
BIN = Path(sys.executable).parent
ROLE = "arn:aws:iam::111122223333:role/CodeDeployOnPremises"
SESSION = "arn:aws:sts::111122223333:assumed-role/CodeDeployOnPremises/web-01"
NODE = "arn:aws:sts::111122223333:assumed-role/CodeDeployManagedNode/mi-0a1b2c3d4e5f60001"
OLD = "[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key = old\naws_session_token = old\n"
WHOLE = re.compile(
    r"\[default\]\naws_access_key_id = (\S+)\naws_secret_access_key = (\S+)\naws_session_token = (\S+)\n"
)
slow = pytest.mark.slow


@dataclass
class Host:
    """A folder that stands for a host, whose base identity may do all in the sandbox."""

    root: Path
    sandbox: Sandbox
    arn: str = SESSION

    def __post_init__(self) -> None:
        self.yml.parent.mkdir(parents=True)
        self.yml.write_text(
            f"---\nregion: eu-west-1\niam_session_arn: {self.arn}\naws_credentials_file: {self.file}\n"
        )
        self.file.write_text(OLD)

    @property
    def yml(self) -> Path:
        return self.root / "conf/codedeploy.onpremises.yml"

    @property
    def file(self) -> Path:
        return self.root / "conf/creds"

    @property
    def environment(self) -> dict[str, str]:
        known = environment_for(self.sandbox.address() | {"access_key_id": "AKIAADMINISTRATOR000"})
        own = {"CODEDEPLOY_YML": str(self.yml), "SSM_CREDENTIALS": str(self.root / "ssm")}
        return known | own | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}

    def start(self, *shell: str, before: Callable[[], None] | None = None, **settings: str) -> Any:
        return subprocess.Popen(
            [*(shell or ("sh",)), SCRIPT],
            env=self.environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )

    def renew(
        self, *shell: str, before: Callable[[], None] | None = None, **settings: str
    ) -> tuple[int, str]:
        """The exit code and all that was printed."""
        done = self.start(*shell, before=before, **settings)
        out, err = done.communicate(timeout=110)
        # neither a temporary file nor a secret stays behind
        assert {path.name for path in self.file.parent.iterdir()} <= {self.file.name, self.yml.name}
        for secret in WHOLE.findall(self.file.read_text()) if self.file.is_file() else []:
            assert not [part for part in secret if len(part) > 3 and part in out + err]
        return done.returncode, (out + err).strip()

    def issue(self, arn: str) -> str:
        """The credentials of a session, in the form of a file."""
        _, _, _, account, path = arn.rsplit(":", 4)
        _, role, session = path.split("/")
        sts = client(self.sandbox, "sts", aws_access_key_id="AKIAADMINISTRATOR000")
        given = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName=session)
        one = given["Credentials"]
        return (
            f"[default]\naws_access_key_id     = {one['AccessKeyId']}\n"
            f"aws_secret_access_key = {one['SecretAccessKey']}\naws_session_token     = {one['SessionToken']}\n"
        )

    def whose(self) -> str:
        """Who AWS says the agent would be now."""
        found = dict(re.findall(r"^(\w+)\s*=\s*(\S+)$", self.file.read_text(), re.MULTILINE))
        arn: str = client(self.sandbox, "sts", **found).get_caller_identity()["Arn"]
        return arn


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Host]]:
    """Makes a host with a sandbox of its own, that fails as it is told to."""
    open_: list[Any] = []

    def made(*faults: Fault, arn: str = SESSION) -> Host:
        context = serve("healthy", clock=sandboxed.DAY, faults=faults)
        open_.append(context)
        return Host(tmp_path / "host", context.__enter__(), arn)

    yield made
    for context in open_:
        context.__exit__(None, None, None)


# --- it renews -----------------------------------------------------------------------------------


@slow
def test_a_session_is_renewed_and_its_file_is_the_owners_alone(make: Callable[..., Host]) -> None:
    host = make()
    assert host.renew() == (0, f"OK: {host.file} has new credentials of {SESSION}.")
    assert WHOLE.fullmatch(host.file.read_text())
    assert stat.S_IMODE(host.file.stat().st_mode) == 0o600
    assert host.whose() == SESSION
    asked = [call.parameters for call in host.sandbox.account.journal if call.operation == "AssumeRole"]
    assert [(a["RoleArn"], a["RoleSessionName"], int(a["DurationSeconds"])) for a in asked if a] == [
        (ROLE, "web-01", 3600)
    ]


@slow
def test_the_first_file_is_made_too_and_a_role_with_a_path_is_a_setting(make: Callable[..., Host]) -> None:
    host = make()
    host.file.unlink()
    code, said = host.renew(ROLE_ARN=ROLE.replace(":role/", ":role/hosts/"), LIFETIME="900")
    assert (code, said[:3]) == (0, "OK:")
    asked = [call.parameters for call in host.sandbox.account.journal if call.operation == "AssumeRole"]
    assert asked[0]
    assert asked[0]["RoleArn"] == "arn:aws:iam::111122223333:role/hosts/CodeDeployOnPremises"
    assert int(asked[0]["DurationSeconds"]) == 900


@slow
def test_the_session_of_a_managed_node_is_copied_without_the_other_profiles(
    make: Callable[..., Host],
) -> None:
    host = make(arn=NODE)
    issued = host.issue(NODE)
    (host.root / "ssm").write_text(f"[mine]\naws_access_key_id = AKIAMINE\n{issued}\n[other]\nregion = x\n")
    assert host.renew()[0] == 0
    assert host.file.read_text().strip() == issued.strip()
    assert stat.S_IMODE(host.file.stat().st_mode) == 0o600
    assert host.whose() == NODE


@slow
@pytest.mark.parametrize("shell", [["dash"], ["bash", "--posix"], ["busybox", "sh"]], ids=" ".join)
def test_every_shell_runs_it_and_a_trace_shows_no_secret(shell: list[str], make: Callable[..., Host]) -> None:
    if not shutil.which(shell[0]):
        pytest.skip(f"no {shell[0]} on this machine")
    host = make()
    code, said = host.renew(*shell, "-x")  # which looks for secrets
    assert (code, host.whose()) == (0, SESSION), said


# --- it does not ---------------------------------------------------------------------------------

DENIED = Fault(
    "sts:AssumeRole", Error("AccessDenied", "not authorized to perform: sts:AssumeRole", 403), times=1
)
EXPIRED = Fault("sts:GetCallerIdentity", Error("ExpiredToken", "The security token is expired", 403))


def kept(host: Host, said: tuple[int, str], *words: str) -> None:
    """The script failed, said why in its last line, and left the old file as it was."""
    code, text = said
    assert code == 1, text
    assert text.splitlines()[-1].startswith("FAIL: ")
    assert text.endswith("The old credentials stay.")
    for word in words:
        assert word in text
    assert host.file.read_text() == OLD


@slow
def test_a_refused_role_leaves_the_old_file(make: Callable[..., Host]) -> None:
    host = make(DENIED)  # once: a second try would be let through, and there is none
    kept(host, host.renew(), "AccessDenied", "the role could not be assumed")


@slow
def test_no_network_leaves_the_old_file(make: Callable[..., Host]) -> None:
    host = make()
    kept(host, host.renew(AWS_ENDPOINT_URL="http://127.0.0.1:9"), "the role could not be assumed")


@slow
def test_throttling_is_tried_again(make: Callable[..., Host]) -> None:
    host = make(Fault("sts:AssumeRole", Error("Throttling", "Rate exceeded", 400), times=2))
    assert host.renew()[0] == 0


@slow
def test_credentials_that_aws_refuses_leave_the_old_file(make: Callable[..., Host]) -> None:
    host = make(EXPIRED, arn=NODE)
    (host.root / "ssm").write_text(host.issue(NODE))
    kept(host, host.renew(), "ExpiredToken", "AWS did not take the new credentials")


@slow
def test_credentials_of_another_session_leave_the_old_file(make: Callable[..., Host]) -> None:
    host = make(arn=NODE)
    other = NODE.replace("0001", "0002")
    (host.root / "ssm").write_text(host.issue(other))
    kept(host, host.renew(), f"are of {other}", f"the registered session is {NODE}")


@slow
@pytest.mark.parametrize("text", ["", "[other]\naws_access_key_id = AKIA1\n"])
def test_a_file_of_the_ssm_agent_without_credentials_leaves_the_old_one(
    text: str, make: Callable[..., Host]
) -> None:
    """The base identity of the host, which the environment has, is not taken in its place."""
    host = make(arn=NODE)
    (host.root / "ssm").write_text(text)
    kept(host, host.renew())


@slow
@pytest.mark.parametrize("size", [0, 40])
def test_a_full_disk_leaves_the_old_file(size: int, make: Callable[..., Host]) -> None:
    """No file may grow past `size` bytes, so the write fails at its start, or half way."""
    host = make()

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    kept(host, host.renew(before=full))


@slow
def test_two_at_once_leave_a_whole_file_at_every_moment(make: Callable[..., Host]) -> None:
    host = make()
    stop, seen = threading.Event(), set[str]()

    def read() -> None:
        while not stop.is_set():
            seen.add(host.file.read_text())
            time.sleep(0.001)

    reader = threading.Thread(target=read)
    reader.start()
    started = [host.start() for _ in range(3)]
    said = [one.communicate(timeout=110) for one in started]
    stop.set()
    reader.join()
    assert [one.returncode for one in started] == [0, 0, 0], said
    assert len(seen) > 1
    assert [text for text in seen if not WHOLE.fullmatch(text)] == []
    assert {path.name for path in host.file.parent.iterdir()} == {"creds", "codedeploy.onpremises.yml"}
    assert host.whose() == SESSION


@slow
def test_a_stopped_run_leaves_nothing_behind(make: Callable[..., Host]) -> None:
    host = make()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the call and never answers
        running = host.start(AWS_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}", before=os.setsid)
        silent.accept()
        os.killpg(running.pid, signal.SIGTERM)  # as systemd does
        running.communicate(timeout=60)
    assert running.returncode == 1
    assert {path.name for path in host.file.parent.iterdir()} == {"creds", "codedeploy.onpremises.yml"}
    assert host.file.read_text() == OLD


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        ("iam_session_arn: {arn}\naws_credentials_file: {file}\n", "lacks region"),
        ("region: eu-west-1\niam_session_arn: {arn}\n", "lacks region or aws_credentials_file"),
        (
            "region: eu-west-1\niam_user_arn: x\naws_credentials_file: {file}\n",
            "not the ARN of a role session",
        ),
        (
            "region: eu-west-1\niam_session_arn: arn:aws:iam::111122223333:user/web-01\naws_credentials_file: {file}\n",
            "not the ARN of a role session",
        ),
        ("region: eu-west-1\niam_session_arn: {arn}\naws_credentials_file: {folder}\n", "is a folder"),
        (
            "region: eu-west-1\niam_session_arn: {arn}\naws_credentials_file: {folder}/no/creds\n",
            "no file can be",
        ),
    ],
)
def test_a_wrong_setting_is_named(text: str | None, says: str, make: Callable[..., Host]) -> None:
    host = make()
    host.yml.unlink()
    if text is not None:
        host.yml.write_text(text.format(arn=SESSION, file=host.file, folder=host.root))
    kept(host, host.renew(), says)


def test_a_host_without_the_command_line_says_so(make: Callable[..., Host]) -> None:
    host = make()
    (host.root / "bin").mkdir()
    (host.root / "bin/sh").symlink_to(str(shutil.which("sh")))
    kept(host, host.renew(PATH=str(host.root / "bin")), "the AWS CLI is not on this host")


# --- what starts it ------------------------------------------------------------------------------


def unit(kind: str) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(RENEWAL / f"codedeploy-session.{kind}")
    return parsed


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if not verify:
        pytest.skip("no systemd-analyze on this machine")
    for path in RENEWAL.glob("*.*"):
        text = path.read_text().replace("/usr/local/sbin/codedeploy-session", str(SCRIPT))
        (tmp_path / path.name).write_text(text)
    units = sorted(path for path in tmp_path.iterdir())
    assert len(units) == 3
    done = subprocess.run([verify, "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_missed_renewal_does_not_end_the_session() -> None:
    """The agent keeps what it read for 30 minutes; a session lasts an hour."""
    timer = unit("timer")["Timer"]
    (minutes,) = re.findall(r"^\*:0/(\d+)$", timer["OnCalendar"])
    late = int(timer["RandomizedDelaySec"]) + int(timer["AccuracySec"])
    assert 2 * int(minutes) * 60 + late + 30 * 60 < 3600
    assert "LIFETIME:-3600" in SCRIPT.read_text()


def test_the_units_start_the_script_and_read_its_settings() -> None:
    service = unit("service")["Service"]
    assert service["Type"] == "oneshot"
    assert service["ExecStart"] == "/usr/local/sbin/codedeploy-session"
    assert service["EnvironmentFile"].lstrip("-") in SCRIPT.read_text()
    assert unit("path")["Path"]["PathChanged"] in SCRIPT.read_text()
    assert os.access(SCRIPT, os.X_OK)


def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run([BIN / "shellcheck", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


# --- the document of session-renewed.yml ---------------------------------------------------------

STACK = read("session-renewed.yml")
CONTENT = STACK["Resources"]["Document"]["Properties"]["Content"]
PLACES = {
    "codedeploy-session": ("usr/local/sbin", 0o755),
    "codedeploy-session.service": ("etc/systemd/system", 0o644),
    "codedeploy-session.timer": ("etc/systemd/system", 0o644),
    "codedeploy-session.path": ("etc/systemd/system", 0o644),
}


@dataclass
class Node:
    """A folder that stands for a managed node: the document's script runs below it."""

    root: Path
    host: Host  # for its sandbox

    def __post_init__(self) -> None:
        for folder in ("bin", "usr/local/sbin", "etc/systemd/system", "root/.aws"):
            (self.root / folder).mkdir(parents=True)
        systemctl = self.root / "bin/systemctl"
        systemctl.write_text(f'#!/bin/sh\necho "$*" >>{self.root}/calls\n')
        systemctl.chmod(0o755)

    @property
    def yml(self) -> Path:
        return self.root / "etc/codedeploy-agent/conf/codedeploy.onpremises.yml"

    def run(self) -> tuple[int, str]:
        text = "\n".join(CONTENT["mainSteps"][0]["inputs"]["runCommand"]).replace("{{ Region }}", "eu-west-1")
        assert "{{" not in text
        text = re.sub(r"(?<![\w.$}])/(etc|usr/local|root)/", rf"{self.root}/\1/", text)
        own = {"PATH": f"{self.root}/bin{os.pathsep}{self.host.environment['PATH']}"}
        known = {
            name: value
            for name, value in self.host.environment.items()
            if name not in ("CODEDEPLOY_YML", "SSM_CREDENTIALS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        }
        done = subprocess.run(
            ["sh", "-c", text], env=known | own, capture_output=True, text=True, timeout=110, check=False
        )
        return done.returncode, (done.stdout + done.stderr).strip()


@slow
def test_the_document_gives_a_node_its_identity_and_the_job(
    make: Callable[..., Host], tmp_path: Path
) -> None:
    node = Node(tmp_path / "node", make(arn=NODE))
    (node.root / "root/.aws/credentials").write_text(node.host.issue(NODE))
    code, said = node.run()
    creds = node.root / "etc/codedeploy-agent/creds"
    assert (code, said) == (0, f"OK: {creds} has new credentials of {NODE}.")
    assert node.yml.read_text().splitlines() == [
        "---",
        "region: eu-west-1",
        f"iam_session_arn: {NODE}",
        f"aws_credentials_file: {creds}",
    ]
    assert stat.S_IMODE(node.yml.stat().st_mode) == stat.S_IMODE(creds.stat().st_mode) == 0o600
    for name, (folder, mode) in PLACES.items():
        put = node.root / folder / name
        assert put.read_text().replace(str(node.root), "") == (RENEWAL / name).read_text(), (
            "run `make templates`"
        )
        assert stat.S_IMODE(put.stat().st_mode) == mode
    assert (node.root / "calls").read_text().splitlines() == [
        "daemon-reload",
        *(
            f"{verb} codedeploy-session.{kind}"
            for kind in ("timer", "path")
            for verb in ("enable", "restart")
        ),
    ]
    # and again: it changes nothing, least of all the identity
    node.yml.write_text(node.yml.read_text() + "# by hand\n")
    assert node.run()[0] == 0
    assert node.yml.read_text().endswith("# by hand\n")


@slow
def test_the_document_makes_no_identity_of_another_kind(make: Callable[..., Host], tmp_path: Path) -> None:
    """Someone's own session in the file of root is not the host's."""
    node = Node(tmp_path / "node", make(arn=NODE))
    (node.root / "root/.aws/credentials").write_text(node.host.issue(SESSION))
    code, said = node.run()
    assert (code, said) == (
        1,
        f"FAIL: the credentials in {node.root}/root/.aws are of {SESSION}, which is no session of a managed node. "
        "Nothing was changed.",
    )
    assert list(node.root.rglob("*codedeploy*")) == []


@slow
def test_the_document_fails_when_the_session_is_not_renewed(
    make: Callable[..., Host], tmp_path: Path
) -> None:
    node = Node(tmp_path / "node", make(arn=NODE))
    code, said = node.run()
    assert (code, said.splitlines()[-1][:5]) == (1, "FAIL:")
    (node.root / "root/.aws/credentials").write_text(node.host.issue(NODE))
    assert node.run()[0] == 0
    other = NODE.replace("0001", "0002")
    (node.root / "root/.aws/credentials").write_text(node.host.issue(other))
    code, said = node.run()
    assert (code, f"the registered session is {NODE}" in said) == (1, True)


def test_the_script_of_the_document_is_clean_under_shellcheck(tmp_path: Path) -> None:
    script = tmp_path / "session.sh"
    script.write_text("\n".join(CONTENT["mainSteps"][0]["inputs"]["runCommand"]).replace("{{ Region }}", "x"))
    # SC2015: A && B || fail is meant so
    run = f"{BIN}/shellcheck --shell=sh --exclude=SC2015 {script}".split()
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_association_keeps_to_the_model_of_systems_manager() -> None:
    sent = association(STACK, "Renewed")
    assert sent["Targets"] == [{"Key": "tag:CodeDeploySession", "Values": ["renewed"]}]
    assert "Parameters" not in sent  # the only one has a default
