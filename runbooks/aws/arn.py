"""The one reader of ARNs, on botocore's parser."""

from dataclasses import dataclass

from botocore.utils import ArnParser, InvalidArnException


@dataclass(frozen=True)
class Arn:
    """The parts of an ARN that the checks use, its kind as IAM and STS have it; empty ones where a text is not an ARN."""

    partition: str = ""
    region: str = ""  # "" for those of IAM and STS
    account: str = ""
    kind: str = ""  # user, role, assumed-role, root, federated-user
    path: str = ""  # what follows the kind: the name of a user with its path, "ROLE/SESSION" of a session

    @property
    def name(self) -> str:
        """The last part: the name of a user or a role without its path, or of a session."""
        return self.path.rpartition("/")[2]

    @property
    def role(self) -> str:
        """The name of a session's role."""
        return self.path.partition("/")[0]

    @classmethod
    def of(cls, text: str) -> "Arn":
        """The parts of ``text``."""
        try:
            parts = ArnParser().parse_arn(text)
        except InvalidArnException:
            return cls()
        kind, _, path = parts["resource"].partition("/")
        return cls(parts["partition"], parts["region"], parts["account"], kind, path)
