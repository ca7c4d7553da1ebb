"""Exports, for operators: to look at and to cancel; the file is its owner's alone."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from agents_app import gateway
from agents_app.wording.tables import amount
from exports_app import exporting
from exports_app.models import Export
from exports_app.session_admin import ExportedChatSessionAdmin
from sessions_app.admin import ReadOnlyAdmin
from sessions_app.models import ChatSession

admin.site.unregister(ChatSession)
admin.site.register(ChatSession, ExportedChatSessionAdmin)


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    """Exports of every user."""

    list_display = [
        "called", "owner", "state", "chats", "format", "file_size", "download", "created_at", "expires_at",
    ]  # fmt: skip
    list_filter = ["subagent__state", "format"]
    list_select_related = ["subagent__owner"]
    search_fields = ["file_name", "subagent__session__id", "subagent__owner__username"]
    exclude = ["file"]  # its address in the store is nobody's door
    actions = ["cancel"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Export]:
        """Return the exports with whether the reader may download each."""
        is_own = Q(subagent__owner_id=request.user.pk, subagent__session__deleted_at=None)
        rows: QuerySet[Export] = super().get_queryset(request)
        return rows.annotate(is_own=ExpressionWrapper(is_own, output_field=BooleanField()))

    @admin.display(description="Export", ordering="file_name")
    def called(self, export: Export) -> str:
        """Return the name of the file, or what it is to be."""
        return export.file_name or export.subagent.title

    @admin.display(ordering="subagent__owner__username")
    def owner(self, export: Export) -> Any:
        """Return who asked for it."""
        return export.subagent.owner

    @admin.display(ordering="subagent__state")
    def state(self, export: Export) -> str:
        """Return the state of the work that makes it."""
        return export.subagent.get_state_display()

    @admin.display
    def chats(self, export: Export) -> int:
        """Return how many it has."""
        return exporting.session_count(export.subagent)

    @admin.display
    def download(self, export: Any) -> str:
        """Return a link for the owner; others get none."""
        address = exporting.payload(export)["download_url"] if export.is_own and export.file else None
        return format_html('<a href="{}" download>Download</a>', address) if address else "-"

    @admin.action(description="Cancel the chosen exports", permissions=["view"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Export]) -> None:
        """Cancel each, one transaction each; those that have ended stay as they are."""
        unfinished = list(rows.filter(subagent__finished_at=None).values_list("subagent_id", flat=True))
        for subagent_id in unfinished:
            gateway.cancel(subagent_id)
        if unfinished:
            self.message_user(request, f"Told to stop: {amount(len(unfinished), 'export')}.")
        else:
            self.message_user(request, "None of them is under way.", messages.WARNING)
