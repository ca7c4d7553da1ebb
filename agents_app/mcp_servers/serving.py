"""From a row to what connections are made of."""

from collections.abc import Collection
from typing import Any, cast
from uuid import UUID

from django.utils import timezone

from agents_app.mcp.server import Scope, Server, Transport
from agents_app.mcp_servers import address
from agents_app.mcp_servers.model import McpServer
from sessions_app.errors import not_found


def as_server(row: McpServer) -> Server:
    """Return the row as plain data. It holds the secrets: it goes to the hub and nowhere else."""
    return Server(
        id=row.pk,
        name=row.name,
        transport=cast(Transport, row.transport),
        command=row.command,
        args=tuple(row.args),
        env=dict(row.env),
        url=row.url,
        headers=dict(row.headers),
        public_only=_public_only(row),
        scope=cast(Scope, row.scope),
        connect_timeout_seconds=row.connect_timeout_seconds,
        idle_timeout_seconds=row.idle_timeout_seconds,
        call_timeout_seconds=row.call_timeout_seconds,
        revision=row.revision,
    )


def _public_only(row: McpServer) -> bool:
    """Whether it may be reached at public addresses alone: a user's own, its host not allow-listed."""
    by_staff = row.owner is None or row.owner.is_staff
    return row.transport == McpServer.Transport.HTTP and not by_staff and not address.is_allowed(row.url)


def usable_servers(owner_id: Any) -> list[McpServer]:
    """Return the servers to which a user's sessions may connect now."""
    return list(McpServer.objects.usable_by(owner_id, timezone.now()).select_related("owner"))


def out_of_use(server_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return those to which nobody may be connected any more, each with a sentence that says why.

    A server that is paused after failures is none of them: what still works there may end.
    """
    rows = McpServer.objects.filter(pk__in=server_ids).only("enabled", "health", "retry_at")
    found = dict.fromkeys(server_ids, "The server was removed.")
    for row in rows:
        if not row.enabled:
            found[row.pk] = "The server was switched off."
        elif row.health == McpServer.Health.PAUSED and row.retry_at is None:
            found[row.pk] = "The server was paused."
        else:
            del found[row.pk]
    return found


def visible_server(user: Any, server_id: UUID) -> McpServer:
    """Return a server that the user may see: all for staff. Raises `Refusal` (`not_found`)."""
    rows = McpServer.objects.all() if user.is_staff else McpServer.objects.visible_to(user)
    row = rows.filter(pk=server_id).first()
    if row is None:
        raise not_found("MCP server")
    return row


def visible_to(user: Any) -> list[McpServer]:
    """Return the servers that the user may see: all for staff, else everybody's and his own."""
    rows = McpServer.objects.all() if user.is_staff else McpServer.objects.visible_to(user)
    return list(rows.select_related("owner"))
