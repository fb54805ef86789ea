"""The diagnosis of each scenario: made once in a process, for all tests that read it."""

import shlex
from functools import cache
from typing import Any, NamedTuple

from botocore.config import Config
from typer.main import get_command

from runbooks.aws.clients import USER_AGENT
from runbooks.cli import app
from runbooks.diagnosis import diagnose
from runbooks.question import PARAMETERS
from runbooks.report import Report
from runbooks.subject import asked_about
from tests.support.world import PATIENT, asked, everything, world

# CloudTrail's checks leave our own calls out: they would else see those of the first diagnosis in the second.
_OURS = PATIENT.merge(Config(user_agent_extra=USER_AGENT))


class Diagnosed(NamedTuple):
    """The report on everything that can be asked of a scenario, and that of its command "Again:", in one sandbox."""

    first: Report
    again: Report


@cache
def diagnosed(scenario: str) -> Diagnosed:
    """Diagnose a scenario, and again. The tests of one scenario run in one process (`tests/conftest.py`)."""
    with world(scenario, config=_OURS) as (aws, _):
        first = diagnose(aws, **asked(everything(scenario)))
        return Diagnosed(first, diagnose(aws, **question_of(first.again)))


def question_of(command: str) -> dict[str, Any]:
    """What a command line asks, as the command line itself reads it."""
    words = shlex.split(command)
    assert words[:2] == ["runbooks", "diagnose"]
    context = get_command(app).commands["diagnose"].make_context("diagnose", words[2:])  # type: ignore[attr-defined]
    given = {row.name: context.params[row.name] for row in PARAMETERS}
    asked = {name: value for name, value in given.items() if value is not None}
    return asked_about(context.params["subject"], asked) | {"checks": context.params["check"] or ()}
