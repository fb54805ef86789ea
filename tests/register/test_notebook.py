"""The notebook that registers."""

import json
import re
from typing import Any

from codedeploy_sandbox.scenarios.baseline import only as only_policies
from codedeploy_sandbox.state import ACCOUNT, REGION

from runbooks.findings import OK, UNKNOWN
from runbooks.register import carry_out
from tests.register.registering import (
    ADD_TAGS,
    NOTEBOOK,
    carried_out,
    order,
    place,
    since,
    steps,
    verdicts,
)


def cells(kind: str) -> list[str]:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_the_policy_in_the_notebook_is_enough_and_no_action_of_it_idle() -> None:
    (policy,) = re.findall(r"```json\n(.*?)```", "\n".join(cells("markdown")), re.DOTALL)
    document = json.loads(policy.replace("REGION", REGION).replace("ACCOUNT", ACCOUNT))
    with place(lambda account: only_policies(account, document)) as sandbox:
        report = carried_out(sandbox, lost=ADD_TAGS)  # so that it is undone, too
        assert [name for name, verdict in verdicts(report).items() if verdict is UNKNOWN] == [
            "tags-are-added"
        ]
        assert carry_out(order(sandbox)).exit_code == 0
        called = {f"{call.service}:{call.operation}" for call in since(sandbox)}
    named = {action for statement in document["Statement"] for action in statement["Action"]}
    assert named == called - {"sts:GetCallerIdentity"} | {"iam:GetUser"}  # for a caller who is a user


def test_the_changing_cell_is_marked_and_the_only_one() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    changing = [
        number for number, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "code" and "carry_out(" in "".join(cell["source"])
    ]  # fmt: skip
    (number,) = changing
    assert "**This cell makes changes" in "".join(notebook["cells"][number - 1]["source"])
    assert "apply = False" in cells("code")[0]


def test_the_notebook_with_apply_registers() -> None:
    """Its cells as a reader runs them, in their order, with the one parameter changed."""
    first, *rest = cells("code")
    names: dict[str, Any] = {}
    for source in (first.replace("apply = False", "apply = True"), *rest):
        exec(source, names)
    aws, report = names["runbook"]._found
    assert report.exit_code == 0
    assert aws.allows("codedeploy:RegisterOnPremisesInstance")
    assert steps(names["runbook"]._registration.confirm()) == {"registration-is-as-asked": OK}
