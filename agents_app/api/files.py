"""REST: files, which users upload and work delivers."""

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, TypedDict
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app.files import arriving, receiving, removal, storage
from agents_app.files.model import StoredFile, StoredFileQuerySet
from agents_app.files.receiving import Reception
from sessions_app import downloads
from sessions_app.api import owned_session
from sessions_app.contract import PayloadSerializer
from sessions_app.downloads import Attachment
from sessions_app.errors import Refusal, not_found
from sessions_app.negotiation import AnyAccept
from sessions_app.payloads.forms import Id, OneOf, Time
from sessions_app.problems import as_response
from sessions_app.waiting import AsyncView, call, let_go, rendered

NAME_TAKEN_CHARACTERS = 1000
UPLOAD_OFFSET = OpenApiParameter(
    "Upload-Offset",
    int,
    OpenApiParameter.HEADER,
    required=True,
    description="how many bytes the server has already: `received`",
)


class FileRow(TypedDict):
    """A file in REST."""

    file_id: Annotated[Id, "what tools take as `file`"]
    name: Annotated[str, "cleaned: no folders, no invisible characters, at most 255"]
    state: Annotated[str, OneOf("receiving", "ready"), "`ready` once the last byte is there"]
    size: Annotated[int, "bytes; of an upload as it was announced"]
    received: Annotated[int, "bytes that are there: an upload goes on from here"]
    sha256: Annotated[str, "in hexadecimal; empty until it is ready"]
    content_type: Annotated[str, "by its content; empty until it is ready"]
    session_id: Annotated[Id | None, "the session with which it is deleted, if any"]
    subagent_id: Annotated[Id | None, "the work that delivered it, if it was a subagent"]
    upload_url: Annotated[str | None, "where pieces are sent to; null once it is ready"]
    download_url: Annotated[str | None, "null until it is ready"]
    created_at: Time
    expires_at: Annotated[Time, "when it is deleted"]


class FileSerializer(PayloadSerializer):
    """A file as it stands."""

    contract = FileRow

    def to_representation(self, instance: StoredFile) -> dict[str, Any]:
        """Return the row."""
        return dict(shown(instance))


def shown(stored: StoredFile) -> FileRow:
    """Return a file as it stands."""
    ready = stored.state == StoredFile.State.READY
    return {
        "file_id": str(stored.pk),
        "name": stored.name,
        "state": stored.state,
        "size": stored.size,
        "received": stored.received,
        "sha256": stored.sha256,
        "content_type": stored.content_type,
        "session_id": str(stored.session_id) if stored.session_id else None,
        "subagent_id": str(stored.subagent_id) if stored.subagent_id else None,
        "upload_url": None if ready else f"/api/files/{stored.pk}/content/",
        "download_url": f"/files/{stored.pk}/" if ready else None,
        "created_at": stored.created_at.isoformat(),
        "expires_at": stored.expires_at.isoformat(),
    }


class AnnounceSerializer(serializers.Serializer[Any]):
    """A file that is about to be uploaded."""

    name = serializers.CharField(max_length=NAME_TAKEN_CHARACTERS)
    size = serializers.IntegerField(min_value=0, max_value=2**53, help_text="bytes")
    session_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    sha256 = serializers.RegexField(
        r"^[0-9a-fA-F]{64}\Z", required=False, help_text="checked once the last byte is there"
    )


def _kept(request: Request) -> StoredFileQuerySet:
    """Return the caller's files whose time is not over."""
    return StoredFile.objects.owned_by(request.user.pk).kept(timezone.now())


def _own(request: Request, file_id: UUID) -> StoredFile:
    stored = _kept(request).filter(pk=file_id).first()
    if stored is None:
        raise not_found("file")
    return stored


class FilesView(ListAPIView[StoredFile]):
    """Files of the caller: uploads, and what work delivered."""

    serializer_class = FileSerializer
    queryset = StoredFile.objects.none()
    filterset_fields = ["session_id", "state"]

    def get_queryset(self) -> StoredFileQuerySet:
        """Return the caller's files, newest first."""
        return _kept(self.request)

    @extend_schema(request=AnnounceSerializer, responses={201: FileSerializer})
    def post(self, request: Request) -> Response:
        """Announce an upload; its bytes follow at `upload_url`, in pieces of any size.

        Refuses with `file_too_large` and `quota_exceeded` (413).
        """
        serializer = AnnounceSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wish = serializer.validated_data
        session = owned_session(request, wish["session_id"]) if wish["session_id"] else None
        stored = receiving.announce(
            request.user.pk,
            wish["name"],
            wish["size"],
            session.pk if session else None,
            wish.get("sha256", ""),
        )
        return Response(shown(stored), status=201)


