"""Addresses of the guide."""

import os


def page_url(path: str) -> str:
    """The address of a page of the guide ("/checks/#agent-is-running"), below RUNBOOKS_SITE if that is set."""
    return (os.environ.get("RUNBOOKS_SITE") or "http://127.0.0.1:8000").rstrip("/") + path


def is_local() -> bool:
    """Whether those addresses are of this machine only."""
    return page_url("").startswith("http://127.0.0.1:")
