"""One connection to a server, from its opening to its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import TypeVar

from mcp import Client, types
from mcp.client import ClientSession, IncomingMessage, Transport
from mcp.shared.dispatcher import ProgressFnT

from agents_app.mcp import changes, exchange, failures, http, listing, stdio
from agents_app.mcp.environment import without_secrets
from agents_app.mcp.errors import McpError
from agents_app.mcp.gate import Gate, Verdict
from agents_app.mcp.patience import Progress, patience
from agents_app.mcp.plainly import MESSAGE_CHARACTERS
from agents_app.mcp.reports import Changed, Connected, Failed, Report
from agents_app.mcp.results import Catalogue
from agents_app.mcp.server import Server
from agents_app.mcp.tail import Tail

log = logging.getLogger(__name__)

T = TypeVar("T")
Send = Callable[[ClientSession, ProgressFnT], Awaitable[T]]

CLIENT_INFO = types.Implementation(name="mcp-chat", title="MCP Chat", version="0.1.0")
# A server that hangs at its end is left behind after so long.
CLOSE_SECONDS = 7.0


class Connection:
    """Held by a task of its own: the SDK's contexts must be left by the task that entered them."""

    def __init__(
        self, server: Server, report: Callable[[Server, Report], None], *, is_old: bool = False
    ) -> None:
        self.server = server
        self._is_old = is_old  # known to speak the protocols before 2026-07-28 only
        self.used_at = asyncio.get_running_loop().time()
        self.calls = 0
        self.is_retired = False
        self._tell = report
        self._verdict = Verdict()
        self._tail = Tail()
        self._is_asked = False  # whether somebody asked for the end
        self._gave_up: McpError | None = None
        self._closed: McpError | None = None  # why somebody asked for the end, if they said so
        self._catalogue = Catalogue()
        self._changes = changes.Changes()
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())
        self._task = asyncio.create_task(self._live(), name=f"mcp {server.name}")

    @property
    def is_usable(self) -> bool:
        """Whether a request may still be sent here, or could once it is open."""
        return not (self._verdict.ended.is_set() or self.is_retired)

    async def catalogue(self) -> Catalogue:
        """Return what the server offers, once the connection is open."""
        with self._in_use():
            await self._client()
            return self._catalogue

    async def request(self, send: Send[T], progress: Progress | None = None) -> T:
        """Send a request and return its answer, once the connection is open. Raises `McpError`.

        `NotSent` is raised where the server certainly did not take it. Cancelling has the server told.
        """
        with self._in_use(), exchange.begin() as noted:
            client = await self._client()
            await asyncio.sleep(0)  # the loop may know already that it has ended
            if self._verdict.ended.is_set():
                raise self._closed or failures.NotSent("mcp_unreachable", self._ended())
            try:
                async with patience(self.server, progress) as watch:
                    return await send(client.session, watch.progressed)
            except Exception as error:  # every one is told as what it means
                failure = self._failure(error, noted)
                if failure.code == "mcp_idle_timeout" and self.server.transport == "stdio":
                    self.retire()  # it may hang for ever, and heed no cancelling
                raise failure from error

    def retire(self) -> None:
        """Take no more requests, and close when those that run have ended."""
        self.is_retired = True
        self._end_if_retired()

    async def close(self, reason: McpError | None = None) -> None:
        """End the connection; what runs on it fails, with the reason if one is given.

        Takes a few seconds at most.
        """
        self._ask_end(reason)
        await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)
        if not self._task.done():
            log.warning("MCP server %s did not end in time", self.server.name)
            self._task.cancel()

    async def ended(self) -> None:
        """Wait until a connection that was retired has ended; its calls are bounded, and so is this."""
        await self._verdict.ended.wait()
        await self.close()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        self.calls += 1
        try:
            yield
        finally:
            self.calls -= 1
            self.used_at = asyncio.get_running_loop().time()
            self._end_if_retired()

    async def _client(self) -> Client:
        await asyncio.wait({self._ready})
        return self._ready.result()

    async def _live(self) -> None:
        error: BaseException | None = None
        try:
            await self._open_and_hold()
        except Exception as raised:  # noqa: BLE001  # also groups of them, as the SDK raises them
            error = raised
        except asyncio.CancelledError as raised:
            if self._gave_up is None:
                raise
            error = raised
        finally:
            self._verdict.end()
            self._tell_end(error)

    async def _open_and_hold(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        too_slow = loop.call_later(self.server.connect_timeout_seconds, self._too_slow)
        with exchange.begin() as noted:
            try:
                async with AsyncExitStack() as stack:
                    client = await stack.enter_async_context(self._new_client())
                    self._catalogue = await listing.read(client, self.server.name)
                    too_slow.cancel()
                    self._opened(client, round((loop.time() - began) * 1000))
                    async with self._changes.followed(client, self._refresh):
                        await self._verdict.ended.wait()
            except Exception as error:
                if not self._ready.done():
                    raise self._opening_failure(error, noted) from error
                log.info("MCP server %s: %s", self.server.name, failures.of_opening(error).message)
            finally:
                too_slow.cancel()

    def _opened(self, client: Client, milliseconds: int) -> None:
        if not self._ready.done():
            self._report(Connected(catalogue=self._catalogue, milliseconds=milliseconds))
            self._ready.set_result(client)

    def _new_client(self) -> Client:
        over: Transport = (
            stdio.transport(self.server, self._tail)
            if self.server.transport == "stdio"
            else http.transport(self.server, self.retire)
        )
        return Client(
            Gate(over, self._verdict),
            cache=None,
            mode="legacy" if self._is_old else "auto",
            client_info=CLIENT_INFO,
            message_handler=self._received,
        )

    async def _received(self, message: IncomingMessage) -> None:
        if isinstance(message, changes.NOTIFICATIONS):
            self._changes.tell()

    async def _refresh(self, client: Client) -> None:
        async with asyncio.timeout(self.server.connect_timeout_seconds):
            catalogue = await listing.read(client, self.server.name)
        if catalogue != self._catalogue:
            self._catalogue = catalogue
            self._report(Changed(catalogue=catalogue))

    def _opening_failure(self, error: BaseException, noted: exchange.Exchange) -> McpError:
        known = self._verdict.reason or noted.failure
        if known is not None:
            code = known.code if known.code in ("mcp_too_large", "mcp_protocol_error") else "mcp_unreachable"
            return McpError(code, known.message)
        if failures.is_lost(error):
            return McpError("mcp_unreachable", self._ended_at_start())
        return failures.of_opening(error)

    def _too_slow(self) -> None:
        said = self._tail.lines()
        seconds = self.server.connect_timeout_seconds
        sentence = f"The server did not answer within {seconds:g} s." + (f" It wrote: {said}" if said else "")
        self._give_up(McpError("mcp_unreachable", sentence))

    def _give_up(self, error: McpError) -> None:
        """End the opening. Its end may take a while with a server that hangs; who waits is told at once."""
        if not self._ready.done():
            self._gave_up = error
            self._ready.set_exception(self._told(error))
            self._verdict.end(error)
            self._task.cancel()

    def _ended_at_start(self) -> str:
        code, said = self._tail.exit_code, self._tail.lines()
        how = "" if code is None else f" with exit code {code}"
        return f"The server ended at its start{how}" + (f": {said}" if said else ".")

    def _failure(self, error: Exception, noted: exchange.Exchange) -> McpError:
        """Return what a request's exception means, from all that is known."""
        told = failures.of_request(error)
        if noted.unsent:
            self.is_retired = True
            if self.server.transport == "stdio":
                self._verdict.end()  # nobody reads the pipe: its process has ended
            return failures.NotSent("mcp_unreachable", (noted.failure or told).message)
        if told.code == "mcp_disconnected" or (told.code == "mcp_refused" and noted.failure is not None):
            told = self._verdict.reason or noted.failure or told
        if isinstance(told, failures.ConnectionUnfit):
            told = noted.failure or told
            self._verdict.end(told)
        return self._told(told)

    def _report(self, report: Report) -> None:
        try:
            self._tell(self.server, report)
        except Exception:  # whoever listens must not end the connection
            log.exception("A report of MCP server %s was not taken", self.server.name)

    def _told(self, error: McpError) -> McpError:
        return type(error)(error.code, without_secrets(error.message, self.server)[: MESSAGE_CHARACTERS * 2])

    def _end_if_retired(self) -> None:
        if self.is_retired and not self.calls:
            self._ask_end()

    def _ask_end(self, reason: McpError | None = None) -> None:
        if not self._verdict.ended.is_set():
            self._is_asked, self._closed = True, reason
            self._verdict.end(reason)
            self._give_up(reason or McpError("mcp_disconnected", "The connection was closed."))

    def _tell_end(self, error: BaseException | None) -> None:
        """Tell who still waits, and report an end that nobody asked for."""
        told = self._gave_up or self._verdict.reason
        if told is None:
            told = error if isinstance(error, McpError) else McpError("mcp_disconnected", self._ended())
        if not self._ready.done():
            self._ready.set_exception(self._told(told))
        if not self._is_asked:
            self._report(Failed(error=self._told(told)))

    def _ended(self) -> str:
        return self._ended_at_start().replace("at its start", "unasked", 1)
