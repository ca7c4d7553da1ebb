"""Fixtures of the tests of MCP servers' rows and doors."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from agents_app.mcp.results import (
    Catalogue,
    PromptArgument,
    PromptDescription,
    ResourceDescription,
    ResourceTemplate,
    ToolDescription,
)
from agents_app.mcp_servers import changes
from agents_app.mcp_servers.model import McpServer

SECRET = "sk-very-secret-0123"
STDIO = {"name": "files", "command": "npx", "args": ["-y", "server"], "env": {"API_KEY": SECRET}}
HTTP = {
    "name": "search",
    "url": "https://8.8.8.8/mcp?key=k-0123456789",
    "headers": {"Authorization": f"Bearer {SECRET}"},
}
OFFERED = Catalogue(
    tools=[
        ToolDescription(name="read", read_only=True, description="Reads."),
        ToolDescription(name="write", destructive=True),
        ToolDescription(name="touch", idempotent=True, destructive=False),
        ToolDescription(name="odd name/ü", input_schema={"type": "object", "properties": {"a": {}}}),
    ],
    resources=[ResourceDescription(uri="file:///a", name="a", size=3)],
    resource_templates=[ResourceTemplate(uri_template="file:///{path}", name="any")],
    prompts=[PromptDescription(name="hello", arguments=[PromptArgument(name="who", required=True)])],
    instructions="Be kind.",
    protocol_version="2025-11-25",
    server_name="Files",
    server_version="1.2",
)


@pytest.fixture
def olga(db: None) -> Any:
    """An operator."""
    return get_user_model().objects.create_user("olga", is_staff=True, is_superuser=True)


@pytest.fixture
def files(db: None) -> McpServer:
    """A program for everybody."""
    return changes.add(STDIO, by=None, owner=None)


@pytest.fixture
def search(ann: Any) -> McpServer:
    """An http server of ann's own."""
    return changes.add(HTTP, by=ann, owner=ann)
