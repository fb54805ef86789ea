"""The templates of notifications as the tests use them: parsed, their function loaded, and samples of what AWS sends."""

import json
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.support import ROOT

TEMPLATES = ROOT / "templates"
SITE = "https://guide.example/codedeploy"
CHAT = "arn:aws:sns:eu-west-1:111122223333:chat"
MAIL = "arn:aws:sns:eu-west-1:111122223333:mail"
SCHEMA = Draft202012Validator(json.loads((TEMPLATES / "chat-notification.schema.json").read_text("utf-8")))

HOSTILE = "<!channel> @here <https://evil.example|ok> [x](http://evil.example) www.evil.example `id` *b* \n\u202e\x1b[0m&amp;"

# The JSON of triggers as the user guide shows it, with the parts that CodeDeploy has also sent as JSON in a text.
DEPLOYMENT = {
    "region": "eu-west-1",
    "accountId": "111122223333",
    "eventTriggerName": "field-guide",
    "applicationName": "shop",
    "deploymentId": "d-ABCDEF123",
    "deploymentGroupName": "web",
    "createTime": "1446744188.595",
    "completeTime": "1446744190.402",
    "deploymentOverview": {
        "Failed": "10",
        "InProgress": "0",
        "Pending": "0",
        "Skipped": "0",
        "Succeeded": "0",
    },
    "status": "Failed",
    "errorInformation": {"ErrorCode": "HEALTH_CONSTRAINTS", "ErrorMessage": "Too few healthy instances."},
}
STOPPED = DEPLOYMENT | {
    "status": "STOPPED",
    "errorInformation": json.dumps({"ErrorCode": "MANUAL_STOP", "ErrorMessage": "Stopped by a user."}),
}
SUCCEEDED = {key: value for key, value in DEPLOYMENT.items() if key != "errorInformation"} | {
    "status": "SUCCEEDED"
}
INSTANCE = {
    "region": "eu-west-1",
    "accountId": "111122223333",
    "eventTriggerName": "field-guide",
    "deploymentId": "d-ABCDEF123",
    "instanceId": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1b2c3d4e5f60001",
    "lastUpdatedAt": "1446744207.564",
    "instanceStatus": "Failed",
    "lifecycleEvents": [
        {"LifecycleEvent": "ApplicationStop", "LifecycleEventStatus": "Succeeded"},
        {"LifecycleEvent": "BeforeInstall", "LifecycleEventStatus": "Failed"},
    ],
}


class _Loader(yaml.SafeLoader):
    """Reads !Ref and the like as what stands behind them."""


def _behind(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _behind)


@cache
def template(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.load((TEMPLATES / f"notify-{name}.yml").read_text("utf-8"), Loader=_Loader)
    return parsed


@cache
def source() -> str:
    """The code of the function."""
    code: str = template("deployments")["Resources"]["Function"]["Properties"]["Code"]["ZipFile"]
    return code


def function(
    client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, **settings: str
) -> dict[str, Any]:
    """The function's module, which asks ``client`` for its clients."""
    for name, value in {"SITE": SITE, "CHAT": CHAT, "MAIL": "", "AUTOMATION": "", **settings}.items():
        monkeypatch.setenv(name, value)
    module: dict[str, Any] = {}
    exec(compile(source(), "index.py", "exec"), module)
    module["boto3"] = SimpleNamespace(client=client)
    return module


def told(message: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    """What the function makes of the JSON of a trigger: the notification, which is of the schema, and the link."""

    def none(service: str) -> Any:
        raise AssertionError(f"asked for a client of {service}")

    notification, link = function(none, monkeypatch)["told"](message)
    SCHEMA.validate(notification)
    return notification, link
