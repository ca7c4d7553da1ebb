"""Publishing to whoever listens, over one persistent connection a process that waits for no answer."""

import os
import threading
from collections.abc import Iterable
from typing import Any

import redis
from django.conf import settings

TIMEOUT_SECONDS = 1.0


class Publisher:
    """Sends PUBLISH and reads nothing: with `CLIENT REPLY OFF` the broker answers nothing.

    Waiting for an answer that nobody uses was most of what a publication cost, amid a state change.
    What is sent into a connection that is just breaking is lost, as it would be for a subscriber that is just
    away: it catches up from the rows.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._connection: Any = None

    def publish(self, topic: str, texts: Iterable[str]) -> None:
        """Send texts to a topic. Raises `redis.RedisError` if the broker is away."""
        with self._lock:
            connection = self._connected()
            try:
                for text in texts:
                    connection.send_command("PUBLISH", topic, text)
            except redis.RedisError:
                self._connection = None
                raise

    def _connected(self) -> Any:
        # A fork must not share the socket.
        known = self._connection if self._pid == os.getpid() else None
        if known is None or not _is_open(known):
            self._connection = None
            self._connection, self._pid = _connect(), os.getpid()
            return self._connection
        return known


def _is_open(connection: Any) -> bool:
    """Whether a connection still stands. Nothing is ever to be read: readable means that it was closed."""
    try:
        return not connection.can_read(timeout=0)
    except redis.RedisError:
        return False


def _connect() -> Any:
    limits = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    connection: Any = redis.ConnectionPool.from_url(settings.REDIS_URL, **limits).make_connection()
    connection.connect()
    connection.send_command("CLIENT", "REPLY", "OFF")
    return connection
