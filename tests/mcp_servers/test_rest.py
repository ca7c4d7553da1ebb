"""REST: MCP servers, who sees and changes what, and that no secret comes out."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from agents_app.mcp_servers import changes, health
from agents_app.mcp_servers.model import McpServer
from tests.mcp_servers import samples
from tests.mcp_servers.conftest import HTTP, OFFERED, SECRET, STDIO

Log = Callable[[Any], APIClient]
LIST = "/api/mcp/servers/"


@pytest.fixture
def ann_client(ann: Any, client_of: Log) -> APIClient:
    """Ann's client."""
    return client_of(ann)


@pytest.fixture
def staff(olga: Any, client_of: Log) -> APIClient:
    """An operator's client."""
    return client_of(olga)


def _said(answer: Any, status: int, code: str = "") -> Any:
    assert answer.status_code == status, answer.content
    assert SECRET.encode() not in answer.content
    assert b"k-0123456789" not in answer.content
    body = answer.json() if answer.content else {}
    if code:
        assert (answer["content-type"], body["code"]) == ("application/problem+json", code)
    return body


def test_nobody_without_a_login_gets_in(db: None) -> None:
    assert APIClient().get(LIST).status_code == 401


def test_staff_add_programs_for_everybody_and_see_the_names_of_secrets(staff: APIClient) -> None:
    body = _said(staff.post(LIST, STDIO), 201)
    assert (body["shared"], body["owner"], body["editable"], body["health"]) == (True, None, True, "unknown")
    assert body["reached"]["env_names"] == ["API_KEY"]
    assert (body["reached"]["command"], body["reached"]["args"]) == ("npx", ["-y", "server"])
    assert _said(staff.get(f"{LIST}{body['id']}/"), 200) == body


def test_users_add_http_servers_for_themselves(ann_client: APIClient) -> None:
    body = _said(ann_client.post(LIST, HTTP), 201)
    assert (body["shared"], body["owner"], body["editable"]) == (False, "ann", True)
    assert body["reached"]["header_names"] == ["Authorization"]
    assert body["reached"]["url"] == "https://8.8.8.8/mcp?key=***"
    _said(ann_client.post(LIST, STDIO), 403, "permission_denied")
    _said(ann_client.post(LIST, HTTP | {"name": "b", "shared": True}), 403, "permission_denied")
    _said(ann_client.post(LIST, HTTP | {"name": "b", "trusted": True}), 403, "permission_denied")
    _said(ann_client.post(LIST, HTTP | {"name": "b", "url": "http://[::1]/"}), 400, "private_address")
    _said(ann_client.post(LIST, HTTP), 409, "name_taken")


def test_users_see_that_a_shared_server_is_there_and_not_how_it_is_reached(
    files: McpServer, ann_client: APIClient
) -> None:
    health.report_failed(files.pk, "mcp_unreachable", "/srv/secret-place/npx: not found")
    (body,) = _said(ann_client.get(LIST), 200)
    assert (body["name"], body["editable"], body["reached"]) == ("files", False, None)
    assert body["error"]["code"] == "mcp_unreachable"
    assert "npx" not in json.dumps(body)
    address = f"{LIST}{files.pk}/"
    _said(ann_client.patch(address, {"enabled": False}), 403, "permission_denied")
    _said(ann_client.delete(address), 403, "permission_denied")
    for verb in ("pause/", "resume/"):
        _said(ann_client.post(address + verb), 403, "permission_denied")
    wish = {"tool_name": "read", "approval": "allow"}
    _said(ann_client.patch(f"{address}tools/", wish), 403, "permission_denied")


def test_what_is_another_users_looks_like_nothing(search: McpServer, bob: Any, client_of: Log) -> None:
    health.report_connected(search.pk, OFFERED)
    bobs = client_of(bob)
    assert _said(bobs.get(LIST), 200) == []
    address = f"{LIST}{search.pk}/"
    for verb in ("", "tools/", "resources/", "prompts/"):
        _said(bobs.get(address + verb), 404, "not_found")
    _said(bobs.patch(address, {"enabled": False}), 404, "not_found")
    _said(bobs.delete(address), 404, "not_found")
    _said(bobs.post(f"{address}pause/"), 404, "not_found")
    assert not any(tool["server"] for tool in bobs.get("/api/tools/").json())


