"""Chat sessions in the admin: staff export them, whoever owns them, into a chat of their own."""

from typing import Any, cast
from uuid import UUID, uuid4, uuid5

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from agents_app.wording.tables import amount
from exports_app import requesting, selection
from exports_app.formats import FORMATS
from exports_app.options import SCHEMA
from sessions_app.admin import ChatSessionAdmin
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession

_OWNERS_NAMED = 10
_ID_CHARACTERS = 37
_PROPERTIES = SCHEMA["properties"]
_OF_ONE_CHAT = ("first_message", "last_message")


def _choices(option: str) -> list[tuple[str, str]]:
    return [(name, name.capitalize()) for name in _PROPERTIES[option]["enum"]]


class ExportForm(forms.Form):
    """How chats are exported; the options are those of every door."""

    session_ids = forms.CharField(
        max_length=selection.CHATS_AT_MOST * _ID_CHARACTERS, widget=forms.HiddenInput
    )
    page = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)
    format = forms.ChoiceField(
        choices=lambda: [(kind.name, kind.title) for _, kind in sorted(FORMATS.items())]
    )
    include_metadata = forms.BooleanField(
        required=False, initial=True, help_text=_PROPERTIES["include_metadata"]["description"]
    )
    include_tools = forms.BooleanField(
        required=False, initial=True, help_text=_PROPERTIES["include_tools"]["description"]
    )
    first_message = forms.IntegerField(
        required=False, min_value=1, help_text=_PROPERTIES["first_message"]["description"]
    )
    last_message = forms.IntegerField(
        required=False, min_value=1, help_text=_PROPERTIES["last_message"]["description"]
    )
    page_size = forms.ChoiceField(choices=_choices("page_size"), help_text="of a PDF")
    theme = forms.ChoiceField(choices=_choices("theme"), help_text="of a PDF or HTML page")

    def wish(self) -> tuple[list[str], str, dict[str, Any]]:
        """Return which chats, in which format, with which options."""
        options = {name: value for name, value in self.cleaned_data.items() if name != "page"}
        return options.pop("session_ids").split(), options.pop("format"), options

    def key(self) -> str:
        """Return what stays the same when this page is sent twice, as by two clicks."""
        page = self.cleaned_data["page"]
        return str(uuid5(page, repr(self.wish()))) if page else ""


class ExportedChatSessionAdmin(ChatSessionAdmin):
    """Chat sessions of every user, which staff who may view them may export."""

    change_form_template = "admin/exports_app/chatsession_change_form.html"
    actions = ["export_chats"]

    @admin.action(description="Export selected chats…", permissions=["view"])
    def export_chats(self, request: HttpRequest, rows: QuerySet[ChatSession]) -> HttpResponse | None:
        """Show the page that asks how; chats that were deleted are left out."""
        ids = list(rows.filter(deleted_at=None).values_list("pk", flat=True)[: selection.CHATS_AT_MOST + 1])
        if not 1 <= len(ids) <= selection.CHATS_AT_MOST:
            most = f"An archive has at most {selection.CHATS_AT_MOST:,} chats: select fewer."
            self.message_user(request, most if ids else "These chats were deleted.", messages.WARNING)
            return None
        return self._page(request, ExportForm(initial={"session_ids": " ".join(map(str, ids))}))

    def get_urls(self) -> list[URLPattern]:
        """Add the page that asks how."""
        page = self.admin_site.admin_view(self.export_page)
        return [path("export/", page, name="sessions_app_chatsession_export"), *super().get_urls()]

    def export_page(self, request: HttpRequest) -> HttpResponse:
        """Begin an export and go to the chat that shows it; else ask how the chats are to be exported."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._page(
                request, ExportForm(initial={"session_ids": request.GET.get("session_ids", "")})
            )
        form = ExportForm(request.POST)
        if form.is_valid():
            try:
                subagent = requesting.by_staff(request.user, *form.wish(), form.key())
            except Refusal as refusal:
                # Of chats that are not there any more the page tells.
                if refusal.code != "not_found":
                    form.add_error(None, refusal.detail)
            else:
                return redirect("session", subagent.session_id)
        return self._page(request, form)

    def _found(self, request: HttpRequest, wanted: list[str]) -> list[UUID]:
        """Return the ids of chats; those that were deleted meanwhile are told and left out."""
        try:
            return selection.for_staff(request.user, wanted)
        except Refusal as refusal:
            there = selection.there(wanted) if refusal.code == "not_found" else []
            if not there:
                raise
            gone = amount(len(wanted) - len(there), "chat")
            self.message_user(request, f"Deleted meanwhile and left out: {gone}.", messages.WARNING)
            return selection.for_staff(request.user, there)

    def _page(self, request: HttpRequest, form: ExportForm) -> HttpResponse:
        try:
            ids = self._found(request, str(form["session_ids"].value()).split())
        except Refusal:
            self.message_user(request, "Select the chats to export in this list.", messages.WARNING)
            return redirect("admin:sessions_app_chatsession_changelist")
        rows = ChatSession.objects.filter(pk__in=ids).order_by("owner__username")
        owners = list(rows.values("owner__username").annotate(chats=Count("pk")))
        hidden = {"session_ids", "page"} if len(ids) == 1 else {"session_ids", "page", *_OF_ONE_CHAT}
        shown = [name for name in form.fields if name not in hidden]
        context = {
            **self.admin_site.each_context(request),
            "title": "Export a chat" if len(ids) == 1 else "Export chats",
            "opts": self.opts,
            "form": form,
            "session_ids": " ".join(map(str, ids)),
            "adminform": AdminForm(cast(Any, form), [(None, {"fields": shown})], {}),
            "count": amount(len(ids), "chat"),
            "is_one": len(ids) == 1,
            "owners": owners[:_OWNERS_NAMED],
            "more_owners": len(owners[_OWNERS_NAMED:]),
        }
        return TemplateResponse(request, "admin/exports_app/export_chats.html", context)
