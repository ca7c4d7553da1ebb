"""The floor: a plain ASGI application that sends each message of Redis to each open socket, and nothing else.

Run by `uvicorn benchmarks.fanout.bare:application`. No queue, no Channels, no Django.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio

Send = Callable[[dict[str, Any]], Awaitable[None]]
READY = {"type": "websocket.send", "text": '[{"kind":"feed.ready","payload":{}}]'}
_sockets: dict[bytes, set[Send]] = {}
_connection: Any = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=None).pubsub(
    ignore_subscribe_messages=True
)
_tasks: list[asyncio.Task[None]] = []


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send
) -> None:
    """Hold one socket."""
    if scope["type"] != "websocket":
        return
    channel = f"mcpchat:session:{scope['path'].split('/')[3]}".encode()
    await receive()
    await send({"type": "websocket.accept"})
    if channel not in _sockets:
        _sockets[channel] = set()
        await _connection.subscribe(channel)
        if not _tasks:
            _tasks.append(asyncio.create_task(_relay()))
    _sockets[channel].add(send)
    await send(READY)
    while (await receive())["type"] != "websocket.disconnect":
        pass
    _sockets[channel].discard(send)


async def _relay() -> None:
    async for message in _connection.listen():
        frame = {"type": "websocket.send", "text": f"[{message['data'].decode()}]"}
        for send in tuple(_sockets[message["channel"]]):
            await send(frame)
