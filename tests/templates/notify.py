"""The templates of notifications as the tests use them: parsed, their function loaded, and samples of what AWS sends."""

import json
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.templates.stacks import TEMPLATES, read

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


@cache
def source() -> str:
    """The code of the function."""
    code: str = read("notify-deployments.yml")["Resources"]["Function"]["Properties"]["Code"]["ZipFile"]
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
