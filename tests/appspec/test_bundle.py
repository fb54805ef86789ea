"""A bundle is judged whole, in each of its forms, without being unpacked."""

import bz2
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runbooks.appspec.fault import ONE, TWO
from runbooks.appspec.linter import Judgement, lint
from runbooks.appspec.plan import LONGEST_WINDOWS_PATH, WINDOWS_ARCHIVE, glob
from site_hooks.appspec_examples import FILES, HOOK, OBJECT, SCRIPT, TOP, WINDOWS
from tests.appspec.bundles import folder, tarred, zipped

MAKERS = {
    "folder": lambda path, files: folder(path, files),
    "zip": lambda path, files: zipped(path / "b.zip", files),
    "tar": lambda path, files: tarred(path / "b.tar", files, packed=False),
    "tar.gz": lambda path, files: tarred(path / "b.tar.gz", files),
    "no suffix": lambda path, files: tarred(path / "bundle", files),
}
FAULTY = {
    "appspec.yml": (TOP + FILES + "  - source: gone\n    destination: /srv\n" + HOOK).encode(),
    "app/index.html": b"x",
    "run.sh": b"#!/bin/bash\r\nexit 0\r\n",
}


def codes(judgement: Judgement) -> list[str]:
    return sorted(each.code for each in judgement.faults)


def messages(judgement: Judgement) -> list[str]:
    """What agent 1.8.1 says, as "event: message"."""
    outcomes = [each.outcome(ONE) for each in judgement.faults]
    return [f"{outcome.event}: {outcome.message}" for outcome in outcomes if outcome]


def bundle(path: Path, appspec: str, **files: bytes) -> Judgement:
    names = {name.replace("__", "/").replace("_", "."): content for name, content in files.items()}
    return lint(str(zipped(path / "b.zip", {"appspec.yml": appspec.encode()} | names, 0o100755)))


