"""What is known of one request on its way, beyond what the SDK tells of it.

The SDK answers a lost connection, an HTTP status and a network error with one and the same error. Whether a
request may be sent again depends on which it was, so the transports note it in the exchange of the request.
It is a context variable because the SDK carries the context of the caller to its transports.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from agents_app.mcp.errors import McpError


@dataclass
class Exchange:
    """One request: `unsent` when the server certainly did not take it, `failure` when the cause is known."""

    unsent: bool = False
    failure: McpError | None = None


_current: ContextVar[Exchange | None] = ContextVar("mcp_exchange", default=None)


def current() -> Exchange:
    """Return the exchange under way; one that nobody reads where there is none."""
    return _current.get() or Exchange()


@contextmanager
def begin() -> Iterator[Exchange]:
    """Open an exchange for what is sent inside."""
    exchange = Exchange()
    token = _current.set(exchange)
    try:
        yield exchange
    finally:
        _current.reset(token)
