"""The text of an answer while it grows."""

import time
from collections.abc import Sequence
from typing import Any

from agents_app import turns
from agents_app.models import Turn
from agents_app.spending import Spent
from sessions_app import messages, plain
from sessions_app.events import announce
from sessions_app.models import Message
from sessions_app.payloads import DELTA_CHARACTERS, MessageDelta

STORE_SECONDS = 0.5


class Draft:
    """Collects a step's text; `flush` announces what is new and stores the whole twice a second.

    `append` only touches memory, so it may be called on the event loop; the other verbs block.
    """

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._text = ""
        self._message: Message | None = None
        self._announced = self._stored = 0
        self._stored_at = 0.0

    @property
    def has_text(self) -> bool:
        """Whether some of this step's text is there."""
        return bool(self._text)

    @property
    def has_news(self) -> bool:
        """Whether some of it is still to be announced or stored."""
        return len(self._text) > min(self._announced, self._stored)

    def append(self, text: str) -> None:
        """Add text of a model, which may hold anything."""
        self._text += plain.text(text)

    def flush(self, store: bool = False) -> None:
        """Announce new text; store the whole if half a second has passed, or at once with `store`."""
        text = self._text
        message = self._opened() if text else None
        if message is None:
            return
        if len(text) > self._announced:
            self._announce(message, text)
        due = time.monotonic() - self._stored_at >= STORE_SECONDS
        if len(text) > self._stored and (store or due):
            self._stored, self._stored_at = len(text), time.monotonic()
            messages.save_draft(message.pk, message.generation, text)

    def complete(self, steps: list[Any], spent: Sequence[Spent] = ()) -> bool:
        """Store the turn's steps and end this step's text with them; False if the turn is no longer ours."""
        self.flush()
        finished = (self._message, self._text) if self._message else None
        self._text, self._message, self._announced, self._stored = "", None, 0, 0
        return turns.store_steps(self._turn, steps, finished, spent)

    def _opened(self) -> Message | None:
        """Return the message that the text goes into; None if the turn is no longer ours."""
        if self._message is None:
            self._message = turns.begin_text(self._turn)
        return self._message

    def _announce(self, message: Message, text: str) -> None:
        for offset in range(self._announced, len(text), DELTA_CHARACTERS):
            delta: MessageDelta = {
                "message_id": str(message.pk),
                "generation": message.generation,
                "offset": offset,
                "text": text[offset : offset + DELTA_CHARACTERS],
            }
            announce(self._turn.session_id, "message.delta", delta)
        self._announced = len(text)