@pytest.mark.parametrize("form", MAKERS)
def test_each_form_is_judged_alike(form: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    made = MAKERS[form](tmp_path, FAULTY)
    (tmp_path / "run.sh").chmod(0o644) if form == "folder" else None
    there = sorted(tmp_path.rglob("*"))
    judgement = lint(str(made))
    assert codes(judgement) == [
        "script-has-unix-line-ends",
        "script-is-executable",
        "source-is-in-the-bundle",
    ]
    assert messages(judgement) == [
        "Install: No such file or directory @ rb_sysopen - ARCHIVE/gone",
        "AfterInstall: Script at specified location: run.sh failed with error Errno::ENOENT with message No such file or directory - ARCHIVE/run.sh",
    ]
    assert sorted(tmp_path.rglob("*")) == there
    assert before == []


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
def test_one_top_folder_is_removed(form: str, tmp_path: Path) -> None:
    judgement = lint(
        str(MAKERS[form](tmp_path, {f"shop/{name}": content for name, content in FAULTY.items()}))
    )
    assert judgement.file.endswith("/shop/appspec.yml")
    assert "source-is-in-the-bundle" in codes(judgement)


def test_a_top_folder_beside_another_entry_is_not_removed(tmp_path: Path) -> None:
    judgement = lint(str(zipped(tmp_path / "b.zip", {"shop/appspec.yml": TOP.encode(), "readme": b""})))
    assert codes(judgement) == ["appspec-is-at-the-root"]
    assert "'shop/appspec.yml'" in judgement.faults[0].says


def test_an_appspec_below_the_root_is_not_found_in_a_folder(tmp_path: Path) -> None:
    assert codes(lint(str(folder(tmp_path, {"shop/appspec.yml": TOP.encode()})))) == [
        "appspec-is-at-the-root"
    ]


def test_the_wrong_name_of_the_appspec(tmp_path: Path) -> None:
    for name, verdict in (("appspec.yaml", "WARN"), ("AppSpec.yml", "FAIL")):
        judgement = lint(str(zipped(tmp_path / "b.zip", {name: TOP.encode()})))
        assert [(each.code, each.verdict.name) for each in judgement.faults] == [
            ("appspec-has-its-name", verdict)
        ]
        file = folder(tmp_path, {name: TOP.encode()}) / name
        assert codes(lint(str(file))) == ["appspec-has-its-name"]


def test_two_files_for_one_path(tmp_path: Path) -> None:
    found = messages(
        bundle(tmp_path, TOP + FILES + "  - source: b/x\n    destination: /srv/app\n", app__x=b"", b__x=b"")
    )
    assert len(found) == 1
    assert (
        "two source files named ARCHIVE/b/x and ARCHIVE/app/x for the same destination (/srv/app/x)"
        in found[0]
    )


def test_a_file_where_a_folder_is_made_and_the_other_way_round(tmp_path: Path) -> None:
    first = "files:\n  - source: x\n    destination: /srv\n  - source: app\n    destination: /srv/x\n"
    (said,) = messages(bundle(tmp_path, TOP + first, x=b"", app__y=b""))
    assert "mkdir command more than once for the same destination path (/srv/x) from (ARCHIVE/x)" in said
    second = "files:\n  - source: app\n    destination: /srv/x\n  - source: x\n    destination: /srv\n"
    (said,) = messages(bundle(tmp_path, TOP + second, x=b"", app__y=b""))
    assert (
        "installing the file ARCHIVE/x, but a file with that name already exists at the location (/srv/x)"
        in said
    )


def test_the_permissions_meet_the_files_of_the_bundle(tmp_path: Path) -> None:
    twice = TOP + FILES + OBJECT + "  - object: /srv/app/sub\n"
    found = bundle(tmp_path, twice, app__sub__x=b"")
    assert codes(found) == ["object-is-named-once"]
    assert "(/srv/app/sub/x)" in messages(found)[0]
    assert codes(bundle(tmp_path, twice, app__x=b"")) == ["object-is-deployed"]
    narrowed = twice.replace("/srv/app\n  - object", "/srv/app\n    pattern: '*'\n  - object")
    assert codes(bundle(tmp_path, narrowed, app__x=b"", app__sub__x=b"")) == []


def test_an_object_is_a_file_by_the_bundle_not_by_its_name(tmp_path: Path) -> None:
    text = TOP + FILES + "permissions:\n  - object: /srv/app/v1.txt\n    pattern: 'a*'\n"
    assert codes(bundle(tmp_path, text, app__v1_txt=b"")) == ["pattern-fits-the-object"]
    assert codes(bundle(tmp_path, text, app__v1_txt__abc=b"")) == []


def test_a_default_acl_meets_a_file_only_where_there_is_one(tmp_path: Path) -> None:
    text = TOP + FILES + OBJECT + "    acls: ['d:u:root:rwx']\n"
    assert codes(bundle(tmp_path, text, app__x=b"")) == ["acl-defaults-are-for-folders"]
    assert codes(bundle(tmp_path, text + "    type: [directory]\n", app__sub__x=b"")) == []


def test_a_permission_never_changes_the_object_itself(tmp_path: Path) -> None:
    text = TOP + FILES + OBJECT + "    type: [directory]\n    mode: 755\n"
    (found,) = bundle(tmp_path, text, app__x=b"").faults
    assert (found.code, "never changed" in found.says) == ("object-is-deployed", True)
    assert codes(bundle(tmp_path, text, app__sub__x=b"")) == []
    assert codes(lint("-", text.encode())) == []


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (b"#!/bin/bash\n", ""),
        (b"#! /usr/bin/env python3\n", ""),
        (b"\x7fELF\x02\r\n", ""),
        (b"#!bash\n", "script-has-an-interpreter"),
        (b"\xef\xbb\xbf#!/bin/bash\n", "script-has-an-interpreter"),
        (b"echo\n", "script-has-an-interpreter"),
        (b"#!/bin/bash\necho\r\n", "script-has-unix-line-ends"),
        (b"#!/bin/bash\r", "script-has-unix-line-ends"),
    ],
)
def test_the_first_line_of_a_script(first: bytes, code: str, tmp_path: Path) -> None:
    assert codes(bundle(tmp_path, TOP + HOOK, run_sh=first)) == ([code] if code else [])


