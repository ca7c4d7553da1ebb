"""How MCP servers do: reports, the pause after repeated failure, and who is told."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents_app import metrics, monitor
from agents_app.mcp.results import Catalogue
from agents_app.mcp_servers import changes, health, serving, telling
from agents_app.mcp_servers.model import McpServer
from sessions_app import events
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.conformity import assert_conforms
from tests.mcp_servers.conftest import OFFERED, SECRET


def _fail(row: McpServer, times: int = 1) -> McpServer:
    for _ in range(times):
        health.report_failed(row.pk, "mcp_unreachable", "It ended at once.")
    return McpServer.objects.get(pk=row.pk)


def _let_the_pause_pass(row: McpServer) -> None:
    McpServer.objects.filter(pk=row.pk).update(retry_at=timezone.now() - timedelta(seconds=1))


def test_a_connection_brings_the_catalogue_and_forgets_the_failures(files: McpServer) -> None:
    _fail(files, 2)
    health.report_connected(files.pk, OFFERED)
    files.refresh_from_db()
    assert (files.health, files.failures, files.error_code) == ("connected", 0, "")
    assert files.protocol_version == "2025-11-25"
    assert [tool["name"] for tool in files.catalogue["tools"]] == ["read", "write", "touch", "odd name/ü"]
    assert files.connected_at is not None


def test_five_failures_in_a_row_pause_a_server_and_each_more_doubles_the_time(
    files: McpServer, ann: Any
) -> None:
    row = _fail(files, health.FAILURES_MAX - 1)
    assert (row.health, row.retry_at) == ("unhealthy", None)
    assert serving.usable_servers(ann.pk) == [files]
    seconds = []
    for _ in range(9):
        row = _fail(files)
        assert row.health == "paused"
        assert row.retry_at is not None
        assert row.failed_at is not None
        seconds.append((row.retry_at - row.failed_at).total_seconds())
        assert serving.usable_servers(ann.pk) == []
        assert _fail(files).failures == row.failures  # reports of older attempts count for nothing
        _let_the_pause_pass(files)
        assert serving.usable_servers(ann.pk) == [files]
    assert seconds == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_paused_server_says_when_it_is_tried_again(files: McpServer) -> None:
    with pytest.raises(Refusal) as refused:
        health.check_usable(_fail(files, health.FAILURES_MAX))
    assert refused.value.code == "mcp_server_paused"
    assert 55 <= refused.value.extra["retry_after_seconds"] <= 61
    health.check_usable(changes.resume(files.pk))


def test_a_pause_by_hand_lasts_until_it_is_resumed(files: McpServer, ann: Any) -> None:
    changes.pause(files.pk)
    health.report_connected(files.pk, OFFERED)
    changes.change(files.pk, {"command": "uvx"}, by=None)
    assert serving.usable_servers(ann.pk) == []
    assert changes.resume(files.pk).health == "unknown"
    assert serving.usable_servers(ann.pk) == [files]
    changes.change(files.pk, {"enabled": False}, by=None)
    assert serving.usable_servers(ann.pk) == []


def test_reports_about_an_older_revision_are_dropped(files: McpServer) -> None:
    changes.change(files.pk, {"command": "uvx"}, by=None)
    health.report_connected(files.pk, OFFERED, revision=1)
    health.report_failed(files.pk, "mcp_unreachable", "", revision=1)
    files.refresh_from_db()
    assert (files.health, files.failures, files.catalogue) == ("unknown", 0, {})
    health.report_connected(files.pk, OFFERED, revision=2)
    files.refresh_from_db()
    assert files.health == "connected"


@pytest.mark.django_db(transaction=True)
def test_failures_reported_at_once_are_all_counted(together: Any) -> None:
    row = changes.add({"name": "a", "command": "b"}, by=None, owner=None)
    together(*[lambda: health.report_failed(row.pk, "mcp_unreachable", "")] * 4)
    row.refresh_from_db()
    assert row.failures == 4


def test_another_server_behind_the_name_begins_anew(files: McpServer) -> None:
    health.report_connected(files.pk, OFFERED)
    _fail(files)
    changed = changes.change(files.pk, {"command": "uvx"}, by=None)
    assert (changed.health, changed.failures, changed.catalogue, changed.error_code) == ("unknown", 0, {}, "")


def test_the_error_holds_no_secret_and_no_nonsense(search: McpServer) -> None:
    health.report_failed(search.pk, "x" * 100, f"401 for {search.url} with {SECRET}\x00\ud800" + "y" * 9000)
    search.refresh_from_db()
    assert SECRET not in search.error_message
    assert "k-0123456789" not in search.error_message
    assert len(search.error_message) == 1000


def test_a_report_about_a_removed_server_changes_nothing(files: McpServer, session: ChatSession) -> None:
    changes.remove(files.pk)
    health.report_connected(files.pk, Catalogue())
    health.report_failed(files.pk, "a", "b")
    telling.record_in(session.pk, files.pk)
    assert not McpServer.objects.exists()


def test_a_session_is_told_that_a_server_was_connected_or_failed(
    files: McpServer, session: ChatSession, kinds_of: Any
) -> None:
    health.report_connected(files.pk, OFFERED)
    telling.record_in(session.pk, files.pk)
    telling.record_in(session.pk, files.pk, {"code": "mcp_timeout", "message": f"It said {SECRET}."})
    assert kinds_of(session)[-2:] == ["mcp.server_connected", "mcp.server_failed"]
    rows = list(session.events.order_by("seq"))[-2:]
    for row in rows:
        assert_conforms(
            {
                "session_id": str(session.pk), "seq": row.seq, "kind": row.kind, "payload": row.payload,
                "created_at": row.created_at.isoformat(),
            }
        )  # fmt: skip
    assert rows[0].payload["tool_count"] == 4
    assert SECRET not in events.encode(rows[1])


def test_the_monitor_and_the_metrics_show_servers_in_trouble(files: McpServer, search: McpServer) -> None:
    assert monitor.components()["mcp"]["status"] == "ok"
    _fail(search, health.FAILURES_MAX)
    part = monitor.components()["mcp"]
    assert (part["status"], part["reason"]) == ("degraded", "1 of 2 MCP servers fail or are paused.")
    (row,) = monitor.snapshot()["mcp"]
    assert (row["name"], row["owner"], row["health"], row["code"]) == (
        "search", "ann", "paused", "mcp_unreachable",
    )  # fmt: skip
    assert b'mcpchat_mcp_servers{health="paused"} 1.0' in metrics.text()
    changes.change(search.pk, {"enabled": False}, by=None)
    assert monitor.components()["mcp"]["status"] == "ok"
