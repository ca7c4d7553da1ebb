"""The admin's form of an MCP server: secrets go in and never come out again."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction

from agents_app.mcp_servers import address, changes
from agents_app.mcp_servers.model import McpServer
from sessions_app.errors import Refusal

_PLAIN = (
    "name", "transport", "command", "scope", "enabled", "trusted", "heavy", "approval",
    "connect_timeout_seconds", "idle_timeout_seconds", "call_timeout_seconds",
)  # fmt: skip


def _lines(help_text: str) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": 3, "cols": 80, "autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(required=False, widget=area, help_text=help_text, strip=False)


class McpServerForm(forms.ModelForm[McpServer]):
    """A server as text fields; the verbs check and store it."""

    arguments = _lines("One on each line. Staff see them: secrets belong into the environment.")
    address = forms.CharField(
        required=False,
        max_length=address.URL_MAX_CHARACTERS,
        widget=forms.TextInput(attrs={"size": 80}),
        help_text="http only. The values of its query are shown as ***; left so they stay.",
    )
    environment = _lines("")
    http_headers = _lines("")
    forget_secrets = forms.BooleanField(
        required=False, help_text="forget the environment and the headers that are stored"
    )
    heavy_patterns = _lines("One on each line, such as build_*: these tools run as subagents.")
    approvals = _lines('JSON by tool name, such as {"delete_file": "deny", "read_file": "allow"}.')

    class Meta:
        model = McpServer
        fields = ["owner", *_PLAIN]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Fill the text fields from the row; of secrets tell the names."""
        super().__init__(*args, **kwargs)
        row = self.instance
        self._set("arguments", initial="\n".join(row.args))
        self._set("address", initial=address.shown(row.url))
        self._set("heavy_patterns", initial="\n".join(row.heavy_tools))
        self._set("approvals", initial=json.dumps(row.tool_approvals, indent=1) if row.tool_approvals else "")
        self._set("environment", help_text=_secret_help("stdio only. NAME=value lines", row.env))
        self._set("http_headers", help_text=_secret_help("http only. Name: value lines", row.headers))
        if "scope" in self.fields:
            self.fields["scope"].required = False
            self.fields["scope"].help_text = "who shares a connection; empty: user for stdio, shared for http"

    def _set(self, name: str, **values: Any) -> None:
        for attribute, value in values.items():
            setattr(self.fields[name], attribute, value)

    def clean(self) -> dict[str, Any]:
        """Try what will be done, and undo it: what the verbs refuse is said in the form."""
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                with transaction.atomic():
                    self.store(by=None)
                    transaction.set_rollback(True)
            except Refusal as refusal:
                raise ValidationError(refusal.detail) from None
        return cleaned

    def store(self, by: Any | None) -> McpServer:
        """Add or change the server by the verb. Raises `Refusal`."""
        if self.instance._state.adding:  # noqa: SLF001  # Django's own documented way to ask
            return changes.add(self._declared(), by=by, owner=self.cleaned_data.get("owner"))
        return changes.change(self.instance.pk, self._declared(), by=by)

    def _declared(self) -> dict[str, Any]:
        said = self.cleaned_data
        declared = {name: said[name] for name in _PLAIN if said[name] not in ("", None)}
        declared |= {
            "command": said["command"],
            "args": said["arguments"].splitlines(),
            "url": said["address"],
            "heavy_tools": said["heavy_patterns"].split(),
            "tool_approvals": _json(said["approvals"]),
        }
        for name, text, separator in (
            ("env", said["environment"], "="),
            ("headers", said["http_headers"], ":"),
        ):
            if text.strip() or said["forget_secrets"]:
                declared[name] = _pairs(text, separator)
        return declared


def _secret_help(what: str, secrets: dict[str, str]) -> str:
    stored = f" Stored now: {', '.join(sorted(secrets))}." if secrets else ""
    return f"{what}. They replace what is stored and are never shown; empty keeps it.{stored}"


def _pairs(text: str, separator: str) -> dict[str, str]:
    pairs = {}
    for number, line in enumerate(filter(str.strip, text.splitlines()), start=1):
        name, found, value = line.partition(separator)
        if not found:
            # The line itself may be a secret.
            raise Refusal("invalid_server", f"Line {number} of the secrets has no {separator}.")
        pairs[name.strip()] = value.strip()
    return pairs


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise Refusal("invalid_server", "approvals: this is no JSON.") from None
