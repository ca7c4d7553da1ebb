"""The health doors: `/healthz` (this process answers) and `/readyz` (every part of the house is up)."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from agents_app import monitor
from agents_app.models import Worker

NEEDED = ("database", "redis", *Worker.Kind.values)


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Say of each part whether it is up, and why not: 200 if all are, else 503.

    A part that is only slow is up: taking this process away would not make it faster.
    """
    parts = monitor.components()
    shown = {name: _shown(parts[name]) for name in NEEDED}
    ready = all(part["ok"] for part in shown.values())
    body = {"status": "ok" if ready else "unavailable", "components": shown}
    return JsonResponse(body, status=200 if ready else 503)


def _shown(part: monitor.Component) -> dict[str, object]:
    return {"ok": part["status"] != monitor.UNAVAILABLE, "reason": part["reason"]}
