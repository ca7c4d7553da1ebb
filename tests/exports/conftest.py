"""Fixtures of the tests of exports."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents_app import admission, gateway, pool, runner
from agents_app.models import Subagent
from exports_app.models import Export
from sessions_app.events import session_change
from sessions_app.messages import add
from sessions_app.models import ChatSession
from tests.agents import work


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """The folder of the files, empty."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.WORK_DIR = tmp_path / "work"
    return tmp_path / "media"


@pytest.fixture
def files(media: Path) -> Callable[[], list[Path]]:
    """Return the files that are stored now."""
    return lambda: sorted(path for path in media.rglob("*") if path.is_file())


@pytest.fixture
def render(registered: Any) -> Callable[..., Export]:
    """Have a session exported by this process and return the export."""

    def do(session: ChatSession, file_format: str = "json", **options: Any) -> Export:
        subagent = gateway.request_export(session.pk, file_format, options)
        work.worker()
        admission.admit("exports")
        runner.run(subagent.pk, 1)
        return Export.objects.select_related("subagent").get(subagent=subagent)

    return do


@pytest.fixture
def say(session: ChatSession) -> Callable[..., None]:
    """Add messages to the session, without asking for an answer."""

    def add_all(*contents: str, role: str = "user") -> None:
        with session_change(session.pk) as change:
            for content in contents:
                add(change, role=role, content=content)

    return add_all


@pytest.fixture
def running_export(session: ChatSession) -> Subagent:
    """An export that a worker of another host is making."""
    subagent = work.export(session)
    work.worker()
    admission.admit("exports")
    started = pool.start(subagent.pk, 1, work.worker().pk)
    assert started is not None
    return started
