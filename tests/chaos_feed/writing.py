"""Numbered events, written through the ordinary verbs, and an account of what was committed when."""

import random
import time
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction

from sessions_app import events
from tests.chaos import ledger

WRITTEN = "written.jsonl"
LARGEST_GROUP = 20
LONG_SHARE = 0.1
LONG_CHARACTERS = 4000
SHORT_CHARACTERS = 60
# What breaks careless encoders and parsers of frames and of lines.
LETTERS = "abc XYZ 0123 \"'\\/<>&{}[]:,é€漢𝄞🙂\n\r\t\u2028\u2029\x85"


class Scribe:
    """Writes events whose payload tells who wrote it as which one."""

    def __init__(self, folder: Path, name: str, chance: random.Random) -> None:
        self._folder, self._name, self._chance = folder, name, chance
        self._count = 0
        self._letters = "".join(chance.choices(LETTERS, k=2 * LONG_CHARACTERS))

    def write_burst(self, session_id: UUID, count: int) -> None:
        """Write `count` events as fast as it goes, in groups of 1 to 20 a transaction."""
        while count > 0:
            group = min(count, self._chance.randint(1, LARGEST_GROUP))
            self.write(session_id, group)
            count -= group

    def write(self, session_id: UUID, count: int) -> None:
        """Write `count` events in one transaction."""
        moments: list[float] = []
        seqs: dict[int, str] = {}
        with events.session_change(session_id) as change:
            # Called before what `change` asks for: the moment of the commit, not of the publication.
            transaction.on_commit(partial(_note_moment, moments))
            for _ in range(count):
                payload = self._payload()
                seqs[change.record("session.updated", payload).seq] = payload["number"]
        told = {"session": str(session_id), "seqs": seqs, "at": moments[0]}
        ledger.append(self._folder / WRITTEN, told)

    def _payload(self) -> dict[str, Any]:
        self._count += 1
        is_long = self._chance.random() < LONG_SHARE
        length = self._chance.randrange(LONG_CHARACTERS if is_long else SHORT_CHARACTERS)
        return {"number": f"{self._name}-{self._count}", "text": self._text(length)}

    def _text(self, length: int) -> str:
        start = self._chance.randrange(LONG_CHARACTERS)
        return self._letters[start : start + length]


def _note_moment(moments: list[float]) -> None:
    moments.append(time.monotonic())
