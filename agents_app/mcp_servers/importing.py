"""Takes the `mcpServers` JSON that desktop clients use: pasted, from a file, or at the start.

Doing it again changes nothing. Servers that the JSON does not name stay as they are.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, TypedDict

from agents_app.mcp_servers import changes, naming
from agents_app.mcp_servers.declaration import CHECKS, checked
from agents_app.mcp_servers.model import McpServer
from sessions_app.errors import Refusal

TEXT_MAX_BYTES = 1024 * 1024
SERVERS_MAX = 100
_TYPES = {
    "stdio": "stdio", "http": "http", "streamable-http": "http", "streamablehttp": "http",
    "streamable_http": "http",
}  # fmt: skip
_ADDRESSES = ("url", "serverUrl", "httpUrl")
# What clients write that means something else here, or nothing.
_OF_CLIENTS = {*_ADDRESSES, "type", "disabled"}
# What the JSON no longer says the row is to lose.
_NOTHING_SAID: dict[str, Any] = {"command": "", "args": [], "env": {}, "url": "", "headers": {}}
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


class Imported(TypedDict):
    """What became of one server: added, changed, unchanged, or refused with a code and the reason."""

    name: str
    outcome: str
    server_id: str | None
    code: str
    reason: str
    ignored: list[str]


def parse(text: str) -> dict[str, Any]:
    """Return what stands in JSON text. Raises `Refusal` (`malformed_json`, `request_too_large`)."""
    if len(text.encode("utf-8", "replace")) > TEXT_MAX_BYTES:
        raise Refusal("request_too_large", f"At most {TEXT_MAX_BYTES} bytes of JSON.", status=413)
    try:
        return servers_in(json.loads(text))
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Refusal("malformed_json", f"This is no JSON{where}.") from None


def servers_in(document: Any) -> dict[str, Any]:
    """Return the servers of a document by name. Raises `Refusal` (`no_mcp_servers`, `too_many_servers`)."""
    found = None
    if isinstance(document, dict):
        found = document.get("mcpServers", document.get("servers"))
    if not isinstance(found, dict):
        raise Refusal("no_mcp_servers", 'Give {"mcpServers": {NAME: {"command": …} or {"url": …}}}.')
    if len(found) > SERVERS_MAX:
        raise Refusal("too_many_servers", f"At most {SERVERS_MAX} servers at once.")
    return found


def take(
    servers: Mapping[str, Any],
    *,
    by: Any | None,
    owner: Any | None,
    environment: Mapping[str, str] | None = None,
) -> list[Imported]:
    """Add or change each server for `owner` (None: for everybody) and return what became of each.

    One that is refused keeps no other from being taken. `${NAME}` in values is replaced from `environment`
    where that is given, and refused where it is not.
    """
    taken: dict[str, str] = {}
    return [_take_one(str(key), entry, taken, by, owner, environment) for key, entry in servers.items()]


def _take_one(
    key: str,
    entry: Any,
    taken: dict[str, str],
    by: Any | None,
    owner: Any | None,
    environment: Mapping[str, str] | None,
) -> Imported:
    name = naming.server_name(key)
    shown = name or re.sub(r"[^\x20-\x7e]", "?", key)[:60]
    try:
        if name in taken:
            raise Refusal("name_taken", f"{name} is also the name of another one here.", status=409)
        if not name:
            raise Refusal("invalid_server", "name: it has no letters or digits.")
        taken[name] = key
        given, ignored = _as_declared(name, entry)
        row, outcome = _apply(_filled(given, environment), by, owner)
    except Refusal as refusal:
        return _answer(shown, "refused", refusal=refusal)
    return _answer(shown, outcome, row=row, ignored=ignored)


def _answer(
    name: str,
    outcome: str,
    *,
    row: McpServer | None = None,
    refusal: Refusal | None = None,
    ignored: list[str] | None = None,
) -> Imported:
    return {
        "name": name,
        "outcome": outcome,
        "server_id": None if row is None else str(row.pk),
        "code": "" if refusal is None else refusal.code,
        "reason": "" if refusal is None else refusal.detail,
        "ignored": ignored or [],
    }


def _as_declared(name: str, entry: Any) -> tuple[dict[str, Any], list[str]]:
    """Return what a client's entry says in the words used here, and the members that mean nothing here."""
    if not isinstance(entry, dict):
        raise Refusal("invalid_server", "It is an object with command or url.")
    known = CHECKS.keys() - {"name", "transport", "url"}
    given = {member: value for member, value in entry.items() if member in known and value is not None}
    url = next((entry[member] for member in _ADDRESSES if entry.get(member)), None)
    given |= {"name": name, "transport": _transport(entry, url)}
    if url is not None:
        given["url"] = url
    if isinstance(entry.get("disabled"), bool):
        given["enabled"] = not entry["disabled"]
    ignored = [str(member)[:60] for member in entry if member not in known | _OF_CLIENTS]
    return given, ignored[:20]


def _transport(entry: Mapping[str, Any], url: Any) -> str:
    if bool(entry.get("command")) == bool(url):
        raise Refusal("invalid_server", "It has either command or url.")
    said = str(entry.get("type") or ("http" if url else "stdio"))[:40].lower()
    if said == "sse":
        raise Refusal("unsupported_transport", "The old SSE transport is not spoken; use Streamable HTTP.")
    transport = _TYPES.get(said)
    if transport is None or (transport == "http") != bool(url):
        raise Refusal("invalid_server", "type: it does not fit command or url.")
    return transport


def _filled(given: Any, environment: Mapping[str, str] | None) -> Any:
    """Return JSON with the placeholders in its texts replaced; a missing one is refused by name."""
    if isinstance(given, dict):
        return {name: _filled(value, environment) for name, value in given.items()}
    if isinstance(given, list):
        return [_filled(value, environment) for value in given]
    return (
        _PLACEHOLDER.sub(lambda found: _value(found[1], environment), given)
        if isinstance(given, str)
        else given
    )


def _value(placeholder: str, environment: Mapping[str, str] | None) -> str:
    name, has_default, default = placeholder.partition(":-")
    if environment is not None and name in environment:
        return environment[name]
    if environment is not None and has_default:
        return default
    raise Refusal("unknown_placeholder", f"There is no value for ${{{name[:60]}}}: write it out.")


def _apply(given: dict[str, Any], by: Any | None, owner: Any | None) -> tuple[McpServer, str]:
    there = McpServer.objects.filter(name=given["name"], owner=owner).first()
    if there is None:
        return changes.add(given, by=by, owner=owner), "added"
    values = _NOTHING_SAID | given
    values = {name: value for name, value in checked(values).items() if getattr(there, name) != value}
    if not values:
        return there, "unchanged"
    return changes.change(there.pk, values, by=by), "changed"
