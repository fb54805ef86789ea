"""MkDocs hook: the pages of the checks, made from the checks themselves.

On the page of all checks, ``<!-- checks -->`` becomes a table of them and ``<!-- policy -->`` the policy that they need.
Each module of checks gets a page, with an example of a failure of each check from the sandbox.
"""

import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import ServiceModel
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from runbooks.checks import MODULES, RENAMED, all_checks
from runbooks.commands import SANDBOX_ENDPOINT, shell
from runbooks.findings import Check
from runbooks.policy import PROBE, actions, calls, document, observed
from site_hooks.templating import render
from site_hooks.titles import title

OVERVIEW = "checks/index.md"
MARKER, POLICY = "<!-- checks -->", "<!-- policy -->"
EXAMPLES: dict[str, dict[str, dict[str, str]]] = json.loads(
    (Path(__file__).parent / "examples.json").read_text(encoding="utf-8")
)

# What the sandbox's scenarios are about, by the parameter of a check that reads it.
_ABOUT = {
    "instance": "web-01",
    "deployment_group": "shop/web",
    "deployment": "d-SHOPWEB01",
    "bucket": "shop-revisions",
    "arn": "arn:aws:sts::111122223333:assumed-role/CodeDeployOnPremises/web-01",
}

_ABOUT_EC2 = {"instance": "i-ecd34b280e4aee7a8"}  # in those whose name begins with ec2-

