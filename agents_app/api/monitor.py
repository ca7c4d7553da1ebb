"""REST: the monitor, and the metrics for Prometheus."""

from django.conf import settings
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from rest_framework.permissions import BasePermission, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app import metrics, monitor
from sessions_app.contract import PayloadSerializer
from sessions_app.negotiation import AnyAccept


class SnapshotSerializer(PayloadSerializer):
    """The house at one moment."""

    contract = monitor.Snapshot


class MonitorView(APIView):
    """How the house does, for staff."""

    permission_classes = [IsAdminUser]

    @extend_schema(responses=SnapshotSerializer)
    def get(self, request: Request) -> Response:
        """Return components, pools with a row for each worker, queues, recent failures and maintenance."""
        return Response(monitor.snapshot())


class IsStaffOrPrometheus(BasePermission):
    """Staff, and who sends `Authorization: Bearer` with METRICS_TOKEN.

    That a request comes from this machine counts for nothing: behind a proxy all of them do.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller may read the metrics."""
        sent = request.headers.get("Authorization", "")
        if settings.METRICS_TOKEN and constant_time_compare(sent, f"Bearer {settings.METRICS_TOKEN}"):
            return True
        return bool(request.user and request.user.is_staff)


class MetricsView(APIView):
    """The metrics."""

    permission_classes = [IsStaffOrPrometheus]
    content_negotiation_class = AnyAccept
    throttle_classes = []

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Return them in Prometheus's text format."""
        return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
