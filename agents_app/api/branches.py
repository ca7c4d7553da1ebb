"""REST: what was said anew."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app import branching
from agents_app.api.turns import TurnSerializer
from sessions_app import messages, snapshot
from sessions_app.api import (
    IDEMPOTENCY_KEY,
    MessageSerializer,
    PostMessageSerializer,
    SessionSerializer,
    idempotency_key,
    owned_session,
)
from sessions_app.models import Branch, ChatSession


class BranchSerializer(serializers.ModelSerializer[Branch]):
    """A branch: the places (`seq`) that it consists of."""

    is_current = serializers.SerializerMethodField()

    class Meta:
        model = Branch
        fields = ["id", "ranges", "is_current", "created_at", "used_at"]

    def get_is_current(self, branch: Branch) -> bool:
        """Return whether it is the one that is shown."""
        return branch.session.branch_id == branch.pk


class EditView(APIView):
    """Edits of one message."""

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY], request=PostMessageSerializer, responses={201: MessageSerializer}
    )
    def post(self, request: Request, session_id: UUID, message_id: UUID) -> Response:
        """Say it in other words: the chat goes on from there in a new branch. 409 while an answer runs."""
        session = owned_session(request, session_id)
        serializer = PostMessageSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        content = serializer.validated_data["content"]
        message = branching.edit(session.pk, message_id, content, idempotency_key(request))
        return Response(messages.payload(message), status=201)


class RegenerateView(APIView):
    """Answers made again."""

    @extend_schema(request=None, responses={201: TurnSerializer})
    def post(self, request: Request, session_id: UUID, message_id: UUID) -> Response:
        """Have this answer made again, in a new branch. 409 while an answer runs."""
        turn = branching.regenerate(owned_session(request, session_id).pk, message_id)
        return Response(TurnSerializer(turn).data, status=201)


class BranchesView(APIView):
    """Branches of one session."""

    @extend_schema(responses=BranchSerializer(many=True))
    def get(self, request: Request, session_id: UUID) -> Response:
        """List the branches, oldest first; none while nothing was said anew."""
        rows = owned_session(request, session_id).branches.select_related("session")
        return Response(BranchSerializer(rows, many=True).data)


class SwitchView(APIView):
    """Switches to one branch."""

    @extend_schema(request=None, responses=SessionSerializer)
    def post(self, request: Request, session_id: UUID, branch_id: UUID) -> Response:
        """Show this branch and go on with it. 409 while an answer runs."""
        session: Any = owned_session(request, session_id)
        branching.switch(session.pk, branch_id)
        return Response(snapshot.summary(ChatSession.objects.get(pk=session.pk)))
