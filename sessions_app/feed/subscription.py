"""The one connection of a process that listens to the broker."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

OWN_CHANNEL = "mcpchat:hub"
"""Keeps the connection one that listens, also while nothing is wanted."""
CONNECT_SECONDS = 2.0
CONFIRM_SECONDS = 0.5
SILENCE_SECONDS = 5.0
FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 1.0


class Subscription:
    """Hears the channels that are wanted, for ever: a connection that breaks is replaced.

    `hear(channel, text)` is called for each publication, `connected()` after each connect, once all that is
    wanted is subscribed to: what was published before that may have been missed.
    """

    def __init__(self, hear: Callable[[str, str], None], connected: Callable[[], None]) -> None:
        self._hear = hear
        self._connected = connected
        self._wanted: dict[str, asyncio.Event] = {}
        self._connection: Any = None
        self._delay = 0.0

    async def want(self, channel: str) -> None:
        """Hear a channel from now on; returns once the broker confirmed it, or soon if the broker is away."""
        confirmed = self._wanted.setdefault(channel, asyncio.Event())
        if not confirmed.is_set():
            await self._command("SUBSCRIBE", channel)
            await self._until(confirmed)

    async def unwant(self, channel: str) -> None:
        """Hear a channel no more."""
        if self._wanted.pop(channel, None) is not None:
            await self._command("UNSUBSCRIBE", channel)

    async def listen(self) -> None:
        """Listen for ever; a broker that is away is tried again with a growing delay, a second at most."""
        while True:
            try:
                await self._read(await self._connect())
            except (RedisError, OSError) as error:
                logger.warning("the feed lost its broker (%s); again in %.2f s", error, self._delay)
            except Exception:  # a feed that ends would leave every open page silent
                logger.exception("the feed failed; again in %.2f s", self._delay)
            finally:
                await self._disconnect()
            await asyncio.sleep(self._delay)
            self._delay = min(max(self._delay * 2, FIRST_DELAY_SECONDS), LONGEST_DELAY_SECONDS)

    async def _connect(self) -> Any:
        # A connection of its own, not redis-py's PubSub: that connects anew by itself, and so hides the gap
        # that has to be filled.
        options = {"socket_timeout": None, "socket_connect_timeout": CONNECT_SECONDS, "protocol": 2}
        pool = redis.asyncio.ConnectionPool.from_url(settings.REDIS_URL, **options)
        connection = pool.make_connection()
        await connection.connect()
        self._connection = connection
        # One command: when its first channel is confirmed the broker has taken all of them.
        await connection.send_command("SUBSCRIBE", OWN_CHANNEL, *self._wanted, check_health=False)
        return connection

    async def _read(self, connection: Any) -> None:
        """Hand on what comes; a broker that says nothing and does not answer a ping has gone."""
        asked = False
        while True:
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    answer = await connection.read_response(disconnect_on_error=False)
            except TimeoutError:
                if asked:
                    raise ConnectionError("it does not answer") from None
                asked = True
                await connection.send_command("PING", check_health=False)
                continue
            asked = False
            self._take(answer)

    def _take(self, answer: Any) -> None:
        kind, channel, *rest = (part.decode() if isinstance(part, bytes) else part for part in answer)
        if kind == "message":
            self._hear(channel, rest[0])
        elif kind == "subscribe" and channel in self._wanted:
            self._wanted[channel].set()
        elif kind == "subscribe" and channel == OWN_CHANNEL:
            self._delay = 0.0  # if this one is cut it is replaced at once
            self._connected()

    async def _command(self, verb: str, channel: str) -> None:
        """Tell the broker. If that fails the reader connects anew and subscribes to all that is wanted."""
        connection = self._connection
        # redis-py would connect anew here, while the reader does so too.
        if connection is None or not connection.is_connected:
            return
        try:
            await connection.send_command(verb, channel, check_health=False)
        except (RedisError, OSError):
            await connection.disconnect(nowait=True)

    async def _until(self, confirmed: asyncio.Event) -> None:
        # Without it the rows are read all the same, and again once there is a connection.
        with suppress(TimeoutError):
            async with asyncio.timeout(CONFIRM_SECONDS):
                await confirmed.wait()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        for confirmed in self._wanted.values():
            confirmed.clear()
        if connection is not None:
            await connection.disconnect(nowait=True)
