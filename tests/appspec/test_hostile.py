"""Files and bundles that are made to break their reader are refused, or judged, in one sentence and little time."""

import gzip
import io
import os
import random
import stat
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from runbooks.appspec import opening as room
from runbooks.appspec import plan
from runbooks.appspec.bundle import MAX_READ, Unbearable
from runbooks.appspec.formats import as_text
from runbooks.appspec.linter import MAX_FAULTS, Judgement, lint
from runbooks.appspec.reading import MAX_BYTES, MAX_DEPTH, MAX_NODES
from runbooks.findings import FAIL, UNKNOWN
from site_hooks.appspec_examples import FILE, FILES, HOOK, OBJECT, TOP
from tests.appspec.bundles import LINK, folder, tarred, zipped

GOOD = {"appspec.yml": TOP.encode()}


def only(judgement: Judgement) -> str:
    """The code of its one finding, with the verdict."""
    (found,) = judgement.faults
    assert len(found.says.splitlines()) == 1
    return f"{found.verdict.name} {found.code}"


def test_a_file_at_the_limit_is_judged_and_a_larger_one_is_not() -> None:
    text = TOP.encode() + b"#"
    assert lint("-", text.ljust(MAX_BYTES, b"x")).faults == ()
    assert only(lint("-", text.ljust(MAX_BYTES + 1, b"x"))) == "UNKNOWN appspec-is-small"


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "appspec.yml").open("wb") as file:
        file.truncate(5_000_000_000)
    began = time.process_time()
    assert only(lint(str(tmp_path / "appspec.yml"))) == "UNKNOWN appspec-is-small"
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("depth", "code"), [(MAX_DEPTH - 1, "keys-are-known"), (MAX_DEPTH, "appspec-is-small")]
)
def test_nesting(depth: int, code: str) -> None:
    text = TOP + "x: " + "[" * depth + "]" * depth
    assert [each.code for each in lint("-", text.encode()).faults] == [code]


def test_nesting_without_end() -> None:
    assert only(lint("-", b"[" * 900_000)) == "UNKNOWN appspec-is-small"
    assert only(lint("-", b"- " * 400_000)) == "UNKNOWN appspec-is-small"


@pytest.mark.parametrize(("more", "code"), [(0, "keys-are-known"), (1, "appspec-is-small")])
def test_the_number_of_values(more: int, code: str) -> None:
    values = MAX_NODES - 7 + more  # the mapping, three keys, two values and the list count too
    text = TOP + "x: [" + ",".join("1" * values) + "]"
    assert [each.code for each in lint("-", text.encode()).faults] == [code]


def test_aliases_that_would_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    text = "\n".join(lines) + "\nversion: *a11\nos: linux\nhooks: *a11\npermissions: *a11\n"
    began = time.process_time()
    judgement = lint("-", text.encode())
    assert time.process_time() - began < 10
    assert judgement.verdict is FAIL
    assert max(len(each.says) for each in judgement.faults) < 1000


def test_an_alias_of_itself() -> None:
    for text in (
        "&a [*a]",
        TOP + "hooks: &a {AfterInstall: *a}",
        TOP + "version: &a {b: *a}",
        "? &a [*a]\n: 1",
    ):
        assert lint("-", text.encode()).verdict is FAIL


def test_a_range_that_names_a_category_a_million_times() -> None:
    text = (
        TOP
        + "permissions:\n  - object: /a\n    context: {type: t, range: 's0:"
        + "c0.c1023," * 90_000
        + "c1'}\n"
    )
    began = time.process_time()
    assert "duplicate categories" in str(lint("-", text.encode()).faults)
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "digits", ["9" * 100_000, "0x" + "f" * 100_000, "1" * 9000 + ":30", "-" + "7" * 5000, "1." + "5" * 9000]
)
def test_numbers_without_end(digits: str) -> None:
    for text in (
        f"version: {digits}\nos: linux\n",
        TOP + HOOK + f"      timeout: {digits}\n",
        f"version: !!float {digits}\n",
    ):
        began = time.process_time()
        as_text([lint("-", text.encode())])
        assert time.process_time() - began < 10


