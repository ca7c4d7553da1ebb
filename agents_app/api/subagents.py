"""REST: subagents."""

from typing import Any
from uuid import UUID

import django_filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from agents_app import gateway
from agents_app.models import Subagent
from agents_app.presentation import subagent_payload, subagent_payloads
from agents_app.querysets import SubagentQuerySet
from sessions_app.api import IDEMPOTENCY_KEY, idempotency_key, owned_session
from sessions_app.contract import PayloadSerializer
from sessions_app.errors import not_found
from sessions_app.pagination import NewestFirst
from sessions_app.payloads import SubagentPayload

CANCELLED_AT_ONCE = 500
WAIT = OpenApiParameter("wait", float, description="seconds, at most 30, to wait for the end of the work")


class NewestQueued(NewestFirst):
    """Subagents, the one queued last first."""

    ordering = "-queued_at"


class SubagentRow(SubagentPayload):
    """A subagent in REST: the payload of its events with its session's id."""

    session_id: str


class SubagentDetail(SubagentRow):
    """A subagent whole."""

    report: str
    attempts: list[Any]


class SubagentRows(serializers.ListSerializer[Any]):
    """Many subagents, whose places in the queue are looked up together."""

    def to_representation(self, data: Any) -> list[dict[str, Any]]:
        """Return each payload with its session's id."""
        rows = list(data)
        return [
            _with_session(row, payload) for row, payload in zip(rows, subagent_payloads(rows), strict=True)
        ]


class SubagentSerializer(PayloadSerializer):
    """A subagent as the event contract shows it."""

    contract: type = SubagentRow

    class Meta:
        list_serializer_class = SubagentRows

    def to_representation(self, instance: Subagent) -> dict[str, Any]:
        """Return the payload with the session's id."""
        return _with_session(instance, subagent_payload(instance))


def _with_session(subagent: Subagent, payload: SubagentPayload) -> dict[str, Any]:
    return {"session_id": str(subagent.session_id), **payload}


class SubagentDetailSerializer(SubagentSerializer):
    """A subagent whole: its arguments, result and report, and how its earlier attempts ended."""

    contract = SubagentDetail

    def to_representation(self, instance: Subagent) -> dict[str, Any]:
        """Return the payload with what is too large for an event."""
        whole = {
            "args": instance.args,
            "result": instance.result,
            "report": instance.report,
            "attempts": instance.attempts,
        }
        return super().to_representation(instance) | whole


class PriorityField(serializers.IntegerField):
    """Which of the caller's own work goes first: the higher."""

    def __init__(self, **how: Any) -> None:
        least, most = -gateway.PRIORITY_MAX, gateway.PRIORITY_MAX
        super().__init__(**{"required": False, "default": 0, "min_value": least, "max_value": most} | how)


class CancelManySerializer(serializers.Serializer[Any]):
    """Which subagents to cancel: those named, or all unfinished ones of a session."""

    session_id = serializers.UUIDField(required=False)
    subagent_ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, min_length=1, max_length=CANCELLED_AT_ONCE
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take one of the two."""
        if len(attrs) != 1:
            raise serializers.ValidationError("Give session_id or subagent_ids.")
        return attrs


class SpawnSerializer(serializers.Serializer[Any]):
    """A task for a new subagent."""

    session_id = serializers.UUIDField()
    agent_type = serializers.CharField(max_length=100)
    task = serializers.DictField()
    priority = PriorityField()


class SubagentFilter(django_filters.FilterSet):
    """Filters of the list."""

    session_id = django_filters.UUIDFilter(field_name="session_id")

    class Meta:
        model = Subagent
        fields = ["session_id", "state", "tool_name", "agent_type"]


class SubagentViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Subagent]):
    """Subagents of the caller's sessions."""

    serializer_class = SubagentSerializer
    pagination_class = NewestQueued
    queryset = Subagent.objects.none()
    filterset_class = SubagentFilter
    lookup_value_converter = "uuid"

    def get_queryset(self) -> SubagentQuerySet:
        """Return the caller's subagents."""
        return Subagent.objects.owned_by(self.request.user)

    @extend_schema(
        parameters=[WAIT, IDEMPOTENCY_KEY], request=SpawnSerializer, responses={202: SubagentSerializer}
    )
    def create(self, request: Request) -> Response:
        """Hand a task to a new subagent of the given `agent_type`; answers with its handle."""
        serializer = SpawnSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wish = serializer.validated_data
        session = owned_session(request, wish["session_id"])
        subagent = gateway.spawn(
            session.pk,
            wish["agent_type"],
            wish["task"],
            idempotency_key=idempotency_key(request),
            priority=wish["priority"],
        )
        return Response(SubagentSerializer(subagent).data, status=202)

    @extend_schema(parameters=[WAIT], responses=SubagentDetailSerializer)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """Return a subagent with its whole result."""
        return Response(SubagentDetailSerializer(self._own(pk)).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Cancel it: at once while it waits, within seconds while it runs; ended work stays as it is."""
        return Response(SubagentSerializer(gateway.cancel(self._own(pk).pk)).data)

    @extend_schema(
        operation_id="api_subagents_cancel_many",
        request=CancelManySerializer,
        responses=SubagentSerializer(many=True),
    )
    @action(detail=False, methods=["post"])
    def cancel_many(self, request: Request) -> Response:
        """Cancel several, or all of a session; answers with them as they are then."""
        serializer = CancelManySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        rows = self._wanted(**serializer.validated_data)
        for row in rows:
            gateway.cancel(row.pk)
        again = self.get_queryset().filter(pk__in=[row.pk for row in rows]).order_by("seq")
        return Response(SubagentSerializer(again, many=True).data)

    @extend_schema(parameters=[WAIT, IDEMPOTENCY_KEY], request=None, responses={202: SubagentSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        """Queue the same work again as a new subagent."""
        again = gateway.retry(self._own(pk).pk, idempotency_key(request))
        return Response(SubagentSerializer(again).data, status=202)

    def _wanted(
        self, session_id: UUID | None = None, subagent_ids: list[UUID] | None = None
    ) -> list[Subagent]:
        """Return the caller's subagents that are to be cancelled; raise `Refusal` for one not there."""
        if session_id is not None:
            return list(
                self.get_queryset().filter(session=owned_session(self.request, session_id)).unfinished()
            )
        return [self._own(subagent_id) for subagent_id in dict.fromkeys(subagent_ids or [])]

    def _own(self, subagent_id: UUID) -> Subagent:
        subagent = self.get_queryset().filter(pk=subagent_id).first()
        if subagent is None:
            raise not_found("subagent")
        return subagent
