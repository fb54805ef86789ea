"""botocore's service models: the only source of what a request and an answer look like."""

import re
from functools import cache

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

# A model may list several protocols; this is the order in which clients choose, without CBOR, which the sandbox
# does not speak.
_PROTOCOLS = ("json", "rest-json", "rest-xml", "query", "ec2")
_LOADER = Loader()


@cache
def service(name: str) -> ServiceModel | None:
    """The model of the service with this signing name, or None. The name may come from the wire."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        return None
    try:
        return ServiceModel(_LOADER.load_service_model(name, "service-2"), name)
    except UnknownServiceError:
        return None


def operation(service_name: str, name: str) -> OperationModel | None:
    """The model of an operation, or None."""
    model = service(service_name)
    return model.operation_model(name) if model and name in model.operation_names else None


def protocol(service_name: str) -> str | None:
    """The protocol in which to speak for this service, or None for a service without a model."""
    model = service(service_name)
    spoken = model.metadata.get("protocols", [model.metadata.get("protocol")]) if model else []
    return next((name for name in _PROTOCOLS if name in spoken), None)