@pytest.mark.parametrize(("keys", "shown"), [(MAX_FAULTS, MAX_FAULTS), (MAX_FAULTS + 7, MAX_FAULTS)])
def test_findings_without_end_are_counted_and_the_worst_are_kept(keys: int, shown: int) -> None:
    text = "".join(f"key{n}: 1\n" for n in range(keys - 1)) + "os: linux\n"
    judgement = lint("-", text.encode())
    assert len(judgement.faults) == shown
    assert judgement.verdict is FAIL
    assert judgement.unchecked == (("7 more findings are not shown.",) if keys > shown else ())


def test_many_files_and_permissions_take_no_longer_than_they_are_many() -> None:
    text = TOP + "files:\n" + "".join(f"  - source: a{n}\n    destination: /d{n}\n" for n in range(4000))
    text += "permissions:\n" + "".join(f"  - object: /e{n}\n" for n in range(8000))
    began = time.process_time()
    assert only(lint("-", text.encode())) == "UNKNOWN bundle-is-bearable"
    assert time.process_time() - began < 10


def test_a_bundle_that_is_copied_ten_thousand_times(tmp_path: Path) -> None:
    text = TOP + "files:\n" + "".join(f"  - source: /\n    destination: /d{n}\n" for n in range(9000))
    path = zipped(tmp_path / "b.zip", {"appspec.yml": text.encode(), **{f"f{n}": b"" for n in range(2000)}})
    began = time.process_time()
    assert only(lint(str(path))) == "UNKNOWN bundle-is-bearable"
    assert time.process_time() - began < 10


def test_random_bytes_and_mutations_are_judged_without_an_error() -> None:
    source = random.Random(7)
    texts = [text.encode() for text in FILE.values()]
    for _ in range(400):
        content = bytearray(source.choice(texts))
        for _ in range(source.randint(1, 6)):
            place = source.randrange(len(content))
            content[place : place + source.randint(0, 2)] = source.choice(
                [b"\x00", b"\xff", b"\t", b"[", b"}", b"&a ", b"*a ", b": ", b"- ", b"\n", b"'", b"!!float ", "é\u202e".encode(), b"\xf0\x9f\x92\xa5"]
            )  # fmt: skip
        lint("-", bytes(content))
        lint("-", source.randbytes(source.randint(0, 300)))


def test_binary_and_other_encodings_are_not_yaml() -> None:
    assert only(lint("-", b"MZ\x90\x00\x03")) == "FAIL appspec-is-yaml"
    assert lint("-", TOP.encode("latin-1") + b"# caf\xe9\n").verdict is FAIL


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = folder(tmp_path, GOOD) / "appspec.yml"
    file.chmod(0)
    assert only(lint(str(file))) == "UNKNOWN appspec-is-readable"


def test_a_path_that_is_gone_is_not_known() -> None:
    assert only(lint("/no/such/appspec.yml")) == "UNKNOWN appspec-is-readable"


