"""The events that are published, encoded beforehand: a publisher only puts the moment in."""

import time
from collections.abc import Callable
from itertools import count
from typing import Any

_NO_MOMENT = 1_111_111_111_111_111_111
_phases = count(1)

Encode = Callable[[int, dict[str, Any]], str]


def next_phase() -> int:
    """Return the number of a new phase: what comes late from an earlier one is not counted."""
    return next(_phases)


def texts(phase: int, events: int, encode: Encode, filler: str = "") -> list[str]:
    """Return the events of a phase; `encode(number, payload)` gives the text of one."""
    return [encode(number, _payload(phase, number, events, filler)) for number in range(events)]


def stamped(text: str) -> str:
    """Return the text with the present moment in it."""
    return text.replace(str(_NO_MOMENT), str(time.monotonic_ns()), 1)


def end_mark(phase: int) -> bytes:
    """Return what only the last event of a phase has in its text."""
    return b'"ends":%d}' % phase


def _payload(phase: int, number: int, events: int, filler: str) -> dict[str, Any]:
    ends = phase if number == events - 1 else 0
    body = {"phase": phase, "number": number, "moment": _NO_MOMENT}
    return body | ({"filler": filler} if filler else {}) | {"ends": ends}
