"""What counts as an answer of AWS: botocore itself takes almost any body for one.

An HTTP 200 from a proxy or a captive portal parses into an empty answer, and a text where a list should be parses into
a list of its letters. Read as an answer, the first says "there is none", and the second says anything.
"""

import json
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}


class NotAnAnswer(Exception):
    """What came back is not an answer of AWS to this call. The message says what is wrong with it."""

    def __init__(self, api: str, wrong: str) -> None:
        super().__init__(
            f"{api} was answered {wrong}, so what answered is not AWS, or the answer was changed"
        )
        self.api = api


def require(api: str, answer: Any, name: str, *members: str) -> Any:
    """The member ``name`` of an answer, in which each of ``members`` is there and not empty.

    A path leads through structures and lists: ``Routes.State`` is the State of each route, if there are routes.
    Raises `NotAnAnswer` for what is missing.
    """
    if not answer.get("ResponseMetadata", {}).get("RequestId"):
        raise NotAnAnswer(api, "without a request id")
    for path in (name, *(f"{name}.{member}" for member in members)):
        if _lacks(answer, path, may_be_empty=path == name):
            raise NotAnAnswer(api, f"without the member {path}")
    return answer[name]


def _lacks(value: Any, path: str, *, may_be_empty: bool = False) -> bool:
    if isinstance(value, list):
        return any(_lacks(item, path, may_be_empty=may_be_empty) for item in value)
    if not isinstance(value, dict):
        return True
    name, _, rest = path.partition(".")
    inner = value.get(name)
    if rest:  # a list or a structure that is not there has no members to lack
        return inner is not None and _lacks(inner, rest, may_be_empty=may_be_empty)
    return inner is None or (inner == "" and not may_be_empty)


def refuse_wrong_types(api: str, shape: Shape | None, body: bytes) -> None:
    """Raise `NotAnAnswer` where a JSON body has a member of another type than botocore's model says."""
    if shape is not None:
        try:
            document = json.loads(body)
        except ValueError:
            raise NotAnAnswer(api, "with something that is not JSON") from None
        if wrong := _misfit(shape, document, shape.name):
            raise NotAnAnswer(api, f"with {wrong}")


def _misfit(shape: Shape, value: Any, path: str) -> str:
    """The first member whose type is not the model's, in words; "" where all fit. A null member is one that is not there."""
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            return _wrong(path, "a structure", value)
        named = ((member.serialization.get("name", name), member) for name, member in shape.members.items())
        members = (
            _misfit(member, value[name], f"{path}.{name}")
            for name, member in named
            if value.get(name) is not None
        )
        return next(filter(None, members), "")
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            return _wrong(path, "a list", value)
        return next(filter(None, (_misfit(shape.member, item, f"{path}[]") for item in value)), "")
    if isinstance(shape, MapShape):
        if not isinstance(value, dict):
            return _wrong(path, "a map", value)
        values = (_misfit(shape.value, item, f"{path}{{}}") for item in value.values() if item is not None)
        return next(filter(None, values), "")
    fits = isinstance(value, _SCALARS[shape.type_name])
    if fits and (shape.type_name == "boolean" or not isinstance(value, bool)):
        return ""
    return _wrong(path, f"a {shape.type_name}", value)


def _wrong(path: str, wanted: str, value: Any) -> str:
    kinds = {dict: "a structure", list: "a list", str: "a text", bool: "a boolean", type(None): "nothing"}
    return f"{kinds.get(type(value), 'a number')} as {path}, which is {wanted}"
