"""Calls that need their user's word: durable, once, for a session, always, edited, refused."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from agents_app import approvals, turns
from agents_app.models import Approval, Turn
from sessions_app import lifecycle
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents.answering import answers, run, say
from tests.agents.model_server import ModelServer, calls, says

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]
ASKED = ("c1", "probe_asked", '{"text": "hey"}')
Kinds = Callable[[ChatSession], list[str]]


@pytest.fixture
def model(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A model that wants to call a tool which its user is asked for, then is done."""
    settings.MCPCHAT_MODEL = "openai:any-model"
    with ModelServer(calls(ASKED), says("Done.")) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "key-1")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


def _pending(session: ChatSession) -> Approval:
    return session.approvals.get(state="pending")


def test_a_call_that_is_asked_for_waits_and_holds_no_process(
    session: ChatSession, model: ModelServer, kinds_of: Kinds
) -> None:
    turn = say(session, "Hello")
    assert (turn.state, turn.worker_id) == ("awaiting_approval", None)
    assert (_pending(session).tool_name, _pending(session).args) == ("probe_asked", {"text": "hey"})
    assert session.tool_calls.count() == 0
    assert kinds_of(session)[-1] == "approval.requested"


def test_an_allowed_call_is_made_by_whichever_process_goes_on(
    session: ChatSession, model: ModelServer
) -> None:
    turn = say(session, "Hello")
    approvals.resolve(_pending(session).pk, allow=True)
    turn.refresh_from_db()
    assert (turn.state, turn.attempt) == ("queued", 2)
    assert run(session).state == "completed"
    assert (session.tool_calls.get().result or {})["summary"] == "hey"
    assert [answer.content for answer in answers(session)] == ["Done."]
    assert len(model.asked) == 2


def test_a_refused_call_is_not_made_and_the_model_is_told_why(
    session: ChatSession, model: ModelServer
) -> None:
    say(session, "Hello")
    approvals.resolve(_pending(session).pk, allow=False, reason="Not on Mondays.")
    assert run(session).state == "completed"
    assert session.tool_calls.count() == 0
    assert "Not on Mondays." in model.asked[1]["messages"][-1]["content"]


def test_a_call_is_made_with_the_arguments_that_the_user_gave(
    session: ChatSession, model: ModelServer
) -> None:
    say(session, "Hello")
    asked = approvals.resolve(_pending(session).pk, allow=True, arguments={"text": "ho"})
    assert asked.edited
    run(session)
    assert session.tool_calls.get().args == {"text": "ho"}


def test_arguments_that_do_not_fit_are_refused_and_the_call_still_waits(
    session: ChatSession, model: ModelServer
) -> None:
    say(session, "Hello")
    with pytest.raises(Refusal, match="probe_asked"):
        approvals.resolve(_pending(session).pk, allow=True, arguments={"tex": "ho"})
    assert _pending(session).args == {"text": "hey"}


@pytest.mark.parametrize(("scope", "here", "elsewhere"), [
    ("once", "awaiting_approval", "awaiting_approval"),
    ("session", "completed", "awaiting_approval"),
    ("always", "completed", "completed"),
])  # fmt: skip
def test_what_was_allowed_is_not_asked_for_again_within_its_scope(
    session: ChatSession, ann: Any, model: ModelServer, scope: str, here: str, elsewhere: str
) -> None:
    say(session, "Hello")
    approvals.resolve(_pending(session).pk, allow=True, scope=scope)
    run(session)
    for place, state in ((session, here), (lifecycle.start(ann), elsewhere)):
        model.then(calls(ASKED), says("Done."))
        assert say(place, "Again").state == state


def test_what_one_user_allowed_is_asked_for_from_another(
    session: ChatSession, bob: Any, model: ModelServer
) -> None:
    say(session, "Hello")
    approvals.resolve(_pending(session).pk, allow=True, scope="always")
    run(session)
    model.then(calls(ASKED), says("Done."))
    assert say(lifecycle.start(bob), "Hello").state == "awaiting_approval"


def test_a_turn_goes_on_when_the_last_of_its_calls_is_decided(
    session: ChatSession, model: ModelServer
) -> None:
    fast = ("c0", "probe_fast", '{"text": "at once"}')
    model.then(calls(fast, ASKED, ("c2", "probe_asked", '{"text": "two"}')), says("Done."))
    turn = say(session, "Hello")
    first, second = session.approvals.all()
    assert session.tool_calls.count() == 1
    approvals.resolve(second.pk, allow=True)
    assert Turn.objects.get(pk=turn.pk).state == "awaiting_approval"
    approvals.resolve(first.pk, allow=False)
    assert run(session).state == "completed"
    assert sorted(session.tool_calls.values_list("args__text", flat=True)) == ["at once", "two"]


@pytest.mark.parametrize(
    "end", [lambda turn: turns.stop(turn.pk), lambda turn: lifecycle.stop(turn.session_id)]
)
def test_a_stop_drops_what_waits_for_a_word(
    session: ChatSession, model: ModelServer, end: Callable[[Turn], object]
) -> None:
    turn = say(session, "Hello")
    asked = _pending(session)
    end(turn)
    asked.refresh_from_db()
    assert (Turn.objects.get(pk=turn.pk).state, asked.state) == ("cancelled", "dropped")
    with pytest.raises(Refusal, match="dropped"):
        approvals.resolve(asked.pk, allow=True)


def test_a_message_after_a_stopped_wait_is_answered(session: ChatSession, model: ModelServer) -> None:
    turns.stop(say(session, "Hello").pk)
    model.then(says("Yes."))
    assert say(session, "Something else").state == "completed"


def test_a_decision_over_rest_is_the_owners_alone(
    session: ChatSession, ann: Any, bob: Any, client_of: Callable[[Any], APIClient], model: ModelServer
) -> None:
    say(session, "Hello")
    address = f"/api/approvals/{_pending(session).pk}/"
    assert client_of(bob).post(address, {"allow": True}).status_code == 404
    client = client_of(ann)
    listed = client.get(f"/api/sessions/{session.pk}/approvals/?state=pending").json()["results"]
    assert [item["tool_name"] for item in listed] == ["probe_asked"]
    assert client.post(address, {"allow": True, "scope": "forever"}).status_code == 400
    assert client.post(address, {"allow": True, "scope": "always"}).json()["state"] == "allowed"
    assert client.post(address, {"allow": True}).status_code == 200
    again = client.post(address, {"allow": False})
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")
    (permission,) = client.get("/api/tool-permissions/").json()["results"]
    assert client_of(bob).delete(f"/api/tool-permissions/{permission['id']}/").status_code == 404
    assert client.delete(f"/api/tool-permissions/{permission['id']}/").status_code == 204
