"""Export agents: a chat, or many of them, to a file that appears whole or not at all."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents_app.context import ToolContext, ToolError
from agents_app.files.storage import digest
from agents_app.models import Subagent
from agents_app.presentation import milliseconds
from agents_app.registry import AgentType, ToolResult
from agents_app.wording.tables import amount
from exports_app import archives, names, options, selection, staff_log, storage
from exports_app.document import freeze, session_gone
from exports_app.formats import ExportFormat, find_format
from exports_app.models import Export, export_path
from exports_app.options import ExportOptions
from exports_app.planning import prepare
from exports_app.storage import StorageFailed
from exports_app.telling import teller
from sessions_app.events import SessionChange, announce
from sessions_app.payloads import ExportPayload, ExportProgress, SubagentProgress

_ENDINGS = {"succeeded": "export.completed", "failed": "export.failed", "cancelled": "export.failed"}


@dataclass(frozen=True, kw_only=True)
class Made:
    """A file that is ready to be stored: its name for people, what is in it, what is to be known of it."""

    draft: Path
    file_name: str
    contents: str
    note: str
    session_count: int = 1


def execute(context: ToolContext, format_name: str, arguments: Mapping[str, Any]) -> ToolResult:
    """Make the file in the attempt's folder, then hand it to the storage in one step."""
    chosen = find_format(format_name)
    try:
        made = _make(context, chosen, arguments)
        selection.require_reader(context.owner_id, arguments)
        context.progress(95, "storing")
        export = _store(context, made.draft, made.file_name)
    except OSError as error:
        # Without `strerror` it is Django's own, whose text names folders of the server.
        reason = error.strerror or "its folder cannot be made"
        raise ToolError("storage_failed", f"The file could not be written: {reason}.") from error
    except Export.DoesNotExist as error:
        raise session_gone() from error
    summary = f"{made.contents}, {export.file_size:,} bytes"
    return ToolResult(
        summary=f"{summary}. {made.note}" if made.note else summary,
        data={
            "export_id": str(export.pk),
            "sha256": export.sha256,
            "session_count": made.session_count,
        },
    )


def payload(export: Export) -> ExportPayload:
    """Return an export as it stands."""
    subagent = export.subagent
    ready = subagent.state == Subagent.State.SUCCEEDED
    return {
        "export_id": str(export.pk),
        "subagent_id": str(subagent.pk),
        "session_id": str(subagent.session_id),
        "session_count": session_count(subagent),
        "is_archive": is_archive(subagent.args),
        "format": export.format,
        "state": subagent.state,
        "file_name": export.file_name,
        "file_size": export.file_size,
        "sha256": export.sha256,
        "download_url": f"/exports/{export.pk}/" if ready else None,
        "duration_ms": milliseconds(subagent.started_at, subagent.finished_at),
        "expires_at": export.expires_at.isoformat() if export.expires_at else None,
        "error": subagent.error,
    }


def content_type(export: Export) -> str:
    """Return the media type of the file."""
    if is_archive(export.subagent.args):
        return archives.CONTENT_TYPE
    return find_format(export.format).content_type


def is_archive(arguments: Mapping[str, Any]) -> bool:
    """Whether an export is a zip with a file for each chat."""
    return "session_ids" in arguments


def session_count(subagent: Subagent) -> int:
    """Return how many chats the file has; until it is there, how many it is to have."""
    data = (subagent.result or {}).get("data", {})
    return int(data.get("session_count") or len(subagent.args.get("session_ids", [None])))


def snapshot(session_id: UUID) -> list[ExportPayload]:
    """Return the session's exports, oldest first."""
    rows = Export.objects.filter(subagent__session_id=session_id).select_related("subagent")
    return [payload(export) for export in rows.order_by("created_at")]


def _make(context: ToolContext, chosen: ExportFormat, arguments: Mapping[str, Any]) -> Made:
    wanted, now = options.read(arguments["options"]), timezone.now()
    if is_archive(arguments):
        return _make_archive(context, chosen, arguments, wanted, now)
    selection.require_reader(context.owner_id, arguments)
    session_id = UUID(arguments["session_id"]) if "session_id" in arguments else context.session_id
    document = freeze(session_id, options=wanted, now=now)
    draft = context.workdir / f"export{chosen.suffix}"
    note = chosen.write(context, document, draft, teller(context, document.message_count))
    return Made(
        draft=draft,
        file_name=f"{names.stem(document.title)}-{now:%Y%m%d-%H%M}{chosen.suffix}",
        contents=amount(document.message_count, "message"),
        note=note,
    )


