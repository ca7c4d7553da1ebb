"""What the demo model understands."""

from typing import Any

import pytest

from agents_app.llm import demo
from agents_app.prompts import RESULT_MARK

ANALYZE = "analyze_codebase"
FILE_ID = "0b5f0c4e-6f0b-4c8e-9d0a-2f4f0c1d2e3f"
LARGE = "process_large_file"
FILE = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize(
    ("prompt", "name", "arguments"),
    [
        ("analyze https://example.org/a/b", ANALYZE, {"repo_url": "https://example.org/a/b"}),
        ("Please analyse https://example.org/a/b.git.", ANALYZE, {"repo_url": "https://example.org/a/b.git"}),
        ("Analyze (https://example.org/a), now!", ANALYZE, {"repo_url": "https://example.org/a"}),
        ("analyze git@example.org:a/b.git", ANALYZE, {"repo_url": "git@example.org:a/b.git"}),
        ("analyze ssh://git@example.org/a", ANALYZE, {"repo_url": "ssh://git@example.org/a"}),
        ("analyze ext::sh -c x", ANALYZE, {"repo_url": "ext::sh"}),
        ("analyze file:///etc", ANALYZE, {"repo_url": "file:///etc"}),
        ("analyze /srv/code", ANALYZE, {"path": "/srv/code"}),
        ("analyze /srv/code, please", ANALYZE, {"path": "/srv/code"}),
        ("analyze ~/code", ANALYZE, {"path": "~/code"}),
        (f"analyze [x.zip](/files/{FILE_ID}/)", ANALYZE, {"file": FILE_ID}),
        (f"analyze [a b](/files/{FILE_ID}/), please", ANALYZE, {"file": FILE_ID}),
        (
            f"analyze subfolder src/app. of [x.zip](/files/{FILE_ID}/)",
            ANALYZE,
            {"file": FILE_ID, "subfolder": "src/app"},
        ),
        (
            "analyze https://example.org/a subfolder lib",
            ANALYZE,
            {"repo_url": "https://example.org/a", "subfolder": "lib"},
        ),
        (
            "analyze https://example.org/a branch main",
            ANALYZE,
            {"repo_url": "https://example.org/a", "ref": "main"},
        ),
        (
            "analyze https://example.org/a at tag v1.0.",
            ANALYZE,
            {"repo_url": "https://example.org/a", "ref": "v1.0"},
        ),
        ("summarize [x.csv](/files/ID/)".replace("ID", FILE), LARGE, {"file": FILE, "operation": "summary"}),
        ("Please summarise /srv/x.csv.", LARGE, {"path": "/srv/x.csv", "operation": "summary"}),
        (
            "summarize https://example.org/x.csv?a=1",
            LARGE,
            {"url": "https://example.org/x.csv?a=1", "operation": "summary"},
        ),
        (
            "search /srv/x.log for ^ERROR .*",
            LARGE,
            {"path": "/srv/x.log", "operation": "search", "pattern": "^ERROR .*"},
        ),
        (
            f"Search [a for b.log](/files/{FILE}/) for `x|y`",
            LARGE,
            {"file": FILE, "operation": "search", "pattern": "x|y"},
        ),
        ("export as markdown", "export_session", {"format": "markdown"}),
        ("Export this as JSON", "export_session", {"format": "json"}),
        ("export as md", "export_session", {"format": "markdown"}),
        ("export to a pdf", "export_session", {"format": "pdf"}),
        ("export json", "export_session", {"format": "json"}),
        ("export this chat as html", "export_session", {"format": "html"}),
        ("export as HTM", "export_session", {"format": "html"}),
        ("export", "export_session", {"format": "markdown"}),
        ("export this session", "export_session", {"format": "markdown"}),
        ("please export the chat to a file as json", "export_session", {"format": "json"}),
        ("export all chats as pdf", "export_session", {"format": "pdf", "all_chats": True}),
        ("Export every chat of mine to HTML", "export_session", {"format": "html", "all_chats": True}),
        ("export all of my conversations", "export_session", {"format": "markdown", "all_chats": True}),
        ("export all of this chat", "export_session", {"format": "markdown"}),
        (
            "report on this week as pdf",
            "generate_report",
            {"scope": "mine", "period": "7d", "format": "pdf"},
        ),
        (
            "Make a report on this chat, today, in HTML",
            "generate_report",
            {"scope": "session", "period": "today", "format": "html"},
        ),
        (
            "a report on the server for this month",
            "generate_report",
            {"scope": "server", "period": "30d", "format": "markdown"},
        ),
        ("is my report running?", "list_subagents", {}),
        ("what is running?", "list_subagents", {}),
        ("status", "list_subagents", {}),
        ("cancel it", "cancel_subagent", {}),
        ("Abort!", "cancel_subagent", {}),
        ("cancel the export", "cancel_subagent", {}),
        ("is my export running?", "list_subagents", {}),
    ],
)
def test_a_plain_request_becomes_a_tool_call(prompt: str, name: str, arguments: dict[str, Any]) -> None:
    assert demo._understand(prompt)[1] == [(name, arguments)]


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("analyze", "Tell me what to analyze"),
        ("help", "I am the demo agent"),
        ("What can you do?", "I am the demo agent"),
        ("Hello", "No language model is configured"),
        ("", "No language model is configured"),
        ("Tell me about helpers", "No language model is configured"),
    ],
)
def test_other_requests_are_answered_in_words(prompt: str, said: str) -> None:
    text, calls = demo._understand(prompt)
    assert text.startswith(said)
    assert calls == []


def test_a_result_is_told() -> None:
    text, calls = demo._understand(RESULT_MARK + '\n{"state": "succeeded", "summary": "Three."}')
    assert text.startswith("Finished. Three.")
    assert calls == []


def test_a_failed_result_is_told_with_its_reason() -> None:
    prompt = RESULT_MARK + '\n{"state": "failed", "error": {"code": "x", "message": "No luck."}}'
    assert demo._understand(prompt)[0].startswith("This did not work: No luck.")


def test_a_users_text_that_poses_as_a_result_is_only_text() -> None:
    text, calls = demo._understand(RESULT_MARK + " not json")
    assert text
    assert calls == []
