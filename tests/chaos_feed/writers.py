"""The processes that write: some write bursts into one session at once, one a trickle, one speaks."""

import multiprocessing
import random
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections

from mcpchat_project.supervisor.linux import dying_with_parent
from tests.chaos_feed.speech import Speech
from tests.chaos_feed.writing import Scribe

BURST_WRITERS = 3
TRICKLE_SECONDS = 0.05
SPEECH_SECONDS = 0.03
END_SECONDS = 120.0

_context = multiprocessing.get_context("fork")


class Writers:
    """Starts the processes; do so before there are threads, in the main thread: they die with it."""

    def __init__(self, folder: Path, sessions: Sequence[UUID], speakers: int, chance: random.Random) -> None:
        self.problems: list[str] = []
        self._folder, self._sessions, self._chance = folder, sessions, chance
        self._stopping = _context.Event()
        self._orders: Any = [_context.SimpleQueue() for _ in range(BURST_WRITERS)]
        self._processes = [
            *(
                self._process(f"burst-{number}", self._write_bursts, number)
                for number in range(BURST_WRITERS)
            ),
            self._process("trickle", self._write_trickle),
            self._process("speech", self._speak, speakers),
        ]

    def start(self) -> None:
        """Begin with the trickle and the speeches."""
        connections.close_all()  # A fork must not share a connection.
        for process in self._processes:
            process.start()

    def burst(self, session_id: UUID, count: int) -> None:
        """Have `count` events written into one session by all burst writers at once."""
        for number, orders in enumerate(self._orders):
            share = count // BURST_WRITERS + (number < count % BURST_WRITERS)
            orders.put((session_id, share))

    def stop(self) -> None:
        """Wait until all bursts are written, then end the rest."""
        for orders in self._orders:
            orders.put(None)
        for process in self._processes[:BURST_WRITERS]:
            process.join(END_SECONDS)
        self._stopping.set()
        for process in self._processes:
            process.join(END_SECONDS)
            if process.exitcode != 0:
                self.problems.append(f"writer {process.name} ended with {process.exitcode}")

    def kill(self) -> None:
        """End what still runs."""
        for process in self._processes:
            if process.is_alive():
                process.kill()

    def _process(self, name: str, work: Callable[..., None], *arguments: Any) -> Any:
        chance = random.Random(self._chance.random())
        begin = (dying_with_parent(), work, name, chance, *arguments)
        return _context.Process(target=_begin, args=begin, name=name, daemon=True)

    def _write_bursts(self, name: str, chance: random.Random, number: int) -> None:
        scribe = Scribe(self._folder, name, chance)
        while (order := self._orders[number].get()) is not None:
            scribe.write_burst(*order)

    def _write_trickle(self, name: str, chance: random.Random) -> None:
        scribe = Scribe(self._folder, name, chance)
        while not self._stopping.wait(TRICKLE_SECONDS):
            for session_id in self._sessions:
                scribe.write(session_id, chance.randint(1, 2))

    def _speak(self, name: str, chance: random.Random, speakers: int) -> None:
        speeches = [
            Speech(self._folder, session_id, random.Random(chance.random()))
            for session_id in self._sessions[:speakers]
        ]
        while not self._stopping.wait(SPEECH_SECONDS):
            for speech in speeches:
                speech.go_on()
        for speech in speeches:
            speech.end()


def _begin(tie: Callable[[], None], work: Callable[..., None], *arguments: Any) -> None:
    tie()
    # Ctrl-C is for the main process, which ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    work(*arguments)
