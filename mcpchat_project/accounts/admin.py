from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from mcpchat_project.accounts.forms import AdminLoginForm
from mcpchat_project.accounts.models import LoginLink

admin.site.login_form = AdminLoginForm


@admin.register(LoginLink)
class LoginLinkAdmin(admin.ModelAdmin):
    """Who was given a link and when it was used; links are made by command only."""

    list_display = ["user", "created_at", "expires_at", "used_at"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    fields = ["user", "created_at", "expires_at", "used_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
