"""Export agents: a session to a file that appears whole or not at all."""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents_app.context import ToolContext, ToolError
from agents_app.models import Subagent
from agents_app.presentation import milliseconds
from agents_app.registry import AgentType, Plan, ToolResult
from exports_app import options, storage
from exports_app.document import SessionDocument, count_messages, freeze, session_gone
from exports_app.formats import ExportFormat, find_format
from exports_app.models import Export, export_path
from exports_app.storage import StorageFailed
from sessions_app.errors import Refusal
from sessions_app.events import SessionChange, announce
from sessions_app.payloads import ExportPayload, ExportProgress, SubagentProgress

_ENDINGS = {"succeeded": "export.completed", "failed": "export.failed", "cancelled": "export.failed"}


def prepare(task: Mapping[str, Any], session_id: UUID) -> Plan:
    """Validate `{"format": …, "options": {…}}`; the options are those of `ExportOptions`.

    Raises `Refusal`: `unsupported_format`, `invalid_options`.
    """
    chosen = find_format(task.get("format"))
    if set(task) - {"format", "options"}:
        raise Refusal("invalid_options", "An export has a format and options, and nothing else.")
    wanted = options.read(task.get("options", {}))
    options.require_messages(wanted, count_messages(session_id))
    return Plan(
        tool_name=chosen.name,
        arguments={"format": chosen.name, "options": wanted.stored()},
        title=f"Export as {chosen.title}",
        safe_to_repeat=True,
        execution_timeout_seconds=300,
    )


def execute(context: ToolContext, format_name: str, arguments: Mapping[str, Any]) -> ToolResult:
    """Render the session into the attempt's folder, then hand the file to the storage in one step."""
    chosen = find_format(format_name)
    wanted = options.read(arguments["options"])
    document = freeze(context.session_id, options=wanted, now=timezone.now())
    draft = context.workdir / f"export{chosen.suffix}"
    try:
        note = _render(chosen, document, draft, context)
        export = _store(context, draft, _file_name(document, chosen))
    except OSError as error:
        # Without `strerror` it is Django's own, whose text names folders of the server.
        reason = error.strerror or "its folder cannot be made"
        raise ToolError("storage_failed", f"The file could not be written: {reason}.") from error
    except Export.DoesNotExist as error:
        raise session_gone() from error
    summary = f"{document.message_count} messages, {export.file_size:,} bytes"
    return ToolResult(
        summary=f"{summary}. {note}" if note else summary,
        data={"export_id": str(export.pk), "sha256": export.sha256},
    )


def payload(export: Export) -> ExportPayload:
    """Return an export as it stands."""
    subagent = export.subagent
    ready = subagent.state == Subagent.State.SUCCEEDED
    return {
        "export_id": str(export.pk),
        "subagent_id": str(subagent.pk),
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


def snapshot(session_id: UUID) -> list[ExportPayload]:
    """Return the session's exports, oldest first."""
    rows = Export.objects.filter(subagent__session_id=session_id).select_related("subagent")
    return [payload(export) for export in rows.order_by("created_at")]


def _render(chosen: ExportFormat, document: SessionDocument, draft: Path, context: ToolContext) -> str:
    note = chosen.write(context, document, draft, _teller(context, document.message_count))
    context.progress(95, "storing")
    return note


def _teller(context: ToolContext, total: int) -> Callable[[int], None]:
    """Return what a renderer calls after each message: 0 to 90 percent, with an honest estimate."""
    started = time.monotonic()

    def tick(done: int) -> None:
        elapsed = time.monotonic() - started
        context.progress(90 * done / max(total, 1), "rendering", elapsed / done * (total - done))

    return tick


def _store(context: ToolContext, draft: Path, file_name: str) -> Export:
    """Give the file its name in the storage; a second attempt replaces what the first one left."""
    export = Export.objects.get(subagent__pk=str(context.subagent_id))
    with draft.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    context.check()
    try:
        storage.put(str(export.file.name), draft)
    except StorageFailed as error:
        raise ToolError("storage_failed", f"The file could not be written: {error}.") from error
    export.file_name, export.sha256, export.file_size = file_name, sha256, draft.stat().st_size
    export.expires_at = timezone.now() + timedelta(days=settings.EXPORT_DAYS)
    with transaction.atomic():
        export.save(update_fields=["file_name", "sha256", "file_size", "expires_at"])
    return export


def _file_name(document: SessionDocument, chosen: ExportFormat) -> str:
    """Return a name that any file system takes and that tells what it is."""
    words = re.sub(r"[^\w.-]+", "-", document.title, flags=re.UNICODE).strip("-.")[:60] or "session"
    return f"{words}-{document.exported_at:%Y%m%d-%H%M}{chosen.suffix}"


def _submitted(change: SessionChange, subagent: Subagent) -> None:
    """Say at once where the file will be: whatever becomes of the attempts, its place is known."""
    chosen = find_format(subagent.args["format"])
    export = Export(subagent=subagent, format=chosen.name, options=subagent.args["options"])
    export.file.name = export_path(export, f"export{chosen.suffix}")
    export.save()


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
