"""The error that an operation answers with."""


class ApiError(Exception):
    """An error answer of AWS: a code, a message and, where the model does not say it, an HTTP status."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
