"""Event history: what was called, by whom, and only what was asked for."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import Sandbox, serve
from codedeploy_sandbox.protocol import models
from codedeploy_sandbox.services.cloudtrail import MANAGEMENT, read_only
from codedeploy_sandbox.state import ACCOUNT, CALLER_ACCESS_KEY, CALLER_ARN

from tests.support.sandbox import client

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
FIELDS = {
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "requestParameters",
    "responseElements",
    "requestID",
    "eventID",
    "readOnly",
    "eventType",
    "managementEvent",
    "recipientAccountId",
    "eventCategory",
}


def events(sandbox: Sandbox, *, region: str = "eu-west-1", **question: Any) -> list[dict[str, Any]]:
    trail = client(sandbox, "cloudtrail", region_name=region)
    pages = trail.get_paginator("lookup_events").paginate(**question)
    return [event for page in pages for event in page["Events"]]


def records(sandbox: Sandbox, **question: Any) -> list[dict[str, Any]]:
    return [json.loads(event["CloudTrailEvent"]) for event in events(sandbox, **question)]


def by(key: str, value: str) -> dict[str, Any]:
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


def test_a_failed_call_is_an_event_with_all_its_fields() -> None:
    with serve("healthy", clock=NOON) as sandbox:
        codedeploy = client(sandbox, "codedeploy")
        with pytest.raises(ClientError) as raised:
            codedeploy.list_on_premises_instances(registrationStatus="bogus", tagFilters=[{"Key": "k"}])
        event, *_ = events(sandbox, **by("EventName", "ListOnPremisesInstances"))
    record = json.loads(event["CloudTrailEvent"])
    assert set(record) == FIELDS | {"errorCode", "errorMessage"}
    assert record["eventVersion"] == "1.11"
    assert record["errorCode"] == "InvalidRegistrationStatusException"
    assert record["errorMessage"] == raised.value.response["Error"]["Message"]
    assert record["requestID"] == raised.value.response["ResponseMetadata"]["RequestId"]
    assert record["requestParameters"] == {"registrationStatus": "bogus", "tagFilters": [{"key": "k"}]}
    assert record["responseElements"] is None
    assert record["userIdentity"]["type"] == "AssumedRole"
    assert record["userIdentity"]["arn"] == CALLER_ARN
    assert record["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "OnCall"
    assert record["userAgent"].startswith("Boto3/")
    assert record["sourceIPAddress"] == "127.0.0.1"
    assert record["eventTime"] == "2026-01-15T12:00:01Z"
    assert event["EventTime"] == NOON + timedelta(seconds=1)
    assert event["EventId"] == record["eventID"]
    assert event["EventSource"] == record["eventSource"] == "codedeploy.amazonaws.com"
    assert (event["Username"], event["AccessKeyId"], event["ReadOnly"]) == ("alex", CALLER_ACCESS_KEY, "true")


def test_a_good_call_has_no_error_and_a_write_is_no_read() -> None:
    with serve("healthy") as sandbox:
        arn = f"arn:aws:iam::{ACCOUNT}:user/x"
        client(sandbox, "codedeploy").register_on_premises_instance(instanceName="new-01", iamUserArn=arn)
        (record,) = records(sandbox, **by("EventName", "RegisterOnPremisesInstance"))
    assert set(record) == FIELDS
    assert record["readOnly"] is False
    assert record["requestParameters"] == {"instanceName": "new-01", "iamUserArn": arn}


def test_bad_filter_has_three_senders_and_its_look_alikes() -> None:
    with serve("bad-filter", clock=NOON) as sandbox:
        seen = records(
            sandbox, StartTime=NOON - timedelta(hours=24), **by("EventName", "ListOnPremisesInstances")
        )
    bad = [record for record in seen if record.get("errorCode") == "InvalidRegistrationStatusException"]
    senders = Counter(
        (
            record["userIdentity"]["arn"].rpartition(":")[2],
            (record["requestParameters"] or {}).get("registrationStatus"),
        )
        for record in bad
    )
    assert senders == {
        ("assumed-role/JenkinsDeploy/nightly", "registered"): 12,
        ("assumed-role/FleetReport/fleet-report", ""): 3,
        ("assumed-role/FleetReport/fleet-report", None): 1,
        ("user/dana", "All"): 2,
    }
    assert Counter(record.get("errorCode") for record in seen if record not in bad) == {
        None: 4,
        "AccessDenied": 1,
    }
    assert [record["eventTime"] for record in seen] == sorted((r["eventTime"] for r in seen), reverse=True)


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("EventName", "ListOnPremisesInstances", 1),
        ("EventName", "listonpremisesinstances", 0),
        ("EventSource", "codedeploy.amazonaws.com", 3),
        ("EventSource", "iam.amazonaws.com", 1),
        ("Username", "alex", 4),
        ("Username", "web-01", 0),
        ("ReadOnly", "false", 2),
        ("ReadOnly", "true", 2),
        ("AccessKeyId", CALLER_ACCESS_KEY, 4),
        ("ResourceName", "web-01", 0),
        ("EventId", "none-such", 0),
    ],
)
def test_each_attribute_filters(key: str, value: str, found: int) -> None:
    with serve("healthy") as sandbox:
        sandbox.account.journal.clear()
        codedeploy = client(sandbox, "codedeploy")
        codedeploy.list_on_premises_instances()
        codedeploy.get_on_premises_instance(instanceName="web-01")
        codedeploy.deregister_on_premises_instance(instanceName="web-01")
        client(sandbox, "iam", region_name="eu-west-1").create_user(UserName="x", Path="/AWS/CodeDeploy/")
        assert len(events(sandbox, **by(key, value))) == found


def test_an_event_is_found_by_its_id_and_by_nothing_else() -> None:
    with serve("bad-filter") as sandbox:
        everything = events(sandbox)
        (found,) = events(sandbox, **by("EventId", everything[3]["EventId"]))
    assert found == everything[3]
    assert len({event["EventId"] for event in everything}) == len(everything)


def test_the_span_of_time_is_both_ends_included() -> None:
    with serve("bad-filter", clock=NOON) as sandbox:
        span = {"StartTime": NOON - timedelta(minutes=46), "EndTime": NOON - timedelta(minutes=41)}
        found = records(sandbox, **span)
        assert [record["eventTime"][11:16] for record in found] == ["11:19", "11:16", "11:14"]
        assert records(sandbox, StartTime=NOON - timedelta(days=1), EndTime=NOON - timedelta(hours=23)) == []
        trail = client(sandbox, "cloudtrail")
        with pytest.raises(trail.exceptions.InvalidTimeRangeException):
            trail.lookup_events(StartTime=NOON, EndTime=NOON - timedelta(seconds=1))


def test_pages_show_every_event_once_though_the_journal_grows() -> None:
    with serve("bad-filter") as sandbox:
        codedeploy, trail = client(sandbox, "codedeploy"), client(sandbox, "cloudtrail")
        seeded = len(sandbox.account.journal)
        seen, token = [], None
        while True:
            page = trail.lookup_events(MaxResults=7, **({"NextToken": token} if token else {}))
            seen += [event["EventId"] for event in page["Events"]]
            codedeploy.list_on_premises_instances()
            token = page.get("NextToken")
            if not token:
                break
        assert len(seen) == len(set(seen)) == seeded > 14
        assert len(trail.lookup_events(MaxResults=50)["Events"]) > seeded


def test_at_most_fifty_events_a_page() -> None:
    with serve("bad-filter") as sandbox:
        codedeploy, trail = client(sandbox, "codedeploy"), client(sandbox, "cloudtrail")
        sandbox.account.journal.clear()
        for _ in range(60):
            codedeploy.list_on_premises_instances()
        assert len(trail.lookup_events()["Events"]) == 50
        assert len(events(sandbox, **by("EventName", "ListOnPremisesInstances"))) == 60


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (by("EventName", "x") | {"NextToken": "bogus"}, "InvalidNextTokenException"),
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"EventCategory": "management"}, "InvalidEventCategoryException"),
        (by("Colour", "blue"), "InvalidLookupAttributesException"),
        (
            {"LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "true"}] * 2},
            "InvalidLookupAttributes",
        ),
    ],
)
def test_a_bad_question_is_refused(question: dict[str, Any], code: str) -> None:
    with serve("healthy") as sandbox, pytest.raises(ClientError, match=code):
        client(sandbox, "cloudtrail").lookup_events(**question)


def test_there_are_no_insight_events_and_no_events_of_another_region() -> None:
    with serve("bad-filter") as sandbox:
        assert events(sandbox, EventCategory="insight") == []
        assert events(sandbox, region="us-east-1") == []


def test_calls_to_moto_are_recorded_with_their_caller_their_error_and_no_secret() -> None:
    with serve("healthy") as sandbox:
        sandbox.account.enforces = False
        iam = client(sandbox, "iam", region_name="eu-west-1")
        iam.create_user(UserName="kim")
        iam.create_login_profile(UserName="kim", Password="a-Planted-Secret-1")
        key = iam.create_access_key(UserName="kim")["AccessKey"]
        as_kim = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        with pytest.raises(ClientError):
            client(sandbox, "ec2", **as_kim).describe_instances(InstanceIds=["i-0123456789abcdef0"])
        kim, *_ = records(sandbox, **by("Username", "kim"))
        everything = json.dumps(records(sandbox))
    assert kim["userIdentity"]["type"] == "IAMUser"
    assert kim["userIdentity"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/kim"
    assert kim["errorCode"] == "InvalidInstanceID.NotFound"
    assert kim["requestParameters"] == {"instanceIds": ["i-0123456789abcdef0"]}
    assert "a-Planted-Secret-1" not in everything
    assert "HIDDEN_DUE_TO_SECURITY_REASONS" in everything


def test_data_events_are_not_in_the_event_history() -> None:
    with serve("healthy") as sandbox:
        client(sandbox, "s3").list_objects_v2(Bucket="shop-revisions")
        assert "s3.amazonaws.com" not in {event["EventSource"] for event in events(sandbox)}
    assert all(models.service(name) for name in MANAGEMENT)


def test_an_unknown_key_is_somebody_unknown() -> None:
    with serve("healthy") as sandbox:
        client(sandbox, "codedeploy", aws_access_key_id="test").list_on_premises_instances()
        assert len(events(sandbox, **by("Username", "unknown"))) == 1


def test_the_names_of_our_operations_tell_reads_from_writes() -> None:
    with serve("healthy") as sandbox:
        call = sandbox.account.journal[0]
    model = models.service("codedeploy")
    assert model is not None
    reads = set()
    for call.operation in model.operation_names:
        if read_only(call):
            reads.add(call.operation)
    assert {"GetOnPremisesInstance", "BatchGetOnPremisesInstances", "ListOnPremisesInstances"} <= reads
    assert not {
        name for name in reads if name.startswith(("Add", "Create", "Delete", "Deregister", "Register"))
    }
