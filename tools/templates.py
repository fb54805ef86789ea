"""Write the templates that are made from the package or from other files: `make templates`. Tests compare them."""

import re
import textwrap
from pathlib import Path

from runbooks import policy
from runbooks.host.probe import probe_document

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"

# Where the files of templates/session-renewal go on a host, by the mode that they get there.
PLACES = {
    "codedeploy-session": (755, "/usr/local/sbin"),
    "codedeploy-session.service": (644, "/etc/systemd/system"),
    "codedeploy-session.timer": (644, "/etc/systemd/system"),
    "codedeploy-session.path": (644, "/etc/systemd/system"),
}


def session_renewed() -> str:
    """templates/session-renewed.yml with the files of templates/session-renewal in it, as the shell writes them."""
    commands = ""
    for name, (mode, folder) in PLACES.items():
        text = (TEMPLATES / "session-renewal" / name).read_text(encoding="utf-8")
        shell = f"put {mode} {folder}/{name} <<'END-OF-FILE'\n{text}END-OF-FILE\n"
        commands += f"{' ' * 16}- |\n{textwrap.indent(shell, ' ' * 18)}"
    begin, end = "# The files of session-renewal", "                # The end of the files"
    made = (TEMPLATES / "session-renewed.yml").read_text(encoding="utf-8")
    return re.sub(rf"({begin}.*?\n).*?(?={end})", lambda found: found[1] + commands, made, flags=re.DOTALL)


def main() -> None:
    """Write every template that is generated."""
    TEMPLATES.mkdir(exist_ok=True)
    (TEMPLATES / "probe-document.yml").write_text(probe_document(), encoding="utf-8")
    (TEMPLATES / "diagnosis-policies.yml").write_text(policy.template(), encoding="utf-8")
    (TEMPLATES / "session-renewed.yml").write_text(session_renewed(), encoding="utf-8")


if __name__ == "__main__":
    main()
