"""Whether a revision is where it is said to be."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.checks._deployed import location
from runbooks.checks._group import known
from runbooks.errors import UserError
from runbooks.facts.deployments import deployment
from runbooks.facts.revisions import bucket_region, object_size
from runbooks.findings import FAIL, OK, WARN, CouldNotCheck, Finding, NotApplicable, NotAsked
from runbooks.question import BUCKET, Question

_MISSING = "/deployment-errors/REVISION_MISSING/"
# The endings that a bundle of each type has by custom.
_ENDINGS = {"zip": (".zip",), "tar": (".tar",), "tgz": (".tgz", ".tar.gz")}


_S3 = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)")
# github:OWNER/REPOSITORY@COMMIT, and as the AWS CLI takes gitHubLocation.
_GITHUB = re.compile(r"(?:github:|repository=)([\w.-]+/[\w.-]+)(?:@|,commitId=)([0-9a-fA-F]+)", re.ASCII)
_COMMIT = 40  # digits of a SHA-1, which commitId is by botocore's model


def revision_at(text: str) -> dict[str, Any]:
    """The RevisionLocation of s3://BUCKET/KEY or github:OWNER/REPOSITORY@COMMIT.

    The type of an object is the one that its key ends with, "" where that is none. Raises `UserError` for another text.
    """
    if found := _S3.fullmatch(text):
        bucket, key = found.groups()
        kinds = [kind for kind, endings in _ENDINGS.items() if key.endswith(endings)]
        return {
            "revisionType": "S3",
            "s3Location": {"bucket": bucket, "key": key, "bundleType": "".join(kinds)},
        }
    if found := _GITHUB.fullmatch(text):
        repository, commit = found.groups()
        if len(commit) != _COMMIT:
            raise UserError(
                f"{commit!r} is not a whole commit id: that has {_COMMIT} digits, and a branch is none."
            )
        return {"revisionType": "GitHub", "gitHubLocation": {"repository": repository, "commitId": commit}}
    raise UserError(
        f"{text!r} is not the address of a revision: give s3://BUCKET/KEY or github:OWNER/REPOSITORY@COMMIT."
    )


def bundle_of(revision: Mapping[str, Any]) -> str:
    """The bucket and the key of a revision, as the question takes them; "" where it has none."""
    s3 = revision.get("s3Location") or {}
    bundle = f"{s3.get('bucket', '')}/{s3.get('key', '')}".removesuffix("/")
    return bundle if BUCKET.fullmatch(bundle) else ""


def findings(aws: Aws, revision: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether a revision (botocore's RevisionLocation) is there, of its type, and in this Region."""
    s3, where = revision.get("s3Location") or {}, location(revision)
    if revision.get("gitHubLocation"):
        raise CouldNotCheck(
            f"the revision {where} is on GitHub, which is not asked: whether it is there is not known."
        )
    if not s3.get("bucket") or not s3.get("key"):
        raise CouldNotCheck(
            f"the revision {where or revision.get('revisionType')} is not in S3, where it could be found."
        )
    bucket, key, kind = str(s3["bucket"]), str(s3["key"]), str(s3.get("bundleType") or "")
    size = object_size(aws, bucket, key)
    if isinstance(size, Refusal):
        says = f"The bucket {bucket} of the revision {where} is not there: {size.code}."
        yield Finding(FAIL, says, code="no-bucket", about=where, next=_MISSING)
        return
    if size is None:
        says = f"The revision {where} is not there: the bucket {bucket} has no object {key}."
        fix = "Upload it again under this name, or deploy another revision."
        yield Finding(FAIL, says, code="not-there", about=where, fix=fix, next=_MISSING)
        return
    region, sound = bucket_region(aws, bucket), True
    if region != aws.region:
        sound = False
        says = (
            f"The bucket {bucket} is in {region}, and AWS's user guide asks for the Region of the instances."
        )
        yield Finding(WARN, says, code="other-region", about=bucket, next="/symptoms/s3-other-region/")
    known = tuple(ending for endings in _ENDINGS.values() for ending in endings)
    if kind in _ENDINGS and key.endswith(known) and not key.endswith(_ENDINGS[kind]):
        sound = False
        says = f"The revision {where} is said to be {kind}, and its name is that of another type: the agent unpacks it as {kind}."
        yield Finding(WARN, says, code="other-type", about=where, next="/symptoms/bundle-type/")
    if sound:
        not_seen = ", of whatever version" if s3.get("version") else ""
        of_type = f" and of type {kind}" if kind else ""
        yield Finding(OK, f"{where} is there{not_seen}, {size} bytes{of_type}.", about=where)


def bundle_asked(aws: Aws, question: Question) -> str:
    """The bucket of the revision, and its key where that is known, as BUCKET/KEY.

    Raises `NotAsked` where the question leads to no revision, `NotApplicable` where that is not in S3.
    """
    if question.bucket:
        return question.bucket
    if not question.deployment and not question.deployment_group:
        raise NotAsked(
            "No bucket was given (--bucket), and no deployment or deployment group that has a revision."
        )
    revision = _revision_asked(aws, question)
    if bundle := bundle_of(revision):
        return bundle
    where = location(revision) or str(revision.get("revisionType") or "")
    raise NotApplicable(
        f"The revision {where} is not in S3." if revision else "No revision was deployed yet."
    )


def _revision_asked(aws: Aws, question: Question) -> Mapping[str, Any]:
    """The revision of the deployment, or else the one that the group was given last; empty where there is none."""
    info = deployment(aws, question.deployment) if question.deployment else {}
    own = {} if isinstance(info, Refusal) else info.get("revision") or {}
    if own or not question.deployment_group:
        return own
    return known(aws, question).get("targetRevision") or {}
