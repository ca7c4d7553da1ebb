"""What the hub tells about a connection as it happens, as plain data."""

from dataclasses import dataclass

from agents_app.mcp.errors import McpError
from agents_app.mcp.results import Catalogue


@dataclass(frozen=True, kw_only=True)
class Connected:
    """A connection was opened; this is what the server offers."""

    catalogue: Catalogue
    milliseconds: int


@dataclass(frozen=True, kw_only=True)
class Changed:
    """The server said that what it offers has changed; this is what it offers now."""

    catalogue: Catalogue


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A connection could not be opened, or it ended though nobody asked for that.

    Calls that fail on a connection that goes on are told to their callers only.
    """

    error: McpError


Report = Connected | Changed | Failed
