"""Addresses of exports: REST and downloads."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from exports_app import api, views

router = SimpleRouter(use_regex_path=False)
router.register("exports", api.ExportViewSet, basename="export")

urlpatterns = [
    path("exports/<uuid:export_id>/", views.DownloadView.as_view(), name="export-download"),
    path("api/", include(router.urls)),
]
