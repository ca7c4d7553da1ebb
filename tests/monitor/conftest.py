"""Fixtures of the tests of the monitor."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from agents_app.models import Worker
from tests.agents import work


@pytest.fixture
def olga(db: None) -> Any:
    """An operator."""
    return get_user_model().objects.create_user("olga", is_staff=True, is_superuser=True)


@pytest.fixture
def everything_up(db: None) -> None:
    """Six agents workers, and one process of each other kind."""
    work.workers(6)
    for kind in (Worker.Kind.CHAT, Worker.Kind.KEEPER, Worker.Kind.BEAT):
        row = work.workers(1, queues="")[0]
        Worker.objects.filter(pk=row.pk).update(kind=kind)


@pytest.fixture
def kill() -> Any:
    """Let the lease of every process of a kind lapse."""
    return lambda kind: Worker.objects.filter(kind=kind).update(lease_expires_at=timezone.now())
