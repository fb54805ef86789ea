"""The table of the agent's releases, and the judgement of a version by it."""

from datetime import date

import pytest

from runbooks.host import parse_version, supported, versions

TAGS = set("VDIXU")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("OFFICIAL_1.8.1-13_rpm", (1, 8, 1, 13)),
        ("agent_version: OFFICIAL_1.8.1-13_deb", (1, 8, 1, 13)),
        ("OFFICIAL_1.3.2-1902_deb\n", (1, 3, 2, 1902)),
        ("OFFICIAL_1.3.1.1880_msi", (1, 3, 1, 1880)),
        ("agent_version: OFFICIAL_1.0-1.1095_rpm", (1, 0, 1, 1095)),
        ("agent_version: 2.0.0", (2, 0, 0)),
        ('agent_version: "2.1.0"', (2, 1, 0)),
        ("1.8.1-13", (1, 8, 1, 13)),
        ("2.1.0-rc1", (2, 1, 0)),
        ("1.7", (1, 7, 0)),
        ("1", None),
        ("", None),
        ("latest", None),
        ("codedeploy-agent 1.8.1", None),
        ("version: 1.8.1", None),
    ],
)
def test_a_version_is_read_in_every_form_that_the_agent_has_used(
    text: str, number: tuple[int, ...] | None
) -> None:
    assert parse_version(text) == number


@pytest.mark.parametrize(
    ("version", "state", "says"),
    [
        ("1.0.1.853", "unsupported", "1.3.2 closed a vulnerability"),
        ("1.3.0-1", "unsupported", "AWS calls this one deprecated"),
        ("1.4.0", "unsupported", "1.4.1 closed a vulnerability"),
        ("1.4.1", "unsupported", "supports the newest minor version only"),
        ("OFFICIAL_1.7.1-112_rpm", "unsupported", "older than 1.8.0"),
        ("1.8", "supported", "newest known of its line is 1.8.1"),
        ("1.8.0", "supported", ""),
        ("1.8.1-13", "supported", ""),
        ("1.8.2", "unlisted", ""),
        ("1.9.0", "unlisted", ""),
        ("agent_version: 2.0.1", "superseded", "2.1.0"),
        ("2.1.0", "supported", ""),
        ("2.1.1", "unlisted", ""),
        ("3.0.0", "unlisted", ""),
        ("nightly", "unreadable", ""),
    ],
)
def test_a_version_is_judged_by_the_table(version: str, state: str, says: str) -> None:
    support = supported(version)
    assert support.state == state
    assert says in support.says
    number = parse_version(version)
    assert number is None or ".".join(map(str, number[:3])) in support.says


def test_only_what_is_below_the_vulnerability_is_said_to_have_it() -> None:
    assert "vulnerability" not in supported("1.4.1").says
    assert "vulnerability" not in supported("1.7.1").says


def test_the_table_of_versions_is_in_order_and_names_its_sources() -> None:
    table = versions()
    numbers = [release.number for release in table.releases]
    assert numbers == sorted(set(numbers))
    days = [release.released for release in table.releases if release.released]
    assert days == sorted(days)
    assert all(len(day) == 4 or date.fromisoformat(day) <= table.compiled for day in days)
    assert table.sources
    assert {release.tag for release in table.releases} | {table.minimum_tag} <= TAGS
    assert parse_version(table.minimum) in numbers


def test_the_newest_of_each_line_is_found() -> None:
    assert [release.version for line in (1, 2, 3) if (release := versions().newest(line))] == [
        "1.8.1",
        "2.1.0",
    ]
