"""REST: pools."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app import gateway
from agents_app.models import Pool
from sessions_app.errors import not_found


class PoolsView(APIView):
    """The pools."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Return each pool's cap, capacity, queue and counts; who works on what is told to staff only."""
        pools = gateway.pool_status()
        if not request.user.is_staff:
            for pool in pools:
                del pool["workers"]
        return Response(pools)


class PoolSerializer(serializers.ModelSerializer[Pool]):
    """What staff may change of a pool while it runs."""

    class Meta:
        model = Pool
        fields = [
            "cap", "owner_cap", "session_cap", "queue_limit", "queue_timeout_seconds", "idle_timeout_seconds",
            "paused",
        ]  # fmt: skip


class PoolView(APIView):
    """One pool, for staff."""

    permission_classes = [IsAdminUser]

    @extend_schema(request=PoolSerializer(partial=True), responses={200: OpenApiTypes.OBJECT})
    def patch(self, request: Request, name: str) -> Response:
        """Change caps and limits, pause or resume; it takes effect at once, and running work goes on."""
        pool = Pool.objects.filter(pk=name).first()
        if pool is None:
            raise not_found("pool")
        serializer = PoolSerializer(pool, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changes: dict[str, Any] = serializer.validated_data
        return Response(gateway.change_pool(pool.name, changes))
