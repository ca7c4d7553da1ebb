"""`mcpServers` JSON: real samples, doing it twice, hostile input; by command and at the start."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agents_app.mcp_servers import changes, importing
from agents_app.mcp_servers.importing import Imported
from agents_app.mcp_servers.model import McpServer
from mcpchat_project.supervisor import database
from mcpchat_project.supervisor.errors import StartError
from sessions_app.errors import Refusal
from tests.mcp_servers import samples
from tests.mcp_servers.conftest import SECRET


def _take(text: str, **how: Any) -> list[Imported]:
    return importing.take(importing.parse(text), **{"by": None, "owner": None} | how)


def _codes(text: str, **how: Any) -> list[str]:
    return [answer["code"] or answer["outcome"] for answer in _take(text, **how)]


@pytest.mark.parametrize("text", samples.EVERY)
def test_real_samples_are_taken_and_again_change_nothing(db: None, text: str) -> None:
    assert _codes(text) == ["added"]
    before = McpServer.objects.values().get()
    assert _codes(text) == ["unchanged"]
    assert McpServer.objects.values().get() == before


def test_a_sample_becomes_what_it_says(db: None) -> None:
    for text in samples.EVERY:
        _take(text)
    rows = {row.name: row for row in McpServer.objects.all()}
    assert set(rows) == {
        "everything", "filesystem", "git", "brave-search", "github", "remote-http", "play",
    }  # fmt: skip
    assert (rows["git"].command, rows["git"].args[0]) == ("uvx", "mcp-server-git")
    assert rows["brave-search"].env == {"BRAVE_API_KEY": SECRET}
    assert (rows["github"].transport, rows["github"].scope) == ("http", "shared")
    assert rows["github"].headers == {"Authorization": f"Bearer {SECRET}"}
    assert (rows["remote-http"].enabled, rows["remote-http"].url) == (False, "https://8.8.4.4/mcp")


def test_members_that_mean_nothing_here_are_named(db: None) -> None:
    assert _take(samples.WINDSURF)[0]["ignored"] == ["alwaysAllow"]


def test_a_changed_entry_changes_the_row_and_drops_what_it_no_longer_says(db: None) -> None:
    _take(samples.DOCKER)
    changed = json.dumps({"mcpServers": {"brave-search": {"url": "https://8.8.8.8/mcp", "approval": "ask"}}})
    assert _codes(changed) == ["changed"]
    row = McpServer.objects.get()
    assert (row.transport, row.command, row.env, row.args) == ("http", "", {}, [])
    assert (row.approval, row.revision) == ("ask", 2)


def test_what_an_import_does_not_name_stays(files: McpServer) -> None:
    changes.set_tool_approval(files.pk, "write", "deny", by=None)
    _take('{"mcpServers": {"files": {"command": "uvx"}}}')
    files.refresh_from_db()
    assert (files.command, files.tool_approvals) == ("uvx", {"write": "deny"})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "malformed_json"),
        ("{", "malformed_json"),
        ("[" * 100_000, "malformed_json"),
        ("null", "no_mcp_servers"),
        ("[]", "no_mcp_servers"),
        ('{"mcpServers": []}', "no_mcp_servers"),
        ('{"mcpServers": null}', "no_mcp_servers"),
        ('"' + "x" * importing.TEXT_MAX_BYTES + '"', "request_too_large"),
        (json.dumps({"mcpServers": {f"s{n}": {} for n in range(101)}}), "too_many_servers"),
    ],
)
def test_a_document_that_is_none_is_refused(db: None, text: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        importing.parse(text)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (None, "invalid_server"),
        ([], "invalid_server"),
        ("npx", "invalid_server"),
        ({}, "invalid_server"),
        ({"command": "a", "url": "https://8.8.8.8/"}, "invalid_server"),
        ({"command": ["npx"]}, "invalid_server"),
        ({"command": "a", "args": {"0": "b"}}, "invalid_server"),
        ({"command": "a", "env": {"A": 1}}, "invalid_server"),
        ({"command": "a", "env": "A=1"}, "invalid_server"),
        ({"command": "a", "type": "http"}, "invalid_server"),
        ({"url": "https://8.8.8.8/", "type": "stdio"}, "invalid_server"),
        ({"url": "https://8.8.8.8/", "type": {}}, "added"),
        ({"url": "https://8.8.8.8/", "type": "carrier-pigeon"}, "invalid_server"),
        ({"url": "https://8.8.8.8/sse", "type": "sse"}, "unsupported_transport"),
        ({"url": 7}, "invalid_server"),
        ({"url": "javascript:alert(1)"}, "invalid_server"),
        ({"url": "https://8.8.8.8/", "headers": {"A": "b\nc"}}, "invalid_server"),
        ({"command": "a", "trusted": "very"}, "invalid_server"),
        ({"command": "a", "env": {"A": "${input:key}"}}, "unknown_placeholder"),
        ({"command": "a", "args": ["${HOME}"]}, "unknown_placeholder"),
        ({"command": "a\x00"}, "invalid_server"),
    ],
)
def test_a_wrong_entry_is_refused_and_keeps_no_other_from_being_taken(
    db: None, entry: Any, code: str
) -> None:
    text = json.dumps({"mcpServers": {"wrong": entry, "right": {"command": "npx"}}})
    assert _codes(text) == [code, "added"]


def test_names_are_made_to_fit_and_two_that_fall_together_are_not_mixed(db: None) -> None:
    entry = {"command": "npx"}
    text = json.dumps({"mcpServers": {"My Server": entry, "my server": entry, "日本": entry, "": entry}})
    answers = _take(text)
    assert [(answer["name"], answer["code"]) for answer in answers] == [
        ("my-server", ""), ("my-server", "name_taken"), ("??", "invalid_server"), ("", "invalid_server"),
    ]  # fmt: skip


def test_users_import_http_servers_for_themselves(ann: Any) -> None:
    text = json.dumps(
        {
            "mcpServers": {
                "a": {"url": "https://8.8.8.8/"},
                "b": {"command": "sh"},
                "c": {"url": "http://127.0.0.1/"},
                "d": {"url": "https://8.8.8.8/", "trusted": True},
            }
        }
    )
    codes = _codes(text, by=ann, owner=ann)
    assert codes == ["added", "permission_denied", "private_address", "permission_denied"]
    assert McpServer.objects.get().owner == ann


def _command(*arguments: str, **options: Any) -> str:
    printed = io.StringIO()
    call_command("import_mcp_servers", *arguments, stdout=printed, **options)
    return printed.getvalue()


def test_the_command_takes_a_file_or_standard_input(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(samples.DOCKER)
    assert _command(str(file)) == "brave-search: added\n"
    assert _command(str(file)) == "brave-search: unchanged\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(samples.GIT))
    assert _command("-") == "git: added\n"


def test_the_command_fails_where_a_server_is_refused_or_the_file_cannot_be_read(
    db: None, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        _command(str(tmp_path / "nothing"))
    file = tmp_path / "mcp.json"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="cannot be read"):
        _command(str(file))
    file.write_text('{"mcpServers": {"a": {}, "b": {"command": "npx"}}}')
    with pytest.raises(CommandError, match="Not every server"):
        _command(str(file))
    assert McpServer.objects.get().name == "b"
    assert "a: refused (invalid_server)" in _command(str(file), lenient=True)


def test_the_command_fills_placeholders_from_the_environment(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCH_KEY", SECRET)
    file = tmp_path / "mcp.json"
    entry = {"command": "npx", "args": ["${FOLDER:-/srv}"], "env": {"KEY": "${SEARCH_KEY}"}}
    file.write_text(json.dumps({"mcpServers": {"a": entry, "b": {"command": "${NOT_THERE_AT_ALL}"}}}))
    assert "b: refused (unknown_placeholder)" in _command(str(file), lenient=True)
    row = McpServer.objects.get()
    assert (row.args, row.env) == (["/srv"], {"KEY": SECRET})


@pytest.mark.django_db(transaction=True)
def test_the_start_takes_the_file_that_the_environment_names(settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(samples.EVERYTHING)
    settings.MCP_CONFIG = str(file)
    said: list[str] = []
    database.prepare(said.append)
    database.prepare(said.append)
    assert said == ["MCP server everything: added"]
    file.write_text("{")
    with pytest.raises(StartError, match="no JSON"):
        database.prepare(said.append)
    settings.MCP_CONFIG = ""
    database.prepare(said.append)
