"""botocore's service models: the only source of what a request and an answer look like."""

import re
from functools import cache

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, StructureShape
from moto.core.model import ServiceModel  # botocore's, with the few properties more that moto's codec needs
from moto.core.utils import get_service_model

CBOR = "smithy-rpc-v2-cbor"
# A model may list several protocols; this is the order in which clients choose.
_PROTOCOLS = ("json", "rest-json", "rest-xml", "query", "ec2")


@cache
def service(name: str) -> ServiceModel | None:
    """The model of the service with this signing name, or None. The name may come from the wire."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        return None
    try:
        return get_service_model(name)  # moto's own, so that each is read once
    except UnknownServiceError:
        return None


def operation(service_name: str, name: str) -> OperationModel | None:
    """The model of an operation, or None."""
    model = service(service_name)
    return model.operation_model(name) if model and name in model.operation_names else None


def protocols(service_name: str) -> list[str]:
    """The protocols that clients speak with this service, first the one that they choose; CBOR is asked for by name."""
    model = service(service_name)
    spoken = model.metadata.get("protocols", [model.metadata.get("protocol")]) if model else []
    return [name for name in _PROTOCOLS if name in spoken]


def status(service_name: str, code: str) -> int:
    """The HTTP status that the model gives an error; 400 where it does not declare the error."""
    model = service(service_name)
    for shape in model.error_shapes if model else []:
        if isinstance(shape, StructureShape) and shape.error_code == code:
            return int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
    return 400
