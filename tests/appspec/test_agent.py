"""Held to agent 1.8.1 itself: what its own parser, on Ruby 3.1.2 with Psych 4, said of these AppSpec files."""

import json
from pathlib import Path

import pytest

from runbooks.appspec.fault import ONE, PARSE, TWO
from runbooks.appspec.linter import lint
from site_hooks.appspec_examples import FILES, HOOK, OBJECT, TOP

RECORDED: list[dict[str, str | None]] = json.loads(
    (Path(__file__).parent / "agent.json").read_text(encoding="utf-8")
)


def at_parse(text: str, agent: str) -> str | None:
    """The message with which an agent refuses to parse a file; None where it accepts it."""
    first = lint("-", text.encode()).first(agent)
    outcome = first.outcome(agent) if first else None
    return outcome.message if outcome and outcome.event == PARSE else None


def test_enough_was_recorded() -> None:
    messages = {row["message"] for row in RECORDED}
    assert len(RECORDED) > 300
    assert len(messages) > 200
    assert None in messages


def test_agent_1_says_what_was_recorded() -> None:
    wrong = [
        (row["appspec"], row["message"], said)
        for row in RECORDED
        if (said := at_parse(row["appspec"] or "", ONE)) != row["message"]
    ]
    assert wrong == []


TYPE = "The deployment failed because of a YAML parsing error: "

# by reading the source of agent 2.x
AGENT_2 = {
    "version: 1.0\nos: linux\n": "(1)",
    "version: '0.0'\nos: linux\n": TYPE + 'version: invalid type: string "0.0", expected f64 at line 1 column 10',
    "os: linux\n": TYPE + "missing field `version` at line 1 column 1",
    TOP + "os: linux\n": TYPE + "duplicate field `os` at line 3 column 1",
    TOP + "hooks: ~\n": TYPE + "hooks: invalid type: unit value, expected a map at line 3 column 8",
    TOP + HOOK + "      timeout: -1\n": TYPE
    + "hooks.AfterInstall[0].timeout: invalid value: integer `-1`, expected u32 at line 6 column 16",
    TOP + HOOK + "      timeout: 4294967296\n": TYPE
    + "hooks.AfterInstall[0].timeout: invalid value: integer `4294967296`, expected u32 at line 6 column 16",
    TOP + HOOK + "      timeout: 1.5\n": TYPE
    + "hooks.AfterInstall[0].timeout: invalid type: floating point `1.5`, expected u32 at line 6 column 16",
    TOP + OBJECT + "    mode: u+x\n": "(u+x) in the application specification file contains an invalid character (u)",
    TOP + OBJECT + "    acls: ['ann:rwx']\n": "Invalid acl entry (ann:rwx).",
    TOP + OBJECT + "    acls: ['u:ann:8']\n": "Invalid acl entry (u:ann:8).",
    TOP + "files:\n  - source: ''\n    destination: /a\n": "specifies a destination file, but no source file",
    TOP + "x: [\n": TYPE + "did not find expected node content at line 4 column 1, while parsing a flow node",
}  # fmt: skip
ACCEPTED_BY_2 = {
    "an alias": TOP + "x: &a b\ny: *a\n",
    "a date": TOP + "x: 2026-11-26\n",
    "the other ACL entry without a name": TOP + OBJECT + "    acls: ['o::rwx']\n",
    "an octal mode without quotes": TOP + OBJECT + "    mode: 0755\n",
    "a number as a path": TOP + "files:\n  - source: a\n    destination: 5\n",
    "the longest timeout": TOP + HOOK + "      timeout: 4294967295\n",
}


@pytest.mark.parametrize("text", AGENT_2)
def test_agent_2_refuses(text: str) -> None:
    said = at_parse(text, TWO)
    assert said is not None
    assert AGENT_2[text] in said


@pytest.mark.parametrize("case", ACCEPTED_BY_2)
def test_agent_2_accepts(case: str) -> None:
    assert at_parse(ACCEPTED_BY_2[case], TWO) is None


def test_what_both_agents_say_is_said_without_the_slips_of_the_older() -> None:
    text = TOP + FILES + OBJECT + "    type: [link]\n"
    assert "filespecifies" in (at_parse(text, ONE) or "")
    assert "file specifies a permission" in (at_parse(text, TWO) or "")


def test_agent_2_puts_its_own_words_before_an_error_of_install() -> None:
    text = TOP + FILES + "permissions:\n  - object: /srv/app/a.txt\n    except: [b]\n"
    (found,) = lint("-", text.encode()).faults
    one, two = (found.outcome(agent) for agent in (ONE, TWO))
    assert one is not None
    assert two is not None
    assert one.event == two.event == "Install"
    assert two.message == f"Install failed for group GROUP: IO error: {one.message}"


def test_agent_2_leaves_a_file_to_its_owner_where_the_new_one_is_not_on_the_host() -> None:
    (found,) = lint("-", (TOP + OBJECT + "    owner: shop\n").encode()).faults
    one = found.outcome(ONE)
    assert one is not None
    assert one.message == "can't find user for shop"
    assert found.outcome(TWO) is None
