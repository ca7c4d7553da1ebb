"""Clients that follow by HTTP: one asks again and again and waits for the answer, one reads a stream."""

import asyncio
import json
import time
from http import HTTPStatus

import httpx

from tests.chaos_feed.clients import Answered, Client
from tests.chaos_feed.server_sent import Parser, Sent

WAIT_SECONDS = 10
TIMEOUT_SECONDS = 20.0
# As one that works on what it got; without a pause it would ask anew for each single event.
LONGEST_PAUSE_SECONDS = 0.5


class WaitingClient(Client):
    """Asks for what follows its last seq, and waits until there is something."""

    async def follow(self, url: str) -> None:
        """Ask until the connection breaks. Each answer is a connection of its own."""
        async with self.http(url) as http:
            while True:
                self.take(await self._ask(http))
                await asyncio.sleep(self.chance.uniform(0, LONGEST_PAUSE_SECONDS))

    def http(self, url: str) -> httpx.AsyncClient:
        """Return a client of the web process at `url`."""
        return httpx.AsyncClient(
            base_url=url, headers=self.seat.headers, timeout=TIMEOUT_SECONDS, trust_env=False
        )

    @property
    def path(self) -> str:
        """Where the session's events are."""
        return f"/api/sessions/{self.seat.session}/events/"

    async def _ask(self, http: httpx.AsyncClient) -> bytes:
        parameters = {"after": self.recorder.begin(), "wait": WAIT_SECONDS}
        answer = await http.get(self.path, params=parameters)
        if answer.status_code != HTTPStatus.OK:
            raise Answered(f"http {answer.status_code}")
        return answer.content


class StreamReader(WaitingClient):
    """Reads server-sent events, and comes again with the id of the last one."""

    async def follow(self, url: str) -> None:
        """Read one stream to its end."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self.recorder.begin())}
        async with self.http(url) as http, http.stream("GET", self.path, headers=headers) as stream:
            what = stream.headers.get("content-type", "")
            if stream.status_code != HTTPStatus.OK or not what.startswith("text/event-stream"):
                raise Answered(f"http {stream.status_code} {what}")
            await self._read(stream)

    async def _read(self, stream: httpx.Response) -> None:
        parser = Parser()
        async for part in stream.aiter_bytes():
            for sent in parser.feed(part):
                self._take_sent(sent)
        raise Answered("end of stream")

    def _take_sent(self, sent: Sent) -> None:
        event = json.loads(sent.data)
        if sent.id != str(event.get("seq") or ""):
            self.recorder.end("id differs from seq")
        self.recorder.take(event, time.monotonic())
        self.backoff.reset()
