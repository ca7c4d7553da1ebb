"""REST: subagents."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from agents_app import gateway
from agents_app.models import Subagent
from agents_app.presentation import subagent_payload
from sessions_app.api import IDEMPOTENCY_KEY, idempotency_key, owned_session
from sessions_app.contract import PayloadSerializer
from sessions_app.errors import not_found
from sessions_app.pagination import NewestFirst
from sessions_app.payloads import SubagentPayload

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


class SubagentSerializer(PayloadSerializer):
    """A subagent as the event contract shows it."""

    contract: type = SubagentRow

    def to_representation(self, instance: Subagent) -> dict[str, Any]:
        """Return the payload with the session's id."""
        return {"session_id": str(instance.session_id), **subagent_payload(instance)}


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


class SpawnSerializer(serializers.Serializer[Any]):
    """A task for a new subagent."""

    session_id = serializers.UUIDField()
    agent_type = serializers.CharField(max_length=100)
    task = serializers.DictField()


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

    def get_queryset(self) -> QuerySet[Subagent]:
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
            session.pk, wish["agent_type"], wish["task"], idempotency_key=idempotency_key(request)
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

    @extend_schema(parameters=[WAIT, IDEMPOTENCY_KEY], request=None, responses={202: SubagentSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        """Queue the same work again as a new subagent."""
        again = gateway.retry(self._own(pk).pk, idempotency_key(request))
        return Response(SubagentSerializer(again).data, status=202)

    def _own(self, subagent_id: UUID) -> Subagent:
        subagent = self.get_queryset().filter(pk=subagent_id).first()
        if subagent is None:
            raise not_found("subagent")
        return subagent
