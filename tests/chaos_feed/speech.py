"""Text in flight, written as a turn's draft writes it: announced piece by piece, stored twice a second."""

import random
import time
from pathlib import Path
from uuid import UUID

from sessions_app import events, messages
from sessions_app.models import Message
from tests.chaos import ledger

SPOKEN = "spoken.jsonl"
ANEW_SHARE = 0.2
STORE_SECONDS = 0.5
LETTERS = "abcdefghij klmnopqrst uvwxyz éüß €漢𝄞🙂\n"


class Speech:
    """Speaks in one session, one message after the other: each call of `go_on` adds a piece.

    Now and then a text is written anew under a new generation, as after the death of a worker.
    """

    def __init__(self, folder: Path, session_id: UUID, chance: random.Random) -> None:
        self._folder, self._session, self._chance = folder, session_id, chance
        self._message: Message | None = None
        self._text = ""
        self._length = self._anew_at = 0
        self._stored_at = 0.0

    def go_on(self) -> None:
        """Begin a message, add a piece to it, begin it anew, or end it."""
        if self._message is None:
            self._begin()
        elif len(self._text) >= self._length:
            self.end()
        elif self._anew_at and len(self._text) >= self._anew_at:
            self._begin_anew(self._message)
        else:
            self._add(self._message)

    def end(self) -> None:
        """End the message, if one is open."""
        if self._message is not None:
            self._note(self._message)
            with events.session_change(self._session) as change:
                messages.complete(change, self._message, self._text)
            self._message = None

    def _begin(self) -> None:
        self._text, self._length = "", self._chance.randint(200, 2000)
        self._anew_at = self._length // 2 if self._chance.random() < ANEW_SHARE else 0
        with events.session_change(self._session) as change:
            self._message = messages.add(
                change,
                role=Message.Role.ASSISTANT,
                content="",
                state=Message.State.STREAMING,
                wants_answer=False,
            )

    def _begin_anew(self, message: Message) -> None:
        self._note(message)
        with events.session_change(self._session):
            message.generation, message.content = message.generation + 1, ""
            message.save(update_fields=["generation", "content"])
        self._text, self._anew_at = "", 0

    def _add(self, message: Message) -> None:
        piece = "".join(self._chance.choices(LETTERS, k=self._chance.randint(1, 40)))
        delta = {
            "message_id": str(message.pk),
            "generation": message.generation,
            "offset": len(self._text),
            "text": piece,
        }
        events.announce(self._session, "message.delta", delta)
        self._text += piece
        if time.monotonic() - self._stored_at >= STORE_SECONDS:
            self._stored_at = time.monotonic()
            messages.save_draft(message.pk, message.generation, self._text)

    def _note(self, message: Message) -> None:
        """Note the whole text of a generation that ends."""
        told = {"message": str(message.pk), "generation": message.generation, "text": self._text}
        ledger.append(self._folder / SPOKEN, told)
