"""A tool that works on a file gets its user's own, whole, or is not called."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from agents_app import gateway, pool, prompts
from agents_app.context import ToolContext
from agents_app.files import reading, receiving, storage
from agents_app.models import StoredFile, Subagent, ToolCall
from agents_app.outcome import Outcome
from agents_app.registry import ToolResult
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession, Message
from tests.agents import work
from tests.files.conftest import attempt_of, uploaded, written

SCHEMA = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "file-id", "maxLength": 100}},
    "required": ["file"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def count_bytes(declare: Callable[..., None]) -> None:
    """A tool that works on a file."""

    def run(context: ToolContext, file: str) -> ToolResult:
        found = reading.readable(context.owner_id, file)
        return ToolResult(summary=f"{found.name}: {len(found.path.read_bytes())} bytes")

    declare("count_bytes", run, input_schema=SCHEMA, safe_to_repeat=True)


def test_a_tool_reads_an_upload_of_its_user(session: ChatSession) -> None:
    stored = uploaded(session.owner_id, b"hello", "note.txt")
    call = gateway.execute_tool(session, "count_bytes", {"file": str(stored.pk)})
    assert isinstance(call, ToolCall)
    assert call.result is not None
    assert call.result["summary"] == "note.txt: 5 bytes"


def _of_another(session: ChatSession, bob: Any) -> str:
    return str(uploaded(bob.pk, b"x").pk)


def _unfinished(session: ChatSession, bob: Any) -> str:
    return str(receiving.announce(session.owner_id, "a", 10).pk)


def _expired(session: ChatSession, bob: Any) -> str:
    stored = uploaded(session.owner_id, b"x")
    StoredFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    return str(stored.pk)


def _without_bytes(session: ChatSession, bob: Any) -> str:
    stored = uploaded(session.owner_id, b"x")
    storage.remove(stored.pk)
    return str(stored.pk)


@pytest.mark.parametrize(
    "make",
    [_of_another, _unfinished, _expired, _without_bytes, lambda *_: "../../etc/passwd", lambda *_: ""],
)
@pytest.mark.parametrize("execution", ["auto", "heavy"])
def test_what_is_not_there_for_the_user_is_refused_before_anything_is_queued(
    session: ChatSession, bob: Any, make: Callable[..., str], execution: str
) -> None:
    with pytest.raises(Refusal) as refused:
        gateway.execute_tool(session, "count_bytes", {"file": make(session, bob)}, execution=execution)
    assert (refused.value.code, refused.value.status) == ("file_not_found", 404)
    assert not Subagent.objects.exists()
    assert not ToolCall.objects.exists()


def test_a_subagent_that_is_handed_the_tool_is_refused_alike(session: ChatSession, bob: Any) -> None:
    task = {"tool_name": "count_bytes", "args": {"file": _of_another(session, bob)}}
    with pytest.raises(Refusal) as refused:
        gateway.spawn(session.pk, "tool_executor", task)
    assert refused.value.code == "file_not_found"


@pytest.mark.parametrize(("size", "heavy"), [(1024 * 1024, False), (1024 * 1024 + 1, True)])
def test_a_file_over_1_mb_makes_a_call_heavy(session: ChatSession, size: int, heavy: bool) -> None:
    stored = uploaded(session.owner_id, b"x" * size, "large.txt")
    done = gateway.execute_tool(session, "count_bytes", {"file": str(stored.pk)})
    assert isinstance(done, Subagent) == heavy
    if isinstance(done, Subagent):
        assert done.title == "Count bytes: large.txt"


def test_work_whose_file_has_expired_is_not_tried_again(session: ChatSession) -> None:
    stored = uploaded(session.owner_id, b"x", "note.txt")
    done = gateway.execute_tool(session, "count_bytes", {"file": str(stored.pk)}, execution="heavy")
    assert isinstance(done, Subagent)
    gateway.cancel(done.pk)
    assert gateway.retry(done.pk).state in {"queued", "admitted"}
    StoredFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Refusal, match=r"note\.txt") as refused:
        gateway.retry(done.pk)
    assert (refused.value.code, refused.value.status) == ("file_expired", 410)


def test_the_model_is_told_what_a_result_delivered(session: ChatSession, tmp_path: Path) -> None:
    subagent = work.running(session)
    context = attempt_of(subagent, tmp_path)
    told = context.deliver(written(context), "a]b*.csv")
    pool.finish(subagent, Outcome(state=Subagent.State.SUCCEEDED, result={"summary": "Done."}))
    message = Message.objects.get(session=session, role=Message.Role.SUBAGENT)
    prompt = prompts.as_prompt(message)
    assert told["file_id"] in prompt
    assert rf"[a\\]b\\*.csv](/files/{told['file_id']}/)" in prompt
    assert "/files/ID/" in prompts.instructions(session)
