"""From pasted JSON over a real connection to the tools that models see, and to a pause."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from agents_app.mcp.errors import McpError
from agents_app.mcp.hub import Hub
from agents_app.mcp.reports import Report
from agents_app.mcp.server import Server
from agents_app.mcp_servers import health, importing, serving
from agents_app.mcp_servers.model import McpServer
from agents_app.mcp_servers.tools import mcp_tools

SDK = Path(__file__).parents[1] / "mcp" / "servers" / "sdk.py"


def _connect(servers: list[Server], times: int) -> list[tuple[Server, Report]]:
    told: list[tuple[Server, Report]] = []

    async def run() -> None:
        hub = Hub(report=lambda server, report: told.append((server, report)))
        for server in servers * times:
            try:
                await hub.catalogue(server, 1, None)
            except McpError:
                continue
        await hub.close()

    asyncio.run(run())
    return told


def test_a_server_from_pasted_json_is_connected_to_and_its_tools_are_listed(ann: Any) -> None:
    working = {"command": sys.executable, "args": [str(SDK), "stdio"]}
    document = {"mcpServers": {"sdk": working, "gone": {"command": "/no/such/program"}}}
    importing.take(importing.parse(json.dumps(document)), by=None, owner=None)
    servers = [serving.as_server(row) for row in serving.usable_servers(ann.pk)]
    for server, report in _connect(servers, health.FAILURES_MAX):
        health.take(server, report)
    names = {tool.name for tool in mcp_tools(ann.pk)}
    assert names
    assert all(name.startswith("sdk__") for name in names)
    states = dict(McpServer.objects.values_list("name", "health"))
    assert states == {"sdk": "connected", "gone": "paused"}