HOSTILE = {
    "/etc/passwd": "absolute path", "../up": "leaves the bundle", "a/../../up": "leaves the bundle",
    "c:/windows/x": "absolute path", "..\\up": "leaves the bundle",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_an_entry_that_leaves_a_zip(name: str, tmp_path: Path) -> None:
    judgement = lint(str(zipped(tmp_path / "b.zip", {**GOOD, name: b"x"})))
    assert only(judgement) == "FAIL bundle-is-safe"
    assert HOSTILE[name] in judgement.faults[0].says
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "a/../../x"])
def test_a_link_that_leaves_the_bundle(target: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("appspec.yml", TOP)
        entry = zipfile.ZipInfo("link")
        entry.create_system, entry.external_attr = 3, LINK << 16
        archive.writestr(entry, target)
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        member = tarfile.TarInfo("appspec.yml")
        member.size = len(TOP)
        tar.addfile(member, io.BytesIO(TOP.encode()))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, target
        tar.addfile(link)
    for name in ("b.zip", "b.tar"):
        assert only(lint(str(tmp_path / name))) == "WARN bundle-is-safe"


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_in_a_folder_is_not_followed_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("#!/bin/sh\r\n")
    root = folder(tmp_path / "bundle", {"appspec.yml": (TOP + HOOK).encode()})
    (root / "run.sh").symlink_to(tmp_path / "secret")
    assert only(lint(str(root))) == "WARN bundle-is-safe"
    (root / "loop").symlink_to("loop")
    assert only(lint(str(root))) == "WARN bundle-is-safe"


def test_a_device_in_a_tar(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        member = tarfile.TarInfo("null")
        member.type = tarfile.CHRTYPE
        tar.addfile(member)
    assert "FAIL" in {each.verdict.name for each in lint(str(tmp_path / "b.tar")).faults}


def test_a_zip_that_would_fill_the_disk(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("appspec.yml", TOP)
        with archive.open("zeros", "w") as member:
            for _ in range(150):
                member.write(bytes(2**20))
    assert only(lint(str(tmp_path / "b.zip"))) == "UNKNOWN bundle-is-bearable"


def test_a_tar_that_would_fill_the_disk(tmp_path: Path) -> None:
    header = tarfile.TarInfo("zeros")
    header.size = 2**36
    with gzip.open(tmp_path / "b.tar.gz", "wb", compresslevel=1) as file:
        file.write(header.tobuf())
        for _ in range(150):
            file.write(bytes(2**20))
    assert only(lint(str(tmp_path / "b.tar.gz"))) == "UNKNOWN bundle-is-bearable"


@pytest.mark.parametrize(("entries", "verdict"), [(100, None), (101, UNKNOWN)])
def test_the_number_of_entries(
    entries: int, verdict: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MAX_ENTRIES", 100)
    files = {**GOOD, **{f"f{n}": b"" for n in range(entries - 1)}}
    for path in (
        zipped(tmp_path / "b.zip", files),
        tarred(tmp_path / "b.tar", files),
        folder(tmp_path / "f", files),
    ):
        assert [each.verdict for each in lint(str(path)).faults] == ([verdict] if verdict else [])


def test_ten_thousand_files_are_judged(tmp_path: Path) -> None:
    text = (
        TOP + "files:\n  - source: /\n    destination: /srv\npermissions:\n  - object: /srv\n    mode: 644\n"
    )
    files = {"appspec.yml": text.encode(), **{f"a/{n}": b"" for n in range(10_000)}}
    path = zipped(tmp_path / "b.zip", files)
    began = time.process_time()
    assert lint(str(path)).faults == ()
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "content", [b"", b"no archive", b"PK\x03\x04broken", b"\x1f\x8bbroken", b"\x1f\x8b\x08\x00"]
)
def test_a_broken_archive(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(content)
    assert only(lint(str(path))) == "FAIL bundle-is-an-archive"


def test_archives_that_are_cut_or_damaged_anywhere(tmp_path: Path) -> None:
    source = random.Random(3)
    files = {"appspec.yml": (TOP + HOOK).encode(), "run.sh": source.randbytes(3000)}
    for made in (
        zipped(tmp_path / "b.zip", files),
        tarred(tmp_path / "b.tgz", files),
        tarred(tmp_path / "b.tar", files, packed=False),
    ):
        whole = made.read_bytes()
        for _ in range(60):
            content = bytearray(whole[: source.randint(1, len(whole))])
            content[source.randrange(len(content))] ^= 1 << source.randrange(8)
            made.write_bytes(content)
            lint(str(made))


def test_an_encrypted_member_is_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", GOOD)
    content = bytearray(path.read_bytes())
    content[6] |= 1  # in the local header, and in the directory
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    judgement = lint(str(path))
    assert only(judgement) == "FAIL bundle-is-an-archive"
    assert "'appspec.yml' is encrypted" in judgement.faults[0].says


def test_a_pipe_in_a_folder_is_not_opened(tmp_path: Path) -> None:
    root = folder(tmp_path, {"appspec.yml": (TOP + HOOK).encode()})
    os.mkfifo(root / "run.sh")
    assert stat.S_ISFIFO((root / "run.sh").stat().st_mode)
    assert "bundle-is-safe" in [each.code for each in lint(str(root)).faults]


def test_a_limit_of_what_is_unpacked_holds_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "packed"
    path.write_bytes(bytes(room.FREE_BYTES // room.MAX_RATIO))
    room._bear(room.FREE_BYTES, path)
    with pytest.raises(Unbearable, match="200 times"):
        room._bear(room.FREE_BYTES + 1, path)
    with path.open("wb") as file:
        file.truncate(room.MAX_UNPACKED)
    room._bear(room.MAX_UNPACKED, path)
    with pytest.raises(Unbearable, match="4 GB"):
        room._bear(room.MAX_UNPACKED + 1, path)


@pytest.mark.parametrize("more", [0, 1])
def test_a_script_beyond_its_limit_is_not_called_good(more: int, tmp_path: Path) -> None:
    script = b"#!/bin/sh\n".ljust(MAX_READ - 1 + more, b"#")
    files = {"appspec.yml": (TOP + HOOK).encode(), "run.sh": script}
    for path in (zipped(tmp_path / "b.zip", files, 0o100755), tarred(tmp_path / "b.tar", files, 0o755)):
        assert [f"{each.verdict.name} {each.code}" for each in lint(str(path)).faults] == [
            "UNKNOWN bundle-is-bearable"
        ] * more


def test_an_appspec_in_a_bundle_is_judged_to_its_end_or_not_at_all(tmp_path: Path) -> None:
    fault = "\npermissions:\n  - object: /srv\n    mode: u+x\n"
    for size, code in ((290_000, "FAIL mode-is-octal"), (MAX_BYTES, "UNKNOWN appspec-is-small")):
        files = {"appspec.yml": (TOP + "#" * size + fault).encode()}
        for path in (
            zipped(tmp_path / "b.zip", files),
            tarred(tmp_path / "b.tar", files),
            folder(tmp_path / "f", files),
            folder(tmp_path / "f", files) / "appspec.yml",
        ):
            assert only(lint(str(path))) == code


def test_links_round_and_round_are_followed_as_far_as_linux_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MAX_STEPS", 10_000)
    root = folder(tmp_path, {"appspec.yml": (TOP + FILES).encode(), "app/x": b""})
    (root / "app/again").symlink_to(".")
    began = time.process_time()
    assert lint(str(root)).faults == ()
    for number in range(3):
        (root / f"app/more{number}").symlink_to(".")
    assert only(lint(str(root))) == "UNKNOWN bundle-is-bearable"
    assert time.process_time() - began < 10


@pytest.mark.parametrize(("limit", "judged"), [(6, True), (5, False)])
def test_permissions_are_compared_with_files_up_to_a_limit(
    limit: int, judged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MAX_MATCHES", limit)  # two permissions, for one file and two folders
    text = TOP + FILES + OBJECT + "  - object: /srv/app\n"
    path = zipped(tmp_path / "b.zip", {"appspec.yml": text.encode(), "app/x": b""})
    assert only(lint(str(path))).endswith("object-is-named-once" if judged else "bundle-is-bearable")


@pytest.mark.parametrize(("limit", "judged"), [(2, True), (1, False)])
def test_files_are_copied_up_to_a_limit(
    limit: int, judged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MAX_STEPS", limit)
    path = zipped(tmp_path / "b.zip", {"appspec.yml": (TOP + FILES).encode(), "app/x": b"", "app/y": b""})
    found = [each.code for each in lint(str(path)).faults]
    assert found == ([] if judged else ["bundle-is-bearable"])
