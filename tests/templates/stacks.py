"""The CloudFormation templates as the tests read them."""

import re
from typing import Any

import yaml

from tests.support import ROOT

TEMPLATES = ROOT / "templates"
# The other files there are documents of Systems Manager, or parts of the sample application.
STACKS = sorted(
    path.name for path in TEMPLATES.glob("*.yml") if "AWSTemplateFormatVersion" in path.read_text()
)


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions: `!Ref X` is {"Ref": "X"}, `!Sub X` is {"Fn::Sub": "X"}."""


def _function(loader: Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", _function)


def read(name: str) -> dict[str, Any]:
    """A template, parsed."""
    parsed: dict[str, Any] = yaml.load((TEMPLATES / name).read_text(encoding="utf-8"), Loader)
    return parsed


def accepts(parameter: dict[str, Any], value: str) -> bool:
    """Whether CloudFormation would take the value, by what the parameter declares."""
    if "AllowedValues" in parameter and value not in map(str, parameter["AllowedValues"]):
        return False
    if parameter["Type"] == "Number":
        return re.fullmatch(r"-?\d+", value) is not None and (
            parameter["MinValue"] <= int(value) <= parameter["MaxValue"]
        )
    each = value.split(",") if parameter["Type"] == "CommaDelimitedList" else [value]
    return all(re.fullmatch(parameter.get("AllowedPattern", "(?s).*"), one) for one in each)
