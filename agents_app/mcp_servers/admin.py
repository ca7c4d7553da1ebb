"""MCP servers, for operators: secrets are written here and never read."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from agents_app.mcp_servers import address, changes, importing
from agents_app.mcp_servers.form import McpServerForm
from agents_app.mcp_servers.model import McpServer
from agents_app.mcp_servers.tools import tools_of
from sessions_app.errors import Refusal

_HEALTH = (
    "health", "failures", "error_code", "error_message", "failed_at", "retry_at", "connected_at",
    "protocol_version", "offered",
)  # fmt: skip


class ImportForm(forms.Form):
    """A field to paste into."""

    text = forms.CharField(
        label="mcpServers JSON",
        max_length=importing.TEXT_MAX_BYTES,
        widget=forms.Textarea(attrs={"rows": 20, "cols": 100, "autocomplete": "off", "spellcheck": "false"}),
    )


@admin.register(McpServer)
class McpServerAdmin(admin.ModelAdmin[McpServer]):
    """MCP servers of everybody."""

    form = McpServerForm
    change_list_template = "admin/agents_app/mcpserver/change_list.html"
    list_display = ["name", "owner", "transport", "reached", "scope", "enabled", "health", "error_code"]
    list_filter = ["health", "transport", "enabled", "trusted"]
    search_fields = ["name", "owner__username"]
    list_select_related = ["owner"]
    readonly_fields = ["reached", *_HEALTH]
    fieldsets = [
        (None, {"fields": ["name", "owner", "enabled", "transport", "scope"]}),
        ("A program (stdio)", {"fields": ["command", "arguments", "environment"]}),
        ("An address (http)", {"fields": ["address", "http_headers"]}),
        (None, {"fields": ["forget_secrets"]}),
        ("Calls", {"fields": ["trusted", "approval", "approvals", "heavy", "heavy_patterns"]}),
        (
            "Times in seconds",
            {"fields": ["connect_timeout_seconds", "idle_timeout_seconds", "call_timeout_seconds"]},
        ),
        ("Health", {"fields": ["reached", *_HEALTH]}),
    ]
    actions = ["pause", "resume"]

    def get_readonly_fields(self, request: HttpRequest, obj: McpServer | None = None) -> list[Any]:
        """Whose it is stays as it is: it decides who knows of it."""
        return [*self.readonly_fields, *(["owner"] if obj else [])]

    @admin.display(description="Reached by")
    def reached(self, row: McpServer) -> str:
        """Return the program or the address, without what may be secret."""
        return row.command or address.shown(row.url)

    @admin.display(description="Tools offered")
    def offered(self, row: McpServer) -> str:
        """Return the tools with what happens to a call of each."""
        return ", ".join(f"{tool.tool_name} ({tool.approval})" for tool in tools_of(row)[:200]) or "none seen"

    def save_model(self, request: HttpRequest, obj: McpServer, form: Any, change: bool) -> None:
        """Store by the verb that REST calls, too."""
        obj.id = form.store(by=request.user).pk

    def delete_model(self, request: HttpRequest, obj: McpServer) -> None:
        """Remove it by the verb that REST calls, too."""
        changes.remove(obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[McpServer]) -> None:
        """Remove each by the verb."""
        for server_id in queryset.values_list("pk", flat=True):
            changes.remove(server_id)

    @admin.action(description="Pause the chosen servers", permissions=["change"])
    def pause(self, request: HttpRequest, rows: QuerySet[McpServer]) -> None:
        """Take each out of use until it is resumed."""
        for server_id in rows.values_list("pk", flat=True):
            changes.pause(server_id)
        self.message_user(request, "They are paused until somebody resumes them.")

    @admin.action(description="Resume the chosen servers", permissions=["change"])
    def resume(self, request: HttpRequest, rows: QuerySet[McpServer]) -> None:
        """Let each be tried again at once."""
        for server_id in rows.values_list("pk", flat=True):
            changes.resume(server_id)
        self.message_user(request, "They are tried again at the next call.")

    def get_urls(self) -> list[URLPattern]:
        """Add the page to paste into."""
        page = self.admin_site.admin_view(self.import_page)
        return [path("import/", page, name="agents_app_mcpserver_import"), *super().get_urls()]

    def import_page(self, request: HttpRequest) -> HttpResponse:
        """Take pasted `mcpServers` JSON and tell what became of each server."""
        if not (self.has_add_permission(request) and self.has_change_permission(request)):
            raise PermissionDenied
        form = ImportForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and self._taken(request, form):
            return redirect("admin:agents_app_mcpserver_changelist")
        context = {
            **self.admin_site.each_context(request), "title": "Import MCP servers", "form": form,
            "opts": self.opts,
        }  # fmt: skip
        return TemplateResponse(request, "admin/agents_app/mcpserver/import.html", context)

    def _taken(self, request: HttpRequest, form: ImportForm) -> bool:
        """Import, and say what became of each; whether every server was taken."""
        try:
            servers = importing.parse(form.cleaned_data["text"])
        except Refusal as refusal:
            form.add_error("text", refusal.detail)
            return False
        answers = importing.take(servers, by=request.user, owner=None)
        for answer in answers:
            refused = answer["outcome"] == "refused"
            sentence = f"Server {answer['name']}: {answer['outcome']}. {answer['reason']}".strip()
            messages.add_message(request, messages.ERROR if refused else messages.SUCCESS, sentence)
        return not any(answer["outcome"] == "refused" for answer in answers)
