"""What a turn costs in a session with 10, 1,000 and 10,000 turns before it: the read of its history, and all
of it, from `messages.post` to `turn.completed`, with a model that answers at once."""

import os
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents_app import history, liveness, main_agent
from agents_app.llm import demo
from agents_app.models import Turn, Worker
from benchmarks.report import figure, median
from benchmarks.stage import a_session
from sessions_app import messages
from sessions_app.models import ChatSession, Message

LENGTHS = (10, 1000, 10_000)
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
ROOM = 32_000
CHUNK = 500


def main(database: str) -> None:
    """Measure and print; the sessions take turns in each round."""
    _register()
    demo.WORD_SECONDS = 0
    sessions = {length: _filled(length) for length in LENGTHS}
    for session in sessions.values():
        _turn(session)
    reads: dict[int, list[float]] = {length: [] for length in LENGTHS}
    turns: dict[int, list[float]] = {length: [] for length in LENGTHS}
    for _ in range(ROUNDS):
        for length, session in sessions.items():
            reads[length].append(_timed(partial(_read, session)))
            turns[length].append(_timed(partial(_turn, session)))
    for length, session in sessions.items():
        figure("history", f"{database}_read_ms_at_{length}", median(reads[length]))
        figure(
            "history",
            f"{database}_read_queries_at_{length}",
            _queries(partial(_read, session)),
        )
        figure("history", f"{database}_turn_ms_at_{length}", median(turns[length]))
    longest = median(turns[LENGTHS[-1]]) / median(turns[LENGTHS[0]])
    figure("history", f"{database}_turn_at_{LENGTHS[-1]}_against_{LENGTHS[0]}", longest, "<=1.2")


def _register() -> None:
    """Be a worker for longer than this takes: no keeper renews its lease."""
    worker_id = liveness.register("chat", ("chat",)).worker_id
    Worker.objects.filter(pk=worker_id).update(lease_expires_at=timezone.now() + timedelta(hours=1))


def _filled(length: int) -> ChatSession:
    """Return a session with so many answered turns, written past the verbs."""
    session = a_session()
    began = timezone.now() - timedelta(days=1)
    for start in range(0, length, CHUNK):
        numbers = range(start, min(start + CHUNK, length))
        turns = [Turn(session=session, state="completed", model="demo", steps=_steps(n)) for n in numbers]
        Turn.objects.bulk_create(turns)
        for n, turn in zip(numbers, turns, strict=True):
            turn.created_at = began + timedelta(seconds=n)
        Turn.objects.bulk_update(turns, ["created_at"])
        Message.objects.bulk_create(
            Message(session=session, seq=seq, role=role, content="word " * 100, turn_id=turn.pk)
            for n, turn in zip(numbers, turns, strict=True)
            for seq, role in ((1 + 2 * n, "user"), (2 + 2 * n, "assistant"))
        )
    ChatSession.objects.filter(pk=session.pk).update(last_seq=2 * length + 1, title="long")
    session.refresh_from_db()
    return session


def _steps(number: int) -> list[Any]:
    text = f"Question {number} " + "word " * 100
    call = {"tool_name": "look", "args": {"number": number}, "tool_call_id": str(number)}
    return [
        {"kind": "request", "parts": [{"part_kind": "user-prompt", "content": text}]},
        {"kind": "response", "parts": [{"part_kind": "tool-call", **call}]},
        {"kind": "request", "parts": [{"part_kind": "tool-return", "content": {"found": text * 4}, **call}]},
        {"kind": "response", "parts": [{"part_kind": "text", "content": text}]},
    ]


def _read(session: ChatSession) -> None:
    history.earlier(Turn(pk=uuid.uuid4(), session=session), ROOM)


def _turn(session: ChatSession) -> None:
    messages.post(session.pk, "help")
    turn = session.turns.get(state="queued")
    main_agent.run(turn.pk, turn.attempt)


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _queries(work: Callable[[], None]) -> int:
    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)