def test_staff_see_and_change_what_is_a_users(search: McpServer, staff: APIClient) -> None:
    (body,) = _said(staff.get(LIST), 200)
    assert (body["owner"], body["editable"]) == ("ann", True)
    assert _said(staff.patch(f"{LIST}{search.pk}/", {"trusted": True}), 200)["trusted"] is True


def test_secrets_that_are_written_replace_those_that_were_there(
    search: McpServer, ann_client: APIClient
) -> None:
    address = f"{LIST}{search.pk}/"
    body = _said(ann_client.patch(address, {"headers": {"X-Key": SECRET}}), 200)
    assert body["reached"]["header_names"] == ["X-Key"]
    shown = body["reached"]["url"]
    _said(ann_client.patch(address, {"url": shown}), 200)
    search.refresh_from_db()
    assert (search.headers, search.url, search.revision) == ({"X-Key": SECRET}, HTTP["url"], 2)


def test_a_server_is_paused_resumed_and_removed(search: McpServer, ann_client: APIClient) -> None:
    address = f"{LIST}{search.pk}/"
    assert _said(ann_client.post(f"{address}pause/"), 200)["health"] == "paused"
    assert _said(ann_client.post(f"{address}resume/"), 200)["health"] == "unknown"
    _said(ann_client.delete(address), 204)
    _said(ann_client.get(address), 404, "not_found")


def test_what_a_server_offers_is_listed(files: McpServer, ann_client: APIClient) -> None:
    health.report_connected(files.pk, OFFERED)
    address = f"{LIST}{files.pk}/"
    tools = _said(ann_client.get(f"{address}tools/"), 200)
    assert {tool["tool_name"]: tool["approval"] for tool in tools}["read"] == "allow"
    offered = _said(ann_client.get(f"{address}resources/"), 200)
    assert offered["resources"][0]["uri"] == "file:///a"
    assert offered["resource_templates"][0]["uri_template"] == "file:///{path}"
    (prompt,) = _said(ann_client.get(f"{address}prompts/"), 200)
    assert prompt["arguments"] == [{"name": "who", "title": "", "description": "", "required": True}]
    body = _said(ann_client.get(address), 200)
    assert (body["tool_count"], body["resource_count"], body["server_name"]) == (4, 1, "Files")


def test_the_tools_of_servers_are_listed_beside_the_built_in_ones(
    files: McpServer, ann_client: APIClient
) -> None:
    health.report_connected(files.pk, OFFERED)
    changes.set_tool_approval(files.pk, "touch", "deny", by=None)
    tools = {tool["name"]: tool for tool in ann_client.get("/api/tools/").json()}
    assert (tools["probe"]["server"], tools["probe"]["approval"]) == (None, "allow")
    write = tools["files__write"]
    assert (write["server"], write["approval"], write["input_schema"]) == ("files", "ask", {"type": "object"})
    assert "files__touch" not in tools


def test_the_approval_of_one_tool_is_set_and_forgotten(search: McpServer, ann_client: APIClient) -> None:
    health.report_connected(search.pk, OFFERED)
    address = f"{LIST}{search.pk}/tools/"
    for wish, seen in (("allow", "allow"), ("deny", "deny"), ("default", "ask")):
        tools = _said(ann_client.patch(address, {"tool_name": "odd name/ü", "approval": wish}), 200)
        assert {tool["tool_name"]: tool["approval"] for tool in tools}["odd name/ü"] == seen
    _said(ann_client.patch(address, {"tool_name": "a", "approval": "perhaps"}), 400, "invalid_request")


@pytest.mark.parametrize("text", samples.EVERY)
def test_staff_import_pasted_json(staff: APIClient, text: str) -> None:
    for outcome in ("added", "unchanged"):
        answer = staff.post(f"{LIST}import/", text, content_type="application/json")
        assert [row["outcome"] for row in _said(answer, 200)] == [outcome]


