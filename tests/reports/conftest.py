"""Fixtures of the tests of reports: rows as the verbs leave them, and a tool that runs here."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from agents_app.models import Pool, Subagent, Turn
from agents_app.registry import ToolResult, find_tool
from exports_app.reports.period import Period
from exports_app.reports.scope import Scope
from sessions_app import lifecycle
from sessions_app.events import session_change
from sessions_app.messages import add
from sessions_app.models import ChatSession
from tests.recording import RecordingContext

EVIL = '<script>alert(1)</script> [x](javascript:alert(2)) | #eval("3") `#import` \n\n# Fake\n\n$4$ *b* \\'


@pytest.fixture
def context(tmp_path: Path, session: ChatSession) -> RecordingContext:
    """The context of a run in ann's session."""
    (tmp_path / "work").mkdir()
    recording = RecordingContext(tmp_path / "work")
    recording.session_id, recording.owner_id = session.pk, session.owner_id
    return recording


@pytest.fixture
def report(context: RecordingContext) -> Callable[..., ToolResult]:
    """Run the tool with arguments that were checked."""

    def run(**arguments: Any) -> ToolResult:
        tool = find_tool("generate_report")
        return tool.run(context, **tool.validate(arguments))

    return run


@pytest.fixture
def staff_session(db: None) -> ChatSession:
    """A session of a member of staff."""
    return lifecycle.start(get_user_model().objects.create_user("root", is_staff=True))


@pytest.fixture
def worked() -> Callable[..., Subagent]:
    """Add a piece of work that has ended."""

    def make(session: ChatSession, title: str = "work", *, seconds: float = 10, **values: Any) -> Subagent:
        queued_at = values.pop("queued_at", timezone.now() - timedelta(minutes=1))
        state = values.setdefault("state", "succeeded")
        if state == "failed":
            values.setdefault("error", {"code": "timeout", "message": "It took too long."})
        return Subagent.objects.create(
            session=session,
            owner=session.owner,
            pool=Pool.objects.get(pk="tools"),
            seq=0,
            agent_type="tool_executor",
            tool_name=values.pop("tool_name", "probe"),
            title=title,
            queued_at=queued_at,
            queue_deadline_at=queued_at,
            started_at=queued_at + timedelta(seconds=2),
            finished_at=queued_at + timedelta(seconds=2 + seconds),
            **values,
        )

    return make


@pytest.fixture
def said() -> Callable[..., None]:
    """Add messages of a person and an answer that took tokens."""

    def make(session: ChatSession, *texts: str) -> None:
        with session_change(session.pk) as change:
            for text in texts:
                add(change, role="user", content=text)
        Turn.objects.create(
            session=session,
            state="completed",
            model="openai:gpt-5",
            requests=2,
            input_tokens=1500,
            output_tokens=300,
            cost_usd="0.0125",
        )

    return make


@pytest.fixture
def scope_of() -> Callable[..., Scope]:
    """Return what a report on a session's user may see, without limits of time."""

    def make(session: ChatSession, kind: str = "mine") -> Scope:
        today = timezone.now().date()
        return Scope(
            kind=kind,
            period=Period(first=None, last=today),
            owner_id=session.owner_id,
            session_id=session.pk,
        )

    return make
