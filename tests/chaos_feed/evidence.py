"""What is known at the end of a run: of the rows, of each client, of the writers and of the kills."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.chaos.evidence import Kill

PLAIN = "plain"
RESTLESS = "restless"
SLOW = "slow"
WAITING = "waiting"
SSE = "sse"
KINDS = (PLAIN, RESTLESS, SLOW, WAITING, SSE)

Place = tuple[str, int]
"""A session and a `seq` in it."""
Growth = tuple[str, int]
"""A message and a generation of its text."""


def mark_of(session_id: str, kind: str, payload: Mapping[str, Any], created_at: str) -> int:
    """Return a number that stands for the content of an event, however its JSON and its time are written."""
    moment = datetime.fromisoformat(created_at).timestamp()
    return hash((session_id, kind, moment, json.dumps(payload, sort_keys=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A durable event that a client was handed on its `connection`-th connection at monotonic second `at`."""

    connection: int
    seq: int
    mark: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A piece of text that a client was handed; `offset` in characters."""

    connection: int
    message: str
    generation: int
    offset: int
    text: str


@dataclass(kw_only=True)
class Journal:
    """What one client was handed, in order.

    `afters` has for each connection the `seq` that it asked to go on after, `ends` how each connection
    ended that this client did not end itself, `reconnects` how often it began anew.
    """

    name: str
    kind: str
    session: str
    afters: list[int] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    reconnects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An event as the database has it; `number` is what its writer put into it, empty if not of ours."""

    seq: int
    mark: int
    number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An event that a writer committed at monotonic second `at`."""

    number: str
    at: float


@dataclass(kw_only=True)
class Evidence:
    """All of it.

    `rows` and `last_seqs` are by session, `written` is what the writers say that they committed, `texts` what
    they announced in all of each generation. `settle_seconds` is how long the last client needed after the
    last event.
    """

    rows: Mapping[str, Sequence[Row]]
    last_seqs: Mapping[str, int]
    journals: Sequence[Journal]
    written: Mapping[Place, Written] = field(default_factory=dict)
    texts: Mapping[Growth, str] = field(default_factory=dict)
    kills: Sequence[Kill] = ()
    problems: Sequence[str] = ()
    web_peak_bytes: int = 0
    settle_seconds: float = 0
    back_seconds: Mapping[str, Sequence[float]] = field(default_factory=dict)
