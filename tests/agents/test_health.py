"""The health doors."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents_app.models import Worker
from tests.agents import work


def _components(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["components"]


def _all_up() -> None:
    for kind in Worker.Kind:
        row = work.workers(1)[0]
        Worker.objects.filter(pk=row.pk).update(kind=kind)


def test_a_process_that_answers_is_alive(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_with_every_part_up_it_is_ready(db: None, client: Client) -> None:
    _all_up()
    status, components = _components(client)
    assert status == 200
    assert set(components) == {"database", "redis", "agents", "chat", "keeper", "beat"}
    assert all(component == {"ok": True, "reason": ""} for component in components.values())


@pytest.mark.parametrize("kind", Worker.Kind.values)
def test_a_part_that_is_dead_is_named(db: None, client: Client, kind: str) -> None:
    _all_up()
    Worker.objects.filter(kind=kind).update(lease_expires_at=timezone.now())
    status, components = _components(client)
    assert status == 503
    assert [name for name, component in components.items() if not component["ok"]] == [kind]


def test_a_broker_that_is_away_is_named_within_a_second(db: None, client: Client, settings: Any) -> None:
    _all_up()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    began = timezone.now()
    status, components = _components(client)
    assert (status, components["redis"]["ok"]) == (503, False)
    assert (timezone.now() - began).total_seconds() < 1


def test_the_doors_tell_outsiders_no_addresses(db: None, client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://user:secret@127.0.0.1:1/0"
    assert b"secret" not in client.get("/readyz").content
    assert b"127.0.0.1" not in client.get("/readyz").content


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_health_is_never_cached(db: None, client: Client, address: str) -> None:
    assert "no-store" in client.get(address)["cache-control"]
