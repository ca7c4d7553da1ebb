"""One attempt of a subagent as its tool sees it."""

import math
import shutil
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents_app.context import Stopped, ToolContext, ToolError
from agents_app.files import delivering
from agents_app.files.delivering import Origin
from agents_app.models import Subagent
from agents_app.outcome import of_result
from agents_app.progress import LatestWins
from agents_app.registry import AgentType, ToolResult
from sessions_app import plain
from sessions_app.events import announce
from sessions_app.payloads import FilePayload, SubagentProgress

ANNOUNCE_SECONDS = 0.2
"""With the new stages, which are told at once, that is at most 10 a second."""
STORE_SECONDS = 1.0
LOOK_SECONDS = 0.4
STAGE_MAX_CHARACTERS = 100
NEW_STAGES_A_SECOND = 5


def workdir_path(subagent_id: UUID, attempt: int) -> Path:
    """Return the folder of one attempt: no two attempts share one."""
    return Path(settings.WORK_DIR) / f"{subagent_id}-{attempt}"


def remove_workdir(subagent_id: UUID, attempt: int) -> None:
    """Remove the folder of an attempt that ended or died."""
    shutil.rmtree(workdir_path(subagent_id, attempt), ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Told:
    """How far the work was when it said so."""

    percent: float
    stage: str
    seconds_left: float | None


class Attempt(ToolContext):
    """The context of a running attempt: progress goes to the feed at most 10 times a second and to the row
    once a second, the latest of it always; a cancel is noticed within half a second of the tool's next call.
    """

    def __init__(self, subagent: Subagent, kind: AgentType, folder: Path) -> None:
        self.session_id = subagent.session_id
        self.owner_id = subagent.owner_id
        self.subagent_id = subagent.pk
        self._folder = folder
        self._subagent = subagent
        self._kind = kind
        self._idle_seconds = subagent.idle_timeout_seconds
        self._feed = LatestWins(ANNOUNCE_SECONDS, self._announce)
        self._row = LatestWins(STORE_SECONDS, self._store)
        self._looked = -math.inf
        self._stage = ""
        self._news: deque[float] = deque(maxlen=NEW_STAGES_A_SECOND)

    @cached_property
    def workdir(self) -> Path:  # type: ignore[override]  # made late, read like any other
        """The folder of this attempt, made when it is first asked for. Raises `ToolError`."""
        try:
            self._folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise ToolError("no_work_folder", f"The work folder cannot be made: {error.strerror}.") from error
        return self._folder

    def progress(self, percent: float, stage: str, estimated_seconds_left: float | None = None) -> None:
        """Tell how far the work is; see `ToolContext.progress`."""
        percent = 0.0 if math.isnan(percent) else min(max(float(percent), 0.0), 100.0)
        stage = plain.text(stage, STAGE_MAX_CHARACTERS)
        if estimated_seconds_left is not None and not math.isfinite(estimated_seconds_left):
            estimated_seconds_left = None
        told = Told(percent, stage, estimated_seconds_left)
        at_once = self._is_news(stage)
        self._row.offer(told, at_once=at_once)
        self._feed.offer(told, at_once=at_once)
        self.check()

    def end(self) -> None:
        """Tell what of the progress is still untold; the work has ended."""
        self._row.end()
        self._feed.end()

    def _is_news(self, stage: str) -> bool:
        """Whether a stage is new and told at once; a tool that names one each time waits like others."""
        if stage == self._stage:
            return False
        self._stage = stage
        now = time.monotonic()
        if len(self._news) == NEW_STAGES_A_SECOND and now - self._news[0] < 1:
            return False
        self._news.append(now)
        return True

    def check(self) -> None:
        """Raise `Stopped` if the work was cancelled or is no longer this attempt's."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            if not self._mine().filter(cancel_requested_at=None).exists():
                raise Stopped

    def keep(self, summary: str, data: Mapping[str, Any] | None = None, report: str = "") -> None:
        """Keep a partial result on the row; see `ToolContext.keep`."""
        self.check()
        kept = of_result(ToolResult(summary=summary, data=data or {}, report=report))
        if kept.result is not None:
            with transaction.atomic():
                self._mine().update(result={**kept.result, "partial": True}, report=kept.report)

    def deliver(self, path: Path, name: str, content_type: str = "") -> FilePayload:
        """Hand a file of the work folder to the user; see `ToolContext.deliver`."""
        return delivering.deliver(self.origin, self, path, name, content_type)

    @property
    def origin(self) -> Origin:
        """Whose files it delivers."""
        return Origin(
            session_id=self.session_id,
            owner_id=self.owner_id,
            subagent_id=self._subagent.pk,
            attempt=self._subagent.attempt,
        )

    def _store(self, told: Told) -> None:
        with transaction.atomic():
            self._mine().update(
                progress=told.percent,
                stage=told.stage,
                estimated_seconds_left=told.seconds_left,
                idle_deadline_at=timezone.now() + timedelta(seconds=self._idle_seconds),
            )

    def _announce(self, told: Told) -> None:
        payload: SubagentProgress = {
            "subagent_id": str(self.subagent_id),
            "attempt": self._subagent.attempt,
            "progress": round(told.percent, 1),
            "stage": told.stage,
            "estimated_seconds_left": None if told.seconds_left is None else round(told.seconds_left, 1),
        }
        announce(self.session_id, "subagent.progress", payload)
        self._kind.on_progress(self.session_id, payload)

    def _mine(self) -> Any:
        return Subagent.objects.filter(
            pk=self._subagent.pk, attempt=self._subagent.attempt, state=Subagent.State.RUNNING
        )
