"""A server written with the SDK: `python sdk.py stdio`, or `python sdk.py PORT` for Streamable HTTP."""

import asyncio
import os
import sys
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ToolAnnotations
from pydantic import BaseModel

server = MCPServer("probe", version="7", instructions="Use with care.")
cancelled = 0


class Answer(BaseModel):
    """What the user is asked for."""

    colour: str


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


@server.tool(annotations=ToolAnnotations(destructive_hint=True, idempotent_hint=False))
def pid() -> int:
    """Tell the process id."""
    return os.getpid()


@server.tool()
def environment(name: str) -> str:
    """Tell a variable."""
    return os.environ.get(name, "(none)")


@server.tool(annotations=ToolAnnotations(idempotent_hint=True))
async def steps(context: Context[Any, Any], count: int, pause: float = 0.05) -> str:
    """Tell progress."""
    for step in range(count):
        await asyncio.sleep(pause)
        await context.report_progress(step + 1, count, f"step {step + 1}")
    return "done"


@server.tool()
async def wait(seconds: float) -> str:
    """Wait, and count if that is cancelled."""
    global cancelled
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        cancelled += 1
        raise
    return "waited"


@server.tool()
def cancellations() -> int:
    """Tell how many waits were cancelled."""
    return cancelled


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("nothing works")


@server.tool()
async def ask(context: Context[Any, Any]) -> str:
    """Ask the user."""
    answer = await context.elicit("Which colour?", Answer)
    return str(answer)


@server.tool()
async def grow(context: Context[Any, Any]) -> str:
    """Offer one more tool."""
    server.add_tool(lambda: "new", name="grown", description="Was not there before.")
    await context.notify_tools_changed()
    return "grown"


@server.resource("probe://text")
def text() -> str:
    """Return a text."""
    return "hello"


@server.resource("probe://bytes", mime_type="image/png")
def data() -> bytes:
    """Return bytes."""
    return b"\x89PNG"


@server.resource("probe://items/{name}")
def item(name: str) -> str:
    """Return an item."""
    return f"item {name}"


@server.prompt()
def greet(name: str) -> str:
    """Greet somebody."""
    return f"Say hello to {name}."


@server.prompt()
def farewell() -> str:
    """Take leave."""
    return "Say goodbye."


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", port=int(sys.argv[1]))
