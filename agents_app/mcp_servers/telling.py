"""Tells the chat sessions that an MCP server was connected or failed in one of their turns."""

from uuid import UUID

from agents_app.mcp_servers.health import without_secrets
from agents_app.mcp_servers.model import McpServer
from sessions_app import plain
from sessions_app.events import session_change
from sessions_app.payloads import Error, McpServerPayload


def record_in(session_id: UUID, server_id: UUID, error: Error | None = None) -> None:
    """Record in a session's feed that a server was connected, or failed with `error`.

    Nothing is recorded of a server that was removed meanwhile. Raises `Refusal` (`not_found`) for a session
    that does not exist.
    """
    row = McpServer.objects.filter(pk=server_id).first()
    if row is None:
        return
    payload = _payload(row)
    if error is not None:
        message = without_secrets(row, error["message"])
        payload["error"] = {"code": plain.text(error["code"], 60), "message": message}
    with session_change(session_id) as change:
        change.record("mcp.server_connected" if error is None else "mcp.server_failed", payload)


def _payload(row: McpServer) -> McpServerPayload:
    return {
        "server_id": str(row.pk),
        "name": row.name,
        "protocol_version": row.protocol_version,
        "tool_count": len(row.catalogue.get("tools", [])),
    }
