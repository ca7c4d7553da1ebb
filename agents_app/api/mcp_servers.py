"""REST: MCP servers."""

from typing import Any, TypedDict
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app.mcp_servers import changes, importing, serving
from agents_app.mcp_servers.model import McpServer
from agents_app.mcp_servers.offers import McpOffers, offered_to
from agents_app.mcp_servers.presentation import (
    APPROVALS,
    SCOPES,
    TRANSPORTS,
    McpServerState,
    McpToolState,
    may_edit,
    server_state,
    tool_states,
)
from sessions_app import plain
from sessions_app.contract import PayloadSerializer
from sessions_app.errors import Refusal

SEARCH_MAX_CHARACTERS = 200
SEARCH = OpenApiParameter("search", str, description="text in the address, the name or the title")


class ServerSerializer(PayloadSerializer):
    """An MCP server as it stands."""

    contract = McpServerState


class McpToolSerializer(PayloadSerializer):
    """A tool of an MCP server."""

    contract = McpToolState


class _Resource(TypedDict):
    uri: str
    name: str
    title: str
    description: str
    mime_type: str
    size: int | None


class _ResourceTemplate(TypedDict):
    uri_template: str
    name: str
    title: str
    description: str
    mime_type: str


class McpResources(TypedDict):
    """What a server offers to read."""

    resources: list[_Resource]
    resource_templates: list[_ResourceTemplate]


class _PromptArgument(TypedDict):
    name: str
    title: str
    description: str
    required: bool


class McpPrompt(TypedDict):
    """A prompt that a server writes from arguments."""

    name: str
    title: str
    description: str
    arguments: list[_PromptArgument]


class ResourcesSerializer(PayloadSerializer):
    """Resources and templates."""

    contract = McpResources


class PromptSerializer(PayloadSerializer):
    """A prompt."""

    contract = McpPrompt


class OffersSerializer(PayloadSerializer):
    """What can be named in a message."""

    contract = McpOffers


class ImportedSerializer(PayloadSerializer):
    """What became of one server of an import."""

    contract = importing.Imported


class DeclarationSerializer(serializers.Serializer[Any]):
    """What can be said of a server; `declaration` checks the values."""

    name = serializers.CharField(required=False, help_text="small letters, digits, - and _; at most 32")
    transport = serializers.ChoiceField(TRANSPORTS.words, required=False)
    command = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    args = serializers.ListField(required=False, help_text="texts")
    env = serializers.DictField(required=False, help_text="secret: replaces all there were, never shown")
    url = serializers.CharField(required=False, allow_blank=True)
    headers = serializers.DictField(required=False, help_text="secret: replaces all there were, never shown")
    scope = serializers.ChoiceField(SCOPES.words, required=False)
    enabled = serializers.BooleanField(required=False)
    trusted = serializers.BooleanField(required=False, help_text="staff only")
    heavy = serializers.BooleanField(required=False)
    heavy_tools = serializers.ListField(required=False, help_text="patterns such as build_*")
    approval = serializers.ChoiceField(APPROVALS.words, required=False)
    tool_approvals = serializers.DictField(required=False, help_text="tool name to allow, ask or deny")
    connect_timeout_seconds = serializers.FloatField(required=False)
    idle_timeout_seconds = serializers.FloatField(required=False)
    call_timeout_seconds = serializers.FloatField(required=False)


class AddSerializer(DeclarationSerializer):
    """A new server."""

    shared = serializers.BooleanField(
        required=False, help_text="for everybody's sessions, which staff may add and do by default"
    )


class ToolApprovalSerializer(serializers.Serializer[Any]):
    """What shall happen to the calls of one tool."""

    tool_name = serializers.CharField(
        max_length=128, trim_whitespace=False, help_text="as its server calls it"
    )
    approval = serializers.ChoiceField(APPROVALS.words)


class ServersView(APIView):
    """MCP servers."""

    @extend_schema(responses=ServerSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the servers that everybody uses and the caller's own; staff see all."""
        return Response([server_state(row, request.user) for row in serving.visible_to(request.user)])

    @extend_schema(request=AddSerializer, responses={201: ServerSerializer})
    def post(self, request: Request) -> Response:
        """Add a server: users http ones for themselves, staff any, for everybody by default."""
        given = _valid(AddSerializer, request)
        shared = given.pop("shared", request.user.is_staff)
        row = changes.add(given, by=request.user, owner=_owner(request, shared=shared))
        return Response(server_state(row, request.user), status=201)


class ServerView(APIView):
    """One MCP server."""

    @extend_schema(responses=ServerSerializer)
    def get(self, request: Request, server_id: UUID) -> Response:
        """Return the server; of its secrets the names, and those only to who may change it."""
        return Response(server_state(serving.visible_server(request.user, server_id), request.user))

    @extend_schema(request=DeclarationSerializer, responses=ServerSerializer)
    def patch(self, request: Request, server_id: UUID) -> Response:
        """Change what is given; connections are made anew where that needs it."""
        row = _editable(request, server_id)
        changed = changes.change(row.pk, _valid(DeclarationSerializer, request), by=request.user)
        return Response(server_state(changed, request.user))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, server_id: UUID) -> Response:
        """Remove the server."""
        changes.remove(_editable(request, server_id).pk)
        return Response(status=204)


