"""How a server is reached and how long it may take, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

Transport = Literal["stdio", "http"]
Scope = Literal["shared", "user", "session"]


@dataclass(frozen=True, kw_only=True)
class Server:
    """An MCP server as its row describes it at one moment; a changed row has another `revision`."""

    id: UUID
    name: str
    transport: Transport
    # stdio: the program with its arguments, and what its environment has beside PATH, HOME, LANG and such.
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    # http: the Streamable HTTP endpoint and what every request carries, such as Authorization.
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    # Whether requests may leave for public addresses alone: a server that a user added.
    public_only: bool = False
    # Who shares a connection: everybody, one user, or one session.
    scope: Scope = "user"
    connect_timeout_seconds: float = 30.0
    # A call that told no progress for this long is given up.
    idle_timeout_seconds: float = 60.0
    # A call is given up after this long, whatever it told.
    call_timeout_seconds: float = 3600.0
    revision: int = 0
