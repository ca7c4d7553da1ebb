"""Arguments that name a file: `"format": "file-id"` in the schema of a tool of ours."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from agents_app.files import reading, storage
from agents_app.files.model import StoredFile
from agents_app.registry import TOOLS, Tool
from sessions_app.errors import Refusal


def file_ids(tool: Tool, arguments: Mapping[str, Any]) -> list[str]:
    """Return the ids of files among the arguments; what an MCP server calls by that format is its own."""
    if tool.name not in TOOLS:
        return []
    properties = tool.input_schema.get("properties", {})
    return [
        value
        for name, value in arguments.items()
        if isinstance(value, str) and properties.get(name, {}).get("format") == "file-id"
    ]


def refuse_unreadable(tool: Tool, arguments: Mapping[str, Any], owner_id: int | None) -> None:
    """Refuse a call whose files cannot be read. Raises `Refusal` (`file_not_found`, 404)."""
    for file_id in file_ids(tool, arguments):
        stored = reading.find(owner_id, file_id) if owner_id is not None else None
        if stored is None or not storage.path_of(stored.pk).is_file():
            raise Refusal("file_not_found", reading.NOT_FOUND, 404)


def refuse_expired(tool: Tool, arguments: Mapping[str, Any], owner_id: int) -> None:
    """Refuse to repeat a call whose files are gone. Raises `Refusal` (`file_expired`, 410)."""
    for file_id in file_ids(tool, arguments):
        stored = reading.find(owner_id, file_id)
        if stored is None or not storage.path_of(stored.pk).is_file():
            name = file_names(tool, arguments).get(file_id, "a file")
            detail = f"It worked on {name}, which is gone by now. Upload it again, and call the tool anew."
            raise Refusal("file_expired", detail, 410)


def file_names(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of the files among the arguments, by the ids as they were given."""
    keys = {key: given for given in file_ids(tool, arguments) if (key := reading.file_key(given))}
    if not keys:
        return {}
    rows = StoredFile.objects.filter(pk__in=keys).values_list("pk", "name")
    return {keys[key]: name for key, name in rows}


def largest(tool: Tool, arguments: Mapping[str, Any]) -> int:
    """Return how many bytes the largest file has that the arguments name, 0 without one."""
    keys = [key for file_id in file_ids(tool, arguments) if (key := reading.file_key(file_id))]
    if not keys:
        return 0
    kept = StoredFile.objects.filter(pk__in=keys).kept(timezone.now())
    return max(kept.values_list("size", flat=True), default=0)
