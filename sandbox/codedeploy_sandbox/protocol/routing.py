"""Which operation a request is for, and in which protocol: by its headers, its form, or its method and path."""

import re
from functools import cache
from typing import Any

from moto.core.request import Request
from moto.core.routing import QueryRouter, RestRouter
from werkzeug.exceptions import NotFound

from codedeploy_sandbox.protocol import models
from codedeploy_sandbox.protocol.models import CBOR

_BY_VERSION = {
    ("elasticloadbalancing", "2012-06-01"): "elb",
    ("elasticloadbalancing", "2015-12-01"): "elbv2",
}


def spoken(service: str, http: Request) -> str:
    """The protocol of a request: what it looks like, where the service speaks that, or the service's first."""
    if http.headers.get("Smithy-Protocol") == "rpc-v2-cbor":
        return CBOR
    seen = "rest-json"
    if "X-Amz-Target" in http.headers:
        seen = "json"
    elif http.mimetype == "application/x-www-form-urlencoded" or "Action" in http.args:
        seen = "query"
    known = models.protocols(service)
    return seen if seen in known else next(iter(known), seen)


def recognise(service: str, protocol: str, http: Request) -> tuple[str, dict[str, Any]] | None:
    """The operation and the parameters that stand in its path; None for what the model does not have."""
    model = models.service(service)
    if not model:
        return None
    if protocol in (CBOR, "json"):
        pattern = r"/service/(.*)/operation/(.*)" if protocol == CBOR else r"(.*)\.(.*)"
        target = http.path if protocol == CBOR else http.headers.get("X-Amz-Target", "")
        found = re.fullmatch(pattern, target)
        named = found and found[1] == model.metadata.get("targetPrefix") and found[2] in model.operation_names
        return (found[2], {}) if found and named else None
    try:
        operation, in_path = _router(service, protocol).match(http)
    except NotFound:
        return None
    return operation.name, in_path


def model_of(service: str, http: Request) -> str:
    """The name of the model of a service by its signing name: two sign as Elastic Load Balancing."""
    return _BY_VERSION.get((service, http.values.get("Version", "")), service)


def named(http: Request) -> str:
    """The name by which a request asks for an operation that no model has."""
    if target := http.headers.get("X-Amz-Target"):
        return str(target.rpartition(".")[2])
    if "Smithy-Protocol" in http.headers:
        return str(http.path.rpartition("/")[2])
    return str(http.values.get("Action") or f"{http.method} {http.path}")


def unsigned(http: Request) -> str:
    """The service of a request that needs no signature, or "" for any other."""
    asked = models.operation("sts", http.values.get("Action", ""))
    return "sts" if asked and asked.auth_type == "none" else ""


@cache
def _router(service: str, protocol: str) -> QueryRouter | RestRouter:
    router = RestRouter if protocol.startswith("rest") else QueryRouter
    return router(models.service(service))
