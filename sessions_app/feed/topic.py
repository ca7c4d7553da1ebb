"""What a topic's sockets are sent, and when."""

import asyncio
import logging
from uuid import UUID

from sessions_app.feed import rows
from sessions_app.feed.drafts import Drafts
from sessions_app.feed.lines import FRAME_EVENTS, Frame, Line, as_frames
from sessions_app.feed.subscriber import Subscriber

logger = logging.getLogger(__name__)

COALESCE_SECONDS = 0.02
BEGINNING = '"offset":0,'
FILL_SECONDS = 0.2
"""How often the row of a text in flight is looked at while a piece of it is missing."""


class Topic:
    """A channel with at least one socket here. All its methods are called on the hub's event loop."""

    def __init__(self) -> None:
        self.subscribers: set[Subscriber] = set()
        self._pending: list[Line] = []
        self._flusher: asyncio.TimerHandle | None = None

    def hear(self, line: Line) -> None:
        """Take a publication."""
        self.accept(line)

    def accept(self, line: Line, *, at_once: bool = False) -> None:
        """Send the first line at once; gather what follows within 20 ms, at most 10 in a frame."""
        self._pending.append(line)
        if self._flusher is None:
            self._flush()
            self._flusher = asyncio.get_running_loop().call_later(COALESCE_SECONDS, self._flush_gathered)
        elif at_once or len(self._pending) >= FRAME_EVENTS:
            self._flush()

    def attach(self, subscriber: Subscriber) -> None:
        """Add a socket: what is pending goes to it too."""
        self.subscribers.add(subscriber)

    def end(self) -> None:
        """Stop: the last socket is gone."""
        if self._flusher is not None:
            self._flusher.cancel()

    def _flush_gathered(self) -> None:
        self._flusher = None
        if self._pending:
            self._flush()
            self._flusher = asyncio.get_running_loop().call_later(COALESCE_SECONDS, self._flush_gathered)

    def _flush(self) -> None:
        lines, self._pending = self._pending, []
        frame = Frame.of(lines)
        for subscriber in self.subscribers:
            subscriber.offer(frame)


class SessionTopic(Topic):
    """A session: its events in order, filled from the rows where publications were lost."""

    def __init__(self, session_id: UUID, seq: int, drafts: list[rows.StoredDraft]) -> None:
        super().__init__()
        self.session_id = session_id
        self.seq = seq
        self._newest = seq
        self._drafts = Drafts(session_id)
        self._drafts.fill(drafts)
        self._catching_up: asyncio.Task[None] | None = None
        self._filling: asyncio.Task[None] | None = None

    def hear(self, line: Line) -> None:
        """Pass a publication on if it is the next one; read the rows if some are missing before it."""
        if line.kind == "message.delta":
            self._grow(line)
        elif line.seq is None:
            self.accept(line)
        elif line.seq == self.seq + 1:
            self._take(line)
        else:
            self.catch_up_to(line.seq)

    def catch_up_to(self, seq: int) -> None:
        """See to it that every event up to `seq`, which is stored, is sent."""
        self._newest = max(self._newest, seq)
        if self.seq < self._newest and _is_over(self._catching_up):
            self._catching_up = asyncio.create_task(self._catch_up())

    def attach(self, subscriber: Subscriber) -> None:
        """Add a socket that has replayed up to `seq` or further; it is sent the texts in flight."""
        for frame in as_frames(self._drafts.whole()):
            subscriber.put(frame)
        super().attach(subscriber)

    def end(self) -> None:
        """Stop: the last socket is gone."""
        super().end()
        for task in (self._catching_up, self._filling):
            if task is not None:
                task.cancel()

    def _take(self, line: Line) -> None:
        self.seq = line.seq or self.seq
        if line.kind == "message.completed":
            self._drafts.forget(line)
        self.accept(line)

    def _grow(self, line: Line) -> None:
        for piece in self._drafts.take(line):
            # A text's first words come close behind the event of their message, and somebody waits for them.
            self.accept(piece, at_once=BEGINNING in piece.text)
        if self._drafts.have_gaps and _is_over(self._filling):
            self._filling = asyncio.create_task(self._fill())

    async def _catch_up(self) -> None:
        """Read rows until all that is known to be stored was sent; rows that were removed are passed over."""
        try:
            while self.seq < self._newest and (lines := await rows.lines_after(self.session_id, self.seq)):
                for line in lines:
                    if line.seq is not None and line.seq > self.seq:
                        self._take(line)
        except Exception:  # the poll will find it again
            logger.exception("the feed could not read the events of %s", self.session_id)

    async def _fill(self) -> None:
        """Look at the rows until they have what is missing of a text, or its message has ended."""
        try:
            while self._drafts.have_gaps:
                for line in self._drafts.fill(await rows.drafts(self.session_id)):
                    self.accept(line)
                await asyncio.sleep(FILL_SECONDS)
        except Exception:  # the next piece begins anew
            logger.exception("the feed could not read the texts in flight of %s", self.session_id)


def _is_over(task: asyncio.Task[None] | None) -> bool:
    return task is None or task.done()
