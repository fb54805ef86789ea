"""A command within a sentence of advice stands in backticks, so that every form shows it as one."""

import re

import pytest
from codedeploy_sandbox.scenarios import SCENARIOS

from runbooks.decoder.index import index
from runbooks.findings import Command
from runbooks.host.log import symptoms
from tests.support.diagnosed import diagnosed

# How a command begins: its program, and what makes a command of the word.
COMMAND = re.compile(
    r"\bsudo \w"
    r"|\baws (?:deploy|ec2|iam|s3|s3api|ssm|kms|autoscaling|elbv2|sts|ecs|lambda|cloudtrail|cloudwatch|sns) [a-z]"
    r"|\brunbooks (?:why|diagnose|explain|open|run|probe|preflight|policy|appspec|sandbox)\b"
    r"|\b(?:systemctl|journalctl|chmod|chown|restorecon|dos2unix|yum|apt-get|findmnt) [-+/\w]"
    r"|\b(?:mount|ls|df|sed|curl|unzip|tar|rpm|dpkg) -\w"
    r"|\b(?:Start|Restart|Stop)-Service\b"
)


def bare(text: str) -> list[str]:
    """The commands in a sentence that stand outside of backticks."""
    outside = re.sub(r"`[^`]*`", "", text)
    return [found[0] for found in COMMAND.finditer(outside)]


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_in_the_fixes_of_a_scenario(scenario: str) -> None:
    fixes = {one.fix for one in diagnosed(scenario).first.findings if not isinstance(one.fix, Command)}
    assert not {fix: bare(fix) for fix in fixes if bare(fix)}


def test_in_the_advice_of_every_page() -> None:
    said = {
        text
        for entry in index().entries.values()
        for text in (entry.do, *(row.get(key, "") for row in entry.when for key in ("do", "also")))
    }
    assert not sorted(text for text in said if bare(text))


def test_in_the_advice_on_a_line_of_the_log() -> None:
    assert not [one.do for one in symptoms() if bare(one.do)]


def test_it_sees_one() -> None:
    assert bare("Run sudo systemctl restart codedeploy-agent there.")
    assert not bare("Run `sudo ls -l` there, and mount the volume in a file of its own.")
