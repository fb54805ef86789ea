"""MkDocs hook: the page of the checks, made from the checks themselves.

Replaces ``<!-- checks -->`` by one section for each check: its good state, what its docstring explains, how
it looks in the sandbox when it is not so, what it calls, which IAM actions that needs, and the calls by hand.
``<!-- policy -->`` becomes the policy for all of them.
"""

import html
import json
from typing import Any

import botocore.session
from botocore import xform_name
from mkdocs.exceptions import PluginError
from mkdocs.structure.pages import Page

from runbooks.checks import all_checks
from runbooks.engine import Check
from runbooks.policy import actions, document, seen

MARKER, POLICY = "<!-- checks -->", "<!-- policy -->"
ROOMS = {
    "registration": "Registration",
    "selection": "Selection for deployments",
    "listing": "Lists",
    "callers": "Callers",
    "agent": "Agent",
    "host": "Host",
    "permissions": "Permissions",
    "network": "Network",
    "vpc": "VPC",
}


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put the checks, and the policy that they need, in the place of their markers."""
    if MARKER not in markdown:
        return markdown
    allowed = f"```json\n{json.dumps(document(probe=True), indent=2)}\n```"
    return markdown.replace(POLICY, allowed).replace(MARKER, _all())


def _all() -> str:
    checks = all_checks()
    if strange := {check.room for check in checks} - set(ROOMS):
        raise PluginError(
            f"runbooks/site/checks.py has no title for the checks of {', '.join(sorted(strange))}"
        )
    parts = []
    for room, title in ROOMS.items():
        parts.append(f"## {title} {{ #room-{room} }}")
        parts += [_section(check) for check in checks if check.room == room]
    return "\n\n".join(parts)


def _section(check: Check) -> str:
    row = seen()[check.id]
    parts = [f"### {check.id} {{ #{check.id} }}", f"**{check.good}**"]
    if check.explains:
        parts.append(check.explains)
    parts += [_trouble(scenario, found, check.id) for scenario, found in list(row["trouble"].items())[:2]]
    if row["calls"]:
        parts.append(_calls(row["calls"]))
    return "\n\n".join(parts)


def _trouble(scenario: str, found: dict[str, str], check: str) -> str:
    command = f"runbooks diagnose --sandbox {scenario} --instance web-01 --check {check}"
    said = f"When it is not so, as in the scenario `{scenario}`: **{found['verdict']}** {html.escape(found['says'])}"
    mend = f"\n\nIts fix there:\n\n```bash\n{found['fix']}\n```" if found["fix"] else ""
    return f"{said}{mend}\n\nSee it happen:\n\n```bash\n{command}\n```"


def _calls(apis: list[str]) -> str:
    needs = ", ".join(f"`{action}`" for action in actions(apis, probe=True)) or "no permission"
    by_hand = "\n".join(_by_hand(api) for api in apis)
    return f"It needs {needs}. By hand:\n\n```bash\n{by_hand}\n```"


def _by_hand(api: str) -> str:
    """The AWS CLI's command for a call, with the parameters that the model requires."""
    service, operation = api.split(":")
    words = ["aws", {"codedeploy": "deploy"}.get(service, service), xform_name(operation, "-")]
    asked = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    for name in asked.required_members if asked else ():
        words += [f"--{xform_name(name, '-')}", xform_name(name, "_").upper()]
    return " ".join(words)