STARTS = {
    "CRLF": (b"#!/bin/bash\r\n", "", "error Errno::ENOENT with message No such file or directory - ARCHIVE/run.sh", "error No such file or directory (os error 2)"),
    "CRLF behind env": (b"#!/usr/bin/env bash\r\n", "", "exit code 127", "exit code 127"),
    "CRLF for another user": (b"#!/bin/bash\r\n", "nobody", "run as user nobody failed with exit code 127", "run as user nobody failed with exit code 127"),
    "no absolute path": (b"#!bash\n", "", "error Errno::ENOENT with message No such file or directory - ARCHIVE/run.sh", "error No such file or directory (os error 2)"),
    "no first line": (b"exit 0\n", "", None, "error Exec format error (os error 8)"),
    "no first line, for another user": (b"exit 0\n", "nobody", None, None),
    "CRLF behind an option": (b"#!/bin/bash -e\r\n", "", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", STARTS)
def test_how_a_script_fails_to_start(case: str, tmp_path: Path) -> None:
    content, user, *said = STARTS[case]
    text = TOP + HOOK + (f"      runas: {user}\n" if user else "")
    (found,) = bundle(tmp_path, text, run_sh=content).faults
    for agent, words in zip((ONE, TWO), said, strict=True):
        outcome = found.outcome(agent)
        assert (outcome is None) is (words is None)
        assert outcome is None or (outcome.event == "AfterInstall" and outcome.message.endswith(words or ""))


def test_only_crlf_in_the_first_line_fails_the_hook(tmp_path: Path) -> None:
    later = bundle(tmp_path, TOP + HOOK, run_sh=b"#!/bin/bash\necho\r\n")
    assert later.first(ONE) is None
    assert bundle(tmp_path, TOP + HOOK, run_sh=b"#!/bin/bash\r\n").first(ONE) is not None


@pytest.mark.parametrize(("seconds", "slow"), [(59, False), (60, True)])
def test_a_script_that_sleeps_as_long_as_its_timeout(seconds: int, slow: bool, tmp_path: Path) -> None:
    content = f"#!/bin/sh\nif true; then sleep {seconds - 1}; fi\n\tsleep 1s && true\n# sleep 50\nsleep 50 &\n".encode()
    found = bundle(tmp_path, TOP + HOOK + "      timeout: 60\n", run_sh=content)
    assert codes(found) == (["timeout-is-long-enough"] if slow else [])


@pytest.mark.parametrize(("extra", "long"), [(0, False), (1, True)])
def test_the_longest_path_of_windows(extra: int, long: bool, tmp_path: Path) -> None:
    name = "x" * (LONGEST_WINDOWS_PATH - WINDOWS_ARCHIVE + extra)
    judgement = lint(str(zipped(tmp_path / "b.zip", {"appspec.yml": WINDOWS.encode(), name: b""})))
    assert codes(judgement) == (["windows-path-is-short"] if long else [])


def test_windows_knows_no_case_and_no_x_bit(tmp_path: Path) -> None:
    text = (
        WINDOWS
        + "files:\n  - source: App\\\n    destination: c:\\app\nhooks:\n  AfterInstall:\n    - location: Scripts\\Run.ps1\n"
    )
    files = {"appspec.yml": text.encode(), "app/x": b"", "scripts/run.ps1": b"exit\r\n"}
    assert codes(lint(str(zipped(tmp_path / "b.zip", files)))) == []


def test_a_script_below_an_event_that_is_not_run_is_not_looked_for(tmp_path: Path) -> None:
    assert codes(bundle(tmp_path, TOP + HOOK.replace("AfterInstall", "Later"))) == ["event-is-known"]


@pytest.mark.parametrize(
    ("location", "fix"),
    [("scripts\\run.sh", "Write scripts/run.sh."), ("scripts/Run.sh", "Write scripts/run.sh."), ("scripts/run.sh --now", "passes no arguments")],
)  # fmt: skip
def test_a_script_that_is_there_under_another_name(location: str, fix: str, tmp_path: Path) -> None:
    (found,) = bundle(tmp_path, TOP + HOOK.replace("run.sh", location), scripts__run_sh=SCRIPT).faults
    assert found.code == "script-is-in-the-bundle"
    assert fix in found.fix


def test_a_location_that_is_a_folder(tmp_path: Path) -> None:
    (said,) = messages(bundle(tmp_path, TOP + HOOK.replace("run.sh", "scripts"), scripts__run_sh=SCRIPT))
    assert "Permission denied - ARCHIVE/scripts" in said


def test_a_tar_of_unix_7_has_no_mark(tmp_path: Path) -> None:
    path = tarred(tmp_path / "bundle", FAULTY, packed=False)
    content = bytearray(path.read_bytes())
    for start in range(0, len(content), 512):  # take the mark, and what follows it, out of each header
        header = content[start : start + 512]
        if header[257:262] == b"ustar":
            header[257:512] = bytes(255)
            header[148:156] = b" " * 8
            header[148:156] = b"%06o\0 " % sum(header)
            content[start : start + 512] = header
    assert b"ustar" not in content
    path.write_bytes(content)
    assert "source-is-in-the-bundle" in codes(lint(str(path)))


FOREIGN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "b.tar.bz2": (bz2.compress, "bzip2"),
    "b.tar.xz": (lzma.compress, "xz"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_an_archive_that_aws_does_not_document_is_named(name: str, tmp_path: Path) -> None:
    compress, word = FOREIGN[name]
    (tmp_path / name).write_bytes(compress(tarred(tmp_path / "t", FAULTY, packed=False).read_bytes()))
    (found,) = lint(str(tmp_path / name)).faults
    assert (found.code, found.verdict.name) == ("bundle-is-an-archive", "UNKNOWN")
    assert f"packed with {word}; AWS documents zip, tar and tar.gz" in found.says


@pytest.mark.parametrize(
    ("content", "words", "fix"),
    [
        ("#!/bin/bash\n".encode("utf-16"), "is saved as UTF-16", "Save it as UTF-8 without BOM."),
        (b"\n#!/bin/bash\n", "but with a space or a newline", "Remove what stands before #!."),
    ],
)
def test_a_first_line_that_linux_does_not_see(content: bytes, words: str, fix: str, tmp_path: Path) -> None:
    (found,) = bundle(tmp_path, TOP + HOOK, run_sh=content).faults
    assert words in found.says
    assert found.fix == fix


def test_a_script_for_the_other_system(tmp_path: Path) -> None:
    linux = bundle(tmp_path, TOP + HOOK.replace("run.sh", "run.ps1"), run_ps1=b"exit\r\n")
    assert codes(linux) == ["script-is-for-its-system"]
    with_line = bundle(tmp_path, TOP + HOOK.replace("run.sh", "run.ps1"), run_ps1=b"#!/usr/bin/env pwsh\n")
    assert codes(with_line) == []
    windows = bundle(tmp_path, WINDOWS + HOOK, run_sh=SCRIPT)
    assert [(each.code, each.verdict.name) for each in windows.faults] == [
        ("script-is-for-its-system", "WARN")
    ]
    assert codes(bundle(tmp_path, WINDOWS + HOOK.replace("run.sh", "run.exe"), run_exe=b"MZ")) == []


def test_a_script_that_is_missing_is_named_as_each_agent_names_it(tmp_path: Path) -> None:
    (found,) = bundle(tmp_path, TOP + HOOK.replace("run.sh", "./a//run.sh")).faults
    said = [found.outcome(agent) for agent in (ONE, TWO)]
    assert [each.message.rpartition(": ")[2] for each in said if each] == [
        "ARCHIVE/a/run.sh",
        "ARCHIVE/./a//run.sh",
    ]


def test_agent_2_starts_a_script_with_a_space_in_its_path(tmp_path: Path) -> None:
    files = {"appspec.yml": (TOP + HOOK.replace("run.sh", "my run.sh")).encode(), "my run.sh": SCRIPT}
    (found,) = lint(str(zipped(tmp_path / "b.zip", files, 0o100755))).faults
    assert found.outcome(TWO) is None
    files["appspec.yml"] += b"      runas: root\n"
    (found,) = lint(str(zipped(tmp_path / "b.zip", files, 0o100755))).faults
    assert found.outcome(ONE) == found.outcome(TWO)


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_out_of_the_bundle_warns_of_a_script_and_leaves_the_appspec_unjudged(tmp_path: Path) -> None:
    root = folder(tmp_path, {"appspec.yml": (TOP + HOOK).encode()})
    (root / "run.sh").symlink_to("/opt/run.sh")
    judgement = lint(str(root))
    assert [(each.code, each.verdict.name) for each in judgement.faults] == [("bundle-is-safe", "WARN")]
    (root / "appspec.yml").rename(tmp_path.parent / f"{tmp_path.name}.yml")
    (root / "appspec.yml").symlink_to(f"../{tmp_path.name}.yml")
    (found,) = [each for each in lint(str(root)).faults if each.code == "appspec-is-readable"]
    assert (found.verdict.name, found.says) == ("UNKNOWN", "appspec.yml is a link out of the bundle.")


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_script_behind_a_link_in_the_bundle(tmp_path: Path) -> None:
    root = folder(tmp_path, {"appspec.yml": (TOP + HOOK).encode(), "real.sh": b"#!/bin/sh\r\n"})
    (root / "run.sh").symlink_to("real.sh")
    (root / "real.sh").chmod(0o755)
    assert codes(lint(str(root))) == ["script-has-unix-line-ends"]


@pytest.mark.parametrize(
    ("name", "pattern", "matches"),
    [
        ("abc", "a*c", True), ("abc", "*", True), ("", "*", True), ("abc", "a*b", False), ("a/b", "*", False),
        ("abc", "abc", True), ("abc", "ab", False), ("aXbXc", "a*b*c", True), ("abc", "a?c", False), ("abc", "", False),
        ("abc", "**", True),
    ],
)  # fmt: skip
def test_a_pattern_of_permissions(name: str, pattern: str, matches: bool) -> None:
    assert glob(name, pattern) is matches


def test_a_hostile_pattern_costs_no_more_than_its_length() -> None:
    assert glob("a" * 2000, "*a" * 500 + "b") is False


def test_without_a_bundle_the_names_suggest_what_it_holds() -> None:
    two = (
        TOP
        + "files:\n  - source: a/x.txt\n    destination: /srv\n  - source: b/x.txt\n    destination: /srv\n"
    )
    (said,) = messages(lint("-", two.encode()))
    assert (
        "two source files named ARCHIVE/b/x.txt and ARCHIVE/a/x.txt for the same destination (/srv/x.txt)"
        in said
    )
    folders = two.replace("x.txt", "x")
    assert messages(lint("-", folders.encode())) == []
    again = TOP + FILES + FILES.removeprefix("files:\n")
    assert codes(lint("-", again.encode())) == ["destination-is-unique"]
    below = TOP + FILES + OBJECT + "    type: [file]\n  - object: /srv/app/logs\n    type: [file]\n"
    assert codes(lint("-", below.encode())) == ["object-is-named-once"]
    assert (
        codes(lint("-", below.replace("logs\n    type: [file]", "logs\n    type: [directory]").encode()))
        == []
    )


def test_a_script_of_the_last_revision_fails_the_next_deployment(tmp_path: Path) -> None:
    judgement = bundle(tmp_path, TOP + HOOK.replace("AfterInstall", "ApplicationStop"))
    assert [each.depends for each in judgement.faults] == [
        "this revision is the last successful one when the next is deployed"
    ]
    assert codes(bundle(tmp_path, TOP + HOOK)) == ["script-is-in-the-bundle"]


def test_a_name_in_an_acl_must_be_on_the_hosts() -> None:
    text = TOP + OBJECT + "    acls: ['u:shop:rw', 'g:root:r', 'd:u:1001:r', 'm::r']\n"
    judgement = lint("-", text.encode())
    assert [each.says for each in judgement.faults] == ["Every host must have the user 'shop'."]
