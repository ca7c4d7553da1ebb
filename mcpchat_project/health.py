"""The health doors: `/healthz` (this process answers) and `/readyz` (every part of the house is up)."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from agents_app.models import Pool, Worker


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Say of each part whether it is up, and why not: 200 if all are, else 503."""
    components = {name: _result(check) for name, check in _CHECKS.items()}
    ready = all(component["ok"] for component in components.values())
    body = {"status": "ok" if ready else "unavailable", "components": components}
    return JsonResponse(body, status=200 if ready else 503)


def _result(check: Callable[[], str]) -> dict[str, object]:
    try:
        reason = check()
    except (DatabaseError, redis.RedisError, OSError) as error:
        reason = f"{type(error).__name__}"
    return {"ok": not reason, "reason": reason}


def _database() -> str:
    return "" if Pool.objects.exists() else "The pools are missing: run the migrations."


def _redis() -> str:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
        client.ping()
    return ""


def _alive(kind: Worker.Kind) -> Callable[[], str]:
    def check() -> str:
        alive = Worker.objects.alive(timezone.now()).filter(kind=kind).exists()
        return "" if alive else f"No {kind.label.lower()} process is alive."

    return check


_CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "redis": _redis,
    **{kind.value: _alive(kind) for kind in Worker.Kind},
}
