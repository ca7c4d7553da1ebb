"""REST: turns."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app import turns, usage
from agents_app.models import Turn
from agents_app.presentation import turn_payload
from sessions_app.api import owned_session
from sessions_app.contract import PayloadSerializer
from sessions_app.errors import not_found
from sessions_app.payloads import SessionUsage, TurnPayload


class TurnRow(TurnPayload):
    """A turn in REST: the payload of its events with its state."""

    state: str


class TurnSerializer(PayloadSerializer):
    """A turn as the event contract shows it, with its state."""

    contract = TurnRow

    def to_representation(self, instance: Turn) -> dict[str, Any]:
        """Return the payload."""
        return {**turn_payload(instance), "state": instance.state}


class TurnsView(ListAPIView[Turn]):
    """Turns of one session."""

    serializer_class = TurnSerializer
    queryset = Turn.objects.none()

    def get_queryset(self) -> QuerySet[Turn]:
        """Return the turns of the session in the address, if it is the caller's, newest first."""
        return owned_session(self.request, self.kwargs["session_id"]).turns.all()


class StopTurnView(APIView):
    """Stops of one turn."""

    @extend_schema(request=None, responses={202: TurnSerializer})
    def post(self, request: Request, turn_id: UUID) -> Response:
        """Stop the turn; what it has written so far is kept. An ended turn stays as it is."""
        owned = Turn.objects.filter(pk=turn_id, session__owner_id=request.user.pk, session__deleted_at=None)
        if not owned.exists():
            raise not_found("turn")
        return Response(TurnSerializer(turns.stop(turn_id)).data, status=202)


class SessionUsageSerializer(PayloadSerializer):
    """What a session's requests to models took."""

    contract = SessionUsage


class UsageView(APIView):
    """Tokens and cost of one session."""

    @extend_schema(responses=SessionUsageSerializer)
    def get(self, request: Request, session_id: UUID) -> Response:
        """Return what all requests to models took, in all and by model; also of turns that failed."""
        return Response(usage.of_session(owned_session(request, session_id).pk))
