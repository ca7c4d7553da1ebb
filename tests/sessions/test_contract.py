"""The event contract against the models and the code, and the check that finds what breaks it."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents_app.models import MaintenanceRun, Subagent, ToolCall, Worker
from sessions_app.event_document.examples import example
from sessions_app.models import ChatSession, Message
from sessions_app.payloads import (
    CONTROL,
    DURABLE,
    EPHEMERAL,
    MEANINGS,
    STAFF,
    ExportPayload,
    MaintenanceRunPayload,
    MessagePayload,
    SessionPayload,
    SubagentPayload,
    ToolCallPayload,
    WorkerPayload,
)
from sessions_app.payloads.forms import OneOf
from sessions_app.payloads.reading import fields_of, without_annotations
from tests.conformity import flaws

ROOT = Path(__file__).parents[2]
KINDS = DURABLE | EPHEMERAL | STAFF | CONTROL
Event = dict[str, Any]


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_each_kind_conforms(kind: str) -> None:
    assert flaws(example(kind)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_sent_by_some_code(kind: str) -> None:
    apps = ("sessions_app", "agents_app", "exports_app")
    contract = ROOT / "sessions_app" / "payloads"
    document = ROOT / "sessions_app" / "event_document"
    code = [file for app in apps for file in (ROOT / app).rglob("*.py")]
    senders = [file for file in code if contract not in file.parents and document not in file.parents]
    assert any(f'"{kind}"' in file.read_text() for file in senders)


def test_a_kind_that_shares_its_payload_says_when_it_is_sent() -> None:
    payloads = list(KINDS.values())
    assert set(MEANINGS) == {kind for kind, payload in KINDS.items() if payloads.count(payload) > 1}


@pytest.mark.parametrize(
    ("payload", "name", "words"),
    [
        (SessionPayload, "state", ChatSession.State.values),
        (MessagePayload, "role", Message.Role.values),
        (MessagePayload, "state", Message.State.values),
        (ToolCallPayload, "state", ToolCall.State.values),
        (SubagentPayload, "state", Subagent.State.values),
        (ExportPayload, "state", Subagent.State.values),
        (MaintenanceRunPayload, "kind", MaintenanceRun.Kind.values),
        (MaintenanceRunPayload, "state", MaintenanceRun.State.values),
        (WorkerPayload, "kind", Worker.Kind.values),
    ],
)
def test_the_words_of_a_field_are_those_of_the_row(payload: type, name: str, words: list[str]) -> None:
    field = next(field for field in fields_of(payload) if field.name == name)
    (choice,) = [note for note in without_annotations(field.hint)[1] if isinstance(note, OneOf)]
    assert list(choice.words) == words


def _set(*path: str, to: Any) -> Callable[[Event], None]:
    def change(event: Event) -> None:
        for name in path[:-1]:
            event = event[name]
        event[path[-1]] = to

    return change


def _without(*path: str) -> Callable[[Event], None]:
    def change(event: Event) -> None:
        for name in path[:-1]:
            event = event[name]
        del event[path[-1]]

    return change


@pytest.mark.parametrize(
    ("kind", "change", "flaw"),
    [
        ("turn.started", _without("payload", "model"), "turn.started.payload lacks model"),
        ("turn.started", _without("seq"), "turn.started lacks seq"),
        ("turn.started", _without("payload"), "turn.started lacks payload"),
        ("turn.started", _set("payload", "more", to=1), "turn.started.payload has the unknown more"),
        ("turn.started", _set("more", to=1), "turn.started has the unknown more"),
        ("feed.pong", _set("payload", "more", to=1), "feed.pong.payload has the unknown more"),
        ("message.delta", _set("seq", to=1), "message.delta has the unknown seq"),
        ("worker.lost", _set("session_id", to="1"), "worker.lost has the unknown session_id"),
        ("turn.started", _set("payload", "attempt", to="1"), "turn.started.payload.attempt is '1', not int"),
        ("turn.started", _set("payload", "attempt", to=True), "payload.attempt is True, not int"),
        ("turn.started", _set("payload", "attempt", to=None), "payload.attempt is None, not int"),
        ("turn.started", _set("payload", "turn_id", to="7"), "payload.turn_id is '7', no UUID"),
        ("turn.started", _set("created_at", to="today"), "turn.started.created_at is 'today', no time"),
        ("session.started", _set("payload", "state", to="new"), "payload.state is 'new', not one of active"),
        ("turn.failed", _without("payload", "error", "code"), "payload.error lacks code"),
        ("turn.failed", _set("payload", "error", to=None), "payload.error is None, no object"),
        ("subagent.failed", _set("payload", "error", "code", to=7), "payload.error.code is 7, not str"),
        ("subagent.failed", _set("payload", "progress", to="all"), "payload.progress is 'all', not float"),
        ("subagent.failed", _set("payload", "started_at", to=7), "payload.started_at is 7, not"),
        ("subagent.failed", _set("payload", "args", to=[]), "payload.args is [], not dict"),
        ("worker.lost", _set("payload", "queues", to=[1]), "payload.queues.0 is 1, not str"),
        (
            "maintenance.completed",
            _without("payload", "results", "idle_sessions", "line"),
            "payload.results.idle_sessions lacks line",
        ),
        (
            "system.health_updated",
            _set("payload", "components", "redis", to="so-so"),
            "payload.components.redis is 'so-so', not one of ok",
        ),
        ("message.added", _set("payload", "content", to="€" * 6000), "message.added.payload has 18"),
        ("turn.started", _set("kind", to="turn.began"), "'turn.began' is no known kind"),
    ],
)
def test_what_breaks_the_contract_is_found(kind: str, change: Callable[[Event], None], flaw: str) -> None:
    event = copy.deepcopy(example(kind))
    change(event)
    assert any(flaw in found for found in flaws(event)), flaws(event)


def test_whole_numbers_are_numbers_and_null_is_allowed_where_it_says_so() -> None:
    event = copy.deepcopy(example("subagent.completed"))
    event["payload"] |= {"progress": 100, "started_at": None, "error": None}
    assert flaws(event) == []
