"""The HTTP session of a boto3 client, with a limit on how much of an answer it reads."""

from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.response import StreamingBody

MOST_BYTES = 16 * 1024 * 1024  # of one body; the longest page that is asked for has a few MB
_CHUNK = 64 * 1024


class TooLong(Exception):
    """An answer was longer than any of AWS's; the rest of it was not read."""


class LimitedSession:
    """botocore's HTTP session ``inner``, which by itself reads a body of any length into memory."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def send(self, request: Any) -> AWSResponse:
        """Send a request. Raises `TooLong`, and what botocore's own session raises."""
        if request.stream_output:  # the caller that asks for a stream reads it
            return self._inner.send(request)  # type: ignore[no-any-return]
        request.stream_output = True
        response = self._inner.send(request)
        length: Any = None  # not compared, as botocore itself does not: its parsers find a body that was cut
        body = _read(StreamingBody(response.raw, length))
        return AWSResponse(response.url, response.status_code, response.headers, _Whole(body))

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class _Whole:
    """A body that was read, in the place of a stream."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def _read(stream: StreamingBody) -> bytes:
    body = bytearray()
    while chunk := stream.read(_CHUNK):
        body += chunk
        if len(body) > MOST_BYTES:
            stream.close()
            raise TooLong(f"an answer of more than {MOST_BYTES // (1024 * 1024)} MB")
    return bytes(body)
