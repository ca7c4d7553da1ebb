"""Downloads."""

from functools import partial
from uuid import UUID

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from agents_app.models import Subagent
from exports_app import exporting, selection, storage
from exports_app.models import Export
from exports_app.storage import StorageFailed
from sessions_app import downloads
from sessions_app.downloads import Attachment
from sessions_app.errors import Refusal, not_found
from sessions_app.negotiation import AnyAccept


class DownloadView(APIView):
    """The file of an export, for its owner alone; by session cookie or token."""

    content_negotiation_class = AnyAccept

    @extend_schema(responses={(200, "*/*"): OpenApiTypes.BINARY, (206, "*/*"): OpenApiTypes.BINARY})
    def get(self, request: Request, export_id: UUID) -> HttpResponseBase:
        """Send the file, or a part of it (`Range`).

        Refuses with `not_found`, `export_not_ready` (409), `export_failed` (410), `export_expired` (410),
        `range_not_satisfiable` (416), `storage_unavailable` (503), and `permission_denied` (403) what staff
        made of others' chats to who is no such staff any more.
        """
        exports = Export.objects.owned_by(request.user).select_related("subagent")
        export = exports.filter(pk=export_id).first()
        if export is None:
            raise not_found("export")
        if selection.is_of_staff(export.subagent.args) and not selection.may_read_all(request.user):
            raise Refusal("permission_denied", "You may not view the chats of others any more.", status=403)
        _require_file(export)
        attachment = Attachment(
            open=partial(storage.opened, str(export.file.name)),
            name=export.file_name,
            content_type=exporting.content_type(export),
            size=export.file_size or 0,
            sha256=export.sha256,
        )
        return downloads.send(request, attachment)


def _require_file(export: Export) -> None:
    """Raise `Refusal` unless the file can be sent."""
    subagent = export.subagent
    if not subagent.is_final:
        raise Refusal("export_not_ready", f"The export is {subagent.state}.", 409, state=subagent.state)
    if subagent.state != Subagent.State.SUCCEEDED:
        known = {"state": subagent.state, "error": subagent.error}
        raise Refusal("export_failed", f"The export {_ended(subagent)}; there is no file.", 410, **known)
    is_over = export.expires_at is not None and export.expires_at <= timezone.now()
    if is_over or not export.file or not _is_stored(export):
        raise Refusal("export_expired", "The file is kept for some days only and is gone.", status=410)


def _ended(subagent: Subagent) -> str:
    return "was cancelled" if subagent.state == Subagent.State.CANCELLED else "failed"


def _is_stored(export: Export) -> bool:
    try:
        return storage.exists(str(export.file.name))
    except StorageFailed as error:
        detail = "The file cannot be fetched now: its storage does not answer. Try again later."
        raise Refusal("storage_unavailable", detail, status=503) from error
