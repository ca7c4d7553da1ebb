"""The connections to all MCP servers, of one process and one event loop."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from agents_app.mcp import failures, requests
from agents_app.mcp.connection import Connection, Send
from agents_app.mcp.errors import McpError
from agents_app.mcp.patience import Progress
from agents_app.mcp.reports import Connected, Report
from agents_app.mcp.results import CallResult, Catalogue, PromptMessages, ResourceContents
from agents_app.mcp.server import Server

T = TypeVar("T")

IDLE_SECONDS = 600.0
# Each may be a process of 50 MB and more.
MAX_CONNECTIONS = 100

# The SDK logs what hostile servers send, with a traceback for each message; what matters is logged here.
for _name in ("mcp", "client"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class _Key:
    """Who shares a connection."""

    server_id: UUID
    revision: int
    owner_id: str | None
    session_id: str | None


class Hub:
    """Opens connections on first use, keeps them, and closes them. Every method raises `McpError`.

    All of it runs on one loop; `report` is called there and must not block.
    """

    def __init__(
        self,
        *,
        report: Callable[[Server, Report], None],
        idle_seconds: float = IDLE_SECONDS,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._report = report
        self._idle_seconds = idle_seconds
        self._max_connections = max_connections
        self._connections: dict[_Key, Connection] = {}
        # Programs that speak old protocols only, by id and revision: some leave the question which they speak
        # unanswered, which costs 10 s each time it is asked.
        self._old: set[tuple[UUID, int]] = set()
        # Their end takes time, during which others take their place; calls may still run on them.
        self._ending: dict[asyncio.Task[None], Connection] = {}

    async def catalogue(self, server: Server, owner_id: Any, session_id: Any) -> Catalogue:
        """Return what the server offers, as it was told last."""
        return await self._connection(server, owner_id, session_id).catalogue()

    async def call_tool(
        self,
        server: Server,
        owner_id: Any,
        session_id: Any,
        tool_name: str,
        arguments: Mapping[str, Any],
        *,
        progress: Progress | None = None,
    ) -> CallResult:
        """Call a tool. Cancelling has the server told, and leaves the connection usable."""
        send = requests.call_tool(tool_name, arguments)
        return await self._request(server, owner_id, session_id, send, progress)

    async def read_resource(
        self, server: Server, owner_id: Any, session_id: Any, uri: str
    ) -> ResourceContents:
        """Read a resource by its address."""
        return await self._request(server, owner_id, session_id, requests.read_resource(uri))

    async def get_prompt(
        self, server: Server, owner_id: Any, session_id: Any, name: str, arguments: Mapping[str, str]
    ) -> PromptMessages:
        """Have a prompt written from arguments."""
        return await self._request(server, owner_id, session_id, requests.get_prompt(name, arguments))

    def is_connected(self, server: Server, owner_id: Any, session_id: Any) -> bool:
        """Whether there is a connection for a scope that can be used; may be asked from any thread."""
        connection = self._connections.get(_key(server, owner_id, session_id))
        return connection is not None and connection.is_usable

    async def close_session(self, session_id: Any) -> None:
        """Close what was opened for this session alone."""
        await self._close(key for key in self._connections if key.session_id == str(session_id))

    def server_ids(self) -> set[UUID]:
        """Return the servers to which there are connections."""
        return {each.server.id for each in (*self._connections.values(), *self._ending.values())}

    async def close_server(self, server_id: UUID, reason: str) -> None:
        """Close all connections to a server; calls that run on them fail with the reason."""
        self._old = {known for known in self._old if known[0] != server_id}
        keys = [key for key in self._connections if key.server_id == server_id]
        leaving = [each for each in self._ending.values() if each.server.id == server_id]
        closing = [*(self._connections.pop(key) for key in keys), *leaving]
        error = McpError("mcp_disconnected", reason)
        await asyncio.gather(*(connection.close(error) for connection in closing))

    async def close_idle(self) -> None:
        """Close what was not used for a while, and forget what has ended."""
        before = asyncio.get_running_loop().time() - self._idle_seconds
        await self._close(
            key
            for key, connection in self._connections.items()
            if not connection.is_usable or (not connection.calls and connection.used_at <= before)
        )

    async def close(self) -> None:
        """Close everything."""
        await self._close(self._connections)
        if self._ending:
            await asyncio.wait(self._ending)

    async def _request(
        self, server: Server, owner_id: Any, session_id: Any, send: Send[T], progress: Progress | None = None
    ) -> T:
        """Send a request, and once more on a new connection if the server certainly did not take it."""
        with suppress(failures.NotSent):
            return await self._connection(server, owner_id, session_id).request(send, progress)
        return await self._connection(server, owner_id, session_id).request(send, progress)

    def _connection(self, server: Server, owner_id: Any, session_id: Any) -> Connection:
        """Return the connection for a scope, a new one if there is none that can be used."""
        key = _key(server, owner_id, session_id)
        connection = self._connections.get(key)
        if connection is None or not connection.is_usable:
            self._retire(key)
            self._make_room()
            is_old = (server.id, server.revision) in self._old
            connection = self._connections[key] = Connection(server, self._told, is_old=is_old)
        connection.used_at = asyncio.get_running_loop().time()
        return connection

    def _told(self, server: Server, report: Report) -> None:
        if server.transport == "stdio" and isinstance(report, Connected) and _speaks_old(report):
            self._old.add((server.id, server.revision))
        self._report(server, report)

    def _retire(self, key: _Key) -> None:
        """Let go of what has ended in this place, and of all connections to an older revision."""
        for other, connection in list(self._connections.items()):
            is_older = other.server_id == key.server_id and other.revision < key.revision
            if other == key or is_older:
                del self._connections[other]
                connection.retire()
                self._end_later(connection)

    def _make_room(self) -> None:
        """Close the connection that was not used for longest, if there are as many as there may be."""
        if len(self._connections) < self._max_connections:
            return
        unused = {key: each.used_at for key, each in self._connections.items() if not each.calls}
        if not unused:
            raise McpError("mcp_unreachable", "Too many connections to MCP servers are in use at the moment.")
        connection = self._connections.pop(min(unused, key=lambda key: unused[key]))
        connection.retire()
        self._end_later(connection)

    def _end_later(self, connection: Connection) -> None:
        task = asyncio.create_task(connection.ended())
        self._ending[task] = connection
        task.add_done_callback(self._ending.pop)

    async def _close(self, keys: Iterable[_Key]) -> None:
        closing = [self._connections.pop(key) for key in list(keys)]
        if closing:
            await asyncio.gather(*(connection.close() for connection in closing))


def _speaks_old(report: Connected) -> bool:
    return report.catalogue.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS


def _key(server: Server, owner_id: Any, session_id: Any) -> _Key:
    return _Key(
        server_id=server.id,
        revision=server.revision,
        owner_id=None if server.scope == "shared" else str(owner_id),
        session_id=str(session_id) if server.scope == "session" else None,
    )
