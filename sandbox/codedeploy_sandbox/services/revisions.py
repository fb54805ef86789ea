"""CodeDeploy's operations on the revisions of applications."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.state import Call, RegionState, Revision

PAGE = 100  # Assumption: deployment-page
BATCH = 25  # by AWS's API reference
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # by S3's rules for names
_LONGEST_KEY = 1024  # bytes, by S3's
# The member of a RevisionLocation that each type needs, and what that needs itself.
_NEEDS = {
    "S3": ("s3Location", ("bucket", "key", "bundleType")),
    "GitHub": ("gitHubLocation", ("repository", "commitId")),
}


def RegisterApplicationRevision(
    call: Call, *, applicationName: str, revision: dict[str, Any], description: str | None = None
) -> dict[str, Any]:
    """Make a revision known to an application, as `aws deploy push` does."""
    call.state.application(applicationName)
    check_location(revision)
    note(call.state, applicationName, revision, call.at, description)
    return {}


def GetApplicationRevision(call: Call, *, applicationName: str, revision: dict[str, Any]) -> dict[str, Any]:
    """One revision."""
    call.state.application(applicationName)
    check_location(revision)
    found = _known(call.state, applicationName).get(_key(revision))
    if not found:
        raise ApiError("RevisionDoesNotExistException", f"{applicationName} does not know this revision")
    info = _info(call, applicationName, found)
    return {"applicationName": applicationName, "revision": found.location, "revisionInfo": info}


def BatchGetApplicationRevisions(
    call: Call, *, applicationName: str, revisions: list[dict[str, Any]]
) -> dict[str, Any]:
    """Several revisions at once; one that the application does not know is left out."""
    call.state.application(applicationName)
    if not revisions:
        raise ApiError("RevisionRequiredException", "a revision is missing")
    if len(revisions) > BATCH:
        raise ApiError("BatchLimitExceededException", f"{len(revisions)} revisions; the most is {BATCH}")
    for location in revisions:
        check_location(location)
    known = _known(call.state, applicationName)
    # Assumption: batch-deployments
    found = [known[_key(location)] for location in revisions if _key(location) in known]
    rows = [
        {"revisionLocation": one.location, "genericRevisionInfo": _info(call, applicationName, one)}
        for one in found
    ]
    return {"applicationName": applicationName, "revisions": rows}


def ListApplicationRevisions(
    call: Call,
    *,
    applicationName: str,
    sortBy: str = "registerTime",
    sortOrder: str = "ascending",
    s3Bucket: str | None = None,
    s3KeyPrefix: str | None = None,
    deployed: str = "ignore",
    nextToken: str | None = None,
) -> dict[str, Any]:
    """The locations of an application's revisions. `deployed`: only the targets of groups, all others, or all."""
    call.state.application(applicationName)
    if s3KeyPrefix and not s3Bucket:
        raise ApiError("BucketNameFilterRequiredException", "a key prefix is given without its bucket")
    # Assumption: revision-filters
    if s3Bucket is not None and not _BUCKET.fullmatch(s3Bucket):
        raise ApiError("InvalidBucketNameFilterException", f"{s3Bucket[:100]!r} is not the name of a bucket")
    if len((s3KeyPrefix or "").encode()) > _LONGEST_KEY:
        text = f"a key prefix has at most {_LONGEST_KEY} bytes"
        raise ApiError("InvalidKeyPrefixFilterException", text)
    never = datetime.min.replace(tzinfo=UTC)
    rows = []
    for one in _known(call.state, applicationName).values():
        at, info = one.location.get("s3Location") or {}, _info(call, applicationName, one)
        if s3Bucket and (at.get("bucket") != s3Bucket or not at.get("key", "").startswith(s3KeyPrefix or "")):
            continue
        if deployed == "ignore" or bool(info["deploymentGroups"]) == (deployed == "include"):
            rows.append((info.get(sortBy) or never, one.location))
    rows.sort(key=lambda row: row[0], reverse=sortOrder == "descending")
    question = (applicationName, sortBy, sortOrder, s3Bucket, s3KeyPrefix, deployed)
    page, token = tokens.page(
        [location for _, location in rows], PAGE, nextToken, call.operation, call.region, *question
    )
    return {"revisions": page, "nextToken": token}


def check_location(location: Mapping[str, Any]) -> None:
    """Raise ApiError for what is not a location of a revision for instances."""
    member, needed = _NEEDS.get(str(location.get("revisionType")), ("", ()))
    if not member:
        text = "a revision for instances is of the revisionType S3 or GitHub"
        raise ApiError("InvalidRevisionException", text)
    missing = [name for name in needed if not (location.get(member) or {}).get(name)]
    if missing:
        raise ApiError("InvalidRevisionException", f"{member} has no {missing[0]}")


def note(
    state: RegionState,
    application: str,
    location: dict[str, Any],
    at: datetime,
    description: str | None = None,
) -> None:
    """Keep a revision that the application does not know yet."""
    if _key(location) not in _known(state, application):
        state.revisions.setdefault(application, []).append(Revision(location, at, description))


def _key(location: Mapping[str, Any]) -> str:
    return repr(sorted((location.get("s3Location") or location.get("gitHubLocation") or {}).items()))


def _known(state: RegionState, application: str) -> dict[str, Revision]:
    """The application's revisions: those that were registered, and those of its deployments."""
    found = {_key(one.location): one for one in state.revisions.get(application, ())}
    for one in state.deployments.values():
        if one.info.get("applicationName") == application and "revision" in one.info:
            revision = Revision(one.info["revision"], one.info["createTime"])
            found.setdefault(_key(revision.location), revision)
    return found


def _info(call: Call, application: str, revision: Revision) -> dict[str, Any]:
    """A GenericRevisionInfo. The groups are those to which it was deployed last."""
    # Assumption: revision-groups
    used, latest = [], {}
    for one in sorted(call.state.deployments.values(), key=lambda one: one.info["createTime"]):
        if one.info.get("applicationName") == application and "revision" in one.info:
            same = _key(one.info["revision"]) == _key(revision.location)
            used += [one.info["createTime"]] * same
            if one.at(call.at).info["status"] == "Succeeded":
                latest[one.info["deploymentGroupName"]] = same
    return {
        "description": revision.description,
        "deploymentGroups": sorted(group for group, same in latest.items() if same),
        "firstUsedTime": used[0] if used else None,
        "lastUsedTime": used[-1] if used else None,
        "registerTime": revision.registered,
    }
