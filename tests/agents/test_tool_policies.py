"""What operators decide of built-in tools: called at once, asked for, denied, whoever calls."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from rest_framework.test import APIClient

from agents_app import approvals, gateway
from agents_app.models import Subagent, ToolPolicy
from sessions_app import lifecycle, messages
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents.answering import answers, run, say
from tests.agents.model_server import ModelServer, calls, says

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]
LIST = "/admin/agents_app/toolpolicy/"


@pytest.fixture
def model(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A model that wants to call a tool that nobody is asked for, then is done."""
    settings.MCPCHAT_MODEL = "openai:any-model"
    with ModelServer(calls(("c1", "probe_fast", '{"text": "hey"}')), says("Done.")) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "key-1")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


@pytest.fixture
def admin(db: None, client: Client) -> Client:
    """An operator's browser."""
    client.force_login(get_user_model().objects.create_superuser("olga"))
    return client


def _decide(tool_name: str, approval: str) -> None:
    ToolPolicy.objects.update_or_create(tool_name=tool_name, defaults={"approval": approval})


def _offered(model: ModelServer) -> set[str]:
    return {tool["function"]["name"] for tool in model.asked[-1]["tools"]}


def _refused(act: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as error:
        act()
    return error.value.code


def test_without_a_policy_the_tools_own_word_holds(session: ChatSession, model: ModelServer) -> None:
    assert say(session, "Hello").state == "completed"
    assert session.tool_calls.get().state == "succeeded"


def test_a_tool_that_shall_be_asked_for_waits_for_its_user(session: ChatSession, model: ModelServer) -> None:
    _decide("probe_fast", "ask")
    assert say(session, "Hello").state == "awaiting_approval"
    approvals.resolve(session.approvals.get().pk, allow=True)
    assert run(session).state == "completed"
    assert session.tool_calls.get().state == "succeeded"


def test_heavy_work_that_shall_be_asked_for_waits_too(session: ChatSession, model: ModelServer) -> None:
    _decide("probe", "ask")
    model.then(calls(("c1", "probe", '{"seconds": 0}')), says("Done."))
    assert say(session, "Hello").state == "awaiting_approval"
    assert not Subagent.objects.exists()


def test_a_tool_that_declares_to_be_asked_for_can_be_allowed(
    session: ChatSession, model: ModelServer
) -> None:
    _decide("probe_asked", "allow")
    model.then(calls(("c1", "probe_asked", '{"text": "hey"}')), says("Done."))
    assert say(session, "Hello").state == "completed"


def test_a_denied_tool_is_not_offered_and_a_model_that_calls_it_all_the_same_goes_on_without(
    session: ChatSession, model: ModelServer
) -> None:
    _decide("probe_fast", "deny")
    assert say(session, "Hello").state == "completed"
    assert "probe_fast" not in _offered(model)
    assert "probe_asked" in _offered(model)
    assert not session.tool_calls.exists()


def test_a_call_that_was_allowed_is_refused_once_its_tool_is_denied(
    session: ChatSession, model: ModelServer
) -> None:
    _decide("probe_fast", "ask")
    say(session, "Hello")
    approvals.resolve(session.approvals.get().pk, allow=True, scope="always")
    _decide("probe_fast", "deny")
    assert run(session).state == "completed"
    assert not session.tool_calls.exists()


def test_nobody_calls_a_denied_tool(session: ChatSession) -> None:
    ended = gateway.spawn(session.pk, "tool_executor", {"tool_name": "probe", "args": {}})
    gateway.cancel(ended.pk)
    for name in ("probe", "probe_fast"):
        _decide(name, "deny")
    task = {"tool_name": "probe", "args": {}}
    assert _refused(lambda: gateway.execute_tool(session, "probe_fast", {"text": "a"})) == "tool_denied"
    assert _refused(lambda: gateway.execute_tool(session, "probe", {})) == "tool_denied"
    assert _refused(lambda: gateway.spawn(session.pk, "tool_executor", task)) == "tool_denied"
    assert _refused(lambda: gateway.retry(ended.pk)) == "tool_denied"
    messages.post(session.pk, '/run probe_fast {"text": "a"}')
    messages.post(session.pk, "/tools probe_f")
    assert [answer.content[:24] for answer in answers(session)] == [
        "That was refused: An ope",
        "There is no such tool.",
    ]


def test_rest_shows_what_holds_and_refuses_a_denied_tool_with_its_code(
    ann: Any, session: ChatSession, client_of: Callable[[Any], APIClient]
) -> None:
    _decide("probe_fast", "deny")
    _decide("probe", "ask")
    client = client_of(ann)
    shown = {tool["name"]: tool["approval"] for tool in client.get("/api/tools/").json()}
    assert [shown[name] for name in ("probe_fast", "probe", "probe_asked")] == ["deny", "ask", "ask"]
    body = {"session_id": str(session.pk), "args": {"text": "a"}}
    answer = client.post("/api/tools/probe_fast/execute/", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "tool_denied")


def test_operators_set_change_and_remove_policies_in_the_admin(admin: Client) -> None:
    added = admin.post(f"{LIST}add/", {"tool_name": "probe_fast", "approval": "ask"})
    assert added.status_code == 302, added.content.decode()
    row = ToolPolicy.objects.get()
    form = {
        "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(row.pk),
        "form-0-approval": "deny", "_save": "Save",
    }  # fmt: skip
    assert admin.post(LIST, form).status_code == 302
    assert ToolPolicy.objects.get().approval == "deny"
    assert "probe_fast" in admin.get(f"{LIST}{row.pk}/change/").content.decode()
    changed = admin.post(f"{LIST}{row.pk}/change/", {"approval": "allow"})
    assert changed.status_code == 302, changed.content.decode()
    assert ToolPolicy.objects.get().approval == "allow"
    admin.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    assert not ToolPolicy.objects.exists()


@pytest.mark.parametrize("wrong", [{"tool_name": "nothing"}, {"approval": "maybe"}, {"tool_name": "probe"}])
def test_the_admin_takes_no_unknown_tool_and_no_second_policy_for_one(
    admin: Client, wrong: dict[str, str]
) -> None:
    _decide("probe", "ask")
    page = admin.post(f"{LIST}add/", {"tool_name": "probe_fast", "approval": "ask"} | wrong)
    assert page.status_code == 200
    assert ToolPolicy.objects.count() == 1


def test_a_policy_of_a_tool_that_is_gone_says_so_and_harms_nothing(admin: Client, ann: Any) -> None:
    _decide("gone_tool", "deny")
    assert "no such tool any more" in admin.get(LIST).content.decode()
    assert _refused(lambda: gateway.execute_tool(lifecycle.start(ann), "gone_tool", {})) == "unknown_tool"
