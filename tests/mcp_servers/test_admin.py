"""The admin: secrets go in and never come out, health is shown, pasted JSON is taken."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from agents_app.mcp_servers import changes, health
from agents_app.mcp_servers.model import McpServer
from tests.mcp_servers import samples
from tests.mcp_servers.conftest import OFFERED, SECRET

LIST = "/admin/agents_app/mcpserver/"
TIMES = {"connect_timeout_seconds": "30", "idle_timeout_seconds": "60", "call_timeout_seconds": "300"}
FILES = {
    "name": "files", "transport": "stdio", "command": "npx", "arguments": "-y\nserver", "enabled": "on",
    "approval": "default", "environment": f"API_KEY={SECRET}\nMODE=a=b", **TIMES,
}  # fmt: skip


@pytest.fixture
def admin(olga: Any, client: Client) -> Client:
    """An operator's browser."""
    client.force_login(olga)
    return client


def _shown(admin: Client, row: McpServer) -> str:
    page = admin.get(f"{LIST}{row.pk}/change/").content.decode()
    assert SECRET not in page
    return page


def test_a_program_is_added_and_its_secrets_are_stored_and_not_shown(admin: Client) -> None:
    answer = admin.post(f"{LIST}add/", FILES)
    assert answer.status_code == 302, answer.content.decode()
    row = McpServer.objects.get()
    assert (row.args, row.scope, row.revision) == (["-y", "server"], "user", 1)
    assert row.env == {"API_KEY": SECRET, "MODE": "a=b"}
    assert "Stored now: API_KEY, MODE." in _shown(admin, row)
    assert SECRET not in admin.get(LIST).content.decode()
    assert SECRET not in str(list(LogEntry.objects.values()))


def test_an_empty_field_keeps_the_secrets_and_a_filled_one_replaces_them(
    admin: Client, files: McpServer
) -> None:
    address = f"{LIST}{files.pk}/change/"
    same = FILES | {"environment": "", "scope": "user"}
    for more, env in (
        ({"heavy": "on"}, {"API_KEY": SECRET}),
        ({"environment": "A=b"}, {"A": "b"}),
        ({"forget_secrets": "on"}, {}),
    ):
        answer = admin.post(address, same | more)
        assert answer.status_code == 302, answer.content.decode()
        files.refresh_from_db()
        assert files.env == env


def test_the_key_in_an_address_is_hidden_and_stays(admin: Client, search: McpServer) -> None:
    page = _shown(admin, search)
    assert "https://8.8.8.8/mcp?key=***" in page
    assert "k-0123456789" not in page
    form = {
        "name": "search", "transport": "http", "address": "https://8.8.8.8/mcp?key=***", "enabled": "on",
        "approval": "ask", "scope": "user", "approvals": '{"write": "deny"}', **TIMES,
    }  # fmt: skip
    answer = admin.post(f"{LIST}{search.pk}/change/", form)
    assert answer.status_code == 302, answer.content.decode()
    row = McpServer.objects.get()
    assert (row.url, row.approval, row.tool_approvals) == (search.url, "ask", {"write": "deny"})
    assert (row.headers, row.owner) == (search.headers, search.owner)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": "A B"}, "small letters"),
        ({"command": ""}, "a stdio server has one"),
        ({"address": "https://8.8.8.8/"}, "has none"),
        ({"environment": SECRET}, "Line 1 of the secrets has no ="),
        ({"approvals": "{"}, "this is no JSON"),
        ({"approvals": '{"a": 1}'}, "one of allow, ask, deny"),
        ({"call_timeout_seconds": "0"}, "from 1 to"),
    ],
)
def test_what_the_verbs_refuse_is_said_in_the_form(
    admin: Client, wrong: dict[str, str], sentence: str
) -> None:
    answer = admin.post(f"{LIST}add/", FILES | wrong)
    assert answer.status_code == 200
    errors = str(answer.context["adminform"].form.errors)
    assert sentence in errors
    assert SECRET not in errors
    assert not McpServer.objects.exists()


def test_health_and_tools_are_shown(admin: Client, files: McpServer) -> None:
    health.report_connected(files.pk, OFFERED)
    health.report_failed(files.pk, "mcp_disconnected", "<b>It went.</b>")
    page = _shown(admin, files)
    assert "mcp_disconnected" in page
    assert "&lt;b&gt;It went." in page
    assert "write (ask)" in page
    assert "2025-11-25" in page


def test_servers_are_paused_and_resumed_in_bulk(admin: Client, files: McpServer, search: McpServer) -> None:
    chosen = {"_selected_action": [str(files.pk), str(search.pk)]}
    admin.post(LIST, chosen | {"action": "pause"})
    assert set(McpServer.objects.values_list("health", flat=True)) == {"paused"}
    admin.post(LIST, chosen | {"action": "resume"})
    assert set(McpServer.objects.values_list("health", flat=True)) == {"unknown"}


def test_removing_servers_tells_whoever_holds_connections(
    admin: Client, files: McpServer, search: McpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(changes, "_when_changed", [told.append])
    admin.post(f"{LIST}{files.pk}/delete/", {"post": "yes"})
    chosen = {"_selected_action": [str(search.pk)], "action": "delete_selected", "post": "yes"}
    admin.post(LIST, chosen)
    assert told == [files.pk, search.pk]
    assert not McpServer.objects.exists()


def test_pasted_json_is_taken_and_its_refusals_are_told(admin: Client) -> None:
    assert b"Import mcpServers JSON" in admin.get(LIST).content
    assert admin.get(f"{LIST}import/").status_code == 200
    answer = admin.post(f"{LIST}import/", {"text": samples.DOCKER}, follow=True)
    assert b"Server brave-search: added." in answer.content
    assert SECRET.encode() not in answer.content
    answer = admin.post(f"{LIST}import/", {"text": '{"mcpServers": {"<b>": {"command": 7}}}'})
    assert b"refused" in answer.content
    assert b"<b>:" not in answer.content
    assert b"This is no JSON" in admin.post(f"{LIST}import/", {"text": "{"}).content


def test_who_may_only_look_sees_no_secret_and_imports_nothing(client: Client, search: McpServer) -> None:
    carl = get_user_model().objects.create_user("carl", is_staff=True)
    carl.user_permissions.add(Permission.objects.get(codename="view_mcpserver"))
    client.force_login(carl)
    page = _shown(client, search)
    assert "k-0123456789" not in page
    assert client.get(f"{LIST}import/").status_code == 403
    assert client.post(f"{LIST}import/", {"text": samples.GIT}).status_code == 403
    changes.remove(search.pk)


def test_the_admin_is_for_staff(client: Client, ann: Any) -> None:
    client.force_login(ann)
    assert client.get(f"{LIST}import/").status_code == 302
    assert client.post(f"{LIST}add/", FILES).status_code == 302
    assert not McpServer.objects.exists()
