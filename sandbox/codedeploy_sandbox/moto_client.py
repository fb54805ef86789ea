"""moto asked from inside the process: botocore's models write the request and read the answer, and no socket is used."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from codedeploy_sandbox.protocol import models
from codedeploy_sandbox.state import REGION

Ask = Callable[
    ..., dict[str, Any]
]  # ask("iam", "GetRole", RoleName="OnCall"), with region=... where that matters


def asker(wsgi: Callable[[dict[str, Any], bytes], Response]) -> Ask:
    """A function that asks the application for an operation and gives its answer, as a boto3 client would.

    It raises RuntimeError where moto answers with an error: what the sandbox itself asks for has to be right.
    """

    def ask(service: str, operation: str, *, region: str = REGION, **parameters: Any) -> dict[str, Any]:
        model, protocol = models.operation(service, operation), models.protocol(service)
        if not model or not protocol:
            raise RuntimeError(f"botocore has no model of {service}:{operation}")
        request = create_serializer(protocol).serialize_to_request(parameters, model)
        scope = f"AWS4-HMAC-SHA256 Credential=INSIDE/20260101/{region}/{service}/aws4_request, Signature=0"
        headers = {**request["headers"], "Authorization": scope}
        path, _, query = request["url_path"].partition("?")
        environ = EnvironBuilder(
            path,
            method=request["method"],
            query_string="&".join(filter(None, [query, urlencode(request["query_string"] or {})])),
            headers=list(headers.items()),
        ).get_environ()
        body = request["body"]
        if isinstance(body, dict):  # a form
            body = urlencode(body)
        answer = wsgi(environ, body.encode() if isinstance(body, str) else body)
        content: Any = {
            "status_code": answer.status_code,
            "headers": dict(answer.headers.items()),
            "body": answer.get_data(),
        }
        output: Any = model.output_shape  # botocore takes None for it, and says otherwise
        parsed: dict[str, Any] = create_parser(protocol).parse(content, output)
        if "Error" in parsed:
            raise RuntimeError(f"moto refused {service}:{operation}: {parsed['Error']}")
        return parsed

    return ask
