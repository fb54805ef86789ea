"""CodeDeploy's seven operations on on-premises instances, with every error that the model declares for them.

A public function is an operation: its name and its keywords are the model's, and so are the names in what it
returns. The model's own constraints have been checked before it is called.
"""

import re
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.selection import matches
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.state import Call, Instance

PAGE = 100  # Assumption: list-page
BATCH = 100  # Assumption: batch-limit
TAG_CALL = 100  # Assumption: tag-call
TAGS, TAG_KEY, TAG_VALUE = 10, 128, 256

_NAME = re.compile(r"(?!i-)[A-Za-z0-9+=,.@_-]{1,100}")
# Assumption: arn-account
_USER_ARN = re.compile(r"arn:aws(-cn|-us-gov)?:iam::\d{12}:user/[A-Za-z0-9/+=,.@_-]+")
_SESSION_ARN = re.compile(
    r"arn:aws(-cn|-us-gov)?:sts::\d{12}:assumed-role/[\w+=,.@-]{1,64}/[\w+=,.@-]{2,64}", re.A
)


def RegisterOnPremisesInstance(
    call: Call, *, instanceName: str, iamUserArn: str | None = None, iamSessionArn: str | None = None
) -> dict[str, Any]:
    """Register a name with the ARN of an IAM user or of a session of a role."""
    # Assumption: check-order
    _check_names([instanceName])
    _check_arns(iamUserArn, iamSessionArn)
    if call.state.registered(instanceName):
        raise ApiError("InstanceNameAlreadyRegisteredException", f"{instanceName} is registered already")
    if holder := call.state.holders.get(iamUserArn or iamSessionArn or ""):
        kind = "User" if iamUserArn else "Session"
        raise ApiError(
            f"Iam{kind}ArnAlreadyRegisteredException", f"the ARN is registered for {holder} already"
        )
    call.state.register(instanceName, call.at, user=iamUserArn or None, session=iamSessionArn or None)
    return {}


def DeregisterOnPremisesInstance(call: Call, *, instanceName: str) -> dict[str, Any]:
    """Deregister a name."""
    _check_names([instanceName])
    # Assumption: deregister-unknown
    # Assumption: deregistered-listed
    call.state.deregister(instanceName, call.at)
    return {}


def GetOnPremisesInstance(call: Call, *, instanceName: str) -> dict[str, Any]:
    """One instance. A deregistered one has a deregisterTime."""
    _check_names([instanceName])
    # Assumption: get-deregistered
    instance = call.state.instances.get(instanceName)
    if not instance:
        raise _not_registered(instanceName)
    return {"instanceInfo": _info(instance)}


def BatchGetOnPremisesInstances(call: Call, *, instanceNames: list[str]) -> dict[str, Any]:
    """Several instances at once."""
    _check_names(instanceNames)
    if len(instanceNames) > BATCH:
        raise ApiError("BatchLimitExceededException", f"{len(instanceNames)} names; the most is {BATCH}")
    # Assumption: batch-unknown
    known = (call.state.instances.get(name) for name in dict.fromkeys(instanceNames))
    return {"instanceInfos": [_info(instance) for instance in known if instance]}


def ListOnPremisesInstances(
    call: Call,
    *,
    registrationStatus: str | None = None,
    tagFilters: list[dict[str, str]] | None = None,
    nextToken: str | None = None,
) -> dict[str, Any]:
    """The names of the instances that pass the filters; registered and deregistered ones without a filter."""
    for tag_filter in tagFilters or []:
        _check_filter(tag_filter)
    # Assumption: token-life
    question = (call.operation, call.region, registrationStatus, tagFilters)
    after = _position(nextToken, question)
    names = [
        name
        for name, instance in sorted(call.state.instances.items())
        if name > after and _passes(instance, registrationStatus, tagFilters or [])
    ]
    token = tokens.seal(names[PAGE - 1], *question) if len(names) > PAGE else None
    return {"instanceNames": names[:PAGE], "nextToken": token}


def AddTagsToOnPremisesInstances(
    call: Call, *, tags: list[dict[str, str]], instanceNames: list[str]
) -> dict[str, Any]:
    """Give tags to instances: to all of them, or to none if one of them cannot have them."""
    instances = _taggable(call, tags, instanceNames)
    # Assumption: tag-replace
    new = {tag["Key"]: tag.get("Value", "") for tag in tags}
    for instance in instances:
        if len(instance.tags | new) > TAGS:
            raise ApiError("TagLimitExceededException", f"{instance.name} would have more than {TAGS} tags")
    for instance in instances:
        instance.tags |= new
    return {}


