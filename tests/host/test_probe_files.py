"""The host probe and files: what it reads of YAML, what it may not see, and what the agent's user may use."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from codedeploy_sandbox.hosts.host import DEPLOYMENTS, df

from tests.support import hosts
from tests.support.hosts import SHELLS, Fakes, Files, build, disagreements

YAML = r"""
plain¦'single'¦"double"¦it's¦'it''s'¦"a\"b"¦"a" # b¦a # b¦a#b¦"a#b"¦'a' b¦'open¦"open¦a:b¦a: b¦a:¦a ¦  a
~¦null¦Null¦NULL¦nullable¦[a]¦{a: b}¦&a b¦*a¦!!str a¦!a b¦| a¦|¦> a¦>-¦- a¦-¦-a¦--- a¦? a¦?a¦: a¦%a¦@a¦`a`¦,a¦]a¦}a
1.8¦true¦0x10¦a	b¦a\b¦<a>¦=a¦..¦...¦a, b¦"a": b¦# only a comment¦
"""


@pytest.mark.parametrize("written", YAML.strip("\n").replace("\n", "¦").split("¦"))
def test_a_yaml_value_is_read_as_yaml_or_not_at_all(written: str, place: Path) -> None:
    """Measured against a real parser: a wrong value would be worse than none."""
    text = f"verbose: {written}\n"
    said = build(place, files=Files(config=text)).document(PROBE_NETWORK="0")["config"]["verbose"]
    try:
        meant = yaml.safe_load(text)["verbose"]
        as_written = yaml.load(text, yaml.BaseLoader)["verbose"]
    except yaml.YAMLError:
        assert "more than plain" in said["error"]
        return
    if said.get("error") is None:
        assert said["value"] == (as_written if meant is not None else None)
        assert said.get("by") == ("quoted" if written.strip()[:1] in ("'", '"') else None)
    else:
        assert not re.fullmatch(r"[\w.:/-]+", written), "this is plain enough to be read"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("closed", "mode", "reason"),
    [
        (hosts.IDENTITY, 0o600, f"this user may not read /{hosts.IDENTITY}"),
        ("etc/codedeploy-agent/conf", 0o700, "this user cannot look into /etc/codedeploy-agent/conf"),
        ("etc/codedeploy-agent/conf", 0o744, "this user cannot look into /etc/codedeploy-agent/conf"),
    ],
)
def test_what_a_user_may_not_see_is_not_called_missing(
    closed: str, mode: int, reason: str, shell: tuple[str, ...], place: Path
) -> None:
    """Root may read everything, so as root the probe is run as nobody; another user closes the file to itself."""
    host = build(place)
    (host.root / closed).chmod(mode if hosts.is_root() else 0)
    document = host.document(shell, as_nobody=hosts.is_root())
    assert document["identity"]["region"] == {"error": reason}
    assert document["endpoint_commands"]["status"]["error"].startswith("no Region is known")
    if closed == hosts.IDENTITY:
        assert document["identity_file"]["exists"] == {"value": True}
        assert document["identity_file"]["readable"] == {"value": False, "by": reason}
    else:
        assert document["identity_file"]["exists"] == {"error": reason}
        assert document["config"]["proxy_uri"] == {"error": reason}


def test_a_link_that_leads_nowhere_is_not_called_missing(place: Path) -> None:
    host = build(place, files=Files(identity=None))
    (host.root / hosts.IDENTITY).symlink_to("/nowhere/at/all")
    document = host.document()
    assert "leads nowhere" in document["identity"]["region"]["error"]
    assert "leads nowhere" in document["identity_file"]["exists"]["error"]


def test_processes_that_cannot_be_seen_are_not_called_stopped(place: Path) -> None:
    host = build(place, fakes=Fakes(systemctl="inactive dead"), files=Files(processes={}))
    shutil.rmtree(host.root / "proc")
    assert "cannot see the processes of others" in host.document()["agent"]["running"]["error"]


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_link_that_leads_out_of_the_root_is_not_followed(linked: str, place: Path) -> None:
    """A file system that is read from outside has no say in which of this machine's files are read."""
    hosts.write(place, "outside/codedeploy.onpremises.yml", hosts.SESSION_YML)
    host = build(place / "host", files=Files(identity=None, config=None))
    path = host.root / hosts.IDENTITY
    if linked == "file":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(place / "outside" / path.name)
    else:
        path.parent.parent.mkdir(exist_ok=True)
        path.parent.symlink_to(place / "outside")
    document = host.document()
    assert "leads out of PROBE_ROOT" in document["identity"]["region"]["error"]
    assert hosts.SESSION_ARN not in str(document)


