"""Which browser the tests take."""

import io
import os
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli
import pytest
from playwright.sync_api import Playwright

from tests.support import chromium as browsers
from tests.support.chromium import NoBrowser, chromium


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without a browser, and where none can be downloaded; gives the folder that is its PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setenv("PLAYWRIGHT_DOWNLOAD_HOST", "http://127.0.0.1:9")
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(browsers, "PACKED", tmp_path / "bin")
    monkeypatch.setattr(browsers, "NAMES", ("chromium",))
    return tmp_path


@pytest.fixture
def packed(bare: Path) -> Path:
    """A package as npm's is, whose browser prints the libraries and the fonts that it is given."""
    folder = bare / "bin"
    folder.mkdir()
    script = b'#!/bin/sh\necho "$LD_LIBRARY_PATH $FONTCONFIG_FILE $*"\n'
    (folder / "chromium.br").write_bytes(brotli.compress(script))
    for name, member in (
        ("al2023", "lib/libnss3.so"),
        ("fonts", "fonts/a.ttf"),
        ("swiftshader", "libEGL.so"),
    ):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.addfile(tarfile.TarInfo(member))
        (folder / f"{name}.tar.br").write_bytes(brotli.compress(archive.getvalue()))
    return folder


def program(path: Path) -> str:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_the_browser_that_is_named_comes_first(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare / "chromium")
    monkeypatch.setenv("CHROMIUM", program(bare / "another"))
    assert chromium() == str(bare / "another")


@pytest.mark.usefixtures("packed")
def test_then_one_that_is_installed(bare: Path) -> None:
    installed = program(bare / "chromium")
    assert chromium() == installed


def test_then_npm_s_with_its_libraries_and_fonts(packed: Path) -> None:
    path = chromium()
    said = subprocess.run(
        [path, "--headless", "a b"], capture_output=True, text=True, env={"PATH": os.defpath}
    )
    libraries, fonts, arguments = said.stdout.split(maxsplit=2)
    assert Path(libraries, "libnss3.so").is_file()
    assert "fonts" in Path(fonts).read_text()
    assert arguments == "--headless a b\n"
    assert Path(path).is_relative_to(packed.parent)


def test_several_processes_may_unpack_it_at_once(packed: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: chromium(), range(8)))
    assert paths == {str(packed.with_name("unpacked") / "start")}
    assert {path.name for path in packed.parent.iterdir()} == {"bin", "unpacked"}


def test_npm_s_is_a_browser(playwright: Playwright) -> None:
    path = browsers._packed(browsers.PACKED)
    if path is None:
        pytest.skip("npm's is for Linux on x86-64")
    browser = playwright.chromium.launch(executable_path=path)
    page = browser.new_page()
    page.set_content("<p>It is <b>bold</b>")
    assert page.locator("b").bounding_box()
    browser.close()


@pytest.mark.parametrize("asked", [None, "no-such-browser"])
def test_else_a_sentence(bare: Path, monkeypatch: pytest.MonkeyPatch, asked: str | None) -> None:
    if asked:
        monkeypatch.setenv("CHROMIUM", asked)
    with pytest.raises(NoBrowser, match="apt-get install chromium"):
        chromium()
