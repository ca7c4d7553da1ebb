"""REST: pools."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app import gateway


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