def test_a_link_inside_the_root_is_followed(place: Path) -> None:
    host = build(place, files=Files(identity=None))
    hosts.write(host.root, "srv/real.yml", hosts.SESSION_YML)
    (host.root / hosts.IDENTITY).symlink_to("../../../srv/real.yml")
    assert host.document()["identity"]["iam_session_arn"]["value"] == hosts.SESSION_ARN


needs_root = pytest.mark.skipif(not hosts.is_root(), reason="only root gives a file to another user")


@needs_root
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("mode", "owner", "group", "usable"),
    [
        (0o600, 990, 990, True),
        (0o600, 0, 0, False),
        (0o640, 0, 990, True),
        (0o640, 0, 991, False),
        (0o604, 0, 0, True),
        (0o044, 990, 0, False),  # the owner's own bits count, and no others
        (0o404, 0, 990, False),
    ],
)
def test_what_the_agent_s_user_may_read_goes_by_the_modes(
    mode: int, owner: int, group: int, usable: bool, shell: tuple[str, ...], place: Path
) -> None:
    host = build(place, files=Files(owner=990))
    os.chown(host.root / hosts.IDENTITY, owner, group)
    (host.root / hosts.IDENTITY).chmod(mode)
    document = host.document(shell, PROBE_NETWORK="0")
    assert document["agent"]["user"] == {"value": "codedeploy", "by": "process 1412"}
    said = document["identity_file"]["usable"]
    assert said["value"] is usable
    if not usable:
        assert said["by"].startswith(f"user codedeploy may not use /{hosts.IDENTITY}: mode {mode:o}, user ")


@needs_root
def test_a_folder_on_the_way_bars_the_agent_s_user_too(place: Path) -> None:
    host = build(place, files=Files(owner=990))
    (host.root / hosts.IDENTITY).chmod(0o644)
    (host.root / "etc/codedeploy-agent").chmod(0o700)
    said = host.document(PROBE_NETWORK="0")["identity_file"]["usable"]
    assert said["value"] is False
    assert "may not use /etc/codedeploy-agent: mode 700" in said["by"]


@needs_root
def test_a_user_that_writes_needs_the_folder_to_be_its_own(place: Path) -> None:
    host = build(place, files=Files(owner=990, others={f"{DEPLOYMENTS}/x": ""}))
    os.chown(host.root / hosts.LOGS, 990, 990)
    document = host.document(PROBE_NETWORK="0")
    assert document["log_folder"]["usable"] == {"value": True}
    assert "may not use /opt/codedeploy-agent/deployment-root" in document["root_folder"]["usable"]["by"]


@pytest.mark.parametrize(
    ("files", "fakes", "user", "by"),
    [
        (Files(processes={}), Fakes(unit={"User": "codedeploy"}), "codedeploy", "the unit"),
        (Files(processes={}, config=":user: codedeploy\n"), Fakes(), "codedeploy", "the setting user"),
        (
            Files(
                processes={}, others={"etc/init.d/codedeploy-agent": '#!/bin/sh\nCODEDEPLOY_USER="codedeploy"\n'}
            ),
            Fakes(),
            "codedeploy",
            "/etc/init.d/codedeploy-agent",
        ),
        (Files(processes={}), Fakes(), "root", "nothing names another"),
        (Files(owner=4711), Fakes(), "4711", "process 1412"),
    ],
)  # fmt: skip
def test_the_agent_s_user_is_found(files: Files, fakes: Fakes, user: str, by: str, place: Path) -> None:
    document = build(place, fakes=fakes, files=files).document(PROBE_NETWORK="0")
    assert document["agent"]["user"] == {"value": user, "by": by}


def test_a_user_that_does_not_exist_is_said(place: Path) -> None:
    host = build(place, fakes=Fakes(unit={"User": "gone"}), files=Files(processes={}))
    assert "gone is not in /etc/passwd" in host.document()["identity_file"]["usable"]["error"]


MOUNTS = (
    "/dev/vda1 / ext4 rw,relatime 0 0\ntmpfs /tmp tmpfs rw,nosuid,noexec 0 0\n/dev/x /opt\\040a ext4 ro 0 0\n"
)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_room_of_a_folder_is_its_file_system_s(shell: tuple[str, ...], place: Path) -> None:
    host = build(
        place, fakes=Fakes(df=df(512, 0)), files=Files(mounts=MOUNTS, others={"tmp/x": "", f"{DEPLOYMENTS}/x": ""})
    )  # fmt: skip
    assert (
        disagreements(
            host.document(shell, PROBE_NETWORK="0"),
            {
                "root_folder.free": 512,
                "root_folder.inodes": 0,
                "root_folder.exists": True,
                "root_folder.options": "rw,relatime",
                "temporary_folder.options": "rw,nosuid,noexec",
            },
        )
        == []
    )


