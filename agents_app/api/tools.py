"""REST: tools."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app import gateway, tool_policies
from agents_app.api.subagents import WAIT, PriorityField, SubagentSerializer
from agents_app.mcp_servers.presentation import CALL_APPROVALS
from agents_app.mcp_servers.tools import McpTool, mcp_tools
from agents_app.models import Subagent, ToolCall
from agents_app.presentation import tool_payload
from agents_app.registry import Tool
from agents_app.tool_executor import TIMEOUT_MAX_SECONDS
from sessions_app.api import IDEMPOTENCY_KEY, idempotency_key, owned_session
from sessions_app.contract import PayloadSerializer
from sessions_app.payloads import ToolCallPayload


class ToolSerializer(serializers.Serializer[Tool | McpTool]):
    """A tool that can be called."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    input_schema = serializers.DictField()
    output_schema = serializers.DictField(
        default=None, allow_null=True, help_text="the schema of its results' `data`; null if there is none"
    )
    heavy = serializers.BooleanField()
    safe_to_repeat = serializers.BooleanField()
    execution_timeout_seconds = serializers.FloatField()
    server = serializers.CharField(
        source="server_name", default=None, allow_null=True, help_text="its MCP server; null if built in"
    )
    approval = serializers.ChoiceField(
        CALL_APPROVALS.words,
        default="allow",
        help_text="whether somebody is asked before each call of the agent; denied tools run for nobody",
    )


class CallSerializer(PayloadSerializer):
    """A fast call as the event contract shows it."""

    contract = ToolCallPayload

    def to_representation(self, instance: ToolCall) -> dict[str, Any]:
        """Return the payload."""
        return dict(tool_payload(instance))


class WholeToolCall(ToolCallPayload):
    """A fast call in REST: the payload of its events with the whole result, however large."""


class WholeCallSerializer(CallSerializer):
    """A fast call with its whole result."""

    contract = WholeToolCall

    def to_representation(self, instance: ToolCall) -> dict[str, Any]:
        """Return the payload with the whole result."""
        return dict(tool_payload(instance, whole=True))


class CallsView(ListAPIView[ToolCall]):
    """Fast calls of one session: the audit."""

    serializer_class = CallSerializer
    queryset = ToolCall.objects.none()
    filterset_fields = ["state", "tool_name"]

    def get_queryset(self) -> QuerySet[ToolCall]:
        """Return the calls of the session in the address, if it is the caller's, newest first."""
        return owned_session(self.request, self.kwargs["session_id"]).tool_calls.all()


class CallView(RetrieveAPIView[ToolCall]):
    """One fast call, with its whole result."""

    serializer_class = WholeCallSerializer
    queryset = ToolCall.objects.none()

    def get_queryset(self) -> QuerySet[ToolCall]:
        """Return the calls in the caller's sessions."""
        return ToolCall.objects.filter(session__owner_id=self.request.user.pk, session__deleted_at=None)


class ExecuteSerializer(serializers.Serializer[Any]):
    """A call: for which session, with what."""

    session_id = serializers.UUIDField()
    args = serializers.JSONField(required=False, default=dict)
    execution = serializers.ChoiceField(choices=gateway.EXECUTIONS, required=False, default="auto")
    timeout = serializers.FloatField(
        required=False, min_value=1, max_value=TIMEOUT_MAX_SECONDS, help_text="seconds, heavy work only"
    )
    priority = PriorityField()


class ToolsView(APIView):
    """The tools."""

    @extend_schema(responses=ToolSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the tools with the schema of their arguments: built-in ones, then those of MCP servers."""
        built_in = sorted(tool_policies.built_in(), key=lambda tool: tool.name)
        tools: list[Tool | McpTool] = [*built_in, *mcp_tools(request.user.pk)]
        return Response([ToolSerializer(tool).data for tool in tools])


class ExecuteToolView(APIView):
    """Calls of one tool."""

    @extend_schema(
        parameters=[WAIT, IDEMPOTENCY_KEY],
        request=ExecuteSerializer,
        responses={200: WholeCallSerializer, 202: SubagentSerializer},
    )
    def post(self, request: Request, name: str) -> Response:
        """Call the tool: a fast one answers with its result (200), a heavy one with its subagent (202).

        A tool of an MCP server is called by another process: the answer is the call as it stands (202), its
        end with `wait`.
        """
        serializer = ExecuteSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wish = serializer.validated_data
        session = owned_session(request, wish["session_id"])
        done = gateway.execute_tool(
            session,
            name,
            wish["args"],
            execution=wish["execution"],
            timeout_seconds=wish.get("timeout"),
            priority=wish["priority"],
            call_id=gateway.call_id(session, idempotency_key(request)),
        )
        if isinstance(done, Subagent):
            return Response(SubagentSerializer(done).data, status=202)
        going_on = done.state == ToolCall.State.RUNNING
        return Response(WholeCallSerializer(done).data, status=202 if going_on else 200)
