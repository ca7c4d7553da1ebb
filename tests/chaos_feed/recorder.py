"""Writes down what a client is handed, and tells from where it goes on."""

import json
import time
from collections.abc import Mapping
from typing import Any

from tests.chaos_feed.evidence import Delivery, Delta, Journal, mark_of


class Recorder:
    """Keeps one client's journal. `last_seq` is the last durable event that the client has kept."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.last_seq = 0
        self.heard_at = 0.0

    def begin(self) -> int:
        """Note that a connection begins; return the `seq` to go on after."""
        self.journal.afters.append(self.last_seq)
        return self.last_seq

    def end(self, how: str) -> None:
        """Note how a connection ended that the client did not end itself."""
        self.journal.ends.append(how)

    def take_all(self, text: str | bytes) -> None:
        """Note the events of a JSON array."""
        now = time.monotonic()
        for event in json.loads(text):
            self.take(event, now)

    def take(self, event: Mapping[str, Any], at: float) -> None:
        """Note an event that arrived at monotonic second `at`."""
        if event["kind"] in ("feed.reset", "feed.error"):
            self.end(event["kind"])
        elif event.get("seq") is not None:
            self._keep(event, at)
        elif event["kind"] == "message.delta":
            self._grow(event["payload"])

    @property
    def _connection(self) -> int:
        return len(self.journal.afters) - 1

    def _keep(self, event: Mapping[str, Any], at: float) -> None:
        mark = mark_of(event["session_id"], event["kind"], event["payload"], event["created_at"])
        delivery = Delivery(connection=self._connection, seq=event["seq"], mark=mark, at=at)
        self.journal.deliveries.append(delivery)
        self.last_seq, self.heard_at = max(self.last_seq, event["seq"]), at

    def _grow(self, payload: Mapping[str, Any]) -> None:
        delta = Delta(
            connection=self._connection,
            message=payload["message_id"],
            generation=payload["generation"],
            offset=payload["offset"],
            text=payload["text"],
        )
        self.journal.deltas.append(delta)
