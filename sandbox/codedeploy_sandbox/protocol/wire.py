"""Requests in, answers and errors out, as botocore's model describes them, for the json, query and ec2 protocols.

Flattened lists and maps are not spoken: among the services with these protocols only SimpleDB has any.
"""

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.utils import parse_timestamp
from werkzeug.wrappers import Response

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.protocol import models

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(operation: OperationModel, protocol: str, body: bytes) -> dict[str, Any]:
    """The parameters in the body of a request. Raises ApiError when the body is not what the model says."""
    shape = operation.input_shape
    if shape is None:
        return {}
    try:
        if protocol == "json":
            parameters = _from_json(shape, json.loads(body or b"{}"))
        else:
            parameters = _from_form(shape, _tree(body), protocol)
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError) as error:
        raise ApiError("SerializationException", f"the request cannot be read: {error}") from None
    return dict(parameters)


def write(operation: OperationModel, protocol: str, output: dict[str, Any], request_id: str) -> Response:
    """An answer. `output` has the members of the model's output shape; None stands for a member left out."""
    shape = operation.output_shape
    if protocol == "json":
        content = json.dumps(_to_json(shape, output) if shape else {})
        return _json(content, 200, operation.metadata.get("jsonVersion", "1.1"), request_id)
    root = ElementTree.Element(f"{operation.name}Response", _namespace(operation.service_model))
    if protocol == "ec2":
        _text(root, "requestId", request_id)
        _members(root, shape, output)
    else:
        wrapper = shape.serialization.get("resultWrapper") if shape else None
        _members(ElementTree.SubElement(root, wrapper) if wrapper else root, shape, output)
        _text(ElementTree.SubElement(root, "ResponseMetadata"), "RequestId", request_id)
    return _xml(root, 200, request_id)


def write_error(service: str, protocol: str, error: ApiError, request_id: str) -> Response:
    """An error, in the protocol of the service; its HTTP status is the model's, where the error does not name one."""
    model = models.service(service)
    status = error.status or _status(model, error.code)
    if protocol in ("json", "rest-json"):
        content = json.dumps({"__type": error.code, "message": error.message})
        version = str(model.metadata.get("jsonVersion", "1.1")) if model else "1.1"
        return _json(content, status, version, request_id)
    return _xml(_xml_error(protocol, model, status, error, request_id), status, request_id)


def _xml_error(
    protocol: str, model: ServiceModel | None, status: int, error: ApiError, request_id: str
) -> ElementTree.Element:
    if protocol == "ec2":
        root = ElementTree.Element("Response")
        detail = ElementTree.SubElement(ElementTree.SubElement(root, "Errors"), "Error")
        _text(root, "RequestID", request_id)
    elif protocol == "rest-xml":
        root = detail = ElementTree.Element("Error")
        _text(root, "RequestId", request_id)
    else:
        root = ElementTree.Element("ErrorResponse", _namespace(model))
        detail = ElementTree.SubElement(root, "Error")
        _text(detail, "Type", "Sender" if status < 500 else "Receiver")
        _text(root, "RequestId", request_id)
    _text(detail, "Code", error.code)
    _text(detail, "Message", error.message)
    return root


def _namespace(model: ServiceModel | None) -> dict[str, str]:
    return {"xmlns": str(model.metadata.get("xmlNamespace", ""))} if model else {}


def _status(model: ServiceModel | None, code: str) -> int:
    for shape in model.error_shapes if model else []:
        if isinstance(shape, StructureShape) and shape.error_code == code:
            return int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
    return 400


def _json(content: str, status: int, version: str, request_id: str) -> Response:
    headers = {"x-amzn-RequestId": request_id}
    return Response(content, status, headers, content_type=f"application/x-amz-json-{version}")


def _xml(root: ElementTree.Element, status: int, request_id: str) -> Response:
    content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(content, status, {"x-amzn-RequestId": request_id}, content_type="text/xml")


# --- json


