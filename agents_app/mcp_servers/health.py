"""How MCP servers do: what the chat worker reports, and the pause after repeated failure.

After `FAILURES_MAX` failures in a row a server is paused for a minute and then tried again; each further
failure doubles the time, up to an hour. The first success forgets them all.
"""

from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from agents_app.mcp.reports import Failed, Report
from agents_app.mcp.results import Catalogue
from agents_app.mcp.server import Server
from agents_app.mcp_servers import address, catalogue
from agents_app.mcp_servers.model import McpServer
from sessions_app import plain
from sessions_app.errors import Refusal

FAILURES_MAX = 5
FIRST_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 3600
MESSAGE_MAX_CHARACTERS = 1000
SECRET_MIN_CHARACTERS = 4
ROWS_SHOWN = 50


class McpServerRow(TypedDict):
    """A server that cannot be used or does not answer."""

    server_id: str
    name: str
    owner: str | None
    health: str
    failures: int
    code: str
    message: str
    failed_at: str | None
    retry_at: str | None


def report_connected(server_id: UUID, offered: Catalogue, *, revision: int | None = None) -> None:
    """Note that a connection succeeded, or that what the server offers has changed.

    With the `revision` that was connected to, a report about a row that was changed meanwhile is dropped.
    """
    kept = catalogue.stored(offered)
    with transaction.atomic():
        row = _reported(server_id, revision)
        if row is None:
            return
        row.health, row.failures, row.retry_at = _health_after_success(row), 0, None
        row.error_code, row.error_message = "", ""
        row.connected_at = row.catalogue_at = timezone.now()
        row.catalogue = kept
        row.protocol_version = plain.text(offered.protocol_version, 40)
        row.save(
            update_fields=[
                "health", "failures", "retry_at", "error_code", "error_message", "connected_at",
                "catalogue_at", "catalogue", "protocol_version",
            ]
        )  # fmt: skip


def report_failed(server_id: UUID, code: str, message: str, *, revision: int | None = None) -> None:
    """Note that a connection could not be made or ended by itself; pause the server if it does so often.

    While it is paused more reports change nothing: they come from attempts that began before.
    """
    now = timezone.now()
    with transaction.atomic():
        row = _reported(server_id, revision)
        if row is None or is_paused(row, now):
            return
        row.failures += 1
        row.error_code, row.failed_at = plain.text(code, 60), now
        row.error_message = without_secrets(row, message)
        row.health, row.retry_at = _health_after_failure(row.failures, now)
        row.save(update_fields=["failures", "error_code", "error_message", "failed_at", "health", "retry_at"])


def take(server: Server, report: Report) -> None:
    """Note what the hub reported of a server. It uses the database: not for the hub's own event loop."""
    if isinstance(report, Failed):
        report_failed(server.id, report.error.code, report.error.message, revision=server.revision)
    else:
        report_connected(server.id, report.catalogue, revision=server.revision)


def is_paused(row: McpServer, now: datetime) -> bool:
    """Whether nobody may connect now."""
    return row.health == McpServer.Health.PAUSED and (row.retry_at is None or row.retry_at > now)


def check_usable(row: McpServer) -> None:
    """Raise `Refusal` (`mcp_server_paused`, `mcp_server_disabled`) if nobody may connect now."""
    if not row.enabled:
        raise Refusal("mcp_server_disabled", f"The server {row.name} is switched off.", status=409)
    now = timezone.now()
    if not is_paused(row, now):
        return
    if row.retry_at is None:
        raise Refusal("mcp_server_paused", f"The server {row.name} is paused.", status=409)
    seconds = int((row.retry_at - now).total_seconds()) + 1
    why = f"The server {row.name} failed {row.failures} times and is tried again in {seconds} s."
    raise Refusal("mcp_server_paused", why, status=409, retry_after_seconds=seconds)


def without_secrets(row: McpServer, message: str) -> str:
    """Return what a server or a library said of a failure, bounded and with the row's secrets taken out."""
    secrets = [*row.env.values(), *row.headers.values(), *address.secrets_of(row.url)]
    # `Bearer TOKEN`: the token alone may be told, too.
    secrets += [word for secret in secrets for word in secret.split()]
    text = plain.text(message, 4 * MESSAGE_MAX_CHARACTERS)
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= SECRET_MIN_CHARACTERS:
            text = text.replace(secret, address.HIDDEN)
    return text[:MESSAGE_MAX_CHARACTERS]


def counts() -> dict[str, int]:
    """Return how many servers that are switched on are in each state."""
    rows = McpServer.objects.filter(enabled=True).order_by().values_list("health").annotate(Count("pk"))
    return dict.fromkeys(McpServer.Health.values, 0) | dict(rows)


def troubled() -> list[McpServerRow]:
    """Return the servers that are switched on and unhealthy or paused, the newest failure first."""
    bad = Q(health=McpServer.Health.UNHEALTHY) | Q(health=McpServer.Health.PAUSED)
    rows = McpServer.objects.filter(bad, enabled=True).select_related("owner").defer("catalogue")
    return [_row(row) for row in rows.order_by("-failed_at", "name")[:ROWS_SHOWN]]


def _row(row: McpServer) -> McpServerRow:
    return {
        "server_id": str(row.pk),
        "name": row.name,
        "owner": None if row.owner is None else row.owner.get_username(),
        "health": row.health,
        "failures": row.failures,
        "code": row.error_code,
        "message": row.error_message[:300],
        "failed_at": None if row.failed_at is None else row.failed_at.isoformat(),
        "retry_at": None if row.retry_at is None else row.retry_at.isoformat(),
    }


def _reported(server_id: UUID, revision: int | None) -> McpServer | None:
    """Return the locked row that a report is about; None if that is gone or was changed."""
    rows = McpServer.objects.select_for_update(no_key=True).filter(pk=server_id)
    return rows.first() if revision is None else rows.filter(revision=revision).first()


def _health_after_success(row: McpServer) -> str:
    """Keep a pause that somebody made: it ends when he says so."""
    by_hand = row.health == McpServer.Health.PAUSED and row.retry_at is None
    return McpServer.Health.PAUSED if by_hand else McpServer.Health.CONNECTED


def _health_after_failure(failures: int, now: datetime) -> tuple[str, datetime | None]:
    if failures < FAILURES_MAX:
        return McpServer.Health.UNHEALTHY, None
    doublings = min(failures - FAILURES_MAX, 10)
    seconds = min(FIRST_PAUSE_SECONDS * 2**doublings, LONGEST_PAUSE_SECONDS)
    return McpServer.Health.PAUSED, now + timedelta(seconds=seconds)
