"""JupyterLab as `make run` and `runbooks open` start it: copies save themselves, the committed runbooks are read-only."""

from pathlib import PurePosixPath
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class CommittedRunbooksAreReadOnly(AsyncLargeFileManager):  # type: ignore[misc]
    """The files of the project. JupyterLab saves no runbook in notebooks/, by itself or when asked to."""

    async def get(self, path: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        model: dict[str, Any] = await super().get(path, *arguments, **options)
        if PurePosixPath(path.strip("/")).parts[:1] == ("notebooks",):
            model["writable"] = False
        return model


c.ServerApp.contents_manager_class = CommittedRunbooksAreReadOnly  # type: ignore[name-defined]  # noqa: F821
