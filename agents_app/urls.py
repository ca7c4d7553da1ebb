"""Addresses of tools, subagents, turns, pools, maintenance and the monitor."""

from django.urls import path

from agents_app.api import branches, maintenance, monitor, pools, subagents, tools, turns
from agents_app.api.waiting import waits

subagent = subagents.SubagentViewSet.as_view({"get": "retrieve"})

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
        "api/tools/<str:name>/execute/", waits(tools.ExecuteToolView.as_view(), subagent), name="tool-execute"
    ),
    path("api/sessions/<uuid:session_id>/turns/", turns.TurnsView.as_view(), name="turn-list"),
    path("api/sessions/<uuid:session_id>/tool-calls/", tools.CallsView.as_view(), name="call-list"),
    path("api/turns/<uuid:turn_id>/stop/", turns.StopTurnView.as_view(), name="turn-stop"),
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
    path("api/maintenance/", maintenance.MaintenanceView.as_view(), name="maintenance"),
    path("api/maintenance/run/", maintenance.RunMaintenanceView.as_view(), name="maintenance-run"),
    path("api/monitor/", monitor.MonitorView.as_view(), name="monitor-api"),
    path("metrics", monitor.MetricsView.as_view(), name="metrics"),
]
