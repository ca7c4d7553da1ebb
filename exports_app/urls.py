"""Addresses of exports: REST and downloads."""

from django.urls import path

from agents_app.api.waiting import waits
from exports_app import api, import_api, views

export = api.ExportViewSet.as_view({"get": "retrieve"})

urlpatterns = [
    path("exports/<uuid:export_id>/", views.DownloadView.as_view(), name="export-download"),
    path("api/sessions/import/", import_api.ImportView.as_view(), name="session-import"),
    path(
        "api/exports/",
        waits(api.ExportViewSet.as_view({"get": "list", "post": "create"}), api.of_subagent),
        name="export-list",
    ),
    path("api/exports/<uuid:pk>/", waits(export), name="export-detail"),
]
