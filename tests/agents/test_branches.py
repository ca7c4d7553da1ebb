"""What is said anew takes the place of what was said before, which stays readable and can be gone back to."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from agents_app import branching, pool, turns
from agents_app.models import Subagent
from agents_app.outcome import Outcome
from exports_app.document import freeze
from exports_app.options import ExportOptions
from sessions_app import lifecycle, messages, snapshot
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession, Message
from tests.agents import work
from tests.agents.answering import run, say
from tests.agents.model_server import ModelServer, calls, says

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]
Serve = Callable[..., ModelServer]


@pytest.fixture
def serve(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Let a server with these answers be the model."""
    settings.MCPCHAT_MODEL = "openai:any-model"
    monkeypatch.setenv("OPENAI_API_KEY", "key-1")
    running: list[ModelServer] = []

    def do(*answers: Any) -> ModelServer:
        running.append(ModelServer(*answers).__enter__())
        monkeypatch.setenv("OPENAI_BASE_URL", running[-1].url)
        return running[-1]

    yield do
    for server in running:
        server.__exit__()


def _shown(session: ChatSession) -> list[str]:
    return [message["content"] for message in snapshot.read(session.pk)["messages"]]


def _message(session: ChatSession, content: str) -> Message:
    return session.messages.get(content=content)


def _told(server: ModelServer, number: int = -1) -> list[str]:
    return [str(message["content"]) for message in server.asked[number]["messages"][1:]]


def _back(session: ChatSession, fork: int = -1) -> None:
    """Show the branch before the current one at a fork."""
    found = snapshot.read(session.pk)["forks"][fork]
    branching.switch(session.pk, found["branch_ids"][found["current"] - 1])


def _edit(session: ChatSession, old: str, new: str) -> None:
    branching.edit(session.pk, _message(session, old).pk, new)
    run(session)


def test_an_edited_message_replaces_all_that_followed_for_the_reader_and_the_model(
    session: ChatSession, serve: Serve
) -> None:
    server = serve(says("A1"), says("B1"), says("B2"))
    say(session, "a")
    say(session, "b")
    _edit(session, "b", "b, but better")
    assert _shown(session) == ["a", "A1", "b, but better", "B2"]
    assert _told(server) == ["a", "A1", "b, but better"]


def test_the_first_message_can_be_edited(session: ChatSession, serve: Serve) -> None:
    server = serve(says("A1"), says("A2"))
    say(session, "a")
    _edit(session, "a", "another")
    assert _shown(session) == ["another", "A2"]
    assert _told(server) == ["another"]


def test_the_earlier_branch_can_be_gone_back_to_and_gone_on_with(session: ChatSession, serve: Serve) -> None:
    server = serve(says("A1"), says("B1"), says("B2"), says("C1"))
    say(session, "a")
    say(session, "b")
    _edit(session, "b", "other b")
    _back(session)
    assert _shown(session) == ["a", "A1", "b", "B1"]
    say(session, "c")
    assert _shown(session) == ["a", "A1", "b", "B1", "c", "C1"]
    assert _told(server) == ["a", "A1", "b", "B1", "c"]
    _back(session, 0)
    assert _shown(session) == ["a", "A1", "other b", "B2"]


def test_the_places_at_which_branches_part_name_their_versions_in_order(
    session: ChatSession, serve: Serve
) -> None:
    serve(says("x"))
    say(session, "a")
    say(session, "b")
    for text in ("b2", "b3"):
        _edit(session, text.replace("b2", "b").replace("b3", "b2"), text)
    (fork,) = snapshot.read(session.pk)["forks"]
    assert (len(fork["branch_ids"]), fork["current"]) == (3, 2)
    assert fork["seq"] <= _message(session, "b3").seq
    branching.switch(session.pk, fork["branch_ids"][0])
    (fork,) = snapshot.read(session.pk)["forks"]
    assert (len(fork["branch_ids"]), fork["current"]) == (3, 0)
    assert fork["seq"] <= _message(session, "b").seq


def test_an_answer_is_made_again_with_what_it_was_asked(session: ChatSession, serve: Serve) -> None:
    server = serve(says("A1"), says("B1"), says("B2"), says("B3"))
    say(session, "a")
    say(session, "b")
    for answer in ("B1", "B2"):
        branching.regenerate(session.pk, _message(session, answer).pk)
        run(session)
    assert _shown(session) == ["a", "A1", "b", "B3"]
    assert _told(server) == _told(server, 1) == ["a", "A1", "b"]
    (fork,) = snapshot.read(session.pk)["forks"]
    assert (len(fork["branch_ids"]), fork["current"]) == (3, 2)


def test_a_regenerated_answer_is_remembered_in_place_of_the_first(session: ChatSession, serve: Serve) -> None:
    server = serve(says("A1"), says("A2"), says("B1"))
    say(session, "a")
    branching.regenerate(session.pk, _message(session, "A1").pk)
    run(session)
    say(session, "b")
    assert _told(server) == ["a", "A2", "b"]


def test_tool_calls_stay_with_the_branch_in_which_they_were_made(session: ChatSession, serve: Serve) -> None:
    serve(calls(("c1", "probe_fast", '{"text": "x"}')), says("A1"), says("A2"))
    say(session, "a")
    _edit(session, "a", "b")
    assert snapshot.read(session.pk)["tool_calls"] == []
    _back(session)
    assert len(snapshot.read(session.pk)["tool_calls"]) == 1
    assert session.tool_calls.count() == 1


