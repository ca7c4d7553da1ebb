"""Encoded events and the frames that carry them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# As `sessions_app.events` encodes them: what tells the place of an event stands before all that is foreign.
_HEAD = re.compile(r'\{(?:"session_id":"[^"]*",)?(?:"seq":(\d+),)?"kind":"([^"]*)"')
FRAME_EVENTS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """An encoded event; one that is not stored has no `seq`."""

    text: str
    seq: int | None = None
    kind: str = ""


def line_of(text: str) -> Line | None:
    """Return a published text as a line; None if it is no event."""
    head = _HEAD.match(text)
    if head is None:
        return None
    return Line(text, int(head[1]) if head[1] else None, head[2])


@dataclass(frozen=True, slots=True)
class Frame:
    """What one socket is sent at once: lines as a JSON array, made once for all sockets."""

    text: str
    lines: Sequence[Line]
    first: int | None
    last: int | None

    @classmethod
    def of(cls, lines: Sequence[Line]) -> "Frame":
        """Return the frame that carries `lines`."""
        seqs = [line.seq for line in lines if line.seq is not None]
        return cls(as_frame(lines), lines, seqs[0] if seqs else None, seqs[-1] if seqs else None)

    def after(self, seq: int) -> "Frame | None":
        """Return what of it follows `seq`, with all that has no `seq`; None if that is nothing."""
        rest = [line for line in self.lines if line.seq is None or line.seq > seq]
        return Frame.of(rest) if rest else None


def as_frame(lines: Iterable[Line]) -> str:
    """Return the text that carries `lines`."""
    return f"[{','.join(line.text for line in lines)}]"


def as_frames(lines: list[Line]) -> list[str]:
    """Return the frames that carry `lines`, at most 10 in each."""
    return [as_frame(lines[start : start + FRAME_EVENTS]) for start in range(0, len(lines), FRAME_EVENTS)]
