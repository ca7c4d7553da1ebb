"""REST: maintenance."""

from typing import Any, NotRequired

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app import maintenance
from agents_app.models import MaintenanceRun
from sessions_app.api import IDEMPOTENCY_KEY, idempotency_key
from sessions_app.contract import PayloadSerializer
from sessions_app.payloads import MaintenanceRunPayload, MaintenanceStatistics


class MaintenanceOverview(MaintenanceStatistics):
    """The statistics; staff get the newest runs with them."""

    runs: NotRequired[list[MaintenanceRunPayload]]


class OverviewSerializer(PayloadSerializer):
    """The maintenance agent's statistics."""

    contract = MaintenanceOverview


class RunSerializer(PayloadSerializer):
    """A run as the event contract shows it."""

    contract = MaintenanceRunPayload

    def to_representation(self, instance: MaintenanceRun) -> dict[str, Any]:
        """Return the payload."""
        return dict(maintenance.run_payload(instance))


class RequestRunSerializer(serializers.Serializer[Any]):
    """Which jobs to run."""

    deep = serializers.BooleanField(required=False, default=False, help_text="run the daily jobs too")


class MaintenanceView(APIView):
    """What the maintenance agent has done."""

    @extend_schema(responses=OverviewSerializer)
    def get(self, request: Request) -> Response:
        """Return the cumulative statistics; for staff the newest runs too."""
        runs = {"runs": maintenance.recent_runs()} if request.user.is_staff else {}
        return Response({**maintenance.statistics(), **runs})


class RunMaintenanceView(APIView):
    """Runs on demand, for staff."""

    permission_classes = [IsAdminUser]

    @extend_schema(parameters=[IDEMPOTENCY_KEY], request=RequestRunSerializer, responses={202: RunSerializer})
    def post(self, request: Request) -> Response:
        """Have a worker clean up now. Refuses with `maintenance_running` (409) while a run is under way."""
        serializer = RequestRunSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        deep = serializer.validated_data["deep"]
        run = maintenance.request(deep=deep, requested_by=request.user, key=idempotency_key(request))
        return Response(RunSerializer(run).data, status=202)
