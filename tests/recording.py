"""A real tool context for tests: it records what a tool tells and can be stopped."""

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agents_app.context import Stopped, ToolContext
from agents_app.registry import ToolResult
from sessions_app.payloads import FilePayload


class RecordingContext(ToolContext):
    """Records progress, partial results and the longest silence between two calls (seconds).

    `stop` cancels, from any thread; `stop_when(percent, stage)` cancels once it is true.
    """

    def __init__(self, workdir: Path) -> None:
        self.session_id = uuid.uuid4()
        self.owner_id = 1
        self.subagent_id = None
        self.workdir = workdir
        self.told: list[tuple[float, str, float | None]] = []
        self.kept: list[ToolResult] = []
        self.delivered: list[tuple[str, bytes]] = []
        self.stop_when: Callable[[float, str], bool] = lambda percent, stage: False
        self.stopped_at: float | None = None
        self.longest_silence = 0.0
        self._heard = time.monotonic()

    def stop(self) -> None:
        self.stopped_at = self.stopped_at or time.monotonic()

    def check(self) -> None:
        now = time.monotonic()
        self.longest_silence, self._heard = max(self.longest_silence, now - self._heard), now
        if self.stopped_at is not None:
            raise Stopped

    def progress(self, percent: float, stage: str, estimated_seconds_left: float | None = None) -> None:
        self.told.append((percent, stage, estimated_seconds_left))
        if self.stop_when(percent, stage):
            self.stop()
        self.check()

    def keep(self, summary: str, data: Mapping[str, Any] | None = None, report: str = "") -> None:
        self.kept.append(ToolResult(summary=summary, data=data or {}, report=report))

    def deliver(self, path: Path, name: str, content_type: str = "") -> FilePayload:
        """Note the name and the bytes of the file, and take it away as the store does."""
        self.check()
        self.delivered.append((name, path.read_bytes()))
        path.unlink()
        return {
            "file_id": str(uuid.uuid4()),
            "name": name,
            "size": len(self.delivered[-1][1]),
            "sha256": hashlib.sha256(self.delivered[-1][1]).hexdigest(),
            "content_type": content_type or "application/octet-stream",
            "download_url": "/files/00000000-0000-0000-0000-000000000000/",
            "expires_at": "2026-01-01T00:00:00+00:00",
        }


def living_processes(mark: str) -> list[str]:
    """Return the command lines of other processes whose environment or command holds `mark`; no zombies."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                command = (entry / "cmdline").read_bytes()
                if mark.encode() in (entry / "environ").read_bytes() + command:
                    found.append(command.replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def child_processes() -> set[int]:
    """Return the ids of this process's own living children."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if int(parent) == os.getpid() and state != "Z":
            found.add(int(entry.name))
    return found
