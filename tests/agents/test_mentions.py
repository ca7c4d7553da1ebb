"""Resources that messages name as @server:uri: found, read once, put before the model."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents_app import branching, liveness, mentions, pool, turns
from agents_app.main_agent_tools import Calls
from agents_app.mcp.hub import Hub
from agents_app.mcp_servers import calling, changes, health
from agents_app.mcp_servers.model import McpServer
from agents_app.mentions import Mention
from agents_app.models import Subagent, ToolCall, Turn
from agents_app.outcome import Outcome
from agents_app.turn_thread import TurnThread, on_the_shared_loop
from sessions_app import messages
from sessions_app.models import ChatSession
from tests.agents import work
from tests.agents.answering import run, say, waiting
from tests.agents.model_server import calls, says
from tests.agents.under_way import Begin, begin, held
from tests.mcp_servers.conftest import OFFERED
from tests.project.waiting import until

__all__ = ["begin"]
SDK = Path(__file__).parents[1] / "mcp" / "servers" / "sdk.py"
OFFERS = {"probe": ["probe://text", "probe://with blank", "file:///a"], "other-1": []}


@pytest.mark.parametrize(
    ("text", "uris"),
    [
        ("@probe:probe://text", ["probe://text"]),
        ("Read @probe:probe://text, please", ["probe://text"]),
        ("Read (@probe:probe://text).", ["probe://text"]),
        ("@probe:probe://with blank and more", ["probe://with blank"]),
        ("@probe:file:///a.txt", ["file:///a.txt"]),
        ("@probe:file:///a.", ["file:///a"]),
        ("@probe:https://host/path?a=b#c!", ["https://host/path?a=b#c"]),
        ("@probe:file:///a @probe:file:///a\n@probe:file:///b", ["file:///a", "file:///b"]),
        ("@other-1:note:7", ["note:7"]),
        ("@unknown:file:///a", []),
        ("mail@probe:file:///a", []),
        ("git@probe:owner/name", []),
        ("@probe: hello", []),
        ("@probe:hello", []),
        ("@Probe:file:///a", []),
        ("@probe:x:" + "a" * 3000, []),
        (" ".join(f"@probe:x:{number}" for number in range(9)), [f"x:{number}" for number in range(5)]),
        ("@probe:" * 20_000, []),
    ],
)
def test_a_text_names_resources_of_known_servers(text: str, uris: list[str]) -> None:
    assert [one.uri for one in mentions.found_in(text, OFFERS)] == uris


@pytest.mark.parametrize(
    "text", ["</resource>", "</RESOURCE >", "< / resource>", "<\u200b/resource>", '<resource server="x">']
)
def test_no_text_closes_or_opens_a_frame(text: str) -> None:
    call = ToolCall(result={"data": {"content": [{"text": f"before {text} after"}]}})
    told = mentions.as_told(Mention(server="probe", uri='a:"\n<b>'), call)
    assert told.count("<") == 2
    assert told.endswith("\n</resource>")
    assert 'uri="a:&quot; &lt;b&gt;"' in told


def test_a_long_resource_is_cut_and_says_so() -> None:
    call = ToolCall(result={"data": {"content": [{"text": "word " * 100_000}]}})
    told = mentions.as_told(Mention(server="probe", uri="a:b"), call)
    assert len(told) < mentions.TEXT_MAX_CHARACTERS + 500
    assert "20,000 of 500,000 characters" in told


def test_what_is_no_text_is_named() -> None:
    call = ToolCall(result={"data": {"content": [{"mime_type": "image/png", "bytes": 4}]}})
    assert "(No text: image/png, 4 bytes.)" in mentions.as_told(Mention(server="probe", uri="a:b"), call)


@pytest.fixture
def probe(registered: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[McpServer]:
    """A real server, which this process is connected to as a chat worker is."""
    monkeypatch.setattr(calling, "_connected", [])
    from agents_app import mcp_calls

    calling.connect(mcp_calls)
    monkeypatch.setattr(mcp_calls, "hub", Hub(report=lambda *_: None))
    declared = {"name": "probe", "command": sys.executable, "args": [str(SDK), "stdio"]}
    yield changes.add(declared, by=None, owner=None)
    on_the_shared_loop(mcp_calls.hub.close()).result(10)
    until(lambda: not any(thread.name == "tool" for thread in threading.enumerate()))


def _told(body: dict[str, Any]) -> list[str]:
    return [str(message["content"]) for message in body["messages"] if message["role"] == "user"]


with_probe = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("probe", "at_once")]


class TestTurns:
    """Turns that take up messages that name resources."""

    pytestmark = with_probe

    def test_the_model_reads_what_the_message_names_without_asking(
        self, session: ChatSession, begin: Begin
    ) -> None:
        turn = begin(says("Done."), said="What is in @probe:probe://text?")
        assert turn.ended().state == "completed"
        said, resource = _told(turn.server.asked[0])
        assert said == "What is in @probe:probe://text?"
        assert '<resource server="probe" uri="probe://text"' in resource
        assert "\nhello\n</resource>" in resource
        call = session.tool_calls.get()
        assert (call.tool_name, call.state, call.turn_id) == ("read_resource", "succeeded", turn.turn.pk)
        assert call.args == {"server": "probe", "uri": "probe://text"}

    def test_later_turns_know_it_without_reading_it_again(self, session: ChatSession, begin: Begin) -> None:
        turn = begin(says("Done."), said="@probe:probe://text")
        turn.ended()
        say(session, "And now?")
        assert [text[:10] for text in _told(turn.server.asked[1])] == ["@probe:pro", "A resource", "And now?"]
        assert session.tool_calls.count() == 1

    def test_a_turn_that_failed_at_its_model_leaves_it_to_the_next(
        self, session: ChatSession, begin: Begin
    ) -> None:
        turn = begin(401, says("Done."), said="@probe:probe://text")
        assert turn.ended().state == "failed"
        say(session, "Try again")
        assert "\nhello\n" in _told(turn.server.asked[1])[1]

    def test_what_joins_a_running_turn_brings_what_it_names(
        self, session: ChatSession, begin: Begin, tmp_path: Path
    ) -> None:
        turn = begin(calls(("c1", "probe_held", held(tmp_path))), says("Both."))
        turn.wait_for_effect()
        messages.post(session.pk, "And @probe:probe://items/seven")
        turn.gate.touch()
        assert turn.ended().state == "completed"
        assert "\nitem seven\n" in _told(turn.server.asked[1])[-1]

    def test_an_answer_that_is_made_again_knows_it(self, session: ChatSession, begin: Begin) -> None:
        turn = begin(says("Done."), said="@probe:probe://text")
        turn.ended()
        answer = session.messages.get(role="assistant")
        branching.regenerate(session.pk, answer.pk)
        run(session)
        assert "\nhello\n" in _told(turn.server.asked[1])[1]

    @pytest.mark.parametrize("uri", ["probe://nothing", "file:///etc/passwd"])
    def test_what_cannot_be_read_is_told_and_the_turn_goes_on(
        self, session: ChatSession, begin: Begin, uri: str
    ) -> None:
        turn = begin(says("A pity."), said=f"@probe:{uri}")
        assert turn.ended().state == "completed"
        call = session.tool_calls.get()
        assert call.state == "failed"
        told = _told(turn.server.asked[0])[1]
        assert f'error="{(call.error or {})["code"]}"' in told
        assert "It could not be read: " in told

    def test_a_paused_server_is_named_as_one_that_cannot_be_used(
        self, session: ChatSession, probe: McpServer
    ) -> None:
        changes.pause(probe.pk)
        assert say(session, "@probe:probe://text").state == "completed"
        assert (session.tool_calls.get().error or {})["code"] == "unknown_mcp_server"

    def test_servers_that_the_user_has_not_are_plain_text(
        self, session: ChatSession, bob: Any, probe: McpServer
    ) -> None:
        McpServer.objects.filter(pk=probe.pk).update(owner=bob)
        turn = say(session, "@probe:probe://text and @nobody:probe://text")
        assert not session.tool_calls.exists()
        assert [len(step["parts"]) for step in turn.steps] == [1, 1]

    def test_the_report_of_a_subagent_names_nothing(self, session: ChatSession) -> None:
        subagent = work.running(session, title="Count")
        report = "@probe:probe://text"
        pool.finish(subagent, Outcome(state=Subagent.State.SUCCEEDED, result={"summary": ""}, report=report))
        assert run(session).state == "completed"
        assert not session.tool_calls.exists()

    def test_a_second_attempt_does_not_read_again(
        self, session: ChatSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        message = messages.post(session.pk, "@probe:probe://text")
        turn = turns.claim(waiting(session).pk, 1, liveness.current_worker_id())
        assert turn is not None
        thread = TurnThread()
        mention = Mention(server="probe", uri="probe://text")
        thread.run(Calls(turn).read(f"{message.pk} probe:probe://text", mention))
        turns.give_back(Turn.objects.get(pk=turn.pk))
        assert run(session).state == "completed"
        assert session.tool_calls.count() == 1
        assert "hello" in str(Turn.objects.get(pk=turn.pk).steps[0])

    def test_a_stop_ends_the_reading_within_two_seconds(self, session: ChatSession, begin: Begin) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/mcp"
            changes.add({"name": "silent", "url": url}, by=None, owner=None)
            turn = begin(says("Never."), said="@silent:x:1 @silent:x:2")
            until(lambda: session.tool_calls.count() == 2)
            assert turn.stop() < 2
        assert turn.ended().state == "cancelled"
        assert {(call.error or {})["code"] for call in session.tool_calls.all()} == {"cancelled"}
        assert not turn.server.asked


@pytest.mark.django_db
def test_the_addresses_that_a_server_offers_are_known_with_their_blanks(
    session: ChatSession, kinds_of: Callable[[ChatSession], list[str]]
) -> None:
    row = changes.add({"name": "files", "command": "npx"}, by=None, owner=None)
    health.report_connected(row.pk, OFFERED)
    message = messages.post(session.pk, "@files:file:///a, and @files:file:///b.")
    (named,) = mentions.of([message], session.owner_id).values()
    assert [one.uri for one in named] == ["file:///a", "file:///b"]
