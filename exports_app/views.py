"""Downloads."""

from functools import partial
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from agents_app.models import Subagent
from exports_app import exporting, selection
from exports_app.models import Export
from sessions_app import downloads
from sessions_app.downloads import Attachment
from sessions_app.errors import Refusal, not_found
from sessions_app.negotiation import AnyAccept


class DownloadView(APIView):
    """The file of an export, for its owner alone; by session cookie or token."""

    content_negotiation_class = AnyAccept

    @extend_schema(responses={200: OpenApiTypes.BINARY})
    def get(self, request: Request, export_id: UUID) -> HttpResponseBase:
        """Send the file. Refuses with `not_found`, `export_not_ready` (409), `export_expired` (410).

        One that staff made of others' chats also with `permission_denied` (403) to who is none any more.
        """
        exports = Export.objects.owned_by(request.user).select_related("subagent")
        export = exports.filter(pk=export_id).first()
        if export is None:
            raise not_found("export")
        if selection.is_of_staff(export.subagent.args) and not selection.may_read_all(request.user):
            raise Refusal("permission_denied", "You may not view the chats of others any more.", status=403)
        if export.subagent.state != Subagent.State.SUCCEEDED:
            raise Refusal("export_not_ready", f"The export is {export.subagent.state}.", status=409)
        if not export.file or not export.file.storage.exists(str(export.file.name)):
            raise Refusal("export_expired", "The file is kept for some days only and is gone.", status=410)
        attachment = Attachment(
            open=partial(export.file.storage.open, str(export.file.name), "rb"),
            name=export.file_name,
            content_type=exporting.content_type(export),
            size=export.file.size,
            sha256=export.sha256,
        )
        return downloads.send(request, attachment)
