"""What work delivers: a file of its work folder becomes one of its user's files, whole or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents_app.context import Stopped, ToolContext, ToolError
from agents_app.files import kinds, names, room, storage
from agents_app.files.model import StoredFile
from agents_app.files.presentation import file_payload
from agents_app.models import Subagent
from sessions_app.errors import Refusal
from sessions_app.payloads import FilePayload

DELIVERED_AT_MOST = 500
"""By one attempt."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Whose file it will be; a fast call has no subagent."""

    session_id: UUID
    owner_id: int
    subagent_id: UUID | None = None
    attempt: int = 0


def deliver(
    origin: Origin, context: ToolContext, path: Path, name: str, content_type: str = ""
) -> FilePayload:
    """Move `path` out of the work folder into the store; see `ToolContext.deliver`."""
    stored = _row(origin, name, content_type)
    try:
        with storage.opened_within(context.workdir, path) as file:
            _look_at(stored, file, context.check)
            context.check()
            storage.take(file, path, stored.pk, context.check)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise ToolError("file_not_delivered", f"{stored.name} could not be stored: {reason}.") from error
    try:
        _keep(stored)
    except BaseException:
        storage.remove(stored.pk)
        raise
    return file_payload(stored)


def adopt(file_ids: list[UUID], subagent: Subagent) -> None:
    """Make files that a fast call delivered those of the subagent as which it goes on."""
    with transaction.atomic():
        rows = StoredFile.objects.filter(pk__in=file_ids)
        rows.update(subagent_id=subagent.pk, attempt=subagent.attempt)


def _row(origin: Origin, name: str, content_type: str) -> StoredFile:
    return StoredFile(
        id=uuid4(),
        owner_id=origin.owner_id,
        session_id=origin.session_id,
        subagent_id=origin.subagent_id,
        attempt=origin.attempt,
        name=names.cleaned(name),
        content_type=content_type[:100],
        state=StoredFile.State.READY,
    )


def _look_at(stored: StoredFile, file: BinaryIO, check: Callable[[], object]) -> None:
    """Note the size, the checksum and the kind of what is open, as it is now."""
    stored.content_type = stored.content_type or kinds.content_type(file.read(kinds.HEAD_BYTES), stored.name)
    file.seek(0)
    stored.sha256 = storage.digest(file, check)
    stored.size = stored.received = file.tell()


def _keep(stored: StoredFile) -> None:
    """Store the row, if the attempt still has its work. Raises `Stopped`, `ToolError` (`quota_exceeded`)."""
    stored.expires_at = timezone.now() + timedelta(days=settings.FILES_DAYS)
    try:
        with transaction.atomic():
            _require_the_work(stored)
            room.require(stored.owner_id, stored.size)
            stored.save(force_insert=True)
    except Refusal as refusal:
        raise ToolError(refusal.code, refusal.detail) from refusal


def _require_the_work(stored: StoredFile) -> None:
    """Hold the row of the work, which must be running under this attempt's number."""
    if stored.subagent_id is None:
        return
    mine = Subagent.objects.filter(pk=stored.subagent_id, attempt=stored.attempt, state="running")
    if not mine.select_for_update(no_key=True).values_list("pk").first():
        raise Stopped
    delivered = StoredFile.objects.filter(subagent_id=stored.subagent_id, attempt=stored.attempt).count()
    if delivered >= DELIVERED_AT_MOST:
        raise ToolError("too_many_files", f"One piece of work delivers at most {DELIVERED_AT_MOST} files.")
