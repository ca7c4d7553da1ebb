"""Every address of the server."""

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from agents_app.admin import monitor_page
from mcpchat_project import health

# Swagger UI sets styles on its elements from its script's templates; scripts stay as strict as elsewhere.
docs = csp_update({"style-src": [UNSAFE_INLINE]})(SpectacularSwaggerSplitView.as_view(url_name="schema"))

handler404 = "mcpchat_project.error_pages.not_found"
handler500 = "mcpchat_project.error_pages.broken"

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("admin/monitor/", admin.site.admin_view(monitor_page), name="monitor"),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", docs, name="docs"),
    path("", include("mcpchat_project.accounts.urls")),
    path("", include("exports_app.urls")),
    path("", include("agents_app.urls")),
    path("", include("sessions_app.urls")),
]
