"""Downloads."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from django.db.models.fields.files import FieldFile
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from agents_app.models import Subagent
from exports_app.formats import find_format
from exports_app.models import Export
from sessions_app.errors import Refusal, not_found
from sessions_app.negotiation import AnyAccept

CHUNK_BYTES = 256 * 1024


class DownloadView(APIView):
    """The file of an export, for its owner alone; by session cookie or token."""

    content_negotiation_class = AnyAccept

    @extend_schema(responses={200: OpenApiTypes.BINARY})
    def get(self, request: Request, export_id: UUID) -> StreamingHttpResponse:
        """Send the file. Refuses with `not_found`, `export_not_ready` (409), `export_expired` (410)."""
        exports = Export.objects.owned_by(request.user).select_related("subagent")
        export = exports.filter(pk=export_id).first()
        if export is None:
            raise not_found("export")
        if export.subagent.state != Subagent.State.SUCCEEDED:
            raise Refusal("export_not_ready", f"The export is {export.subagent.state}.", status=409)
        if not export.file or not export.file.storage.exists(str(export.file.name)):
            raise Refusal("export_expired", "The file is kept for some days only and is gone.", status=410)
        response = StreamingHttpResponse(
            _chunks(export.file), content_type=find_format(export.format).content_type
        )
        response["Content-Length"] = str(export.file.size)
        response["Content-Disposition"] = content_disposition_header(True, export.file_name) or "attachment"
        response["X-Content-Type-Options"] = "nosniff"
        return response


async def _chunks(stored: FieldFile) -> AsyncIterator[bytes]:
    """Yield the file piece by piece: under ASGI a plain iterator would be read into memory whole.

    It is opened by whoever reads it: a HEAD reads nothing, and would leave an open file behind.
    """
    with await asyncio.to_thread(stored.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk
