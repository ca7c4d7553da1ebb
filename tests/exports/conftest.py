"""Fixtures of the tests of exports."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from agents_app import admission, gateway, pool, runner
from agents_app.files import names
from agents_app.models import Pool, Subagent, ToolCall
from exports_app.document import freeze
from exports_app.formats import FORMATS
from exports_app.models import Export
from exports_app.options import ExportOptions
from sessions_app.events import session_change
from sessions_app.messages import add
from sessions_app.models import ChatSession
from tests.agents import work
from tests.files.conftest import uploaded
from tests.recording import RecordingContext


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """The folder of the exports, empty; uploads and work have folders of their own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.WORK_DIR = tmp_path / "work"
    settings.FILES_DIR = tmp_path / "files"
    settings.FILES_DIR.mkdir()
    return tmp_path / "media"


@pytest.fixture
def upload(session: ChatSession) -> Callable[..., str]:
    """Upload a file of the session's owner and return the link to it."""

    def do(content: bytes, name: str = "picture.png") -> str:
        stored = uploaded(session.owner_id, content, name)
        return names.as_link(stored.name, str(stored.pk))

    return do


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
def written(session: ChatSession, tmp_path: Path) -> Callable[..., Path]:
    """Have a format write the session's file, without a queue, and return it."""

    def write(file_format: str, context: RecordingContext | None = None, **chosen: Any) -> Path:
        workdir = tmp_path / "attempt"
        workdir.mkdir(exist_ok=True)
        document = freeze(session.pk, options=ExportOptions(**chosen), now=timezone.now())
        target = workdir / f"export.{file_format}"
        context = context or RecordingContext(workdir)
        FORMATS[file_format].write(
            context, document, target, lambda done: context.progress(done, "rendering")
        )
        return target

    return write


@pytest.fixture
def worked(session: ChatSession) -> None:
    """A call that succeeded and a subagent that failed, both in the session."""
    now = timezone.now()
    ToolCall.objects.create(
        session=session,
        seq=session.last_seq,
        tool_name="look_up",
        args={"word": "gnat", "evil": '")#panic("</pre>```\n# Fake'},
        state="succeeded",
        result={"summary": "A small fly."},
        finished_at=now + timedelta(seconds=2),
    )
    Subagent.objects.create(
        session=session,
        owner=session.owner,
        pool=Pool.objects.get(pk="tools"),
        seq=session.last_seq,
        agent_type="tool_executor",
        tool_name="probe",
        title="Analyze <b>the</b> #gnat",
        args={"depth": 7},
        state="failed",
        error={"code": "timeout", "message": "It took too long."},
        queued_at=now,
        queue_deadline_at=now,
        started_at=now,
        finished_at=now + timedelta(seconds=65),
    )


@pytest.fixture
def running_export(session: ChatSession) -> Subagent:
    """An export that a worker of another host is making."""
    subagent = work.export(session)
    work.worker()
    admission.admit("exports")
    started = pool.start(subagent.pk, 1, work.worker().pk)
    assert started is not None
    return started
