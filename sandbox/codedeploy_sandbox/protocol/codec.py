"""Requests in, answers and errors out, as the models describe them. moto's and botocore's own codecs do the work.

moto's parsers and serializers are its internals; `tests/sandbox/protocol/test_codec.py` holds them to botocore.
"""

import base64
import json
import re
import warnings
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import DenormalizedStructureBuilder, OperationModel, Shape
from botocore.parsers import ResponseParserError, RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer
from botocore.utils import parse_timestamp
from moto.core.parse import EC2QueryParser, JSONParser, QueryParser
from moto.core.serialize import SerializationContext, get_serializer_class
from werkzeug.wrappers import Response

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.protocol import models
from codedeploy_sandbox.protocol.models import CBOR

LONGEST = 2**20  # bytes of the body of a request that is read
FIELDS = 10_000  # of a form

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNREADABLE = (
    *(ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError, OSError),
    MemoryError,  # CBOR that says that it is long
)

# moto warns of each error that a service's model does not declare, such as every AccessDenied.
warnings.filterwarnings("ignore", "Exception.* does not match an error shape")


def read(operation: OperationModel, protocol: str, body: bytes) -> dict[str, Any]:
    """The parameters in the body of a request. Raises ApiError when the body is not what the model says."""
    shape = operation.input_shape
    if shape is None:
        return {}
    if len(body) > LONGEST:
        # Assumption: body-limit
        raise ApiError("SerializationException", f"the request has {len(body)} bytes; the most is {LONGEST}")
    try:
        if protocol == CBOR:
            answer = {"status_code": 200, "headers": {}, "body": body or b"\xa0"}
            read = _Cbor().parse(answer, shape)  # botocore's parser of answers: CBOR is the same both ways
            del read["ResponseMetadata"]
        elif protocol == "json":
            json.loads(body or b"{}")  # moto takes anything else for an empty request
            read = _Json(operation, _time, _blob).parse({"body": body})
        else:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS))
            read = (_Ec2 if protocol == "ec2" else _Query)(operation, _time, _blob).parse({"values": form})
    except (*_UNREADABLE, ResponseParserError) as error:
        raise ApiError("SerializationException", f"the request cannot be read: {error}") from None
    return dict(read)


def write(operation: OperationModel, protocol: str, output: dict[str, Any], request_id: str) -> Response:
    """An answer. `output` has the members of the model's output shape; None stands for a member left out."""
    if protocol == CBOR:
        return _cbor(operation.output_shape or _NOTHING, output, 200, request_id)
    return _serialized(operation, protocol, output, request_id)


def write_error(service: str, protocol: str, error: ApiError, request_id: str) -> Response:
    """An error, in the protocol of the service; its HTTP status is the model's, where the error does not name one."""
    if protocol == CBOR:
        content = {"__type": error.code, "message": error.message}
        return _cbor(_ERROR, content, error.status or models.status(service, error.code), request_id)
    # An error has the same form for every operation, and for a service without a model that of its protocol's.
    model = models.service(service) or models.service("iam" if protocol == "query" else "codedeploy")
    assert model is not None  # noqa: S101 - botocore always has these two
    return _serialized(
        model.operation_model(model.operation_names[0]), protocol, error, request_id, error.status
    )


def _serialized(
    operation: OperationModel, protocol: str, result: Any, request_id: str, status: int | None = None
) -> Response:
    serializer = get_serializer_class(operation.service_model.service_name, protocol)
    answer = serializer(operation, SerializationContext(request_id)).serialize(result)
    body, headers = answer["body"], answer["headers"]
    if protocol == "json":  # moto goes by the service's first protocol, which may be another one
        version = operation.service_model.metadata.get("jsonVersion", "1.1")
        headers["Content-Type"] = f"application/x-amz-json-{version}"
    elif protocol != "rest-json":  # XML has no way at all to carry most control characters
        body = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", body)
    return _response(body, status or answer["status_code"], headers, request_id)


def _cbor(shape: Shape, value: dict[str, Any], status: int, request_id: str) -> Response:
    body: bytes = RpcV2CBORSerializer()._serialize_body_params(value, shape)  # type: ignore[attr-defined]
    headers = {"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"}
    return _response(body, status, headers, request_id)


def _response(body: str | bytes, status: int, headers: dict[str, str], request_id: str) -> Response:
    return Response(body, status, {**headers, "x-amzn-RequestId": request_id})


def _structure(*texts: str) -> Shape:
    members: Any = {text: {"type": "string"} for text in texts}
    return DenormalizedStructureBuilder().with_members(members).build_model()


_NOTHING, _ERROR = _structure(), _structure("__type", "message")


# --- stricter than moto and botocore: a type that does not fit is an error of the caller


_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("string", "character"), str),
    **dict.fromkeys(("integer", "long"), int),
    **dict.fromkeys(("float", "double"), (int, float)),
    **dict.fromkeys(("structure", "map"), dict),
    "list": list,
    "boolean": bool,
    "timestamp": (str, int, float, datetime),
    "blob": (str, bytes),
}


class _Typed:
    def _parse_shape(self, shape: Shape, node: Any) -> Any:
        document = getattr(shape, "is_document_type", False)
        fits = isinstance(node, _TYPES[shape.type_name]) and isinstance(node, bool) <= (
            shape.type_name == "boolean"  # a boolean is not a number, though Python says that it is
        )
        if not fits and not document:
            raise TypeError(f"{type(node).__name__} where {shape.type_name} belongs")
        return super()._parse_shape(shape, node)  # type: ignore[misc]


class _Json(_Typed, JSONParser):  # type: ignore[misc]
    pass


class _Cbor(_Typed, RpcV2CBORParser):
    pass


class _Form:
    def _parse_boolean(self, shape: Shape, form: dict[str, str], prefix: str = "") -> Any:
        if form.get(prefix, "true").lower() not in ("true", "false"):
            raise ValueError(f"{form[prefix]!r} is neither true nor false")
        return super()._parse_boolean(shape, form, prefix)  # type: ignore[misc]


class _Query(_Form, QueryParser):  # type: ignore[misc]
    pass


class _Ec2(_Form, EC2QueryParser):  # type: ignore[misc]
    pass


def _time(value: Any) -> datetime:
    time = parse_timestamp(value)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _blob(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