def test_users_import_what_they_may_and_are_told_the_rest(ann_client: APIClient) -> None:
    search = {name: value for name, value in HTTP.items() if name != "name"}
    servers = {"search": search, "git": {"command": "uvx", "args": ["mcp-server-git"]}}
    answers = _said(ann_client.post(f"{LIST}import/", {"mcpServers": servers}), 200)
    assert [(row["name"], row["outcome"], row["code"]) for row in answers] == [
        ("search", "added", ""), ("git", "refused", "permission_denied"),
    ]  # fmt: skip
    _said(ann_client.post(f"{LIST}import/", {"servers": 7}), 400, "no_mcp_servers")
    _said(ann_client.post(f"{LIST}import/", [1]), 400, "no_mcp_servers")


@pytest.mark.parametrize(
    "body",
    [
        "[]", "7", '"a"', "{", '{"name": "a", "url": 7}', '{"name": "a"}', "{}", "[" * 100_000,
        '{"name": "a", "url": "https://8.8.8.8/", "headers": {"A": 1}}',
        '{"name": "a", "url": "https://8.8.8.8/", "headers": ["A"]}',
        '{"name": "a", "url": "https://8.8.8.8/", "heavy_tools": [[1]]}',
        '{"name": "a\\u0000", "url": "https://8.8.8.8/"}', '{"name": "\\ud800", "url": "https://8.8.8.8/"}',
        '{"name": "a", "url": "https://8.8.8.8/", "call_timeout_seconds": 1e999}',
        '{"name": "a", "url": "https://8.8.8.8/", "call_timeout_seconds": NaN}',
        '{"name": "a", "url": "https://8.8.8.8/", "tool_approvals": {"\\ud800": "allow"}}',
        '{"name": "a", "url": "https://8.8.8.8/", "env": {"A": "b"}}',
    ],
)  # fmt: skip
def test_hostile_bodies_are_refused_and_break_nothing(staff: APIClient, body: str) -> None:
    answer = staff.post(LIST, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer["content-type"] == "application/problem+json"
    assert not McpServer.objects.exists()


def test_a_body_that_is_too_large_is_refused(staff: APIClient) -> None:
    body = json.dumps({"mcpServers": {"a": {"command": "x" * 1_100_000}}})
    answer = staff.post(f"{LIST}import/", body, content_type="application/json")
    _said(answer, 413, "request_too_large")


def test_what_can_be_named_in_a_message_is_listed_and_found(
    files: McpServer, search: McpServer, ann_client: APIClient, bob: Any, client_of: Log
) -> None:
    for row in (files, search):
        health.report_connected(row.pk, OFFERED)
    offers = _said(ann_client.get("/api/mcp/offers/"), 200)
    assert [(one["server"], one["uri"], one["uri_template"]) for one in offers["resources"]] == [
        ("files", "file:///a", ""), ("files", "", "file:///{path}"),
        ("search", "file:///a", ""), ("search", "", "file:///{path}"),
    ]  # fmt: skip
    assert [(one["server"], one["name"]) for one in offers["prompts"]] == [
        ("files", "hello"), ("search", "hello"),
    ]  # fmt: skip
    assert offers["prompts"][0]["arguments"][0]["required"] is True
    found = _said(ann_client.get("/api/mcp/offers/?search=FILES:file:///A"), 200)
    assert ([one["uri"] for one in found["resources"]], found["prompts"]) == (["file:///a"], [])
    assert {one["server"] for one in _said(client_of(bob).get("/api/mcp/offers/"), 200)["prompts"]} == {
        "files"
    }
    changes.pause(files.pk)
    assert {one["server"] for one in _said(ann_client.get("/api/mcp/offers/"), 200)["prompts"]} == {"search"}


def test_the_commands_are_listed_with_what_follows_them(ann_client: APIClient) -> None:
    commands = {one["name"]: one for one in _said(ann_client.get("/api/commands/"), 200)}
    assert commands["run"] == {
        "name": "run", "arguments": "TOOL {json}", "description": "call a tool yourself",
    }  # fmt: skip
    assert commands["help"]["arguments"] == ""
