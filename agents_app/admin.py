"""Agents at work, for operators: caps are edited here, work is cancelled and tried again by the verbs."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from agents_app import gateway, maintenance, model_providers
from agents_app.mcp_servers.admin import McpServerAdmin as McpServerAdmin  # noqa: PLC0414  # to register it
from agents_app.models import (
    MaintenanceRun,
    ModelProvider,
    Pool,
    StoredFile,
    Subagent,
    ToolCall,
    ToolPolicy,
    Turn,
    Worker,
)
from agents_app.registry import TOOLS
from sessions_app.admin import ReadOnlyAdmin
from sessions_app.errors import Refusal

admin.site.site_header = "MCP Chat administration"
admin.site.site_title = "MCP Chat administration"
admin.site.index_title = "Operations"


@admin.register(Pool)
class PoolAdmin(admin.ModelAdmin[Pool]):
    """Pools: the cap takes effect at once, running work goes on."""

    list_display = [
        "name", "cap", "owner_cap", "session_cap", "queue_limit", "queue_timeout_seconds",
        "idle_timeout_seconds", "paused",
    ]  # fmt: skip
    list_editable = ["cap", "owner_cap", "session_cap", "paused"]
    readonly_fields = ["name"]

    def save_model(self, request: HttpRequest, obj: Pool, form: Any, change: bool) -> None:
        """Change what was edited by the verb, which also admits what now has room."""
        gateway.change_pool(obj.name, {name: form.cleaned_data[name] for name in form.changed_data})

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Pools come with the code that uses them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Pool | None = None) -> bool:
        """Pools come with the code that uses them."""
        return False


@admin.register(Subagent)
class SubagentAdmin(ReadOnlyAdmin):
    """Subagents of every user."""

    list_display = [
        "title",
        "owner",
        "pool",
        "state",
        "attempt",
        "percent",
        "stage",
        "queued_at",
        "finished_at",
    ]
    list_filter = ["state", "pool", "tool_name"]
    search_fields = ["title", "id", "session__id", "owner__username"]
    actions = ["cancel", "retry"]

    @admin.display(description="Progress")
    def percent(self, subagent: Subagent) -> str:
        """Return the progress in whole percent."""
        return f"{subagent.progress:.0f} %"

    @admin.action(description="Cancel the chosen subagents")
    def cancel(self, request: HttpRequest, rows: QuerySet[Subagent]) -> None:
        """Cancel each, one transaction each."""
        for subagent_id in rows.values_list("pk", flat=True):
            gateway.cancel(subagent_id)
        self.message_user(request, "They were told to stop.")

    @admin.action(description="Run the chosen subagents again")
    def retry(self, request: HttpRequest, rows: QuerySet[Subagent]) -> None:
        """Queue each again; what is unfinished is refused and named."""
        for subagent in rows:
            try:
                gateway.retry(subagent.pk)
            except Refusal as refusal:
                self.message_user(request, f"{subagent}: {refusal.detail}", messages.WARNING)


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdmin):
    """Files of every user: what there is and how much room it takes, not what is in it."""

    list_display = ["name", "owner", "size", "received", "state", "content_type", "created_at", "expires_at"]
    list_filter = ["state", "content_type"]
    search_fields = ["name", "id", "session__id", "subagent__id", "owner__username"]
    list_select_related = ["owner"]


class ModelProviderForm(forms.ModelForm[ModelProvider]):
    """A provider; its key is taken and never shown."""

    kind = forms.ChoiceField(
        choices=lambda: [(kind, kind) for kind in model_providers.kinds()],
        help_text="whose API it speaks; openai for all that are compatible with it",
    )
    api_key = forms.CharField(
        required=False,
        strip=True,
        label="API key",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="left empty: the one that is stored stays, or else the environment's is used",
    )
    forget_key = forms.BooleanField(required=False, label="Forget the stored key")

    class Meta:
        model = ModelProvider
        fields = ["name", "kind", "base_url", "api_key", "forget_key", "offered", "enabled"]

    def clean_name(self) -> str:
        """Take a name that can stand before the colon."""
        name = str(self.cleaned_data["name"])
        try:
            model_providers.check_name(name)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return name

    def clean_api_key(self) -> str:
        """Keep the stored key if none was typed."""
        typed = str(self.cleaned_data["api_key"])
        return typed or ("" if self.data.get("forget_key") else self.initial.get("api_key", ""))


@admin.register(ModelProvider)
class ModelProviderAdmin(admin.ModelAdmin[ModelProvider]):
    """Where language models come from; each change takes effect with the next answer."""

    form = ModelProviderForm
    list_display = ["name", "kind", "base_url", "has_key", "enabled", "count", "listed_at", "error"]
    readonly_fields = ["listed_models", "listed_at", "error"]
    actions = ["list_models"]

    def get_readonly_fields(self, request: HttpRequest, obj: ModelProvider | None = None) -> list[str]:
        """Fix the name once sessions may refer to it."""
        return [*self.readonly_fields, "name"] if obj else list(self.readonly_fields)

    @admin.display(boolean=True, description="Own key")
    def has_key(self, row: ModelProvider) -> bool:
        """Whether a key is stored."""
        return bool(row.api_key)

    @admin.display(description="Models")
    def count(self, row: ModelProvider) -> int:
        """Return how many users may pick."""
        return len(row.models())

    @admin.display(description="Models that it lists")
    def listed_models(self, row: ModelProvider) -> str:
        """Return what it answered when it was asked last."""
        return ", ".join(row.listed) or "none yet"

    def save_model(self, request: HttpRequest, obj: ModelProvider, form: Any, change: bool) -> None:
        """Store it and ask it for its models."""
        super().save_model(request, obj, form, change)
        gateway.list_models()

    @admin.action(description="Ask all providers for their models")
    def list_models(self, request: HttpRequest, rows: QuerySet[ModelProvider]) -> None:
        """Ask all: one by one would tell nothing more."""
        gateway.list_models()
        self.message_user(request, "They are being asked; look again in some seconds.")


class ToolPolicyForm(forms.ModelForm[ToolPolicy]):
    """A tool that is there, and what shall hold for it."""

    tool_name = forms.ChoiceField(
        choices=lambda: [(name, f"{name}: {TOOLS[name].title}") for name in sorted(TOOLS)],
        label="Tool",
        help_text="a built-in one; tools of MCP servers have their policy with the server",
    )

    class Meta:
        model = ToolPolicy
        fields = ["tool_name", "approval"]


@admin.register(ToolPolicy)
class ToolPolicyAdmin(admin.ModelAdmin[ToolPolicy]):
    """What holds for built-in tools instead of their own word, from the next call on."""

    form = ToolPolicyForm
    list_display = ["tool_name", "approval", "declared", "changed_at"]
    list_editable = ["approval"]
    list_filter = ["approval"]
    search_fields = ["tool_name"]

    def get_readonly_fields(self, request: HttpRequest, obj: ToolPolicy | None = None) -> list[str]:
        """Another tool is another row."""
        return ["tool_name"] if obj else []

    @admin.display(description="Without this row")
    def declared(self, row: ToolPolicy) -> str:
        """Return what the tool itself declares."""
        tool = TOOLS.get(row.tool_name)
        return tool.approval if tool else "There is no such tool any more."


@admin.register(Turn)
class TurnAdmin(ReadOnlyAdmin):
    """Turns of every session."""

    list_display = ["id", "session", "state", "attempt", "model", "created_at", "finished_at"]
    list_filter = ["state", "model"]
    search_fields = ["id", "session__id"]


@admin.register(ToolCall)
class ToolCallAdmin(ReadOnlyAdmin):
    """The audit of fast calls."""

    list_display = ["tool_name", "session", "state", "created_at", "finished_at"]
    list_filter = ["state", "tool_name"]
    search_fields = ["session__id", "tool_name"]


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Processes that work."""

    list_display = ["kind", "host", "pid", "queues", "started_at", "lease_expires_at"]
    list_filter = ["kind", "host"]