def test_a_folder_that_is_not_there_has_the_room_of_the_one_above(place: Path) -> None:
    document = build(place).document(PROBE_NETWORK="0")
    assert document["root_folder"]["exists"] == {"value": False}
    assert document["root_folder"]["usable"] == {"value": None, "by": "no such directory"}
    assert document["root_folder"]["free"] == {"value": 15_000_000}


def test_a_df_that_fails_says_nothing(place: Path) -> None:
    document = build(place, fakes=Fakes(df="echo 'df: no file systems' >&2; exit 1")).document()
    assert document["root_folder"]["free"] == {"error": "df does not say"}


INSTRUCTIONS = f"{DEPLOYMENTS}/deployment-instructions"
ARCHIVE = f"{DEPLOYMENTS}/5f1e/d-ABC/deployment-archive"
APPSPEC = """version: 0.0
os: linux
hooks:
  BeforeInstall:
    - location: scripts/good.sh
    - location: "scripts/windows.sh" # a comment
  ApplicationStart:
    - location: scripts/zsh.sh
    - location: scripts/missing.sh
"""

DEPLOYED: dict[str, tuple[dict[str, str | bytes], dict[str, Any]]] = {
    "none": ({}, {"deployment.ongoing": [], "deployment.last": [], "deployment.cleanup": [], "revisions.kept": []}),
    "a healthy one": (
        {
            f"{INSTRUCTIONS}/5f1e_last_successful_install": f"/{DEPLOYMENTS}/5f1e/d-ABC",
            f"{INSTRUCTIONS}/5f1e-install.json": '{"instructions":[{"type":"copy"}]}',
            f"{INSTRUCTIONS}/5f1e-cleanup": "/srv/app/index.html\n",
            f"{ARCHIVE}/appspec.yml": APPSPEC,
        },
        {"deployment.last": [f"5f1e ok /{DEPLOYMENTS}/5f1e/d-ABC"], "deployment.cleanup": []},
    ),
    "a last successful revision that is gone": (
        {f"{INSTRUCTIONS}/5f1e_last_successful_install": f"/{DEPLOYMENTS}/5f1e/d-GONE"},
        {"deployment.last": [f"5f1e gone /{DEPLOYMENTS}/5f1e/d-GONE"]},
    ),
    "one whose archive is gone": (
        {
            f"{INSTRUCTIONS}/5f1e_last_successful_install": f"/{DEPLOYMENTS}/5f1e/d-ABC",
            f"{DEPLOYMENTS}/5f1e/d-ABC/logs/scripts.log": "",
        },
        {"deployment.last": [f"5f1e no-archive /{DEPLOYMENTS}/5f1e/d-ABC"]},
    ),
    "an empty and a damaged state": (
        {
            f"{INSTRUCTIONS}/5f1e_last_successful_install": "",
            f"{INSTRUCTIONS}/6a2b_last_successful_install": b"\0\0\0\0",
        },
        {"deployment.last": ["5f1e empty ", "6a2b damaged "]},
    ),
    "files were copied, and the list of them is gone": (
        {f"{INSTRUCTIONS}/5f1e-install.json": '{"instructions":[{"type":"copy"}]}'},
        {"deployment.cleanup": ["5f1e"]},
    ),
    "nothing was copied, so there is no list": (
        {f"{INSTRUCTIONS}/5f1e-install.json": '{"instructions":[]}'},
        {"deployment.cleanup": []},
    ),
    "hook scripts with faults": (
        {
            f"{INSTRUCTIONS}/5f1e_most_recent_install": f"/{DEPLOYMENTS}/5f1e/d-ABC",
            f"{ARCHIVE}/appspec.yml": APPSPEC,
            f"{ARCHIVE}/scripts/good.sh": "#!/bin/sh\n",
            f"{ARCHIVE}/scripts/windows.sh": "#!/bin/sh\r\n",
            f"{ARCHIVE}/scripts/zsh.sh": "#!/usr/bin/zsh -e\n",
            "bin/sh": "",
        },
        {
            "revisions.kept": [f"1 newest 5f1e ok /{DEPLOYMENTS}/5f1e/d-ABC"],
            "revisions.appspec": [f"1 {line}" for line in APPSPEC.splitlines()],
            "revisions.scripts": [
                "! 1 scripts/good.sh #!/bin/sh",
                "1 there settable there scripts/good.sh",
                "! 1 scripts/windows.sh #!/bin/sh\u240d",
                "1 there settable there scripts/windows.sh",
                "! 1 scripts/zsh.sh #!/usr/bin/zsh -e",
                "1 there settable gone scripts/zsh.sh",
                "1 absent - - scripts/missing.sh",
            ],
        },
    ),
    "a newest and an older revision, with a comment, a tab and a program": (
        {
            f"{INSTRUCTIONS}/5f1e_most_recent_install": f"/{DEPLOYMENTS}/5f1e/d-ABC",
            f"{INSTRUCTIONS}/5f1e_last_successful_install": f"/{DEPLOYMENTS}/5f1e/d-OLD",
            f"{ARCHIVE}/appspec.yml": "# secret\nhooks:\r\n\tX: # no\n  - {location: bin/go, timeout: 5}\n",
            f"{ARCHIVE}/bin/go": b"\x7fELF\0\0secret",
            f"{DEPLOYMENTS}/5f1e/d-OLD/deployment-archive/x": "",
        },
        {
            "revisions.kept": [
                f"1 newest 5f1e ok /{DEPLOYMENTS}/5f1e/d-ABC",
                f"2 last 5f1e no-appspec /{DEPLOYMENTS}/5f1e/d-OLD",
            ],
            "revisions.appspec": ["1 ", "1 hooks:", "1 \u2409X: # no", "1   - {location: bin/go, timeout: 5}"],
            "revisions.scripts": ["1 there settable binary bin/go"],
        },
    ),
    "an AppSpec file that is too long to be shown": (
        {
            f"{INSTRUCTIONS}/5f1e_last_successful_install": f"/{DEPLOYMENTS}/5f1e/d-ABC",
            f"{ARCHIVE}/appspec.yml": APPSPEC + "#\n" + "x: 1\n" * 1300,
            f"{ARCHIVE}/scripts/good.sh": "echo secret\n",
        },
        {
            "revisions.kept": [f"1 last 5f1e long /{DEPLOYMENTS}/5f1e/d-ABC"],
            "revisions.appspec": [],
            "revisions.scripts": [
                "1 there settable text scripts/good.sh",
                *(f"1 absent - - scripts/{name}.sh" for name in ("windows", "zsh", "missing")),
            ],
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", DEPLOYED)
def test_the_state_of_deployments_is_reported(name: str, shell: tuple[str, ...], place: Path) -> None:
    others, expected = DEPLOYED[name]
    document = build(place, files=Files(others=others)).document(shell, PROBE_NETWORK="0")
    assert disagreements(document, expected) == []


def test_an_event_under_way_has_its_age(place: Path) -> None:
    host = build(place, files=Files(others={f"{DEPLOYMENTS}/ongoing-deployment/d-ABC": "x"}))
    tracked = host.root / f"{DEPLOYMENTS}/ongoing-deployment/d-ABC"
    os.utime(tracked, (tracked.stat().st_mtime - 900,) * 2)
    (one,) = host.document(PROBE_NETWORK="0")["deployment"]["ongoing"]["value"]
    deployment, seconds = one.split()
    assert deployment == "d-ABC"
    assert 900 <= int(seconds) < 960


def test_a_revision_outside_the_root_is_not_read(place: Path) -> None:
    (place / "outside/deployment-archive/scripts").mkdir(parents=True)
    (place / "outside/deployment-archive/appspec.yml").write_text(APPSPEC)
    others: dict[str, str | bytes] = {
        f"{INSTRUCTIONS}/5f1e_most_recent_install": f"/{DEPLOYMENTS}/5f1e/d-ABC"
    }
    host = build(place / "host", files=Files(others=others))
    (host.root / f"{DEPLOYMENTS}/5f1e").mkdir()
    (host.root / f"{DEPLOYMENTS}/5f1e/d-ABC").symlink_to(place / "outside")
    said = host.document()["revisions"]
    assert said["kept"]["value"] == [f"1 newest 5f1e outside /{DEPLOYMENTS}/5f1e/d-ABC"]
    assert said["appspec"]["value"] == said["scripts"]["value"] == []


def test_tools_that_are_not_there_are_named(place: Path) -> None:
    document = build(place, fakes=Fakes(tools=("tar", "gzip", "su"), ruby=None)).document(PROBE_NETWORK="0")
    assert document["tools"]["missing"] == {"value": ["unzip", "setfacl", "semanage", "sudo"]}
    assert document["tools"]["ruby"] == {"value": None, "by": "not on the PATH of this user"}