class FileView(APIView):
    """One file."""

    @extend_schema(responses=FileSerializer)
    def get(self, request: Request, file_id: UUID) -> Response:
        """Return the file as it stands: `received` says where an upload goes on."""
        return Response(shown(_own(request, file_id)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, file_id: UUID) -> Response:
        """Delete the file, received whole or not."""
        removal.remove([_own(request, file_id)])
        return Response(status=204)


class ContentView(APIView):
    """The bytes of an upload. What follows the checks is in `receives`."""

    @extend_schema(
        parameters=[UPLOAD_OFFSET],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses=FileSerializer,
    )
    def patch(self, request: Request, file_id: UUID) -> Response:
        """Add the body to the file at `Upload-Offset`; of a body that is cut off, what arrived is kept.

        Refuses with `wrong_offset` (409, the right one in `received`), `upload_busy` (409),
        `file_too_large` (413), `checksum_mismatch` (422), `storage_full` (507).
        """
        stored = _own(request, file_id)
        reception = receiving.begin(request.user.pk, stored.pk, _offset(request))
        # The view around this one reads the body.
        request._request.reception = reception  # type: ignore[attr-defined]  # noqa: SLF001
        return Response()


def receives(view: Callable[..., Any]) -> AsyncView:
    """Make the view that opens an upload take in the body while it arrives, without a thread for the wait."""

    @wraps(view)  # the OpenAPI generator looks at the attributes of the view
    async def taking(request: HttpRequest, file_id: UUID) -> HttpResponseBase:
        response = await call(view, request, file_id=file_id)
        reception: Reception | None = getattr(request, "reception", None)
        if reception is None:
            return await rendered(response)
        try:
            return JsonResponse(shown(await _take_in(request, reception)))
        except Refusal as refusal:
            return as_response(refusal)
        finally:
            reception.close()

    return csrf_exempt(taking)  # the REST framework checks it itself, for session logins


async def _take_in(request: HttpRequest, reception: Reception) -> StoredFile:
    """Keep what arrives, also of a body that is cut off and on a disk that becomes full."""
    reception.require_room(_announced_bytes(request))
    await let_go()
    problem = None
    try:
        async for piece in arriving.pieces_of(request):
            await asyncio.to_thread(reception.write, piece)
            if reception.is_due:
                await call(reception.store)
    except arriving.Cut:
        problem = "upload_cut", "The body was cut off.", 408
    except OSError as error:
        problem = "storage_full", f"The server cannot store more: {error.strerror}.", 507
    stored: StoredFile = await call(reception.store)
    if problem and stored.state == StoredFile.State.RECEIVING:
        raise Refusal(*problem, received=stored.received)
    return stored


def _announced_bytes(request: HttpRequest) -> int:
    text = request.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _offset(request: Request) -> int:
    text = request.headers.get("Upload-Offset", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refusal("invalid_offset", "Upload-Offset is the number of bytes that have arrived so far.")
    return int(text)


class DownloadView(APIView):
    """The bytes of a file, for its owner alone; by session cookie or token."""

    content_negotiation_class = AnyAccept

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, file_id: UUID) -> HttpResponseBase:
        """Send the file, or the part that `Range` asks for.

        Refuses with `not_found`, `file_incomplete` (409), `file_expired` (410).
        """
        stored = StoredFile.objects.owned_by(request.user.pk).filter(pk=file_id).first()
        if stored is None:
            raise not_found("file")
        path = storage.path_of(stored.pk)
        if stored.expires_at <= timezone.now() or (stored.received and not path.is_file()):
            raise Refusal("file_expired", "The file was kept for some days only and is gone.", 410)
        if stored.state != StoredFile.State.READY:
            detail = f"Of the file's {stored.size:,} bytes {stored.received:,} have arrived."
            raise Refusal("file_incomplete", detail, 409)
        attachment = Attachment(
            open=lambda: path.open("rb"),
            name=stored.name,
            content_type=stored.content_type,
            size=stored.size,
            sha256=stored.sha256,
        )
        return downloads.send(request, attachment)
