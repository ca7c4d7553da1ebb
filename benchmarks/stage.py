"""What each benchmark needs in the process that measures: a session, workers that are there."""

import time
import uuid
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from agents_app.models import Subagent, Worker
from benchmarks.installation import CONCURRENCY
from sessions_app import lifecycle


def a_session(name: str = "") -> Any:
    """Return a new session of a new user."""
    return lifecycle.start(get_user_model().objects.create_user(name or uuid.uuid4().hex))


def wait_for_workers(seconds: float = 60.0) -> None:
    """Return when all children of the agents worker are known. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while Worker.objects.alive(timezone.now()).filter(kind="agents").count() < CONCURRENCY:
        if time.monotonic() > deadline:
            raise TimeoutError("the workers did not start")
        time.sleep(0.05)


def wait_until_idle(seconds: float = 60.0) -> None:
    """Return when no subagent is unfinished. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while Subagent.objects.unfinished().exists():
        if time.monotonic() > deadline:
            raise TimeoutError("the work does not end")
        time.sleep(0.002)
