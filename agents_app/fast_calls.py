"""Fast calls of tools: made at once, here or in the chat worker, with a row each as their audit."""

import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from agents_app import admission, background_calls, outcome, tool_policies
from agents_app.background_calls import Background
from agents_app.context import Stopped, ToolContext, ToolError
from agents_app.files import delivering
from agents_app.files.delivering import Origin
from agents_app.mcp_servers.calling import tool_at_hand
from agents_app.models import Subagent, ToolCall
from agents_app.outcome import Outcome
from agents_app.presentation import tool_payload
from agents_app.registry import TOOLS, Tool
from sessions_app import plain
from sessions_app.errors import Refusal
from sessions_app.events import announce, session_change
from sessions_app.models import ChatSession
from sessions_app.payloads import FilePayload, ToolProgress

HAND_OVER_SECONDS = 30
STAGE_MAX_CHARACTERS = 200
MOVE_AGAIN_SECONDS = 0.5
_LOST = (
    "The process died during this call, so it may have taken effect. Do not make it again by yourself: "
    "say what happened, and ask the user whether to."
)


def begin(
    session: ChatSession, tool: Tool, arguments: dict[str, Any], turn_id: UUID | None, call_id: UUID
) -> ToolCall | None:
    """Record the call; return the earlier one instead if it must not be made again."""
    try:
        with session_change(session.pk) as change:
            if change.session.state == ChatSession.State.STOPPED:
                raise Refusal("session_not_active", "The session is stopped.", status=409)
            call = ToolCall.objects.create(
                id=call_id,
                session=change.session,
                turn_id=turn_id,
                seq=change.next_seq,
                tool_name=tool.name,
                args=arguments,
            )
            change.record("tool.started", tool_payload(call))
            return None
    except IntegrityError:
        earlier = ToolCall.objects.filter(pk=call_id, session=session).first()
    if earlier is None:
        raise Refusal("invalid_call_id", "This id names another call.", status=409)
    if earlier.state != ToolCall.State.RUNNING:
        return earlier
    if turn_id is None and timezone.now() < earlier.created_at + timedelta(
        seconds=tool.execution_timeout_seconds
    ):
        raise Refusal("call_in_progress", "This call is still being made.", status=409, retry_after_seconds=1)
    if tool.safe_to_repeat:
        return None
    lost = outcome.failed("worker_lost", _LOST)
    return _end(call_id, session, lost)


def make(
    session: ChatSession,
    tool: Tool,
    arguments: dict[str, Any],
    call_id: UUID,
    must_end: Callable[[], bool] = lambda: False,
    moved: Callable[[Subagent], None] = lambda _: None,
) -> ToolCall:
    """Make a call and store how it ended, be it in the background by then; return it as it stands."""
    context = _FastContext(session, tool, arguments, call_id, must_end, moved)
    ended = _run(tool, context, arguments)
    if context.background is not None:
        background_calls.end(context.background, ended)
        return ToolCall.objects.get(pk=call_id)
    return _end(call_id, session, ended)


def _run(tool: Tool, context: "_FastContext", arguments: dict[str, Any]) -> Outcome:
    try:
        with tempfile.TemporaryDirectory() as folder:
            context.workdir = Path(folder)
            return outcome.of_result(tool.run(context, **arguments))
    except BaseException as error:  # noqa: BLE001  # a tool's bug is the call's result, not the turn's end
        if isinstance(error, Stopped) and context.background is None:
            error = context.reason()
        return outcome.of_error(error)


def _end(call_id: UUID, session: ChatSession, end: Outcome) -> ToolCall:
    succeeded = end.state == Subagent.State.SUCCEEDED
    state = ToolCall.State.SUCCEEDED if succeeded else ToolCall.State.FAILED
    with session_change(session.pk) as change:
        running = ToolCall.objects.filter(pk=call_id, state=ToolCall.State.RUNNING)
        moved = running.update(state=state, result=end.result, error=end.error, finished_at=timezone.now())
        call = ToolCall.objects.get(pk=call_id)
        if moved:
            change.record("tool.completed" if succeeded else "tool.failed", tool_payload(call))
    return call


def hand_over(call_id: UUID, tool: Tool) -> ToolCall:
    """Have the chat worker make a call; it fails at its deadline whatever becomes of the worker."""
    patience = timedelta(seconds=tool.execution_timeout_seconds + HAND_OVER_SECONDS)
    now = timezone.now()
    with transaction.atomic():
        ToolCall.objects.filter(pk=call_id).update(deadline_at=now + patience, sent_at=now)
    admission.send_task("agents_app.chat_tasks.run_call", "chat", str(call_id))
    return ToolCall.objects.get(pk=call_id)


