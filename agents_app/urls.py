"""Addresses of tools, subagents, turns and pools."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from agents_app.api import pools, subagents, tools, turns

router = SimpleRouter(use_regex_path=False)
router.register("subagents", subagents.SubagentViewSet, basename="subagent")

urlpatterns = [
    path("api/", include(router.urls)),
    path("api/tools/", tools.ToolsView.as_view(), name="tool-list"),
    path("api/tools/<str:name>/execute/", tools.ExecuteToolView.as_view(), name="tool-execute"),
    path("api/turns/<uuid:turn_id>/stop/", turns.StopTurnView.as_view(), name="turn-stop"),
    path("api/pools/", pools.PoolsView.as_view(), name="pool-list"),
]
