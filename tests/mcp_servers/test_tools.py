"""What servers offer, as models and programs see it."""

import re
from typing import Any

import pytest

from agents_app.mcp.results import Catalogue, ResourceDescription, ToolDescription
from agents_app.mcp_servers import catalogue, changes, health, naming
from agents_app.mcp_servers.model import McpServer
from agents_app.mcp_servers.tools import find, mcp_tools
from tests.mcp_servers.conftest import OFFERED


@pytest.mark.parametrize(
    "tool", ["read", "a" * 128, "odd name/ü", "a.b", "", "日本語", "a" * 60, "\ud800", "x y" * 40]
)
@pytest.mark.parametrize("server", ["a", "s" * 32])
def test_every_name_is_one_that_all_providers_take_and_always_the_same(server: str, tool: str) -> None:
    name = naming.call_name(server, tool)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name)
    assert name == naming.call_name(server, tool)
    assert name.startswith(f"{server}__")


def test_names_that_look_alike_when_shortened_stay_apart() -> None:
    tools = ["a b", "a/b", "a.b", "a" * 127 + "x", "a" * 127 + "y"]
    assert len({naming.call_name("s", tool) for tool in tools}) == len(tools)


@pytest.mark.parametrize(
    ("text", "name"),
    [("My Server", "my-server"), ("a__b", "a_b"), ("1st", "mcp-1st"), ("ü", ""), ("x" * 99, "x" * 32)],
)
def test_names_from_elsewhere_become_names_here(text: str, name: str) -> None:
    assert naming.server_name(text) == name


def _approvals(owner: Any) -> dict[str, str]:
    return {tool.tool_name: tool.approval for tool in mcp_tools(owner.pk)}


def test_of_a_third_party_only_reading_is_allowed_unasked(files: McpServer, ann: Any) -> None:
    health.report_connected(files.pk, OFFERED)
    assert _approvals(ann) == {"read": "allow", "write": "ask", "touch": "ask", "odd name/ü": "ask"}
    assert not any(tool.safe_to_repeat for tool in mcp_tools(ann.pk))


def test_a_trusted_server_is_believed(files: McpServer, ann: Any) -> None:
    changes.change(files.pk, {"trusted": True}, by=None)
    health.report_connected(files.pk, OFFERED)
    assert _approvals(ann) == {"read": "allow", "write": "ask", "touch": "allow", "odd name/ü": "allow"}
    assert {tool.tool_name for tool in mcp_tools(ann.pk) if tool.safe_to_repeat} == {"read", "touch"}


def test_what_was_set_for_a_tool_goes_before_the_server_and_that_before_the_default(
    files: McpServer, ann: Any
) -> None:
    health.report_connected(files.pk, OFFERED)
    changes.change(files.pk, {"approval": "allow"}, by=None)
    changes.set_tool_approval(files.pk, "read", "ask", by=None)
    changes.set_tool_approval(files.pk, "write", "deny", by=None)
    assert _approvals(ann) == {"read": "ask", "touch": "allow", "odd name/ü": "allow"}
    changes.set_tool_approval(files.pk, "write", "default", by=None)
    assert _approvals(ann)["write"] == "allow"


def test_a_name_leads_back_to_its_tool_in_ones_own_sessions_alone(
    search: McpServer, ann: Any, bob: Any
) -> None:
    health.report_connected(search.pk, OFFERED)
    names = {tool.name: tool.tool_name for tool in mcp_tools(ann.pk)}
    assert names["search__read"] == "read"
    (odd,) = [name for name, tool in names.items() if tool == "odd name/ü"]
    tool = find(ann.pk, odd)
    assert tool is not None
    assert (tool.tool_name, tool.server_id) == ("odd name/ü", search.pk)
    assert find(bob.pk, odd) is None
    assert find(ann.pk, "search__nothing") is None


def test_heavy_is_the_whole_server_or_what_a_pattern_names(files: McpServer, ann: Any) -> None:
    health.report_connected(files.pk, OFFERED)
    changes.change(files.pk, {"heavy_tools": ["wr*"]}, by=None)
    assert {tool.tool_name for tool in mcp_tools(ann.pk) if tool.heavy} == {"write"}
    changes.change(files.pk, {"heavy": True}, by=None)
    assert all(tool.heavy for tool in mcp_tools(ann.pk))


def test_a_server_cannot_pass_one_tool_off_as_another(files: McpServer, ann: Any) -> None:
    hidden = naming.call_name("files", "odd name")
    posing = hidden.removeprefix("files__")
    tools = [ToolDescription(name="odd name"), ToolDescription(name=posing)]
    health.report_connected(files.pk, Catalogue(tools=tools))
    assert [(tool.name, tool.tool_name) for tool in mcp_tools(ann.pk)] == [(hidden, posing)]


def test_a_flood_is_bounded_and_what_is_left_out_is_counted() -> None:
    tools = [ToolDescription(name=f"t{number}", description="d" * 9000) for number in range(600)]
    kept = catalogue.stored(Catalogue(tools=tools))
    assert len(kept["tools"]) <= 500
    assert kept["left_out"] == 600 - len(kept["tools"])
    assert len(kept["tools"][0]["description"]) == 4000
    resources = [ResourceDescription(uri=f"a:{number}", name="a" * 60_000) for number in range(100)]
    assert len(catalogue.stored(Catalogue(resources=resources))["resources"]) < 40


def test_what_no_store_takes_is_cleaned_and_doubles_are_left_out() -> None:
    tools = [ToolDescription(name="a", title="\x00\ud800b"), ToolDescription(name="a")]
    tools += [ToolDescription(name="n" * 129), ToolDescription(name="")]
    kept = catalogue.stored(Catalogue(tools=tools, instructions="x" * 10_000))
    assert [(tool["name"], tool["title"]) for tool in kept["tools"]] == [("a", "?b")]
    assert kept["left_out"] == 3
    assert len(kept["instructions"]) == 4000


def _nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1/x"}, {"properties": {"a": {"anyOf": [{"$ref": "file:///etc/passwd"}]}}},
        {"$id": "http://a/", "$ref": "#/x"}, {"type": 7}, {"properties": []}, _nested(5000),
    ],
)  # fmt: skip
def test_a_schema_that_cannot_be_checked_against_takes_any_object(schema: dict[str, Any]) -> None:
    assert catalogue.usable_schema(schema) == {"type": "object"}


def test_a_schema_is_kept_as_it_is_and_says_that_arguments_are_an_object() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/b"}, "$id": {"type": "string"}}, "$defs": {"b": {}}}
    assert catalogue.usable_schema(schema) == {**schema, "type": "object"}