def _make_archive(
    context: ToolContext,
    chosen: ExportFormat,
    arguments: Mapping[str, Any],
    wanted: ExportOptions,
    now: datetime,
) -> Made:
    draft = context.workdir / f"export{archives.SUFFIX}"
    index = archives.write(
        context,
        chosen,
        selection.chosen(arguments["session_ids"]),
        draft,
        wanted=wanted,
        now=now,
        before_each=lambda: selection.require_reader(context.owner_id, arguments),
    )
    count = amount(len(index.chats), "chat")
    return Made(
        draft=draft,
        file_name=f"{count.replace(' ', '-').replace(',', '')}-{now:%Y%m%d-%H%M}{archives.SUFFIX}",
        contents=f"{count}, {amount(index.message_count, 'message')}",
        note=index.note,
        session_count=len(index.chats),
    )


def _store(context: ToolContext, draft: Path, file_name: str) -> Export:
    """Give the file its name in the storage; a second attempt replaces what the first one left."""
    export = Export.objects.get(subagent__pk=str(context.subagent_id))
    with draft.open("rb") as stream:
        sha256 = digest(stream, context.check)
    size = draft.stat().st_size
    try:
        # A bucket may take minutes for a large file.
        storage.put(
            str(export.file.name), draft, lambda read: context.progress(95 + 4 * read / size, "storing")
        )
    except StorageFailed as error:
        raise ToolError("storage_failed", f"The file could not be written: {error}.") from error
    export.file_name, export.sha256, export.file_size = file_name, sha256, size
    export.expires_at = timezone.now() + timedelta(days=settings.EXPORT_DAYS)
    known = ("file_name", "sha256", "file_size", "expires_at")
    with transaction.atomic():
        is_wanted = Export.objects.filter(pk=export.pk).update(
            **{name: getattr(export, name) for name in known}
        )
    if not is_wanted:
        # Its owner was deleted meanwhile, and no row will ever end that names the file.
        with suppress(StorageFailed):
            storage.remove(str(export.file.name))
        raise session_gone()
    return export


def _submitted(change: SessionChange, subagent: Subagent) -> None:
    """Say at once where the file will be: whatever becomes of the attempts, its place is known."""
    chosen = find_format(subagent.args["format"])
    suffix = archives.SUFFIX if is_archive(subagent.args) else chosen.suffix
    export = Export(subagent=subagent, format=chosen.name, options=subagent.args["options"])
    export.file.name = export_path(export, f"export{suffix}")
    export.save()
    staff_log.record(subagent)


def _started(change: SessionChange, subagent: Subagent) -> None:
    change.record("export.started", payload(_of(subagent)))


def _finished(change: SessionChange, subagent: Subagent) -> None:
    export = _of(subagent)
    if subagent.state != Subagent.State.SUCCEEDED:
        # Only of a folder at once: this may be the keeper, which cannot wait for a network. What stays is
        # removed by `expiry.delete_orphaned_files`.
        if storage.is_local():
            with suppress(StorageFailed):
                storage.remove(str(export.file.name))
        Export.objects.filter(pk=export.pk).update(file="")
    change.record(_ENDINGS[subagent.state], payload(export))


@lru_cache(maxsize=100)
def _id_of(subagent_id: str) -> str:
    return str(Export.objects.values_list("pk", flat=True).get(subagent_id=subagent_id))


def _progressed(session_id: UUID, progress: SubagentProgress) -> None:
    export_id = _id_of(progress["subagent_id"])
    announced: ExportProgress = {
        "export_id": export_id,
        "subagent_id": progress["subagent_id"],
        "progress": progress["progress"],
        "stage": progress["stage"],
        "estimated_seconds_left": progress["estimated_seconds_left"],
    }
    announce(session_id, "export.progress", announced)


def _of(subagent: Subagent) -> Export:
    export = Export.objects.get(subagent=subagent)
    export.subagent = subagent
    return export


EXPORT_AGENT = AgentType(
    name="export_agent",
    pool="exports",
    prepare=prepare,
    execute=execute,
    answers_in_chat=False,
    on_submitted=_submitted,
    on_started=_started,
    on_finished=_finished,
    on_progress=_progressed,
)
