"""REST: exports."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import fields, mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from agents_app import gateway
from agents_app.api.subagents import WAIT
from agents_app.models import Subagent
from exports_app import exporting, options, requesting, selection
from exports_app.models import Export
from exports_app.options import SCHEMA
from sessions_app.api import IDEMPOTENCY_KEY, idempotency_key, owned_session
from sessions_app.contract import PayloadSerializer
from sessions_app.errors import Refusal, not_found
from sessions_app.payloads import ExportPayload


class ExportSerializer(PayloadSerializer):
    """An export as the event contract shows it."""

    contract = ExportPayload

    def to_representation(self, instance: Export) -> dict[str, Any]:
        """Return the payload."""
        return dict(exporting.payload(instance))


class AsSentField(serializers.Field[Any, Any, Any, Any]):
    """What was sent, whatever it is: who takes it refuses it with a code of its own."""

    def run_validation(self, data: Any = fields.empty) -> Any:
        """Return what was sent, also null. Raises `SkipField` if nothing was."""
        return super().run_validation(data) if data is fields.empty else data


@extend_schema_field(SCHEMA)
class OptionsField(AsSentField):
    """The options of an export; what they may be `options.read` says."""

    def run_validation(self, data: Any = fields.empty) -> Any:
        """Return options. Raises `Refusal` (`invalid_options`)."""
        sent = super().run_validation(data)
        options.read(sent)
        return sent


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": [selection.ALL]},
            {
                "type": "array",
                "items": {"type": "string", "format": "uuid"},
                "minItems": 1,
                "maxItems": selection.CHATS_AT_MOST,
                "uniqueItems": True,
            },
        ],
        "description": "makes one zip archive of these chats, or of all that were not deleted",
    }
)
class SessionIdsField(AsSentField):
    """Which chats an archive has; what they may be `selection.of_owner` says."""


class RequestExportSerializer(serializers.Serializer[Any]):
    """What to export, and how: one chat, or many as one archive."""

    session_id = serializers.UUIDField(
        required=False,
        help_text="the chat to export; with session_ids the one that shows the archive, else a new one does",
    )
    session_ids = SessionIdsField(required=False)
    format = serializers.CharField(allow_blank=True)
    options = OptionsField(required=False, default=dict)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take what names a chat. Raises `Refusal` (`invalid_options`) for members that there are not."""
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            detail = f"An export has no member {unknown[0][:40]!r}; its options stand in options."
            raise Refusal("invalid_options", detail)
        if "session_id" not in attrs and "session_ids" not in attrs:
            raise serializers.ValidationError({"session_id": "Give session_id, session_ids or both."})
        return attrs


class ExportViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Export]):
    """Exports of the caller's sessions."""

    serializer_class = ExportSerializer
    queryset = Export.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Export]:
        """Return the caller's exports, newest first; those of one session with `session_id`."""
        exports = Export.objects.owned_by(self.request.user).select_related("subagent")
        session_id = self.request.GET.get("session_id")
        if not session_id:
            return exports
        return exports.filter(subagent__session_id=serializers.UUIDField().run_validation(session_id))

    @extend_schema(parameters=[OpenApiParameter("session_id", UUID, description="those of this chat alone")])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the caller's exports, the newest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        parameters=[WAIT, IDEMPOTENCY_KEY],
        request=RequestExportSerializer,
        responses={200: ExportSerializer, 202: ExportSerializer},
    )
    def create(self, request: Request) -> Response:
        """Ask for an export; it is made by an export agent and downloaded at `download_url` when ready.

        With `session_ids` it is one zip with a file for each chat and an `index.json`. Refuses with
        `unsupported_format`, `invalid_options`, `invalid_sessions`, `not_found` (404),
        `session_not_active`, `idempotency_key_taken` (409), `queue_full` (429). The answer is 200 if it has
        ended within `wait`.
        """
        serializer = RequestExportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        subagent = self._requested(request, **serializer.validated_data)
        export = Export.objects.filter(subagent=subagent).first()
        if export is None:
            raise Refusal("idempotency_key_taken", "This Idempotency-Key named other work.", status=409)
        return Response(exporting.payload(export), status=202)

    def _requested(self, request: Request, format: str, options: Any, **which: Any) -> Subagent:
        session = owned_session(request, which["session_id"]) if "session_id" in which else None
        key = idempotency_key(request)
        if "session_ids" not in which:
            return gateway.request_export(which["session_id"], format, options, idempotency_key=key)
        return requesting.archive(
            request.user,
            which["session_ids"],
            format,
            options,
            shown_in=session.pk if session else None,
            idempotency_key=key,
        )

    @extend_schema(parameters=[WAIT])
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """Return one export."""
        return self._shown(self.get_queryset().filter(pk=pk).first())

    def of_subagent(self, request: Request, pk: UUID) -> Response:
        """Return the export that a subagent makes."""
        return self._shown(self.get_queryset().filter(subagent_id=pk).first())

    def _shown(self, export: Export | None) -> Response:
        if export is None:
            raise not_found("export")
        return Response(exporting.payload(export))


of_subagent = ExportViewSet.as_view({"get": "of_subagent"})
