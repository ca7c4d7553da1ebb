"""Record what happened, and announce it.

A change and its events are one transaction that begins with the session row (see the lock order in
`docs/architecture.md`):

    with events.session_change(session_id) as change:
        ... conditional updates ...
        change.record("subagent.started", payload)

`seq` is taken from the locked session row, so it is gapless and in commit order. After the commit the
events are published; whoever misses a publication catches up from the rows.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from sessions_app.errors import not_found
from sessions_app.models import ChatSession, Event
from sessions_app.payloads import DURABLE, EPHEMERAL, PAYLOAD_MAX_BYTES, STAFF
from sessions_app.publisher import Publisher
from sessions_app.rows import Rows

logger = logging.getLogger(__name__)

STAFF_TOPIC = "mcpchat:staff"
_sessions = Rows(ChatSession)
_events = Rows(Event)


class SessionChange:
    """A transaction on one session: hands out `seq` and collects what to publish.

    The row given has one `seq` taken already; if another number of events is recorded `save` sets that right.
    """

    def __init__(self, session: ChatSession) -> None:
        self.session = session
        self._stored_seq = session.last_seq
        session.last_seq -= 1
        self._texts: list[str] = []
        self._afterwards: list[Callable[[], object]] = []

    @property
    def next_seq(self) -> int:
        """The `seq` that the next recorded event will have."""
        return self.session.last_seq + 1

    def record(self, kind: str, payload: Mapping[str, Any]) -> Event:
        """Store a durable event. Raises `ValueError` for an unknown kind or a payload over 16 KB."""
        if kind not in DURABLE:
            raise ValueError(f"{kind!r} is not a durable kind of event")
        if json_bytes(payload) > PAYLOAD_MAX_BYTES:
            raise ValueError(f"the payload of {kind} is over {PAYLOAD_MAX_BYTES} bytes")
        self.session.last_seq += 1
        event = Event(session_id=self.session.pk, seq=self.session.last_seq, kind=kind, payload=dict(payload))
        _events.insert(event)
        self._texts.append(encode(event))
        return event

    def afterwards(self, callback: Callable[[], object]) -> None:
        """Have `callback()` called once the change is committed and published; its failure is logged only."""
        self._afterwards.append(callback)

    def save(self) -> None:
        """Write the session's counter; on commit publish, then do what was asked for afterwards."""
        topic, texts = session_topic(self.session.pk), self._texts
        if self.session.last_seq != self._stored_seq:
            _sessions.touch({"last_seq": self.session.last_seq}, "id = %(id)s", id=self.session.pk)
        if texts:
            transaction.on_commit(lambda: publish(topic, texts))
        for callback in self._afterwards:
            transaction.on_commit(callback, robust=True)


@contextmanager
def session_change(session_id: UUID) -> Iterator[SessionChange]:
    """Open a transaction that holds the row of this session; raises `Refusal` (`not_found`)."""
    with transaction.atomic():
        # Takes the number of the one event that most changes have, and with it the lock: one statement less.
        session = _sessions.increment("last_seq", session_id)
        if session is None:
            raise not_found("session")
        change = SessionChange(session)
        yield change
        change.save()


def announce(session_id: UUID, kind: str, payload: Mapping[str, Any]) -> None:
    """Publish an ephemeral event: never stored, lost if nobody listens.

    Raises `ValueError` for an unknown kind or a payload over 16 KB.
    """
    text = encode_ephemeral(session_id, kind, payload)
    if len(text) > PAYLOAD_MAX_BYTES // 4 and json_bytes(payload) > PAYLOAD_MAX_BYTES:
        raise ValueError(f"the payload of {kind} is over {PAYLOAD_MAX_BYTES} bytes")
    publish(session_topic(session_id), [text], loss_level=logging.DEBUG)


def announce_staff(kind: str, payload: Mapping[str, Any]) -> None:
    """Publish an event for staff: never stored, lost if nobody listens."""
    if kind not in STAFF:
        raise ValueError(f"{kind!r} is not a kind of event for staff")
    text = _json({"kind": kind, "payload": payload, "created_at": timezone.now().isoformat()})
    publish(STAFF_TOPIC, [text], loss_level=logging.DEBUG)


def session_topic(session_id: UUID | str) -> str:
    """Return the name of the channel that carries a session's events."""
    return f"mcpchat:session:{session_id}"


def encode(event: Event) -> str:
    """Return the JSON text of a stored event, as sockets and REST show it."""
    return _encode(event.session_id, event.seq, event.kind, event.payload, event.created_at)


def encode_ephemeral(session_id: UUID, kind: str, payload: Mapping[str, Any]) -> str:
    """Return the JSON text of an event that has no row. Raises `ValueError` for an unknown kind."""
    if kind not in EPHEMERAL:
        raise ValueError(f"{kind!r} is not an ephemeral kind of event")
    return _encode(session_id, None, kind, payload, timezone.now())


def _encode(
    session_id: UUID, seq: int | None, kind: str, payload: Mapping[str, Any], created_at: datetime
) -> str:
    body: dict[str, Any] = {"session_id": str(session_id)}
    if seq is not None:
        body["seq"] = seq
    body |= {"kind": kind, "payload": payload, "created_at": created_at.isoformat()}
    return _json(body)


def json_bytes(value: Any) -> int:
    """Return how many bytes `value` takes as JSON on the wire."""
    return len(_json(value).encode())


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


_publisher = Publisher()


def publish(topic: str, texts: list[str], loss_level: int = logging.WARNING) -> None:
    """Send encoded events to whoever listens; a broker that is away never costs the caller's work."""
    try:
        _publisher.publish(topic, texts)
    except redis.RedisError as error:
        logger.log(loss_level, "could not publish %d event(s) on %s: %s", len(texts), topic, error)


@dataclass(frozen=True, kw_only=True)
class BrokerState:
    """How the broker does: milliseconds for a round trip, bytes of memory in use."""

    latency_ms: float
    memory_bytes: int


def look_at_broker() -> BrokerState:
    """Ask the broker how it does, over a connection of its own, within a second or two.

    Raises `OSError` that names the kind of trouble and no address.
    """
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
            client.ping()
            began = time.monotonic()
            client.ping()
            latency_ms = (time.monotonic() - began) * 1000
            memory: Any = client.info("memory")
    except redis.RedisError as error:
        raise OSError(type(error).__name__) from error
    return BrokerState(latency_ms=round(latency_ms, 2), memory_bytes=int(memory["used_memory"]))
