"""What a user can name in a message: resources and prompts of all servers, as each offered them last."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypedDict

from django.utils import timezone

from agents_app.mcp_servers.model import McpServer

OFFERED_MAX = 2000
DESCRIPTION_MAX_CHARACTERS = 300


class OfferedResource(TypedDict):
    """A resource, or a template of resources."""

    server: str
    uri: Annotated[str, "empty for a template"]
    uri_template: Annotated[str, "an address with places to fill in (RFC 6570); empty for a resource"]
    name: str
    title: str
    description: Annotated[str, "its beginning"]
    mime_type: str


class OfferedArgument(TypedDict):
    """A text that a prompt takes."""

    name: str
    title: str
    description: str
    required: bool


class OfferedPrompt(TypedDict):
    """A prompt that a server writes from arguments."""

    server: str
    name: str
    title: str
    description: Annotated[str, "its beginning"]
    arguments: list[OfferedArgument]


class McpOffers(TypedDict):
    """What servers offer beside tools."""

    resources: list[OfferedResource]
    prompts: list[OfferedPrompt]
    left_out: Annotated[int, "how many more there are: search for them"]


def offered_to(owner_id: Any, search: str = "") -> McpOffers:
    """Return what the user's servers offer that can be used now; `search` is in address, name or title."""
    rows = _rows(owner_id)
    words = search.lower()
    resources = [one for row in rows for one in _resources(row) if words in _searched(one)]
    prompts = [one for row in rows for one in _prompts(row) if words in _searched(one)]
    left_out = sum(max(len(found) - OFFERED_MAX, 0) for found in (resources, prompts))
    return {
        "resources": resources[:OFFERED_MAX],
        "prompts": prompts[:OFFERED_MAX],
        "left_out": left_out,
    }


def _rows(owner_id: Any) -> list[McpServer]:
    """Return a row for each name: one for everybody goes before a user's own, as in calls."""
    usable = McpServer.objects.usable_by(owner_id, timezone.now())
    rows = {row.name: row for row in sorted(usable, key=lambda row: row.owner_id is None)}
    return [rows[name] for name in sorted(rows)]


def _resources(row: McpServer) -> Iterable[OfferedResource]:
    for kind in ("resources", "resource_templates"):
        for entry in row.catalogue.get(kind, []):
            yield {
                "server": row.name,
                "uri": entry.get("uri", ""),
                "uri_template": entry.get("uri_template", ""),
                "name": entry["name"],
                "title": entry["title"],
                "description": entry["description"][:DESCRIPTION_MAX_CHARACTERS],
                "mime_type": entry["mime_type"],
            }


def _prompts(row: McpServer) -> Iterable[OfferedPrompt]:
    for entry in row.catalogue.get("prompts", []):
        yield {
            "server": row.name,
            "name": entry["name"],
            "title": entry["title"],
            "description": entry["description"][:DESCRIPTION_MAX_CHARACTERS],
            "arguments": entry["arguments"],
        }


def _searched(offered: Mapping[str, Any]) -> str:
    address = offered.get("uri") or offered.get("uri_template") or offered["name"]
    return f"{offered['server']}:{address} {offered['name']} {offered['title']}".lower()
