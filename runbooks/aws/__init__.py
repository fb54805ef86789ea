"""The session with AWS, or with the sandbox: it only reads, remembers, and is strict about answers."""

from runbooks.aws.connect import connect
from runbooks.aws.session import Aws, Refusal

__all__ = ["Aws", "Refusal", "connect"]
