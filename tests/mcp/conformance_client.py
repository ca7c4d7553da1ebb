"""The hub as the client that the official conformance suite tests: `conformance_client.py URL`.

Connects, lists, and calls every tool that is offered once, with arguments made from its schema.
"""

import asyncio
import sys
import uuid
from collections.abc import Mapping
from typing import Any

from agents_app.mcp.errors import McpError
from agents_app.mcp.hub import Hub
from agents_app.mcp.reports import Failed, Report
from agents_app.mcp.results import ToolDescription
from agents_app.mcp.server import Server

VALUES: Mapping[str, Any] = {"number": 5, "integer": 5, "string": "text", "boolean": True}


def arguments(tool: ToolDescription) -> dict[str, Any]:
    """Return values for all that the tool requires."""
    properties = tool.input_schema.get("properties", {})
    return {name: VALUES.get(properties[name].get("type")) for name in tool.input_schema.get("required", ())}


async def main(url: str) -> int:
    """Use the server; return 1 if the connection failed."""
    reports: list[Report] = []
    hub = Hub(report=lambda _server, report: reports.append(report))
    server = Server(id=uuid.uuid4(), name="conformance", transport="http", url=url)
    catalogue = await hub.catalogue(server, None, None)
    for tool in catalogue.tools:
        try:
            print(tool.name, await hub.call_tool(server, None, None, tool.name, arguments(tool)))
        except McpError as error:
            print(tool.name, error)
    await hub.close()
    return int(any(isinstance(report, Failed) for report in reports))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[-1])))