@admin.register(MaintenanceRun)
class MaintenanceRunAdmin(ReadOnlyAdmin):
    """Clean-ups: what each did; buttons above the list ask for one now."""

    list_display = ["started_at", "kind", "deep", "state", "outcome", "requested_by"]
    list_filter = ["state", "kind", "deep"]
    exclude = ["slot", "sent_at", "started_ticks"]

    @admin.display(description="Outcome")
    def outcome(self, run: MaintenanceRun) -> str:
        """Return why it failed, or how many jobs it did."""
        return run.error or f"{len(run.results)} jobs"


def monitor_page(request: HttpRequest) -> HttpResponse:
    """Show the monitor, which its script fills; take the buttons that ask for a maintenance run."""
    if request.method == "POST":
        return _maintenance_requested(request)
    context = {**admin.site.each_context(request), "title": "Monitor"}
    return TemplateResponse(request, "agents_app/monitor.html", context)


def _maintenance_requested(request: HttpRequest) -> HttpResponse:
    deep = request.POST.get("deep") == "1"
    try:
        run: Any = maintenance.request(deep=deep, requested_by=request.user)
    except Refusal as refusal:
        messages.warning(request, refusal.detail)
    else:
        messages.success(request, f"{'A deep clean' if run.deep else 'Maintenance'} was asked for.")
    listed = request.POST.get("back") == "runs"
    return redirect("admin:agents_app_maintenancerun_changelist" if listed else "monitor")
