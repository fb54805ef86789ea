"""Errors that are shown as one sentence: something that the user asked for cannot be done as asked."""

from runbooks.text.mask import plain


class UserError(Exception):
    """Something that was asked for cannot be done as asked.

    The message is one sentence that names the thing and says what to do; what it quotes is made plain, with its
    secrets masked. The command line prints it and ends with ``exit_code``; a notebook shows it in place of a traceback.
    """

    def __init__(self, message: str, exit_code: int = 64) -> None:
        super().__init__(plain(message))
        self.exit_code = exit_code

    def _render_traceback_(self) -> list[str]:
        """What IPython shows for this error: the sentence alone (IPython's documented hook)."""
        return [str(self)]


def runbooks_need(missing: ModuleNotFoundError) -> UserError:
    """The error for a package without which no runbook runs."""
    return UserError(
        f"{missing.name} is not installed: `pip install jupyterlab ipykernel nbclient` brings what runbooks need."
    )
