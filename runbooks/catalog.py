"""What botocore's model of CodeDeploy says: its errors, its operations, its enums.

Every page and every answer that names an error takes its facts from here, so that no page can contradict
the model. Reads one file of botocore, no network, no boto3; everything is read once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

# Declared nowhere in the model. AWS's API reference gives this status for every CodeDeploy error [D].
_DOCUMENTED_STATUS = 400


@dataclass(frozen=True)
class Exception_:
    """One error that the model declares."""

    name: str
    says: str  # AWS's own description, as plain text; "" for one that AWS describes nowhere
    operations: tuple[str, ...]  # that declare it, in alphabetical order; () for three that no operation does
    deprecated: str  # AWS's note, as plain text; "" when it is not deprecated
    http_status: int
    http_status_modelled: bool  # False: the status is AWS's documentation's, the model is silent


@cache
def exceptions() -> Mapping[str, Exception_]:
    """Every error of the model, by its exact name, in alphabetical order."""
    declared_by = {
        name: tuple(operation for operation, errors in operations().items() if name in errors)
        for name, shape in _shapes().items()
        if shape.get("exception")
    }
    return {name: _exception(name, declared_by[name]) for name in sorted(declared_by)}


@cache
def operations() -> Mapping[str, tuple[str, ...]]:
    """Every operation of the model with the names of the errors that it declares, in alphabetical order."""
    return {
        name: tuple(sorted(error["shape"] for error in operation.get("errors", ())))
        for name, operation in sorted(_model()["operations"].items())
    }


@cache
def is_retried(name: str) -> bool:
    """Whether botocore tries again after this error, in its default retry mode ("standard").

    botocore's own decision is asked for, with the answer that AWS would give. KeyError: not in the model.
    """
    # Imported late: a quarter of a second that most callers need not pay.
    from botocore.awsrequest import AWSResponse
    from botocore.compat import HTTPHeaders
    from botocore.retries.standard import RetryContext, StandardRetryConditions

    error = exceptions()[name]
    service = ServiceModel(_model())
    answer = AWSResponse(url="", status_code=error.http_status, headers=HTTPHeaders(), raw=None)
    return any(
        StandardRetryConditions().is_retryable(
            RetryContext(
                attempt_number=1,
                operation_model=service.operation_model(operation),
                parsed_response={"Error": {"Code": name}},
                http_response=answer,
            )
        )
        for operation in error.operations
    )


def enum(shape: str) -> tuple[str, ...]:
    """The values of an enum of the model, in AWS's order. KeyError: the model has no such enum."""
    return tuple(_shapes()[shape]["enum"])


def deployment_error_codes() -> tuple[str, ...]:
    """The codes that a failed deployment carries in `errorInformation.code`."""
    return enum("ErrorCode")


def lifecycle_error_codes() -> tuple[str, ...]:
    """The codes that a failed lifecycle event carries in `diagnostics.errorCode`."""
    return enum("LifecycleErrorCode")


def page_url(name: str) -> str:
    """The address of an error's page on the site, from its root. KeyError: the model has no such error."""
    return f"/exceptions/{exceptions()[name].name}/"


@cache
def _model() -> dict[str, Any]:
    # Only the model that botocore ships: one in ~/.aws/models would change what the pages say.
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    model: dict[str, Any] = loader.load_service_model("codedeploy", "service-2")
    return model


def _shapes() -> dict[str, Any]:
    shapes: dict[str, Any] = _model()["shapes"]
    return shapes


def _exception(name: str, declared_by: tuple[str, ...]) -> Exception_:
    shape = _shapes()[name]
    status = shape.get("error", {}).get("httpStatusCode")
    return Exception_(
        name=name,
        says=_plain(shape["documentation"]),
        operations=declared_by,
        deprecated=_plain(shape.get("deprecatedMessage", "")),
        http_status=status or _DOCUMENTED_STATUS,
        http_status_modelled=status is not None,
    )


class _Text(HTMLParser):
    """Gives the text between tags to ``take``."""

    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__()
        self.take = take

    def handle_data(self, data: str) -> None:
        self.take(data)


def _plain(html: str) -> str:
    """The text of a snippet of HTML, on one line."""
    pieces: list[str] = []
    parser = _Text(pieces.append)
    parser.feed(html)
    parser.close()
    return " ".join("".join(pieces).split())