def RemoveTagsFromOnPremisesInstances(
    call: Call, *, tags: list[dict[str, str]], instanceNames: list[str]
) -> dict[str, Any]:
    """Take tags from instances. A tag that an instance does not have is ignored."""
    for instance in _taggable(call, tags, instanceNames):
        for tag in tags:
            # Assumption: tag-remove
            if "Value" not in tag or instance.tags.get(tag["Key"]) == tag["Value"]:
                instance.tags.pop(tag["Key"], None)
    return {}


def _check_names(names: list[str]) -> None:
    if not names or "" in names:
        raise ApiError("InstanceNameRequiredException", "an instance name is missing")
    for name in names:
        if not _NAME.fullmatch(name):
            raise ApiError(
                "InvalidInstanceNameException",
                f"{name[:120]!r} must be 1 to 100 letters, digits and + = , . @ _ - and must not begin with i-",
            )


def _check_arns(user: str | None, session: str | None) -> None:
    if user and session:
        raise ApiError("MultipleIamArnsProvidedException", "give iamUserArn or iamSessionArn, not both")
    if user == "" and session is None:
        # Assumption: empty-arn
        raise ApiError("IamUserArnRequiredException", "iamUserArn is empty")
    if not user and not session:
        raise ApiError("IamArnRequiredException", "give iamUserArn or iamSessionArn")
    if user and not _USER_ARN.fullmatch(user):
        raise ApiError("InvalidIamUserArnException", f"{user[:200]!r} is not the ARN of an IAM user")
    if session and not _SESSION_ARN.fullmatch(session):
        raise ApiError(
            "InvalidIamSessionArnException", f"{session[:200]!r} is not the ARN of an assumed role session"
        )


def _check_filter(tag_filter: dict[str, str]) -> None:
    # Assumption: filter-type
    needs = {"KEY_ONLY": ["Key"], "VALUE_ONLY": ["Value"], "KEY_AND_VALUE": ["Key", "Value"]}
    kind = tag_filter.get("Type")
    missing = [need for need in needs.get(kind, []) if need not in tag_filter] if kind else ["Type"]
    if missing:
        raise ApiError("InvalidTagFilterException", f"a tag filter has no {missing[0]}")


def _position(token: str | None, question: tuple[Any, ...]) -> str:
    # Assumption: empty-token
    if token is None:
        return ""
    try:
        return str(tokens.unseal(token, *question))
    except ValueError as error:
        raise ApiError("InvalidNextTokenException", f"nextToken is {error}") from None


def _passes(instance: Instance, status: str | None, tag_filters: list[dict[str, str]]) -> bool:
    if status and (status == "Deregistered") != bool(instance.deregistered):
        return False
    # Assumption: filter-any
    return not tag_filters or any(matches(instance.tags, tag_filter) for tag_filter in tag_filters)


def _taggable(call: Call, tags: list[dict[str, str]], names: list[str]) -> list[Instance]:
    """The instances to tag, after every check that adding and removing share."""
    _check_names(names)
    if len(names) > TAG_CALL:
        raise ApiError("InstanceLimitExceededException", f"{len(names)} instances; the most is {TAG_CALL}")
    if not tags:
        raise ApiError("TagRequiredException", "a tag is missing")
    if len(tags) > TAGS:
        raise ApiError("TagLimitExceededException", f"{len(tags)} tags; the most is {TAGS}")
    for tag in tags:
        if not 1 <= len(tag.get("Key", "")) <= TAG_KEY or len(tag.get("Value", "")) > TAG_VALUE:
            raise ApiError(
                "InvalidTagException",
                f"a tag has a key of 1 to {TAG_KEY} characters and a value of at most {TAG_VALUE}",
            )
    instances = []
    for name in dict.fromkeys(names):
        # Assumption: tag-deregistered
        instance = call.state.registered(name)
        if not instance:
            raise _not_registered(name)
        instances.append(instance)
    return instances


def _not_registered(name: str) -> ApiError:
    return ApiError("InstanceNotRegisteredException", f"{name} is not registered here")


def _info(instance: Instance) -> dict[str, Any]:
    return {
        "instanceName": instance.name,
        "instanceArn": instance.arn,
        "iamUserArn": instance.iam_user_arn,
        "iamSessionArn": instance.iam_session_arn,
        "registerTime": instance.registered,
        "deregisterTime": instance.deregistered,
        "tags": [{"Key": key, "Value": value} for key, value in instance.tags.items()],
    }
