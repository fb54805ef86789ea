"""MkDocs hook: the page of the checks, made from the checks themselves.

Replaces ``<!-- checks -->`` by one section for each check: its good state, what its docstring explains, how
it looks in the sandbox when it is not so, what it calls, which IAM actions that needs, and the calls by hand.
``<!-- policy -->`` becomes the policy for all of them.
"""

import html
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
from botocore import xform_name
from mkdocs.structure.pages import Page

from runbooks.checks import MODULES, RENAMED, all_checks
from runbooks.findings import Check
from runbooks.policy import PROBE, actions, calls, document

MARKER, POLICY = "<!-- checks -->", "<!-- policy -->"
EXAMPLES = json.loads((Path(__file__).parent / "examples.json").read_text(encoding="utf-8"))


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put the checks, and the policy that they need, in the place of their markers."""
    if MARKER not in markdown:
        return markdown
    allowed = f"```json\n{json.dumps(document(probe=True), indent=2)}\n```"
    return markdown.replace(POLICY, allowed).replace(MARKER, _all())


def _all() -> str:
    parts = []
    for module in MODULES:
        category = module.__name__.rpartition(".")[2]
        parts.append(f"## {module.TITLE} {{ #room-{category} }}")
        parts += [_section(check, module) for check in all_checks() if check.category == category]
    return "\n\n".join(parts)


def _section(check: Check, module: ModuleType) -> str:
    old = [name for name, new in RENAMED.items() if new == check.id]
    parts = [
        f"### {check.id} {{ #{check.id} }}",
        *(f'<span id="{name}"></span>' for name in old),
        f"**{check.title}**",
    ]
    if check.description:
        parts.append(check.description)
    troubles = list(EXAMPLES[check.id].items())[:1]  # one is enough to know it by, and the page stays light
    parts += [_trouble(scenario, found, check.id) for scenario, found in troubles]
    if not troubles:
        parts.append("No scenario of the sandbox shows it otherwise; the tests do.")
    parts.append(_what_to_do(module, [found["next"] for _, found in troubles]))
    parts.append(_calls(check.id, calls(check.id)))
    return "\n\n".join(parts)


def _trouble(scenario: str, found: dict[str, str], check: str) -> str:
    command = f"runbooks diagnose --sandbox {scenario} --instance web-01 --check {check}"
    said = f"When it is not so, as in the scenario `{scenario}`: **{found['verdict']}** {html.escape(found['says'])}"
    mend = f"\n\nIts fix there:\n\n```bash\n{found['fix']}\n```" if found["fix"] else ""
    return f"{said}{mend}\n\nSee it happen:\n\n```bash\n{command}\n```"


def _what_to_do(module: ModuleType, leads: list[str]) -> str:
    """Where its findings lead, the guide of its room, and the runbook that asks it."""
    guide, runbook = _file(module.GUIDE), module.RUNBOOK
    pages = list(dict.fromkeys(_file(lead) for lead in leads if lead))
    pages += [] if any(page.startswith(guide) for page in pages) else [guide]
    links = ", ".join(f"[{_name(page)}]({page})" for page in pages)
    return f"What to do: {links}. Runbook: [{runbook}](runbooks/{runbook}.ipynb)."


def _file(lead: str) -> str:
    """A finding's `next`, the address of a page or the id of a check, as MkDocs wants a link."""
    page, _, anchor = lead.strip("/").partition("/#")
    return f"{page}.md{'#' * bool(anchor)}{anchor}" if lead.startswith("/") else f"#{lead}"


def _name(file: str) -> str:
    """How to call a link: "check the agent: log", or the id of a check."""
    page, _, anchor = file.partition(".md")
    words = page.rpartition("/")[2].replace("-", " ") + anchor.replace("#", ": ").replace("-", " ")
    return file[1:] if file.startswith("#") else words


def _calls(check: str, apis: list[str]) -> str:
    needs = ", ".join(f"`{action}`" for action in actions(apis, probe=True)) or "no permission"
    lines = [_by_hand(api) for api in apis if api not in PROBE]
    if "ssm:SendCommand" in apis:  # what that sends is the probe, which can be run without it
        lines += [
            "runbooks probe --instance NAME | ssh HOST sudo sh > host.json",
            f"runbooks diagnose --instance NAME --host-report host.json --check {check}",
        ]
    hands = "\n".join(lines)
    return f"It needs {needs}." + (f" By hand:\n\n```bash\n{hands}\n```" if lines else "")


def _by_hand(api: str) -> str:
    """The AWS CLI's command for a call, with the parameters that the model requires."""
    service, operation = api.split(":")
    words = ["aws", {"codedeploy": "deploy"}.get(service, service), xform_name(operation, "-")]
    asked = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    for name in asked.required_members if asked else ():
        words += [f"--{xform_name(name, '-')}", xform_name(name, "_").upper()]
    return " ".join(words)
