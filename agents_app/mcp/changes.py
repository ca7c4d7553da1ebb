"""Following what a server says of changes in what it offers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from mcp import Client, MCPError, types
from mcp.client.subscriptions import SubscriptionLost
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from agents_app.mcp.errors import McpError

log = logging.getLogger(__name__)

NOTIFICATIONS = (
    types.ToolListChangedNotification,
    types.ResourceListChangedNotification,
    types.PromptListChangedNotification,
)
# However often a server says so, its lists are read once in so long.
PAUSE_SECONDS = 1.0
LISTEN_AGAIN_SECONDS = (1.0, 5.0, 30.0, 60.0)


class Changes:
    """Has the lists read again, once for all the changes told meanwhile."""

    def __init__(self) -> None:
        self._told = asyncio.Event()

    def tell(self) -> None:
        """Something has changed."""
        self._told.set()

    @asynccontextmanager
    async def followed(
        self, client: Client, refresh: Callable[[Client], Awaitable[None]]
    ) -> AsyncIterator[None]:
        """Follow changes while the block runs."""
        tasks = [asyncio.create_task(self._keep_fresh(client, refresh))]
        if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
            tasks.append(asyncio.create_task(self._listen(client)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=1.0)

    async def _keep_fresh(self, client: Client, refresh: Callable[[Client], Awaitable[None]]) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            try:
                await refresh(client)
            except (MCPError, McpError, TimeoutError, ValueError) as error:
                log.info("The lists of an MCP server could not be read again: %.200s", error)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen(self, client: Client) -> None:
        """From 2026-07-28 on a server tells changes only on a stream that was asked for."""
        can = client.server_capabilities
        tools = bool(can.tools and can.tools.list_changed)
        resources = bool(can.resources and can.resources.list_changed)
        prompts = bool(can.prompts and can.prompts.list_changed)
        for pause in LISTEN_AGAIN_SECONDS if tools or resources or prompts else ():
            try:
                async with client.listen(
                    tools_list_changed=tools, resources_list_changed=resources, prompts_list_changed=prompts
                ) as events:
                    async for _event in events:
                        self.tell()
            except (MCPError, SubscriptionLost, ValueError) as error:
                log.info("An MCP server ended its stream of changes: %.200s", error)
            await asyncio.sleep(pause)
            self.tell()  # what changed meanwhile was told to nobody
