"""Addresses of tools, subagents, turns, pools, maintenance and the monitor."""

from django.urls import path

from agents_app.api import (
    approvals,
    branches,
    commands,
    files,
    maintenance,
    mcp_servers,
    models,
    monitor,
    pools,
    subagents,
    tools,
    turns,
)
from agents_app.api.waiting import waits

subagent = subagents.SubagentViewSet.as_view({"get": "retrieve"})
call = tools.CallView.as_view()

urlpatterns = [
    path(
        "api/subagents/",
        waits(subagents.SubagentViewSet.as_view({"get": "list", "post": "create"}), subagent),
        name="subagent-list",
    ),
    path(
        "api/subagents/cancel/",
        subagents.SubagentViewSet.as_view({"post": "cancel_many"}),
        name="subagent-cancel-many",
    ),
    path("api/subagents/<uuid:pk>/", waits(subagent), name="subagent-detail"),
    path(
        "api/subagents/<uuid:pk>/cancel/",
        subagents.SubagentViewSet.as_view({"post": "cancel"}),
        name="subagent-cancel",
    ),
    path(
        "api/subagents/<uuid:pk>/retry/",
        waits(subagents.SubagentViewSet.as_view({"post": "retry"}), subagent),
        name="subagent-retry",
    ),
    path("api/tools/", tools.ToolsView.as_view(), name="tool-list"),
    path(
        "api/tools/<str:name>/execute/",
        waits(tools.ExecuteToolView.as_view(), subagent, call),
        name="tool-execute",
    ),
    path("api/tool-calls/<uuid:pk>/", waits(call), name="call-detail"),
    path("api/sessions/<uuid:session_id>/turns/", turns.TurnsView.as_view(), name="turn-list"),
    path("api/sessions/<uuid:session_id>/usage/", turns.UsageView.as_view(), name="session-usage"),
    path("api/sessions/<uuid:session_id>/tool-calls/", tools.CallsView.as_view(), name="call-list"),
    path(
        "api/sessions/<uuid:session_id>/approvals/", approvals.ApprovalsView.as_view(), name="approval-list"
    ),
    path("api/approvals/<uuid:approval_id>/", approvals.ApprovalView.as_view(), name="approval-detail"),
    path("api/tool-permissions/", approvals.PermissionsView.as_view(), name="permission-list"),
    path("api/tool-permissions/<int:pk>/", approvals.PermissionView.as_view(), name="permission-detail"),
    path("api/turns/<uuid:turn_id>/stop/", turns.StopTurnView.as_view(), name="turn-stop"),
    path("api/commands/", commands.CommandsView.as_view(), name="command-list"),
    path("api/files/", files.FilesView.as_view(), name="file-list"),
    path("api/files/<uuid:file_id>/", files.FileView.as_view(), name="file-detail"),
    path(
        "api/files/<uuid:file_id>/content/",
        files.receives(files.ContentView.as_view()),
        name="file-content",
    ),
    path("files/<uuid:file_id>/", files.DownloadView.as_view(), name="file-download"),
    path("api/models/", models.ModelsView.as_view(), name="model-list"),
    path(
        "api/sessions/<uuid:session_id>/messages/<uuid:message_id>/edit/",
        branches.EditView.as_view(),
        name="message-edit",
    ),
    path(
        "api/sessions/<uuid:session_id>/messages/<uuid:message_id>/regenerate/",
        branches.RegenerateView.as_view(),
        name="message-regenerate",
    ),
    path("api/sessions/<uuid:session_id>/branches/", branches.BranchesView.as_view(), name="branch-list"),
    path(
        "api/sessions/<uuid:session_id>/branches/<uuid:branch_id>/switch/",
        branches.SwitchView.as_view(),
        name="branch-switch",
    ),
    path("api/pools/", pools.PoolsView.as_view(), name="pool-list"),
    path("api/pools/<str:name>/", pools.PoolView.as_view(), name="pool-detail"),
    path("api/mcp/servers/", mcp_servers.ServersView.as_view(), name="mcp-server-list"),
    path("api/mcp/servers/import/", mcp_servers.ImportServersView.as_view(), name="mcp-server-import"),
    path("api/mcp/servers/<uuid:server_id>/", mcp_servers.ServerView.as_view(), name="mcp-server"),
    path(
        "api/mcp/servers/<uuid:server_id>/pause/",
        mcp_servers.PauseServerView.as_view(),
        name="mcp-server-pause",
    ),
    path(
        "api/mcp/servers/<uuid:server_id>/resume/",
        mcp_servers.ResumeServerView.as_view(),
        name="mcp-server-resume",
    ),
    path(
        "api/mcp/servers/<uuid:server_id>/tools/",
        mcp_servers.ServerToolsView.as_view(),
        name="mcp-server-tools",
    ),
    path(
        "api/mcp/servers/<uuid:server_id>/resources/",
        mcp_servers.ServerResourcesView.as_view(),
        name="mcp-server-resources",
    ),
    path(
        "api/mcp/servers/<uuid:server_id>/prompts/",
        mcp_servers.ServerPromptsView.as_view(),
        name="mcp-server-prompts",
    ),
    path("api/mcp/offers/", mcp_servers.OffersView.as_view(), name="mcp-offers"),
    path("api/maintenance/", maintenance.MaintenanceView.as_view(), name="maintenance"),
    path("api/maintenance/run/", maintenance.RunMaintenanceView.as_view(), name="maintenance-run"),
    path("api/monitor/", monitor.MonitorView.as_view(), name="monitor-api"),
    path("metrics", monitor.MetricsView.as_view(), name="metrics"),
]
