"""REST: a chat is restored from its export."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app.context import ToolError
from agents_app.files import reading as files
from exports_app.interchange import reading, restoring
from sessions_app import snapshot
from sessions_app.api import IDEMPOTENCY_KEY, SessionSerializer, idempotency_key
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession

WAIT_SECONDS = 30.0
_room = threading.Lock()
_BODY: dict[str, Any] = {
    "oneOf": [
        {
            "type": "object",
            "description": "an exported JSON document, see docs/exports.md",
            "properties": {"schema_version": {"enum": [1, 2]}},
            "required": ["schema_version"],
        },
        {
            "type": "object",
            "description": "one that was uploaded, for those over 1 MiB",
            "properties": {"file": {"type": "string", "format": "uuid"}},
            "required": ["file"],
            "additionalProperties": False,
        },
    ]
}


class ImportView(APIView):
    """Chats from JSON exports."""

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request={"application/json": _BODY},
        responses={201: SessionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Restore a chat from a JSON export, as a new session of the caller's; nothing in it is run.

        Refuses with `invalid_document`, `unknown_version`, `file_not_found` (404), `request_too_large` and
        `import_too_large` (413), `import_busy` (503) while large ones of others are imported.
        """
        body: object = request.data
        if isinstance(body, dict) and set(body) == {"file"}:
            with _room_for_a_large_one():
                session = _restored(request, reading.parsed(_uploaded(request.user.pk, body["file"])))
        else:
            session = _restored(request, body)
        return Response(snapshot.summary(session), status=201)


def _restored(request: Request, document: object) -> ChatSession:
    return restoring.restore(request.user, reading.read(document), idempotency_key(request))


@contextmanager
def _room_for_a_large_one() -> Iterator[None]:
    """Let one in at a time: many times its size in memory, several at once would fill that of the server.

    Raises `Refusal` (`import_busy`) when it takes too long.
    """
    if not _room.acquire(timeout=WAIT_SECONDS):
        detail = "Other large chats are being imported. Try again in a while."
        raise Refusal("import_busy", detail, 503, retry_after_seconds=int(WAIT_SECONDS))
    try:
        yield
    finally:
        _room.release()


def _uploaded(owner_id: Any, file_id: object) -> bytes:
    try:
        file = files.readable(owner_id, str(file_id))
    except ToolError as error:
        raise Refusal(error.code, str(error), 404) from error
    limit = settings.IMPORT_MAX_BYTES
    if file.size > limit:
        detail = f"The file has {file.size:,} bytes; at most {limit:,} are imported."
        raise Refusal("import_too_large", detail, 413)
    with file.path.open("rb") as stream:
        return stream.read(limit)
