"""moto asked from inside the process: botocore's models write the request and read the answer, and no socket is used."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.protocol import models
from codedeploy_sandbox.state import REGION

# ask("iam", "GetRole", RoleName="OnCall"), with region=... and access_key=... where those matter
Ask = Callable[..., dict[str, Any]]


def asker(wsgi: Callable[[dict[str, Any], bytes], Response]) -> Ask:
    """A function that asks the application for an operation and gives its answer, as a boto3 client would.

    It raises ApiError where moto answers with an error.
    """

    def ask(
        service: str, operation: str, *, region: str = REGION, access_key: str = "INSIDE", **parameters: Any
    ) -> dict[str, Any]:
        model, protocols = models.operation(service, operation), models.protocols(service)
        if not model or not protocols:
            raise RuntimeError(f"botocore has no model of {service}:{operation}")
        request = create_serializer(protocols[0]).serialize_to_request(parameters, model)
        scope = f"AWS4-HMAC-SHA256 Credential={access_key}/20260101/{region}/{model.service_model.signing_name}/aws4_request"
        headers = {**request["headers"], "Authorization": f"{scope}, Signature=0"}
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
            # an error is never a stream
            "body": BytesIO(answer.get_data())
            if model.has_streaming_output and answer.status_code < 300
            else answer.get_data(),
        }
        output: Any = model.output_shape  # botocore takes None for it, and says otherwise
        parsed: dict[str, Any] = create_parser(protocols[0]).parse(content, output)
        if error := parsed.get("Error"):
            raise ApiError(error.get("Code", ""), error.get("Message", ""), answer.status_code)
        del parsed["ResponseMetadata"]
        return parsed

    return ask
