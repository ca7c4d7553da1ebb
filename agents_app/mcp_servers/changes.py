"""The verbs on MCP servers: add, change, remove, pause, resume.

`by` is who asks; None is the operator at the command line or at the start. Users have http servers for
themselves; what is for everybody, and every program, is added by staff.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from agents_app.approval_rows import ToolPermission
from agents_app.mcp_servers import address
from agents_app.mcp_servers.declaration import check_whole, checked
from agents_app.mcp_servers.model import McpServer
from sessions_app.errors import Refusal, not_found

OWN_SERVERS_MAX = 20
# What another connection would have to be made for.
_OF_CONNECTION = {
    "name", "transport", "command", "args", "env", "url", "headers", "scope", "enabled",
    "connect_timeout_seconds", "idle_timeout_seconds", "call_timeout_seconds",
}  # fmt: skip
# Behind another of these stands another server: what was offered before says nothing.
_OF_SERVER = {"transport", "command", "args", "url"}
_NOTHING_KNOWN = {
    "health": McpServer.Health.UNKNOWN,
    "failures": 0,
    "error_code": "",
    "error_message": "",
    "failed_at": None,
    "retry_at": None,
}


_when_changed: list[Callable[[UUID], None]] = []


def when_changed(callback: Callable[[UUID], None]) -> None:
    """Have `callback(server_id)` called in the transaction of every verb here that moves a row."""
    _when_changed.append(callback)


def add(given: Mapping[str, Any], *, by: Any | None, owner: Any | None) -> McpServer:
    """Add a server for `owner`'s sessions, for everybody's if that is None.

    Raises `Refusal`: `invalid_server`, `private_address`, `permission_denied`, `name_taken`,
    `too_many_servers`.
    """
    values = checked(given)
    row = McpServer(owner=owner, **_with_defaults(values))
    if not row.name:
        raise Refusal("invalid_server", "name: it needs one.")
    check_whole(row)
    _check_rights(row, by)
    _check_place(row.url, by)
    with transaction.atomic():
        _check_room(row)
        return _saved(row, lambda: row.save(force_insert=True))


def change(server_id: UUID, given: Mapping[str, Any], *, by: Any | None) -> McpServer:
    """Change what is given, and nothing else; secrets that are given replace all there were.

    Raises `Refusal` as `add` does, and `not_found`.
    """
    values = _without_what_was_shown(server_id, checked(given))
    _check_place(values.get("url", ""), by)
    with transaction.atomic():
        row = _locked(server_id)
        changed = {name: value for name, value in values.items() if getattr(row, name) != value}
        if (_OF_SERVER | {"name"}) & changed.keys():
            _forget_permissions(row)
        for name, value in changed.items():
            setattr(row, name, value)
        check_whole(row)
        _check_rights(row, by)
        if "name" in changed:
            _check_name(row)
        more = _consequences(row, changed.keys())
        return _saved(row, lambda: row.save(update_fields=[*changed, *more])) if changed else row


def set_tool_approval(server_id: UUID, tool_name: str, approval: str, *, by: Any | None) -> McpServer:
    """Allow, ask before or deny calls of one tool; `default` forgets what was said. Raises as `change`."""
    with transaction.atomic():
        approvals = dict(_locked(server_id).tool_approvals)
        approvals.pop(tool_name, None)
        if approval != McpServer.Approval.DEFAULT:
            approvals[tool_name] = approval
        return change(server_id, {"tool_approvals": approvals}, by=by)


def remove(server_id: UUID) -> None:
    """Remove a server, which ends its connections; one that is gone already is no error."""
    with transaction.atomic():
        for row in McpServer.objects.filter(pk=server_id):
            _forget_permissions(row)
            row.delete()
        _tell(server_id)


def pause(server_id: UUID) -> McpServer:
    """Take a server out of use until it is resumed, which ends its connections.

    Raises `Refusal` (`not_found`).
    """
    return _set(server_id, {"health": McpServer.Health.PAUSED, "retry_at": None})


def resume(server_id: UUID) -> McpServer:
    """Let a server be tried again at once, as if it had never failed. Raises `Refusal` (`not_found`)."""
    return _set(server_id, _NOTHING_KNOWN)


def _set(server_id: UUID, values: Mapping[str, Any]) -> McpServer:
    with transaction.atomic():
        row = _locked(server_id)
        for name, value in values.items():
            setattr(row, name, value)
        row.save(update_fields=list(values))
        _tell(row.pk)
    return row


def _locked(server_id: UUID) -> McpServer:
    row = McpServer.objects.select_for_update(no_key=True).filter(pk=server_id).first()
    if row is None:
        raise not_found("MCP server")
    return row


def _with_defaults(values: dict[str, Any]) -> dict[str, Any]:
    transport = values.get("transport") or ("stdio" if values.get("command") else "http")
    scope = McpServer.Scope.USER if transport == "stdio" else McpServer.Scope.SHARED
    return {"transport": transport, "scope": scope, **values}


def _without_what_was_shown(server_id: UUID, values: dict[str, Any]) -> dict[str, Any]:
    """Leave an address out that comes back as it was shown, with its query hidden."""
    row = McpServer.objects.filter(pk=server_id).first()
    same = row is not None and values.get("url") == address.shown(row.url) != ""
    return {name: value for name, value in values.items() if not (same and name == "url")}


def _check_place(url: str, by: Any | None) -> None:
    """Refuse private addresses to users. It may look a name up: never inside a transaction."""
    if url and by is not None and not by.is_staff:
        address.check_public(url)


def _check_rights(row: McpServer, by: Any | None) -> None:
    """Refuse what only staff may do."""
    if by is None or by.is_staff:
        return
    if row.owner_id != by.pk:
        raise Refusal("permission_denied", "Only staff add or change servers for others.", status=403)
    if row.transport == McpServer.Transport.STDIO:
        raise Refusal("permission_denied", "Only staff add servers that are programs.", status=403)
    if row.trusted:
        raise Refusal("permission_denied", "Only staff mark a server as trusted.", status=403)


def _check_room(row: McpServer) -> None:
    _check_name(row)
    if row.owner_id and McpServer.objects.filter(owner=row.owner_id).count() >= OWN_SERVERS_MAX:
        raise Refusal("too_many_servers", f"A user has at most {OWN_SERVERS_MAX} servers.", status=409)


def _check_name(row: McpServer) -> None:
    """Refuse a name that would mean two servers in somebody's sessions."""
    others = McpServer.objects.exclude(pk=row.pk).filter(name=row.name)
    if row.owner_id:
        others = others.filter(owner=None) | others.filter(owner=row.owner_id)
    if others.exists():
        raise _name_taken(row)


