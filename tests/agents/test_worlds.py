"""I11: what is another user's looks as if it were not there, through every door."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from rest_framework.test import APIClient

from agents_app.files import receiving
from agents_app.models import Approval, ToolCall, ToolPermission
from exports_app.models import Export
from sessions_app import lifecycle, messages
from sessions_app.models import ChatSession
from tests.agents import work

DOORS = [
    ("get", "/api/sessions/{session}/"),
    ("patch", "/api/sessions/{session}/"),
    ("delete", "/api/sessions/{session}/"),
    ("post", "/api/sessions/{session}/archive/"),
    ("post", "/api/sessions/{session}/restore/"),
    ("post", "/api/sessions/{session}/stop/"),
    ("get", "/api/sessions/{session}/events/"),
    ("get", "/api/sessions/{session}/turns/"),
    ("get", "/api/sessions/{session}/usage/"),
    ("get", "/api/sessions/{session}/tool-calls/"),
    ("get", "/api/sessions/{session}/messages/"),
    ("post", "/api/sessions/{session}/messages/"),
    ("get", "/api/sessions/{session}/messages/{message}/"),
    ("get", "/api/sessions/{session}/approvals/"),
    ("get", "/api/sessions/{session}/branches/"),
    ("post", "/api/sessions/{session}/branches/{nobody}/switch/"),
    ("post", "/api/sessions/{session}/messages/{message}/edit/"),
    ("post", "/api/sessions/{session}/messages/{message}/regenerate/"),
    ("post", "/api/approvals/{approval}/"),
    ("delete", "/api/tool-permissions/{permission}/"),
    ("get", "/api/tool-calls/{call}/"),
    ("get", "/api/subagents/{subagent}/"),
    ("post", "/api/subagents/{subagent}/cancel/"),
    ("post", "/api/subagents/{subagent}/retry/"),
    ("post", "/api/turns/{turn}/stop/"),
    ("get", "/api/exports/{export}/"),
    ("get", "/exports/{export}/"),
    ("get", "/api/files/{file}/"),
    ("delete", "/api/files/{file}/"),
    ("patch", "/api/files/{file}/content/"),
    ("get", "/files/{file}/"),
    ("get", "/sessions/{session}/"),
]
WISHES = [
    ("/api/tools/probe_fast/execute/", {"args": {"text": "a"}}),
    ("/api/tools/probe/execute/", {"args": {}}),
    ("/api/subagents/", {"agent_type": "tool_executor", "task": {"tool_name": "probe"}}),
    ("/api/exports/", {"format": "json"}),
    ("/api/subagents/cancel/", {}),
    ("/api/files/", {"name": "a", "size": 1}),
]
OPEN = [
    "/api/sessions/", "/api/subagents/", "/api/exports/", "/api/tools/", "/api/pools/", "/api/maintenance/",
    "/api/schema/", "/api/docs/",
    "/api/models/", "/api/tool-permissions/", "/api/commands/",
    # That a file of another's is not imported is tested in tests/exports.
    "/api/sessions/import/",
    # Whose servers are whose is tested in tests/mcp_servers.
    "/api/mcp/servers/", "/api/mcp/servers/import/", "/api/mcp/servers/{nobody}/",
    "/api/mcp/servers/{nobody}/pause/", "/api/mcp/servers/{nobody}/resume/",
    "/api/mcp/servers/{nobody}/tools/", "/api/mcp/servers/{nobody}/resources/",
    "/api/mcp/servers/{nobody}/prompts/", "/api/mcp/offers/",
]  # fmt: skip
STAFF = [("patch", "/api/pools/tools/"), ("get", "/api/monitor/"), ("post", "/api/maintenance/run/")]


@pytest.fixture
def ids(bob: Any) -> dict[str, str]:
    """The ids of what bob has."""
    session = lifecycle.start(bob, "Bob's")
    message = messages.post(session.pk, "Secret")
    export = Export.objects.get(subagent=work.export(session))
    return {
        "session": str(session.pk),
        "message": str(message.pk),
        "subagent": str(work.queue(session).pk),
        "turn": str(session.turns.get().pk),
        "export": str(export.pk),
        "nobody": str(work.NOBODY),
        "file": str(receiving.announce(bob.pk, "Secret", 1, session.pk).pk),
        **_asked_for(session),
    }


def _asked_for(session: ChatSession) -> dict[str, str]:
    call = ToolCall.objects.create(session=session, seq=2, tool_name="probe_fast")
    asked = Approval.objects.create(
        id=call.pk, session=session, turn=session.turns.get(), seq=2, tool_name="probe_asked"
    )
    permission = ToolPermission.objects.create(owner_id=session.owner_id, tool_name="probe_asked")
    return {"approval": str(asked.pk), "call": str(call.pk), "permission": str(permission.pk)}


@pytest.fixture(params=["ann", "staff"])
def client(request: pytest.FixtureRequest, ann: Any, client_of: Callable[[Any], APIClient]) -> APIClient:
    """A client of another user, who may be staff: staff see all through the admin alone."""
    ann.is_staff = ann.is_superuser = request.param == "staff"
    ann.save()
    return client_of(ann)


@pytest.mark.parametrize(("verb", "address"), DOORS)
def test_what_is_anothers_is_not_there(
    client: APIClient, ids: dict[str, str], verb: str, address: str
) -> None:
    body = {"content": "Hello", "title": "Mine"} if verb in ("post", "patch") else None
    answer = getattr(client, verb)(address.format(**ids), body)
    assert answer.status_code == 404
    assert b"Secret" not in answer.content


@pytest.mark.parametrize(("address", "body"), WISHES)
def test_nothing_can_be_wished_for_in_anothers_session(
    client: APIClient, ids: dict[str, str], address: str, body: dict[str, Any]
) -> None:
    answer = client.post(address, {"session_id": ids["session"], **body})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_own_session_does_not_open_anothers_message(
    client: APIClient, ids: dict[str, str], ann: Any
) -> None:
    own = lifecycle.start(ann)
    assert client.get(f"/api/sessions/{own.pk}/messages/{ids['message']}/").status_code == 404


@pytest.mark.parametrize("address", ["/api/sessions/", "/api/subagents/", "/api/exports/", "/api/files/"])
@pytest.mark.usefixtures("ids")
def test_lists_show_only_the_own(client: APIClient, address: str) -> None:
    assert client.get(address).json()["results"] == []


def test_filters_do_not_show_anothers(client: APIClient, ids: dict[str, str]) -> None:
    for address in ("/api/subagents/", "/api/exports/", "/api/files/"):
        assert client.get(f"{address}?session_id={ids['session']}").json()["results"] == []


def test_nothing_of_the_others_was_changed(client: APIClient, ids: dict[str, str], bob: Any) -> None:
    session = ChatSession.objects.get(pk=ids["session"])
    before = (session.last_seq, session.state, session.title)
    for verb, address in DOORS:
        getattr(client, verb)(address.format(**ids))
    session.refresh_from_db()
    assert (session.last_seq, session.state, session.title) == before


@pytest.mark.parametrize(("verb", "address"), DOORS)
def test_who_is_not_logged_in_gets_nothing(ids: dict[str, str], verb: str, address: str) -> None:
    answer = getattr(APIClient(), verb)(address.format(**ids))
    assert answer.status_code == (302 if address.startswith("/sessions") else 401)


@pytest.mark.parametrize(("verb", "address"), STAFF)
def test_what_is_for_staff_is_refused_to_others(
    ann: Any, client_of: Callable[[Any], APIClient], verb: str, address: str
) -> None:
    assert getattr(APIClient(), verb)(address).status_code == 401
    answer = getattr(client_of(ann), verb)(address)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_every_door_of_rest_is_in_this_test() -> None:
    ids: dict[str, Any] = dict.fromkeys(
        ["session", "message", "subagent", "turn", "export", "file"], work.NOBODY
    )
    ids |= {"nobody": work.NOBODY, "approval": work.NOBODY, "call": work.NOBODY, "permission": 1}
    tested = [address for _, address in [*DOORS, *STAFF]] + [address for address, _ in WISHES] + OPEN
    routes = {resolve(address.format(**ids)).route for address in tested}
    found = _routes(get_resolver(settings.ROOT_URLCONF))
    assert {route for route in found if route.startswith("api/")} <= routes


def _routes(resolver: URLResolver, before: str = "") -> list[str]:
    found = []
    for entry in resolver.url_patterns:
        address = before + str(entry.pattern)
        if isinstance(entry, URLPattern):
            found.append(address)
        else:
            found += _routes(entry, address)
    return found
