"""The stdio transport: a server as a process, with all that belongs to it.

In place of the SDK's own: that one leaves the process tree behind when the worker is killed, hands the
server's standard error to ours, reads lines of any length, and waits without bound for a server that does not
read.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self, cast

import anyio
from mcp import types
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from agents_app.mcp import environment, exchange
from agents_app.mcp.errors import McpError
from agents_app.mcp.server import Server
from agents_app.mcp.tail import Tail
from sessions_app import plain

# A line longer than this is refused; it holds the largest answer that is accepted.
LINE_BYTES = 8 * 1024 * 1024
# What may wait for a server that does not read its input.
UNREAD_BYTES = 16 * 1024 * 1024
# Many servers greet on their standard output though they must not. So much is forgiven.
STRAY_LINES = 100
# A server whose input has closed has so long to leave by itself, then its guard ends it (1 s more at most).
LEAVE_SECONDS = 1.0
GUARD_SECONDS = 3.5
_POLL_SECONDS = 0.01
_GUARD = Path(__file__).with_name("guard.py")


@dataclass
class Process:
    """A server's guard, and the pipe that keeps it alive."""

    guard: subprocess.Popen[bytes]
    lifeline: int
    tail: Tail

    def let_go(self) -> None:
        """Have the guard end the server and everything that it started."""
        if self.lifeline >= 0:
            os.close(self.lifeline)
            self.lifeline = -1

    async def ended_within(self, seconds: float) -> bool:
        """Wait for the end of the guard, and so of the whole tree."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self.guard.poll() is None:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return True


@asynccontextmanager
async def transport(server: Server, tail: Tail) -> AsyncIterator[TransportStreams]:
    """Start the server and yield its streams; at the end it is gone with all that it started.

    Raises `McpError` if it cannot be started.
    """
    process = _start(server, tail)
    streams: list[asyncio.BaseTransport] = []
    follower: asyncio.Task[None] | None = None
    try:
        output, error = (
            await _reader(process.guard.stdout, streams),
            await _reader(process.guard.stderr, streams),
        )
        input_ = await _writer(process.guard.stdin, streams)
        follower = asyncio.create_task(tail.follow(error))
        yield _Lines(output), _Pipe(input_)
    finally:
        # Whatever cancels this must not leave a process behind; every wait in it is bounded.
        with anyio.CancelScope(shield=True):
            await _end(process, streams, follower)


def _start(server: Server, tail: Tail) -> Process:
    own = dict(environment.environment(server))
    program = shutil.which(server.command, path=own["PATH"])
    if program is None:
        raise McpError("mcp_unreachable", f"There is no program “{server.command}” on this machine.")
    read_end, write_end = os.pipe()
    try:
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), str(read_end), program, *server.args],
            env=own,
            cwd=environment.folder(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            pass_fds=(read_end,),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        os.close(write_end)
        raise McpError("mcp_unreachable", f"“{server.command}” could not be started: {error}.") from error
    finally:
        os.close(read_end)
    return Process(guard, write_end, tail)


async def _reader(pipe: IO[bytes] | None, streams: list[asyncio.BaseTransport]) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    loop = asyncio.get_running_loop()
    read, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), cast(IO[bytes], pipe)
    )
    streams.append(read)
    return reader


async def _writer(pipe: IO[bytes] | None, streams: list[asyncio.BaseTransport]) -> asyncio.WriteTransport:
    loop = asyncio.get_running_loop()
    write, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, cast(IO[bytes], pipe))
    streams.append(write)
    return write


async def _end(
    process: Process, streams: list[asyncio.BaseTransport], follower: asyncio.Task[None] | None
) -> None:
    """Close the server's input, wait, have the guard end it, and let go of the pipes."""
    _close_input(streams)
    if not await process.ended_within(LEAVE_SECONDS):
        process.let_go()
        if not await process.ended_within(GUARD_SECONDS):
            process.guard.kill()
            await process.ended_within(1.0)
    process.let_go()
    process.tail.exit_code = process.guard.poll()
    if follower is not None:
        await asyncio.wait({follower}, timeout=0.2)
        follower.cancel()
        await asyncio.wait({follower})
    for stream in streams:
        stream.close()
    for pipe in (process.guard.stdin, process.guard.stdout, process.guard.stderr):
        if pipe is not None:
            pipe.close()  # no stream has it yet if this was cancelled at its very beginning


def _close_input(streams: list[asyncio.BaseTransport]) -> None:
    for stream in streams:
        if isinstance(stream, asyncio.WriteTransport) and not stream.is_closing():
            stream.abort()  # close() would wait until the server has read what is left


def _message(line: bytes) -> types.JSONRPCMessage:
    """Parse a line. Half surrogate pairs, which JavaScript sends where it cut a text, are replaced."""
    try:
        return types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValueError:
        value = json.loads(line.decode(errors="replace"), parse_constant=_refuse)
        return types.jsonrpc_message_adapter.validate_python(plain.cleaned(value), by_name=False)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


class _Lines:
    """What the server writes, message by message; only the SDK's read loop reads it."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._stray = 0
        self._closed = False

    async def __anext__(self) -> SessionMessage | Exception:
        while True:
            line = await self._line()
            if line.strip():
                try:
                    return SessionMessage(_message(line))
                except (ValueError, RecursionError) as error:
                    self._forgive(line, error)

    async def _line(self) -> bytes:
        if self._closed:
            raise StopAsyncIteration
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            raise StopAsyncIteration from None
        except asyncio.LimitOverrunError:
            raise McpError("mcp_too_large", f"The server sent a line of over {LINE_BYTES} bytes.") from None
        except OSError:
            raise StopAsyncIteration from None

    def _forgive(self, line: bytes, error: Exception) -> None:
        """Let a stray line of text pass, but not what looks like a message: a call would wait for it."""
        self._stray += 1
        if line.lstrip()[:1] in (b"{", b"[") or self._stray > STRAY_LINES:
            raise McpError("mcp_protocol_error", "The server sent something that is not MCP.") from error

    async def receive(self) -> SessionMessage | Exception:
        return await self.__anext__()

    async def aclose(self) -> None:
        self._closed = True

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.aclose()


class _Pipe:
    """The server's input. Sending never waits: a server that does not read would hold its caller."""

    def __init__(self, stream: asyncio.WriteTransport) -> None:
        self._stream = stream
        self._closed = False

    async def send(self, item: SessionMessage, /) -> None:
        text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        self._write(text.encode() + b"\n")

    def _write(self, line: bytes) -> None:
        waiting = self._stream.get_write_buffer_size()
        if not self._is_open():
            exchange.current().unsent = True
            raise anyio.ClosedResourceError
        if waiting + len(line) > UNREAD_BYTES:
            self._stream.abort()
            raise anyio.BrokenResourceError
        self._stream.write(line)
        if not self._is_open():  # nobody is at the other end: nothing of the line went through
            exchange.current().unsent = not waiting
            raise anyio.BrokenResourceError

    def _is_open(self) -> bool:
        return not (self._closed or self._stream.is_closing())

    async def aclose(self) -> None:
        self._closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.aclose()