def _saved(row: McpServer, save: Callable[[], None]) -> McpServer:
    try:
        with transaction.atomic():
            save()
    except IntegrityError:  # somebody else was faster
        raise _name_taken(row) from None
    _tell(row.pk)
    return row


def _tell(server_id: UUID) -> None:
    for callback in _when_changed:
        callback(server_id)


def _name_taken(row: McpServer) -> Refusal:
    return Refusal("name_taken", f"There is a server called {row.name} already.", status=409)


def _forget_permissions(row: McpServer) -> None:
    """Forget what users allowed: it was this server's tools, not those of the next one of its name."""
    allowed = ToolPermission.objects.filter(tool_name__startswith=f"{row.name}__")
    (allowed if row.owner_id is None else allowed.filter(owner_id=row.owner_id)).delete()


def _consequences(row: McpServer, changed: Collection[str]) -> list[str]:
    """Set what follows from a change, and return the fields that it touched."""
    values: dict[str, Any] = {}
    if _OF_CONNECTION & set(changed):
        values |= {"revision": row.revision + 1}
        if not (row.health == McpServer.Health.PAUSED and row.retry_at is None):
            values |= _NOTHING_KNOWN
    if _OF_SERVER & set(changed):
        values |= {"catalogue": {}, "catalogue_at": None, "protocol_version": ""}
    for name, value in values.items():
        setattr(row, name, value)
    return list(values)
