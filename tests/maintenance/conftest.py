"""Fixtures of the tests of the maintenance agent."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model

from agents_app.maintenance.registry import JOBS, JobResult, job
from sessions_app.events import STAFF_TOPIC
from tests.conformity import assert_conforms

Declare = Callable[..., None]
Hear = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def olga(db: None) -> Any:
    """An operator."""
    return get_user_model().objects.create_user("olga", is_staff=True, is_superuser=True)


@pytest.fixture
def declare() -> Iterator[Declare]:
    """Declare a function as a job for the time of the test."""
    before = dict(JOBS)

    def add(name: str, run: Callable[[], JobResult], *, deep: bool = False) -> None:
        job(name=name, deep=deep)(run)

    yield add
    JOBS.clear()
    JOBS.update(before)


@pytest.fixture
def only(declare: Declare) -> Declare:
    """Declare jobs that are the only ones for the time of the test."""
    JOBS.clear()
    return declare


@pytest.fixture
def folders(settings: Any, tmp_path: Path) -> Path:
    """The installation's folders, empty; returns the one that holds them."""
    for name in ("work", "log", "locks", "media"):
        (tmp_path / name).mkdir()
    settings.WORK_DIR, settings.LOG_DIR = tmp_path / "work", tmp_path / "log"
    settings.LOCK_DIR, settings.MEDIA_ROOT = tmp_path / "locks", tmp_path / "media"
    return tmp_path


@pytest.fixture
def staff_events() -> Iterator[Hear]:
    """Subscribe to the staff topic; the function returned returns what was published since, and checks it."""
    with redis.Redis.from_url(django_settings.REDIS_URL) as client, client.pubsub() as pubsub:
        pubsub.subscribe(STAFF_TOPIC)
        assert pubsub.get_message(timeout=5) is not None

        def heard() -> list[dict[str, Any]]:
            found = []
            while (message := pubsub.get_message(timeout=0.2)) is not None:
                found.append(json.loads(message["data"]))
                assert_conforms(found[-1])
            return found

        yield heard
