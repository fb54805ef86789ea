"""The CloudFormation templates as the tests read them."""

import re
from typing import Any

import botocore.session
import yaml
from botocore.model import StructureShape
from botocore.validate import ParamValidator

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


def filled(stack: dict[str, Any], value: Any) -> Any:
    """A part of a template with the defaults of its parameters; a resource stands for itself by its name."""
    known = {name: str(one["Default"]) for name, one in stack["Parameters"].items() if "Default" in one}
    known["AWS::StackName"] = "stack"
    if isinstance(value, list):
        return [filled(stack, one) for one in value]
    if isinstance(value, dict):
        if "Ref" in value:
            return known.get(value["Ref"], value["Ref"])
        if "Fn::Sub" in value:
            return re.sub(r"\$\{(.*?)\}", lambda found: known.get(found[1], found[1]), value["Fn::Sub"])
        return {key: filled(stack, one) for key, one in value.items()}
    return value


def association(stack: dict[str, Any], name: str) -> dict[str, Any]:
    """What CloudFormation sends to make an association, after botocore's model of CreateAssociation took it.

    moto does not make associations. Fails where a parameter that the document needs is not sent, or one that it lacks.
    """
    sent: dict[str, Any] = filled(stack, stack["Resources"][name]["Properties"])
    if "ApplyOnlyAtCronInterval" in sent:
        sent["ApplyOnlyAtCronInterval"] = sent["ApplyOnlyAtCronInterval"] in ("true", True)
    shape = (
        botocore.session.get_session()
        .get_service_model("ssm")
        .operation_model("CreateAssociation")
        .input_shape
    )
    assert isinstance(shape, StructureShape)
    report = ParamValidator().validate(sent, shape)
    assert not report.has_errors(), report.generate_report()
    for key, value in sent.items():  # botocore's validator does not look at patterns and enums
        metadata = shape.members[key].metadata
        assert re.search(metadata.get("pattern", ""), str(value)), (key, value)
        assert value in metadata.get("enum", [value]), (key, value)
        assert metadata.get("min", 0) <= len(str(value)), (key, value)
    document = stack["Resources"][sent["Name"]]["Properties"]["Content"]
    declared = document.get("parameters", {})
    given = set(sent.get("Parameters", {}))
    assert {one for one, about in declared.items() if "default" not in about} <= given <= set(declared)
    return sent


def broken_rules(stack: dict[str, Any], **values: str) -> list[str]:
    """The assertions of the template's Rules that these parameters break, by what CloudFormation says of them."""
    known = {name: str(one.get("Default", "")) for name, one in stack["Parameters"].items()} | values

    def holds(condition: Any) -> Any:
        ((function, arguments),) = condition.items()
        if function == "Ref":
            return known[arguments]
        given = [holds(one) if isinstance(one, dict) else one for one in arguments]
        if function == "Fn::Not":
            return not given[0]
        assert function == "Fn::Equals"
        return given[0] == given[1]

    assertions = [one for rule in stack["Rules"].values() for one in rule["Assertions"]]
    return [one["AssertDescription"] for one in assertions if not holds(one["Assert"])]


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
