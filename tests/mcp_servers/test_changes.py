"""The verbs on MCP servers: who may do what, and what is refused."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from agents_app.mcp_servers import address, changes, health, serving
from agents_app.mcp_servers.model import McpServer
from agents_app.models import ToolPermission
from sessions_app.errors import Refusal
from tests.mcp_servers.conftest import HTTP, SECRET, STDIO


def _refused(act: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as error:
        act()
    assert SECRET not in error.value.detail
    return error.value.code


def test_scopes_follow_the_transport_unless_they_are_said(files: McpServer, search: McpServer) -> None:
    assert (files.transport, files.scope) == ("stdio", "user")
    assert (search.transport, search.scope) == ("http", "shared")
    assert changes.change(files.pk, {"scope": "session"}, by=None).scope == "session"


def test_a_row_becomes_what_connections_are_made_of(files: McpServer) -> None:
    server = serving.as_server(files)
    assert (server.command, server.args, server.env) == ("npx", ("-y", "server"), {"API_KEY": SECRET})
    assert SECRET not in repr(server)


def test_only_what_a_user_added_is_kept_to_public_addresses(
    files: McpServer, search: McpServer, olga: Any, settings: Any
) -> None:
    shared = changes.add(HTTP | {"name": "shared"}, by=olga, owner=None)
    own = changes.add(HTTP, by=olga, owner=olga)
    limited = [row.pk for row in (files, search, shared, own) if serving.as_server(row).public_only]
    assert limited == [search.pk]
    settings.ALLOWED_MCP_HOSTS = ["8.8.8.8"]
    assert not serving.as_server(search).public_only


def test_programs_trust_and_servers_for_everybody_are_for_staff(
    ann: Any, bob: Any, search: McpServer
) -> None:
    other = HTTP | {"name": "other"}
    assert _refused(lambda: changes.add(STDIO, by=ann, owner=ann)) == "permission_denied"
    assert _refused(lambda: changes.add(other, by=ann, owner=None)) == "permission_denied"
    assert _refused(lambda: changes.add(other, by=ann, owner=bob)) == "permission_denied"
    trusting = HTTP | {"name": "other", "trusted": True}
    assert _refused(lambda: changes.add(trusting, by=ann, owner=ann)) == "permission_denied"
    program = {"transport": "stdio", "command": "sh", "url": "", "headers": {}}
    assert _refused(lambda: changes.change(search.pk, program, by=ann)) == "permission_denied"
    assert _refused(lambda: changes.change(search.pk, {"enabled": False}, by=bob)) == "permission_denied"
    assert McpServer.objects.count() == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/mcp", "https://localhost/mcp", "http://[::1]/", "https://10.0.0.1/mcp",
        "http://169.254.169.254/latest", "http://[::ffff:127.0.0.1]/", "https://192.168.1.1:8443/",
    ],
)  # fmt: skip
def test_users_reach_nothing_inside_private_networks(ann: Any, settings: Any, url: str) -> None:
    given = {"name": "inside", "url": url}
    assert _refused(lambda: changes.add(given, by=ann, owner=ann)) == "private_address"
    settings.ALLOWED_MCP_HOSTS = ["127.0.0.1:8000", "localhost", "[::1]", "10.0.0.1", "169.254.169.254"]
    settings.ALLOWED_MCP_HOSTS += ["[::ffff:7f00:1]", "::ffff:127.0.0.1", "192.168.1.1:8443"]
    assert changes.add(given, by=ann, owner=ann).url == url


def test_staff_reach_private_networks(olga: Any) -> None:
    assert changes.add({"name": "inside", "url": "http://127.0.0.1:1/mcp"}, by=olga, owner=None).url


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": "A"}, {"name": "a__b"}, {"name": "a_"}, {"name": "1a"}, {"name": "a" * 33},
        {"name": None}, {"name": ["a"]}, {"name": "a\x00"}, {"name": "ü"}, {"name": "a\n"},
        {"command": ""}, {"command": 7}, {"command": "a\x00b"}, {"command": "x" * 1001},
        {"args": "-y"}, {"args": [1]}, {"args": ["a"] * 101}, {"args": ["x" * 5000]}, {"args": ["\ud800"]},
        {"env": []}, {"env": {"A=B": "c"}}, {"env": {"A": 1}}, {"env": {"A": "x" * 9000}},
        {"env": {f"A{number}": "" for number in range(101)}}, {"env": {"A": "a\x00"}},
        {"url": "https://8.8.8.8/"}, {"headers": {"A": "b"}},
        {"scope": "world"}, {"scope": {}}, {"enabled": "yes"}, {"heavy": 1}, {"approval": "maybe"},
        {"tool_approvals": {"a": "default"}}, {"tool_approvals": {"a": []}}, {"tool_approvals": []},
        {"connect_timeout_seconds": 0}, {"call_timeout_seconds": float("nan")},
        {"call_timeout_seconds": float("inf")}, {"idle_timeout_seconds": True},
        {"health": "connected"}, {"revision": 9}, {"id": "1"}, {"x" * 100: 1},
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_a_code(db: None, wrong: dict[str, Any]) -> None:
    assert _refused(lambda: changes.add(STDIO | wrong, by=None, owner=None)) == "invalid_server"
    assert not McpServer.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": ""}, {"url": "ftp://8.8.8.8/"}, {"url": "https://"}, {"url": "https://user:pw@8.8.8.8/"},
        {"url": "https://8.8.8.8/#a"}, {"url": "https://8.8.8.8:99999/"}, {"url": "https://a b/"},
        {"url": "https://2130706433/"}, {"url": "https://0x7f000001/"}, {"url": "https://127.1/"},
        {"url": "https://[::1"}, {"url": "https://8.8.8.8/\r\nX: y"}, {"url": "https://ü/"},
        {"url": "https://8.8.8.8/" + "a" * 2000}, {"url": "file:///etc/passwd"}, {"url": ["https://8.8.8.8"]},
        {"headers": {"Host": "a"}}, {"headers": {"A B": "c"}}, {"headers": {"A": "b\r\nC: d"}},
        {"headers": {"A": "ü"}}, {"headers": {"Content-Length": "1"}}, {"headers": {"A": None}},
        {"command": "sh"}, {"args": ["a"]}, {"env": {"A": "b"}}, {"transport": "stdio"},
    ],
)  # fmt: skip
def test_addresses_and_headers_that_could_do_harm_are_refused(db: None, wrong: dict[str, Any]) -> None:
    assert _refused(lambda: changes.add(HTTP | wrong, by=None, owner=None)) == "invalid_server"


def test_a_name_means_one_server_in_everybodys_sessions(files: McpServer, ann: Any, bob: Any) -> None:
    own = HTTP | {"name": "files"}
    assert _refused(lambda: changes.add(own, by=ann, owner=ann)) == "name_taken"
    changes.add(HTTP, by=ann, owner=ann)
    assert _refused(lambda: changes.add(HTTP, by=ann, owner=ann)) == "name_taken"
    changes.add(HTTP, by=bob, owner=bob)  # nobody learns what others call theirs
    assert _refused(lambda: changes.change(files.pk, {"name": "search"}, by=None)) == "name_taken"


def test_the_database_keeps_names_apart_too(files: McpServer) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        McpServer.objects.create(name="files", transport="stdio", command="a", scope="user")


@pytest.mark.django_db(transaction=True)
def test_of_two_that_add_the_same_name_at_once_one_is_refused(together: Any) -> None:
    def add() -> str:
        try:
            return changes.add(STDIO, by=None, owner=None).name
        except Refusal as refusal:
            return refusal.code

    assert sorted(together(add, add)) == ["files", "name_taken"]


def test_a_user_has_a_bounded_number_of_servers(ann: Any) -> None:
    for number in range(changes.OWN_SERVERS_MAX):
        changes.add(HTTP | {"name": f"s{number}"}, by=ann, owner=ann)
    assert _refused(lambda: changes.add(HTTP, by=ann, owner=ann)) == "too_many_servers"


def test_the_revision_grows_with_what_matters_to_connections_alone(files: McpServer) -> None:
    assert changes.change(files.pk, {"approval": "ask", "heavy": True}, by=None).revision == 1
    assert changes.change(files.pk, {"command": "npx"}, by=None).revision == 1
    assert changes.change(files.pk, {"env": {"API_KEY": "new"}}, by=None).revision == 2
    assert changes.change(files.pk, {"enabled": False}, by=None).revision == 3


def test_an_address_that_comes_back_as_it_was_shown_keeps_its_key(search: McpServer, ann: Any) -> None:
    shown = address.shown(search.url)
    assert shown == "https://8.8.8.8/mcp?key=***"
    changed = changes.change(search.pk, {"url": shown, "approval": "allow"}, by=ann)
    assert (changed.url, changed.approval) == (HTTP["url"], "allow")


def test_what_does_not_exist_is_not_found(db: None) -> None:
    assert _refused(lambda: changes.change(uuid4(), {"enabled": True}, by=None)) == "not_found"
    assert _refused(lambda: changes.pause(uuid4())) == "not_found"
    changes.remove(uuid4())


def test_only_servers_that_somebody_took_out_of_use_lose_their_connections(
    files: McpServer, ann: Any
) -> None:
    rows = [changes.add(HTTP | {"name": f"s{number}"}, by=ann, owner=ann) for number in range(5)]
    off, paused, failing, kept, gone = (row.pk for row in rows)
    changes.change(off, {"enabled": False}, by=ann)
    changes.pause(paused)
    for _ in range(health.FAILURES_MAX):
        health.report_failed(failing, "mcp_unreachable", "It is away.")
    changes.remove(gone)
    assert serving.out_of_use([files.pk, off, paused, failing, kept, gone]) == {
        off: "The server was switched off.",
        paused: "The server was paused.",
        gone: "The server was removed.",
    }


def _allow(*allowed: tuple[Any, str]) -> None:
    for user, name in allowed:
        ToolPermission.objects.create(owner=user, tool_name=name)


def _allowed() -> list[tuple[str, str]]:
    return sorted(ToolPermission.objects.values_list("owner__username", "tool_name"))


def test_what_users_allowed_goes_with_the_server_and_is_not_the_next_ones_of_its_name(
    files: McpServer, search: McpServer, ann: Any, bob: Any
) -> None:
    _allow((ann, "files__read"), (bob, "files__read"), (bob, "files-2__read"), (bob, "filesX__read"))
    _allow((ann, "search__find"), (bob, "search__find"))
    changes.change(files.pk, {"approval": "ask", "env": {"A": "b"}}, by=None)
    assert len(_allowed()) == 6
    changes.remove(search.pk)
    changes.remove(files.pk)
    assert _allowed() == [("bob", "files-2__read"), ("bob", "filesX__read"), ("bob", "search__find")]


@pytest.mark.parametrize("change", [{"args": ["other"]}, {"command": "uvx"}, {"name": "papers"}])
def test_what_users_allowed_is_forgotten_when_another_server_stands_behind_the_name(
    files: McpServer, ann: Any, change: dict[str, Any]
) -> None:
    _allow((ann, "files__read"))
    changes.change(files.pk, change, by=None)
    assert _allowed() == []


def test_every_verb_tells_whoever_holds_connections(
    files: McpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(changes, "_when_changed", [told.append])
    changes.change(files.pk, {"enabled": False}, by=None)
    changes.pause(files.pk)
    changes.resume(files.pk)
    changes.remove(files.pk)
    assert told == [files.pk] * 4