def test_a_subagent_of_the_branch_that_was_left_wakes_nobody_and_keeps_its_result(
    session: ChatSession, serve: Serve
) -> None:
    serve(says("A1"), says("A2"))
    say(session, "a")
    subagent = work.running(session)
    _edit(session, "a", "b")
    pool.finish(subagent, Outcome(state=Subagent.State.SUCCEEDED, result={"summary": "s"}, report="Long."))
    assert not session.turns.filter(state="queued").exists()
    assert snapshot.read(session.pk)["subagents"] == []
    _back(session)
    body = snapshot.read(session.pk)
    assert len(body["subagents"]) == 1
    assert "Long." in [message["content"] for message in body["messages"]]


def test_numbers_stay_gapless_and_nothing_is_removed(session: ChatSession, serve: Serve) -> None:
    serve(says("x"))
    say(session, "a")
    _edit(session, "a", "b")
    _back(session)
    seqs = list(session.events.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))
    assert session.messages.count() == 4


def test_an_export_has_the_branch_that_is_shown(session: ChatSession, serve: Serve) -> None:
    serve(says("A1"), says("A2"))
    say(session, "a")
    _edit(session, "a", "b")
    document = freeze(session.pk, options=ExportOptions(), now=timezone.now())
    assert [message.content for message in document.messages()] == ["b", "A2"]
    assert document.message_count == 2


def test_none_of_it_while_an_answer_is_under_way(session: ChatSession, serve: Serve) -> None:
    serve(says("A1"), says("A2"))
    say(session, "a")
    _edit(session, "a", "b")
    branch = session.branches.earliest("created_at")
    messages.post(session.pk, "c")
    for verb in (
        lambda: branching.edit(session.pk, _message(session, "b").pk, "d"),
        lambda: branching.regenerate(session.pk, _message(session, "A2").pk),
        lambda: branching.switch(session.pk, branch.pk),
    ):
        with pytest.raises(Refusal) as refusal:
            verb()
        assert (refusal.value.code, refusal.value.status) == ("turn_unfinished", 409)
    turns.stop_all(session.pk)


def test_what_is_not_ones_own_words_or_not_shown_is_not_said_anew(session: ChatSession, serve: Serve) -> None:
    serve(says("A1"), says("A2"))
    say(session, "a")
    _edit(session, "a", "b")
    for verb, code in (
        (lambda: branching.edit(session.pk, _message(session, "A2").pk, "x"), "not_editable"),
        (lambda: branching.regenerate(session.pk, _message(session, "b").pk), "not_an_answer"),
        (lambda: branching.edit(session.pk, _message(session, "a").pk, "x"), "not_in_branch"),
        (lambda: branching.edit(session.pk, _message(session, "b").pk, " "), "empty_message"),
        (lambda: branching.edit(session.pk, work.NOBODY, "x"), "not_found"),
    ):
        with pytest.raises(Refusal) as refusal:
            verb()
        assert refusal.value.code == code
    assert session.branches.count() == 2


def test_a_page_of_its_own_for_each_verb(
    session: ChatSession, ann: Any, bob: Any, client_of: Callable[[Any], APIClient], serve: Serve
) -> None:
    serve(says("A1"), says("A2"), says("A3"))
    say(session, "a")
    client, base = client_of(ann), f"/api/sessions/{session.pk}/"
    edited = client.post(f"{base}messages/{_message(session, 'a').pk}/edit/", {"content": "b"})
    assert (edited.status_code, edited.json()["content"]) == (201, "b")
    too_early = client.post(f"{base}messages/{edited.json()['message_id']}/edit/", {"content": "c"})
    assert (too_early.status_code, too_early.json()["code"]) == (409, "turn_unfinished")
    run(session)
    again = client.post(f"{base}messages/{_message(session, 'A2').pk}/regenerate/")
    assert (again.status_code, again.json()["state"]) == (201, "queued")
    run(session)
    first, *_, last = client.get(f"{base}branches/").json()
    assert (first["is_current"], last["is_current"]) == (False, True)
    listed = client.get(f"{base}messages/?branch={first['id']}").json()["results"]
    assert [message["content"] for message in listed] == ["a", "A1"]
    assert [one["content"] for one in client.get(f"{base}messages/").json()["results"]] == ["b", "A3"]
    assert client.get(f"{base}messages/?branch=x").status_code == 404
    switched = client.post(f"{base}branches/{first['id']}/switch/")
    assert (switched.status_code, switched.json()["branch_id"]) == (200, first["id"])
    assert client_of(bob).post(f"{base}branches/{first['id']}/switch/").status_code == 404
    assert client_of(bob).get(f"{base}branches/").status_code == 404


def test_a_session_that_is_deleted_takes_its_branches_along(session: ChatSession, serve: Serve) -> None:
    serve(says("A1"))
    say(session, "a")
    _edit(session, "a", "b")
    lifecycle.delete(session.pk)
    ChatSession.objects.filter(pk=session.pk).delete()
    assert not Message.objects.exists()
