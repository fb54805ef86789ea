"""Write the templates that are made from the package: `make templates`. A test compares them."""

from pathlib import Path

from runbooks import policy
from runbooks.host.probe import probe_document

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


def main() -> None:
    """Write every template that is generated."""
    TEMPLATES.mkdir(exist_ok=True)
    (TEMPLATES / "probe-document.yml").write_text(probe_document(), encoding="utf-8")
    (TEMPLATES / "diagnosis-policies.yml").write_text(policy.template(), encoding="utf-8")


if __name__ == "__main__":
    main()
