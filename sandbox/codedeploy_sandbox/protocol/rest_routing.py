"""Which operation a REST request is: such a request does not say, its method, path and query do."""

import re
from functools import cache
from typing import NamedTuple
from urllib.parse import parse_qsl

from botocore.model import OperationModel
from werkzeug.wrappers import Request

from codedeploy_sandbox.protocol import models


class _Route(NamedTuple):
    operation: str
    method: str
    path: re.Pattern[str]
    query: dict[str, str]  # what the query must hold, "" where any value will do
    headers: frozenset[str]  # the headers that must be there


def recognise(service: str, http: Request) -> tuple[str, dict[str, str]] | None:
    """The operation and the parameters that stand in its path, or None for a request that fits no operation.

    Of several that fit it is the one that asks for most: UploadPart, not PutObject, when there is an upload id.
    """
    for route in _routes(service):
        found = route.path.fullmatch(http.path) if route.method == http.method else None
        asked = route.query.items()
        if (
            found
            and all(key in http.args and value in ("", http.args[key]) for key, value in asked)
            and all(name in http.headers for name in route.headers)
        ):
            return route.operation, found.groupdict()
    return None


@cache
def _routes(service: str) -> list[_Route]:
    model = models.service(service)
    if not model or models.protocol(service) not in ("rest-xml", "rest-json"):
        return []
    operations = sorted(map(model.operation_model, model.operation_names), key=lambda one: one.deprecated)
    return sorted(map(_route, operations), key=lambda route: -len(route.query) - len(route.headers))


def _route(operation: OperationModel) -> _Route:
    path, _, query = operation.http["requestUri"].partition("?")
    pattern = "".join(
        f"(?P<{piece.strip('{}+')}>{'.+' if piece.endswith('+}') else '[^/]+'})"
        if piece.startswith("{")
        else re.escape(piece)
        for piece in re.split(r"(\{\w+\+?\})", path)
    )
    must = dict(parse_qsl(query, keep_blank_values=True))
    shape = operation.input_shape
    places = [shape.members[name].serialization for name in shape.required_members] if shape else []
    for place in places:
        if place.get("location") == "querystring":
            must[place["name"]] = ""
    headers = frozenset(place["name"] for place in places if place.get("location") == "header")
    return _Route(operation.name, operation.http["method"], re.compile(pattern + "/?"), must, headers)