def _from_json(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        if shape.is_document_type:
            return value
        _expect(value, dict)
        found = ((name, member, value.get(_name(member, name))) for name, member in shape.members.items())
        return {name: _from_json(member, item) for name, member, item in found if item is not None}
    if isinstance(shape, ListShape):
        return [_from_json(shape.member, item) for item in _expect(value, list)]
    if isinstance(shape, MapShape):
        return {key: _from_json(shape.value, item) for key, item in _expect(value, dict).items()}
    return _JSON_SCALARS[shape.type_name](value)


def _to_json(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        if shape.is_document_type:
            return value
        return {
            _name(shape.members[name], name): _to_json(shape.members[name], item)
            for name, item in value.items()
            if item is not None
        }
    if isinstance(shape, ListShape):
        return [_to_json(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _to_json(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return _utc(value).timestamp()
    return base64.b64encode(value).decode() if shape.type_name == "blob" else value


def _expect(value: Any, *types: type) -> Any:
    # A JSON boolean is not a number, though Python says that it is.
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise TypeError(f"{type(value).__name__} where {types[0].__name__} belongs")
    return value


_JSON_SCALARS: dict[str, Any] = {
    "string": lambda value: _expect(value, str),
    "character": lambda value: _expect(value, str),
    "integer": lambda value: _expect(value, int),
    "long": lambda value: _expect(value, int),
    "float": lambda value: float(_expect(value, float, int)),
    "double": lambda value: float(_expect(value, float, int)),
    "boolean": lambda value: _expect(value, bool),
    "timestamp": lambda value: _utc(parse_timestamp(_expect(value, str, int, float))),
    "blob": lambda value: base64.b64decode(_expect(value, str), validate=True),
}


# --- forms: query and ec2


def _tree(body: bytes) -> dict[str, Any]:
    """`A.member.1=x` as {"A": {"member": {"1": "x"}}}."""
    root: dict[str, Any] = {}
    for key, value in parse_qsl(body.decode(), keep_blank_values=True):
        *path, last = key.split(".")
        node = root
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return root


def _from_form(shape: Shape, node: Any, protocol: str) -> Any:
    if isinstance(shape, StructureShape):
        found = (
            (name, member, node.get(_key(member, name, protocol))) for name, member in shape.members.items()
        )
        return {name: _from_form(member, item, protocol) for name, member, item in found if item is not None}
    if isinstance(shape, ListShape):
        if protocol == "query":
            node = node and node.get(_name(shape.member, "member"))
        return [_from_form(shape.member, item, protocol) for item in _numbered(node)]
    if isinstance(shape, MapShape):
        key, value = _name(shape.key, "key"), _name(shape.value, "value")
        entries = _numbered(node.get("entry"))
        return {entry[key]: _from_form(shape.value, entry[value], protocol) for entry in entries}
    return _FORM_SCALARS[shape.type_name](_expect(node, str))


def _numbered(node: Any) -> list[Any]:
    return [node[key] for key in sorted(node, key=int)] if node else []


def _key(shape: Shape, name: str, protocol: str) -> str:
    if protocol == "ec2":
        own = shape.serialization.get("name", name)
        return str(shape.serialization.get("queryName") or (own[0].upper() + own[1:]))
    return _name(shape, name)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


_FORM_SCALARS: dict[str, Any] = {
    "string": str,
    "character": str,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": _boolean,
    "timestamp": lambda text: _utc(parse_timestamp(text)),
    "blob": lambda text: base64.b64decode(text, validate=True),
}


# --- XML


def _members(parent: ElementTree.Element, shape: StructureShape | None, output: dict[str, Any]) -> None:
    for name, item in output.items():
        if item is not None and shape is not None:
            _to_xml(parent, _name(shape.members[name], name), shape.members[name], item)


def _to_xml(parent: ElementTree.Element, tag: str, shape: Shape, value: Any) -> None:
    if isinstance(shape, StructureShape):
        _members(ElementTree.SubElement(parent, tag), shape, value)
    elif isinstance(shape, ListShape):
        node = ElementTree.SubElement(parent, tag)
        for item in value:
            _to_xml(node, _name(shape.member, "member"), shape.member, item)
    elif isinstance(shape, MapShape):
        node = ElementTree.SubElement(parent, tag)
        for key, item in value.items():
            entry = ElementTree.SubElement(node, "entry")
            _text(entry, _name(shape.key, "key"), key)
            _to_xml(entry, _name(shape.value, "value"), shape.value, item)
    else:
        _text(parent, tag, _scalar(shape, value))


def _scalar(shape: Shape, value: Any) -> str:
    if shape.type_name == "boolean":
        return "true" if value else "false"
    if shape.type_name == "timestamp":
        return _utc(value).isoformat().replace("+00:00", "Z")
    return base64.b64encode(value).decode() if shape.type_name == "blob" else str(value)


def _text(parent: ElementTree.Element, tag: str, text: str) -> None:
    # XML has no way at all to carry most control characters.
    ElementTree.SubElement(parent, tag).text = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


# --- names and times


def _name(shape: Shape, default: str) -> str:
    return str(shape.serialization.get("name", default))


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