# What narrows a call that names nothing it requires.
_NARROWED = {
    "autoscaling:DescribeAutoScalingGroups": "--auto-scaling-group-names AUTO_SCALING_GROUP",
    "cloudtrail:LookupEvents": "--lookup-attributes AttributeKey=EventSource,AttributeValue=codedeploy.amazonaws.com",
    "cloudwatch:DescribeAlarms": "--alarm-names ALARM",
    "ec2:DescribeInstances": "--instance-ids INSTANCE_ID",
    "ec2:DescribeNetworkAcls": "--filters Name=association.subnet-id,Values=SUBNET_ID",
    "ec2:DescribeRouteTables": "--filters Name=association.subnet-id,Values=SUBNET_ID",
    "ec2:DescribeSecurityGroups": "--group-ids GROUP_ID",
    "ec2:DescribeVpcEndpoints": "--filters Name=vpc-id,Values=VPC_ID",
    "elb:DescribeLoadBalancers": "--load-balancer-names LOAD_BALANCER",
    "elbv2:DescribeTargetGroups": "--names TARGET_GROUP",
    "s3:ListObjectsV2": "--prefix KEY --max-keys 1",
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The settings with the pages of the modules in the navigation, below the page of all checks."""
    config.nav = _with_pages(config.nav)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page of each module."""
    for module in MODULES:
        page = File.generated(config, _page(module), content=_of_module(module))
        page.edit_uri = f"../{module.__name__.replace('.', '/')}.py"
        files.append(page)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page of all checks with its table and the policy in the place of their markers."""
    if MARKER not in markdown:
        return markdown
    allowed = f"```json\n{json.dumps(document(probe=True), indent=2)}\n```"
    return markdown.replace(POLICY, allowed).replace(MARKER, "\n\n".join(map(_table, MODULES)))


def _with_pages(nav: Any) -> Any:
    if nav == OVERVIEW:
        return [OVERVIEW, *map(_page, MODULES)]
    if isinstance(nav, dict):
        return {title: _with_pages(entry) for title, entry in nav.items()}
    return [_with_pages(entry) for entry in nav] if isinstance(nav, list) else nav


def _page(module: ModuleType) -> str:
    return f"checks/{_category(module)}.md"


def _category(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _checks(module: ModuleType) -> list[Check]:
    return [check for check in all_checks() if check.category == _category(module)]


def _old_ids(check: Check) -> list[str]:
    return [old for old, new in RENAMED.items() if new == check.id]


def _table(module: ModuleType) -> str:
    """A module's part of the table: each row has the anchor that reports and tickets link to."""
    category = _category(module)
    rows = [
        f"| {_anchors(check)}[`{check.id}`]({category}.md#{check.id}){{ #{check.id} }} | {check.title} |"
        for check in _checks(module)
    ]
    head = f"### [{module.TITLE}]({category}.md) {{ #room-{category} }}"
    return "\n".join([head, "", "| Check | What it confirms |", "|---|---|", *rows])


def _anchors(check: Check) -> str:
    return "".join(f'<span id="{old}"></span>' for old in _old_ids(check))


def _of_module(module: ModuleType) -> str:
    checks = _checks(module)
    described = f"{module.TITLE} What each of {len(checks)} checks confirms, an example of a failure, the fix, and the calls behind it."
    head = f"---\ntitle: {json.dumps(module.TITLE)}\ndescription: {json.dumps(described)}\n---"
    leads = f"More: [{title(module.GUIDE)}]({_file(module.GUIDE)}). To run these checks in a notebook: [{module.RUNBOOK}](../runbooks/{module.RUNBOOK}.ipynb)."
    return "\n\n".join([head, f"# {module.TITLE}", leads, *map(_section, checks)])


def _fix(text: str) -> str | list[str]:
    """A fix as one has it on AWS, without the sandbox's endpoint: a command; of a sentence its parts, every other one code."""
    text = text.replace(f" {SANDBOX_ENDPOINT}", "")
    return text.split("`") if "`" in text or text.endswith(".") else text


def _section(check: Check) -> str:
    none: tuple[str, dict[str, str]] = ("", {})
    scenario, found = next(iter(EXAMPLES[check.id].items()), none)  # one is enough, and the page stays light
    apis = calls(check.id)
    details = render(
        "check.html",
        scenario=scenario,
        see=_see(check, scenario),
        found=found,
        fix=_fix(found.get("fix", "")),
        actions=actions(apis, probe=True),
        by_hand="\n".join(_by_hand(check.id, apis)),
    )
    lead = _file(found.get("next", ""))
    parts = [
        f"## {check.id} {{ #{check.id} }}",
        f"**{check.title}**",
        check.description,
        details,
        f"Then: [{_name(found['next'])}]({lead})." if lead else "",
    ]
    return "\n\n".join(filter(None, parts))


def _see(check: Check, scenario: str) -> str:
    """The command that shows the example, with all that the check reads."""
    read = {"instance", *observed()[check.id]["takes"]}
    about = _ABOUT | (_ABOUT_EC2 if scenario.startswith("ec2-") else {})
    asked = {name: value for name, value in about.items() if name in read}
    return shell("runbooks", "diagnose", sandbox=scenario, **asked, check=check.id)


def _file(lead: str) -> str:
    """A finding's `next`, the address of a page or the id of a check, as a link from a module's page."""
    if lead and not lead.startswith("/"):
        return f"{next(check.category for check in all_checks() if check.id == lead)}.md#{lead}"
    page, _, anchor = lead.strip("/").partition("/#")
    page += "" if "/" in page or not page else "/index"  # the page of a whole family
    return page and f"../{page}.md{'#' * bool(anchor)}{anchor}"


def _name(next_: str) -> str:
    """How to call a link: by the title of the page, or by the good state of a check."""
    if next_.startswith("/"):
        return title(next_)
    return next(check.title.rstrip(".") for check in all_checks() if check.id == next_)


def _by_hand(check: str, apis: list[str]) -> list[str]:
    lines = [_aws(api) for api in apis if api not in PROBE]
    if "ssm:SendCommand" in apis:  # what that sends is the probe, which can be run without it
        lines += [
            "runbooks probe --instance NAME | ssh HOST sudo sh > host.json",
            f"runbooks diagnose --instance NAME --host-report host.json --check {check}",
        ]
    return lines


def _aws(api: str) -> str:
    """The AWS CLI's command for a call, with the parameters that the model requires."""
    service, operation = api.split(":")
    words = ["aws", {"codedeploy": "deploy", "s3": "s3api"}.get(service, service), xform_name(operation, "-")]
    asked = _model(service).operation_model(operation).input_shape
    for name in asked.required_members if asked else ():
        words += [f"--{xform_name(name, '-')}", xform_name(name, "_").upper()]
    return " ".join([*words, *filter(None, [_NARROWED.get(api)])])


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)
