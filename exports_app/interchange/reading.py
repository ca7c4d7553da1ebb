"""Reading an exported document: text of somebody's becomes plain rows in order, or is refused."""

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from django.conf import settings

from exports_app.interchange.schema import invalid, require_valid
from sessions_app import plain

MESSAGE, TOOL_CALL, SUBAGENT = "message", "tool_call", "subagent"
OLDEST_YEAR = 1970
VALUES_ALLOWED = 2_000_000
BYTES_A_VALUE = 16
"""Where more may be imported, there may be a value for each so many bytes: it takes memory of its own."""
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ReadSession:
    """A chat as a document tells it; `rows` are its kinds and rows in order."""

    title: str
    model: str
    created_at: str | None
    rows: list[tuple[str, Row]]


def parsed(body: bytes) -> object:
    """Return JSON. Raises `Refusal` (`invalid_document`)."""
    allowed = max(VALUES_ALLOWED, settings.IMPORT_MAX_BYTES // BYTES_A_VALUE)
    if sum(map(body.count, (b",", b"[", b"{"))) > allowed:
        raise invalid("It has too many values.")
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise invalid(f"It is no JSON: {str(error)[:200]}.") from error


def read(document: object) -> ReadSession:
    """Return what a document tells, with texts that every store takes.

    Raises `Refusal`: `unknown_version`, `invalid_document`.
    """
    known = require_valid(_storable(document))
    named = (("messages", MESSAGE), ("tool_calls", TOOL_CALL), ("subagents", SUBAGENT))
    lists = [_placed(kind, known.get(name, ())) for name, kind in named]
    merged = heapq.merge(*lists, key=lambda placed: placed[0])
    session = known["session"]
    return ReadSession(
        title=session["title"],
        model=session.get("model", ""),
        created_at=session.get("created_at"),
        rows=[(kind, row) for _, kind, row in merged],
    )


def moment(text: str | None, now: datetime) -> datetime | None:
    """Return a time that was told, at the latest now; None for none.

    Raises `Refusal` (`invalid_document`) for what is no time, or one before there were chats.
    """
    if text is None:
        return None
    try:
        told = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid(f"{text[:40]!r} is no time.") from None
    if told.year < OLDEST_YEAR:
        raise invalid(f"{text[:40]!r} is too long ago.")
    return min(told, now)


def _storable(document: object) -> object:
    try:
        cleaned = plain.cleaned(document)
        plain.json_bytes(cleaned)
    except RecursionError:
        raise invalid("It is nested too deeply.") from None
    except ValueError as error:
        raise invalid(f"{str(error)[:200]}.") from error
    return cleaned


def _placed(kind: str, rows: Iterable[Row]) -> Iterator[tuple[tuple[int, str], str, Row]]:
    """Yield rows with their places, which never go back: the order of a list is what holds."""
    latest = (0, "")
    for row in rows:
        told = (row["seq"], "") if "seq" in row else (0, row.get("created_at") or row.get("queued_at") or "")
        latest = max(latest, told)
        yield latest, kind, row


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
