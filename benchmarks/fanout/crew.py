"""One server with so many clients, and the two things that are measured with it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from django.utils import timezone

from benchmarks.fanout.client import Door
from benchmarks.fanout.heard import Heard
from benchmarks.fanout.publishers import publisher_for
from benchmarks.fanout.script import next_phase, texts
from benchmarks.fanout.servers import Server
from benchmarks.fanout.swarm import Swarm
from benchmarks.stage import a_session
from mcpchat_project.accounts.api_tokens import create_token
from sessions_app import events
from sessions_app.models import Event

BURST_SECONDS = 1.2
WARM_UP_DELIVERIES = 5000
BURST_EVENTS = (8, 30_000)
CALM = 1.5
"""Between paced events there is this much more time than one takes in a burst."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What some events came to."""

    heard: Heard
    deliveries_a_second: float
    cpu_us_a_delivery: float


class Crew:
    """A session on `server` that `count` clients watch; a context manager around these."""

    def __init__(self, server: Server, count: int) -> None:
        self.server = server
        self._count = count

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self._swarm.close()

    def _open(self) -> None:
        session = a_session()
        self._session_id, self._seq = session.pk, session.last_seq
        self._publisher = publisher_for(self.server.name, session.pk)
        path = f"/ws/sessions/{session.pk}/?after={session.last_seq}"
        self.door = Door(port=self.server.port, path=path, token=create_token(session.owner))
        self._swarm = Swarm(self.door, self._count)
        self._swarm.open()

    def warm_up(self) -> None:
        """Find out how many events make a burst of the wanted length, and how slow is slow enough."""
        few = max(WARM_UP_DELIVERIES // self._count, BURST_EVENTS[0])
        event_seconds = self._count / self.burst(few).deliveries_a_second
        self._least_pace = CALM * event_seconds
        wanted = int(BURST_SECONDS / event_seconds)
        self._burst_events = min(max(wanted, BURST_EVENTS[0]), BURST_EVENTS[1])

    def paced(self, count: int, pace_seconds: float) -> Phase:
        """Publish events one by one, apart enough that none meets the one before; return how that went."""
        pace = max(pace_seconds, self._least_pace)

        def publish(script: list[str]) -> None:
            began = time.monotonic()
            for number, text in enumerate(script):
                time.sleep(max(began + number * pace - time.monotonic(), 0))
                self._publisher.publish(text)

        return self._phase(count, "", publish)

    def burst(self, count: int = 0, filler: str = "") -> Phase:
        """Publish events as fast as that goes, and return how that went."""
        return self._phase(count or self._burst_events, filler, self._publisher.burst)

    def _phase(self, count: int, filler: str, publish: Callable[[list[str]], None]) -> Phase:
        number = next_phase()
        script = texts(number, count, self._encode, filler)
        self._swarm.listen(number, count)
        cpu, began = self.server.cpu_seconds(), time.monotonic_ns()
        publish(script)
        heard = self._swarm.heard()
        cpu = self.server.cpu_seconds() - cpu
        deliveries = max(heard.deliveries, 1)
        return Phase(
            heard=self._after(heard),
            deliveries_a_second=deliveries / (max(heard.last_ns - began, 1) / 1e9),
            cpu_us_a_delivery=cpu * 1e6 / deliveries,
        )

    def _after(self, heard: Heard) -> Heard:
        """Come with new clients if a server closed some."""
        if heard.closed:
            self._swarm.close()
            self._open()
        return heard

    def _encode(self, number: int, payload: dict[str, Any]) -> str:
        self._seq += 1
        event = Event(
            session_id=self._session_id,
            seq=self._seq,
            kind="tool.started",
            payload=payload,
            created_at=timezone.now(),
        )
        return events.encode(event)
