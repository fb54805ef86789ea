"""Kept for those who import it from here: the room is `runbooks.safe`."""

from runbooks.safe import page_url, plain

__all__ = ["page_url", "plain"]
