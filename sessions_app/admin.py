"""Sessions and what was said, for operators: to read, not to rewrite."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from sessions_app.models import ChatSession, Event, Message


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Rows that only the verbs change."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits rows here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes rows here."""
        return False


@admin.register(ChatSession)
class ChatSessionAdmin(ReadOnlyAdmin):
    """Chat sessions of every user."""

    list_display = ["title", "owner", "state", "message_count", "last_activity_at"]
    list_filter = ["state"]
    search_fields = ["title", "owner__username", "id"]


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """What was said."""

    list_display = ["session", "seq", "role", "state", "created_at"]
    list_filter = ["role", "state"]
    search_fields = ["content", "session__id"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What happened."""

    list_display = ["session", "seq", "kind", "created_at"]
    list_filter = ["kind"]
    search_fields = ["session__id"]
