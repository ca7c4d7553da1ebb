"""What running work sees of the world: its folder, a way to tell how far it is, a way to be stopped."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from sessions_app.payloads import FilePayload


class Stopped(BaseException):
    """The work shall end now: it was cancelled or is no longer this process's own.

    Not an `Exception`, so that a tool's own `except Exception` cannot swallow it.
    """


class ToolError(Exception):
    """The work cannot be done. `code` is stable for programs, the message is a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ToolContext(ABC):
    """Handed to a tool as its first argument."""

    session_id: UUID
    owner_id: int
    subagent_id: UUID | None
    workdir: Path
    """An empty folder of this attempt alone, removed when the attempt ends, however it ends."""

    @abstractmethod
    def progress(self, percent: float, stage: str, estimated_seconds_left: float | None = None) -> None:
        """Tell how far the work is: `percent` 0-100, `stage` a word such as `cloning`.

        Cheap enough to call for every step: it is rate limited, and the latest is always told. Raises
        `Stopped`, as `check` does.
        """

    @abstractmethod
    def check(self) -> None:
        """Raise `Stopped` if the work was cancelled; call it at least every half second of work."""

    @abstractmethod
    def keep(self, summary: str, data: Mapping[str, Any] | None = None, report: str = "") -> None:
        """Keep what there is so far, in place of what was kept before, in the form of a `ToolResult`.

        It is shown if the work is cancelled, fails, times out or is lost. What could not be stored as a
        result, because it is no JSON or over 2 MiB, is not kept. Raises `Stopped`, as `check` does.
        """

    @abstractmethod
    def deliver(self, path: Path, name: str, content_type: str = "") -> FilePayload:
        """Hand a file to the user: move it out of `workdir` into the store, as a file of this attempt.

        `name` is cleaned; `content_type` is found by the content if it is empty. Also of work that then fails
        or is cancelled it is kept. Raises `Stopped` as `check` does, and `ToolError`: `quota_exceeded`,
        `too_many_files`, `file_not_delivered` (it is no plain file in `workdir`, or the disk is full).
        """