def run_call(call_id: UUID, moved: Callable[[Subagent], None] = lambda _: None) -> None:
    """Make a call that was handed over; a message that comes twice makes it once.

    `moved` is told if it goes on in the background.
    """
    waiting = ToolCall.objects.filter(pk=call_id, state=ToolCall.State.RUNNING, deadline_at__isnull=False)
    with transaction.atomic():
        if not waiting.filter(claimed_at=None).update(claimed_at=timezone.now()):
            return
    call = ToolCall.objects.select_related("session").get(pk=call_id)
    try:
        tool = tool_at_hand(call.session, call.tool_name)
        tool_policies.refuse_denied(tool)
    except Refusal as refusal:
        _end(call_id, call.session, outcome.failed(refusal.code, refusal.detail))
    else:
        make(call.session, tool, call.args, call.pk, moved=moved)


def see_to_handed_over_calls(now: datetime) -> None:
    """Send messages anew for calls that nobody took; fail those that did not end in time."""
    patience = timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    running = ToolCall.objects.filter(state=ToolCall.State.RUNNING, deadline_at__isnull=False)
    for call_id in running.filter(claimed_at=None, sent_at__lte=now - patience).values_list("pk", flat=True):
        with transaction.atomic():
            running.filter(pk=call_id).update(sent_at=now)
        admission.send_task("agents_app.chat_tasks.run_call", "chat", str(call_id))
    _end_lost_calls(now)


def _end_lost_calls(now: datetime) -> None:
    late = ToolCall.objects.filter(state=ToolCall.State.RUNNING, deadline_at__lte=now)
    for call in late.select_related("session"):
        lost = outcome.failed("worker_lost", "The process died during this call; it may have taken effect.")
        _end(call.pk, call.session, lost)


class _FastContext(ToolContext):
    """The context of a fast call; once the call has moved into the background, that of its subagent."""

    def __init__(
        self,
        session: ChatSession,
        tool: Tool,
        arguments: dict[str, Any],
        call_id: UUID,
        must_end: Callable[[], bool],
        moved: Callable[[Subagent], None],
    ) -> None:
        self.background: Background | None = None
        self.session_id, self.owner_id, self.subagent_id = session.pk, session.owner_id, None
        self._session, self._tool, self._arguments, self._call_id = session, tool, arguments, call_id
        self._must_end, self._moved = must_end, moved
        self._seconds = tool.execution_timeout_seconds
        self._deadline = time.monotonic() + self._seconds
        self._told: tuple[float, str] | None = None
        self._delivered: list[UUID] = []
        self._may_move = tool.in_chat_worker and tool.name not in TOOLS
        self._moves_at = time.monotonic() + settings.BACKGROUND_AFTER_SECONDS

    def progress(self, percent: float, stage: str, estimated_seconds_left: float | None = None) -> None:
        """Tell the feed; whoever calls often is a tool of ours, and those are quick."""
        if self.background is None:
            self._told = percent, stage
            self.check()  # which may move it
        if self.background is not None:
            self.background.attempt.progress(percent, stage, estimated_seconds_left)
            return
        payload: ToolProgress = {
            "call_id": str(self._call_id),
            "progress": round(min(max(percent, 0.0), 100.0), 1),
            "stage": plain.text(stage, STAGE_MAX_CHARACTERS),
        }
        announce(self.session_id, "tool.progress", payload)

    def check(self) -> None:
        """Raise `Stopped` when the tool's time is up, or the answer that it is made for was stopped."""
        if self.background is not None:
            self.background.attempt.check()
        elif self._must_end() or time.monotonic() > self._deadline:
            raise Stopped
        elif self._may_move and time.monotonic() >= self._moves_at:
            self._move()

    def reason(self) -> Exception:
        """Return why the tool was stopped."""
        if self._must_end():
            return ToolError("cancelled", "The answer was stopped before this call ended.")
        if time.monotonic() > self._deadline:
            return ToolError("timeout", f"It took longer than {self._seconds:g} s.")
        return RuntimeError("the tool stopped by itself")

    def keep(self, summary: str, data: Mapping[str, Any] | None = None, report: str = "") -> None:
        """Keep a partial result, if there is a row to keep it on."""
        if self.background is not None:
            self.background.attempt.keep(summary, data, report)

    def deliver(self, path: Path, name: str, content_type: str = "") -> FilePayload:
        """Hand a file of the work folder to the user; see `ToolContext.deliver`."""
        if self.background is not None:
            return delivering.deliver(self.background.attempt.origin, self, path, name, content_type)
        origin = Origin(session_id=self.session_id, owner_id=self.owner_id)
        payload = delivering.deliver(origin, self, path, name, content_type)
        self._delivered.append(UUID(payload["file_id"]))
        return payload

    def _move(self) -> None:
        """Go on in the background if there is a slot; else here, and try again soon."""
        self.background = background_calls.move(self._call_id, self._session, self._tool, self._arguments)
        self._moves_at = time.monotonic() + MOVE_AGAIN_SECONDS
        if self.background is not None:
            delivering.adopt(self._delivered, self.background.subagent)
            self._moved(self.background.subagent)
            if self._told is not None:
                self.background.attempt.progress(*self._told)