class PauseServerView(APIView):
    """Pauses of one MCP server."""

    @extend_schema(request=None, responses=ServerSerializer)
    def post(self, request: Request, server_id: UUID) -> Response:
        """Take the server out of use until it is resumed."""
        row = changes.pause(_editable(request, server_id).pk)
        return Response(server_state(row, request.user))


class ResumeServerView(APIView):
    """Resumptions of one MCP server."""

    @extend_schema(request=None, responses=ServerSerializer)
    def post(self, request: Request, server_id: UUID) -> Response:
        """Let the server be tried again at once, as if it had never failed."""
        row = changes.resume(_editable(request, server_id).pk)
        return Response(server_state(row, request.user))


class ImportServersView(APIView):
    """Imports of `mcpServers` JSON."""

    @extend_schema(request=OpenApiTypes.OBJECT, responses=ImportedSerializer(many=True))
    def post(self, request: Request) -> Response:
        """Add or change the servers of `{"mcpServers": {NAME: …}}` and say what became of each.

        For everybody if staff do it, else for the caller. Doing it again changes nothing.
        """
        servers = importing.servers_in(request.data)
        owner = _owner(request, shared=request.user.is_staff)
        return Response(importing.take(servers, by=request.user, owner=owner))


class ServerToolsView(APIView):
    """Tools of one MCP server."""

    @extend_schema(responses=McpToolSerializer(many=True))
    def get(self, request: Request, server_id: UUID) -> Response:
        """List the tools as the server offered them last, denied ones too."""
        return Response(tool_states(serving.visible_server(request.user, server_id)))

    @extend_schema(request=ToolApprovalSerializer, responses=McpToolSerializer(many=True))
    def patch(self, request: Request, server_id: UUID) -> Response:
        """Allow, ask before or deny calls of one tool; `default` goes by the server's own setting again."""
        row = _editable(request, server_id)
        wish = _valid(ToolApprovalSerializer, request)
        changed = changes.set_tool_approval(row.pk, wish["tool_name"], wish["approval"], by=request.user)
        return Response(tool_states(changed))


class ServerResourcesView(APIView):
    """Resources of one MCP server."""

    @extend_schema(responses=ResourcesSerializer)
    def get(self, request: Request, server_id: UUID) -> Response:
        """List what can be read, as the server offered it last."""
        offered = serving.visible_server(request.user, server_id).catalogue
        return Response({name: offered.get(name, []) for name in ("resources", "resource_templates")})


class ServerPromptsView(APIView):
    """Prompts of one MCP server."""

    @extend_schema(responses=PromptSerializer(many=True))
    def get(self, request: Request, server_id: UUID) -> Response:
        """List the prompts with their arguments, as the server offered them last."""
        return Response(serving.visible_server(request.user, server_id).catalogue.get("prompts", []))


class OffersView(APIView):
    """Resources and prompts of all MCP servers of the caller."""

    @extend_schema(parameters=[SEARCH], responses=OffersSerializer)
    def get(self, request: Request) -> Response:
        """List what the caller's chats can use now: `@server:uri` in a message, `get_prompt`."""
        search = plain.text(request.query_params.get("search", ""), SEARCH_MAX_CHARACTERS)
        return Response(offered_to(request.user.pk, search))


def _valid(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    serializer = kind(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _owner(request: Request, *, shared: bool) -> Any | None:
    if shared and not request.user.is_staff:
        raise Refusal("permission_denied", "Only staff add servers for everybody.", status=403)
    return None if shared else request.user


def _editable(request: Request, server_id: UUID) -> McpServer:
    """Return a server that the caller may change; raise `Refusal` (`not_found`, `permission_denied`)."""
    row = serving.visible_server(request.user, server_id)
    if not may_edit(row, request.user):
        raise Refusal("permission_denied", "Only staff change servers that everybody uses.", status=403)
    return row
