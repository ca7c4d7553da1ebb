"""Text in flight: what a message in flight says so far, so that who joins in mid-answer gets it whole.

The deltas of a message are published and never stored; its row has the text of half a second ago. A delta
that does not begin where the last one ended is held until the row has what lies between.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sessions_app.events import encode_ephemeral
from sessions_app.feed.lines import Line
from sessions_app.feed.rows import StoredDraft
from sessions_app.payloads import DELTA_CHARACTERS, MessageDelta


@dataclass
class Draft:
    """One generation of a message's text; `held` is what came after a gap, from character `held_offset`."""

    generation: int
    text: str = ""
    held: str = ""
    held_offset: int = 0

    def grow(self, offset: int, text: str) -> tuple[int, str]:
        """Take in a piece; return where the text grew and by what."""
        end = len(self.text)
        if offset > end:
            self._hold(offset, text)
            return end, ""
        new = text[end - offset :]
        self.text += new
        return end, new

    def fill(self, stored: str) -> tuple[int, str]:
        """Take in what the row has, then what was held if that follows now; return where it grew, by what."""
        start, _ = self.grow(0, stored)
        if self.held and self.held_offset <= len(self.text):
            held, self.held = self.held, ""
            self.grow(self.held_offset, held)
        return start, self.text[start:]

    def _hold(self, offset: int, text: str) -> None:
        if self.held and offset == self.held_offset + len(self.held):
            self.held += text
        else:
            self.held, self.held_offset = text, offset


@dataclass
class Drafts:
    """The texts in flight of one session."""

    session_id: UUID
    _drafts: dict[str, Draft] = field(default_factory=dict)

    @property
    def have_gaps(self) -> bool:
        """Whether a text waits for what lies between it and a later piece."""
        return any(draft.held for draft in self._drafts.values())

    def take(self, line: Line) -> list[Line]:
        """Take in a published delta; return what of it is to be passed on."""
        delta: MessageDelta = json.loads(line.text)["payload"]
        draft = self._of(delta["message_id"], delta["generation"])
        if draft is None:
            return []
        start, new = draft.grow(delta["offset"], delta["text"])
        if start == delta["offset"] and new == delta["text"]:
            return [line] if new else []
        return self._lines(delta["message_id"], draft.generation, start, new)

    def fill(self, stored: list[StoredDraft]) -> list[Line]:
        """Take in the rows of the messages in flight; forget the others; return what is to be passed on."""
        lines = []
        for row in stored:
            draft = self._of(row.message_id, row.generation)
            if draft is not None:
                lines += self._lines(row.message_id, row.generation, *draft.fill(row.text))
        in_flight = {row.message_id for row in stored}
        self._drafts = {key: draft for key, draft in self._drafts.items() if key in in_flight}
        return lines

    def forget(self, line: Line) -> None:
        """Forget the message that a `message.completed` tells."""
        self._drafts.pop(json.loads(line.text)["payload"].get("message_id", ""), None)

    def whole(self) -> list[Line]:
        """Return each text from its beginning, for who joins now."""
        return [
            line
            for message_id, draft in self._drafts.items()
            for line in self._lines(message_id, draft.generation, 0, draft.text)
        ]

    def _of(self, message_id: str, generation: int) -> Draft | None:
        """Return the draft that a piece belongs to; None for one of a generation that was superseded."""
        known = self._drafts.get(message_id)
        if known is None or known.generation < generation:
            known = self._drafts[message_id] = Draft(generation)
        return known if known.generation == generation else None

    def _lines(self, message_id: str, generation: int, start: int, text: str) -> list[Line]:
        pieces = range(0, len(text), DELTA_CHARACTERS)
        return [
            self._line(message_id, generation, start + offset, text[offset : offset + DELTA_CHARACTERS])
            for offset in pieces
        ]

    def _line(self, message_id: str, generation: int, offset: int, text: str) -> Line:
        payload: dict[str, Any] = {
            "message_id": message_id,
            "generation": generation,
            "offset": offset,
            "text": text,
        }
        return Line(encode_ephemeral(self.session_id, "message.delta", payload), None, "message.delta")
