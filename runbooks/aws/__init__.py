"""The way to AWS, or to the sandbox: one session that only reads, remembers, and trusts no half answer."""

from runbooks.aws.connect import connect
from runbooks.aws.session import Aws, Refusal

__all__ = ["Aws", "Refusal", "connect"]
