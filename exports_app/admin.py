"""Exports, for operators."""

from django.contrib import admin

from exports_app.models import Export
from sessions_app.admin import ReadOnlyAdmin


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    """Exports of every user."""

    list_display = ["file_name", "format", "file_size", "created_at", "expires_at"]
    list_filter = ["format"]
    search_fields = ["file_name", "subagent__session__id"]
