"""Next tokens: opaque, and good only for the question that they were made for."""

import base64
import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from codedeploy_sandbox.errors import ApiError


def seal(position: Any, *question: Any) -> str:
    """A token that says where the next page of the answer to `question` begins."""
    text = json.dumps([position, _digest(position, question)])
    return base64.urlsafe_b64encode(text.encode()).decode()


def unseal(token: str, *question: Any) -> Any:
    """The position in a token. Raises ValueError for a token that was made for another question, or not by us."""
    try:
        position, digest = json.loads(base64.urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, TypeError, RecursionError):
        raise ValueError("not a token") from None
    if digest != _digest(position, question):
        raise ValueError("a token for another question")
    return position


def page(items: Sequence[Any], size: int, token: str | None, *question: Any) -> tuple[list[Any], str | None]:
    """One page of the items, and the token of the next page.

    Raises ApiError, InvalidNextTokenException, for a token that was made for another question.
    """
    try:
        start = int(unseal(token, *question)) if token is not None else 0
    except ValueError as error:
        raise ApiError("InvalidNextTokenException", f"nextToken is {error}") from None
    rest = items[start + size :]
    return list(items[start : start + size]), seal(start + size, *question) if rest else None


def _digest(position: Any, question: tuple[Any, ...]) -> str:
    return sha256(json.dumps([position, question], sort_keys=True, default=str).encode()).hexdigest()[:16]
