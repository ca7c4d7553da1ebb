"""What a server offers, as its row keeps it: bounded once more, because it is stored and shown."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import jsonschema

from agents_app.mcp.results import Catalogue
from sessions_app import plain

ENTRIES_MAX = {"tools": 500, "resources": 1000, "resource_templates": 500, "prompts": 500}
TOTAL_MAX_BYTES = 2 * 1024 * 1024
ENTRY_MAX_BYTES = 64 * 1024
TEXT_MAX_CHARACTERS = 4000
NAME_MAX_CHARACTERS = 128
_ANYTHING: dict[str, Any] = {"type": "object"}


def stored(catalogue: Catalogue) -> dict[str, Any]:
    """Return the catalogue as JSON; `left_out` counts what was too much or is not usable."""
    room = _Room()
    kept = {
        name: room.fit(entries, ENTRIES_MAX[name])
        for name, entries in (
            ("tools", [_tool(asdict(tool)) for tool in catalogue.tools]),
            ("resources", [_bounded(asdict(resource)) for resource in catalogue.resources]),
            ("resource_templates", [_bounded(asdict(one)) for one in catalogue.resource_templates]),
            ("prompts", [_bounded(asdict(prompt)) for prompt in catalogue.prompts]),
        )
    }
    return {
        **kept,
        "instructions": plain.text(catalogue.instructions, TEXT_MAX_CHARACTERS),
        "server_name": plain.text(catalogue.server_name, 200),
        "server_version": plain.text(catalogue.server_version, 100),
        "left_out": room.left_out,
    }


class _Room:
    """Takes entries as long as there is room for them; no name comes twice."""

    def __init__(self) -> None:
        self.left_out = 0
        self._bytes = TOTAL_MAX_BYTES

    def fit(self, entries: Sequence[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
        kept: dict[str, dict[str, Any]] = {}
        for entry in entries:
            key = entry.get("uri") or entry.get("uri_template") or entry["name"]
            size = _size(entry)
            if not key or key in kept or len(kept) >= limit or size > min(ENTRY_MAX_BYTES, self._bytes):
                self.left_out += 1
                continue
            self._bytes -= size
            kept[key] = entry
        return list(kept.values())


def _size(entry: dict[str, Any]) -> int:
    try:
        return plain.json_bytes(entry)
    except ValueError:  # what no store takes
        return ENTRY_MAX_BYTES + 1


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    bounded = _bounded(tool)
    # A name that was cut would call another tool, or none.
    name = tool["name"] if len(tool["name"]) <= NAME_MAX_CHARACTERS else ""
    return {**bounded, "name": name, "input_schema": usable_schema(tool["input_schema"])}


def _bounded(entry: dict[str, Any]) -> dict[str, Any]:
    cleaned = plain.cleaned({name: value for name, value in entry.items() if name != "input_schema"})
    for name in ("title", "description"):
        cleaned[name] = cleaned[name][:TEXT_MAX_CHARACTERS]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in cleaned.items()}


def usable_schema(schema: Any) -> dict[str, Any]:
    """Return the schema, or one that takes any object if it is none that can be checked against here.

    References that lead out of it are not followed: a look-up would fetch whatever address they name.
    """
    if not isinstance(schema, dict) or _refers_outside([schema]):
        return _ANYTHING
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except (jsonschema.SchemaError, RecursionError):
        return _ANYTHING
    return schema if schema.get("type") == "object" else {**schema, "type": "object"}


def _refers_outside(parts: Iterable[Any]) -> bool:
    waiting = list(parts)
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            for name, value in part.items():
                if name in ("$ref", "$dynamicRef") and not str(value).startswith("#"):
                    return True
                # An address of its own would change what the references inside lead to.
                if name == "$id" and isinstance(value, str):
                    return True
            waiting.extend(part.values())
    return False
