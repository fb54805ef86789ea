"""What every finding must be, whatever check it comes from."""

import subprocess

from runbooks.checks import all_checks
from runbooks.findings import Command, Finding
from tests.support import DOCS


def only(findings: list[Finding]) -> Finding:
    """The one finding that a check gave."""
    assert len(findings) == 1, findings
    return findings[0]


def assert_sound(finding: Finding) -> None:
    """It is one line, its fix is a sentence or a command that a shell can read, and what is open next is there."""
    assert finding.says
    assert "\n" not in finding.says
    assert "None" not in finding.says
    if isinstance(finding.fix, Command):
        assert subprocess.run(["sh", "-n", "-c", finding.fix], check=False).returncode == 0, finding.fix
    if finding.next.startswith("/"):
        page, _, anchor = finding.next.strip("/").partition("/#")
        file = DOCS / page / "index.md" if (DOCS / page).is_dir() else DOCS / f"{page}.md"
        text = file.read_text(encoding="utf-8")
        assert not anchor or f"{{ #{anchor} }}" in text, finding.next
    elif finding.next:
        assert finding.next in {check.id for check in all_checks()}
