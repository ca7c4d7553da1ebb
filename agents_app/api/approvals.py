"""REST: calls that wait for their user's word, and the tools that a user allowed."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import DestroyAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app import approvals
from agents_app.models import Approval, ToolPermission
from agents_app.presentation import approval_payload
from sessions_app.api import owned_session
from sessions_app.contract import PayloadSerializer
from sessions_app.errors import not_found
from sessions_app.payloads import ApprovalPayload


class ApprovalSerializer(PayloadSerializer):
    """A call that was asked for, as the event contract shows it."""

    contract = ApprovalPayload

    def to_representation(self, instance: Approval) -> dict[str, Any]:
        """Return the payload."""
        return dict(approval_payload(instance))


class DecisionSerializer(serializers.Serializer[Any]):
    """What the user says."""

    allow = serializers.BooleanField()
    scope = serializers.ChoiceField(
        choices=approvals.SCOPES,
        required=False,
        default="once",
        help_text="whether the tool is allowed for this call alone, in this session, or always",
    )
    args = serializers.DictField(required=False, help_text="other arguments than the model's")
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=approvals.REASON_MAX_CHARACTERS,
        help_text="why it is refused: the model is told",
    )


class ApprovalsView(ListAPIView[Approval]):
    """Calls of one session that its user was asked for."""

    serializer_class = ApprovalSerializer
    queryset = Approval.objects.none()
    filterset_fields = ["state"]

    def get_queryset(self) -> QuerySet[Approval]:
        """Return those of the session in the address, if it is the caller's, in order."""
        return owned_session(self.request, self.kwargs["session_id"]).approvals.all()


class ApprovalView(APIView):
    """One call that was asked for."""

    @extend_schema(request=DecisionSerializer, responses=ApprovalSerializer)
    def post(self, request: Request, approval_id: UUID) -> Response:
        """Decide it: allow (once, in this session, always; with other arguments), or refuse with a reason."""
        owned = Approval.objects.filter(session__owner_id=request.user.pk, session__deleted_at=None)
        if not owned.filter(pk=approval_id).exists():
            raise not_found("approval")
        serializer = DecisionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wish = serializer.validated_data
        asked = approvals.resolve(
            approval_id,
            allow=wish["allow"],
            scope=wish["scope"],
            arguments=wish.get("args"),
            reason=wish.get("reason", ""),
        )
        return Response(ApprovalSerializer(asked).data)


class PermissionSerializer(serializers.ModelSerializer[ToolPermission]):
    """A tool that the caller allowed for a session, or always."""

    session_title = serializers.CharField(
        source="session.title", read_only=True, allow_null=True, default=None, help_text="null if always"
    )

    class Meta:
        model = ToolPermission
        fields = ["id", "tool_name", "session_id", "session_title", "created_at"]


class PermissionsView(ListAPIView[ToolPermission]):
    """Tools that the caller allowed."""

    serializer_class = PermissionSerializer
    queryset = ToolPermission.objects.none()

    def get_queryset(self) -> QuerySet[ToolPermission]:
        """Return the caller's."""
        return _permissions(self.request)


class PermissionView(DestroyAPIView[ToolPermission]):
    """One tool that the caller allowed."""

    serializer_class = PermissionSerializer
    queryset = ToolPermission.objects.none()

    def get_queryset(self) -> QuerySet[ToolPermission]:
        """Return the caller's."""
        return _permissions(self.request)


def _permissions(request: Request) -> QuerySet[ToolPermission]:
    """Return what the caller allowed, less what went with a deleted session."""
    there = Q(session=None) | Q(session__deleted_at=None)
    return ToolPermission.objects.filter(there, owner_id=request.user.pk).select_related("session")
