"""The main agent: answers the messages that wait, with a model and tools, step by step.

Each model reply is stored when it is complete. A turn whose process dies goes on from there in another; the
tool calls of that step are made again under the same ids, which the gateway recognises.
"""

import asyncio
import logging
from typing import Any
from uuid import UUID

from django.conf import settings
from pydantic_ai import Agent, RunContext, Tool
from pydantic_ai.exceptions import AgentRunError, UserError
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    UserPromptPart,
)

from agents_app import gateway, liveness, llm, prompts, turns
from agents_app.draft import Draft
from agents_app.models import Subagent, ToolCall, Turn
from agents_app.presentation import bounded
from agents_app.registry import TOOLS
from agents_app.turn_thread import TurnThread
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession, Message

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.05
LOOK_SECONDS = 0.4
HISTORY_TURNS = 20
TOOL_RESULT_MAX_BYTES = 32 * 1024
State = Turn.State


class Shutdown:
    """Set when the worker is told to go: running turns are then handed over."""

    requested = False


def run(turn_id: UUID, attempt: int) -> None:
    """Run one attempt of a turn to its end; does nothing if somebody else has it or it is over."""
    turn = turns.claim(turn_id, attempt, liveness.current_worker_id())
    if turn is None:
        return
    thread = TurnThread()
    answer = Answer(turn, thread)
    try:
        thread.run(answer.run())
    except Exception as error:  # noqa: BLE001  # every failure of a turn is told in the chat
        if answer.interruption is None:
            _fail(turn, error)
            return
    _end(turn, answer.interruption)


class Answer:
    """One attempt at an answer: runs on the shared loop, touches the database through its thread."""

    def __init__(self, turn: Turn, thread: TurnThread) -> None:
        self.turn = turn
        self.thread = thread
        self.session: ChatSession = turn.session
        self.draft = Draft(turn)
        self.interruption: str | None = None

    async def run(self) -> None:
        """Converse until the model is done, the turn is stopped, or its time is up."""
        work = asyncio.create_task(self._converse())
        watch = asyncio.create_task(self._watch(work))
        try:
            await asyncio.wait_for(asyncio.shield(work), settings.TURN_TIMEOUT_SECONDS)
        except TimeoutError:
            self.interruption = "timeout"
        except asyncio.CancelledError:
            self.interruption = self.interruption or "stopped"
        finally:
            watch.cancel()
            work.cancel()
            await asyncio.gather(watch, work, return_exceptions=True)
            await self.thread.call(self.draft.flush, store=True)

    async def _watch(self, work: asyncio.Task[None]) -> None:
        """Send text on as it grows; look for a stop; cancel the work when there is one."""
        looked = 0.0
        while not work.done():
            await asyncio.sleep(WATCH_SECONDS)
            now = asyncio.get_running_loop().time()
            await self.thread.call(self.draft.flush)
            if now - looked >= LOOK_SECONDS:
                looked = now
                self.interruption = await self.thread.call(self._look)
                if self.interruption:
                    work.cancel()

    def _look(self) -> str | None:
        if Shutdown.requested:
            return "shutdown"
        return "stopped" if turns.must_stop(self.turn) else None

    async def _converse(self) -> None:
        history, steps = await self.thread.call(self._history)
        model = await self.thread.call(llm.build, self.turn.model)
        agent = Agent(model, tools=_tools(), deps_type=Answer, instructions=prompts.INSTRUCTIONS)
        async with agent.iter(None, message_history=[*history, *steps], deps=self) as run:
            async for node in run:
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as stream:
                        async for event in stream:
                            self._take(event)
                elif Agent.is_call_tools_node(node):
                    await self._store(run.all_messages()[len(history) :])

    def _take(self, event: object) -> None:
        if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
            self.draft.append(event.part.content)
        elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
            self.draft.append(event.delta.content_delta)

    async def _store(self, steps: list[ModelMessage]) -> None:
        """Store the step that is complete; a turn that is no longer ours ends here."""
        dumped = ModelMessagesTypeAdapter.dump_python(steps, mode="json")
        if not await self.thread.call(self.draft.complete, dumped):
            raise asyncio.CancelledError

    def _history(self) -> tuple[list[ModelMessage], list[ModelMessage]]:
        """Return what was said in earlier turns, and this turn's own steps or its first request."""
        earlier = self.session.turns.filter(state=State.COMPLETED).exclude(pk=self.turn.pk)
        newest = reversed(earlier.order_by("-created_at").values_list("steps", flat=True)[:HISTORY_TURNS])
        history = [message for steps in newest for message in _loaded(steps)]
        if self.turn.steps:
            return history, _loaded(self.turn.steps)
        waiting = self.session.messages.in_order().filter(turn_id=self.turn.pk).exclude(
            role=Message.Role.ASSISTANT
        )  # fmt: skip
        parts = [UserPromptPart(content=prompts.as_prompt(message)) for message in waiting]
        return history, [ModelRequest(parts=parts, instructions=prompts.INSTRUCTIONS)]

    def call_tool(self, name: str, arguments: dict[str, Any], call_id: str) -> dict[str, Any]:
        """Call a tool for the model and return what it is told; a refusal is an answer, not an error."""
        try:
            done = gateway.execute_tool(
                self.session,
                name,
                arguments,
                turn_id=self.turn.pk,
                call_id=turns.call_id(self.turn, call_id),
            )
        except Refusal as refusal:
            return {"error": refusal.as_error()}
        return _handle(done) if isinstance(done, Subagent) else _answer(done)


def _handle(subagent: Subagent) -> dict[str, Any]:
    subagent.refresh_from_db()
    return {
        "subagent_id": str(subagent.pk),
        "title": subagent.title,
        "state": subagent.state,
        "note": "It runs in the background; its result arrives as a message.",
    }


def _answer(call: ToolCall) -> dict[str, Any]:
    if call.error:
        return {"error": call.error}
    return bounded(call.result or {}, TOOL_RESULT_MAX_BYTES)


def _tools() -> list[Tool[Answer]]:
    return [
        Tool.from_schema(
            _caller(tool.name),
            name=tool.name,
            description=tool.description + (" Heavy: runs as a subagent." if tool.heavy else ""),
            json_schema=dict(tool.input_schema),
            takes_ctx=True,
            sequential=True,
        )
        for tool in TOOLS.values()
    ]


def _caller(name: str) -> Any:
    async def call(context: RunContext[Answer], **arguments: Any) -> dict[str, Any]:
        answer = context.deps
        return await answer.thread.call(answer.call_tool, name, arguments, context.tool_call_id or "")

    return call


def _loaded(steps: list[Any]) -> list[ModelMessage]:
    return ModelMessagesTypeAdapter.validate_python(steps)


def _end(turn: Turn, interruption: str | None) -> None:
    if interruption == "shutdown":
        turns.hand_over(turn)
    elif interruption == "stopped":
        turns.finish(turn, State.CANCELLED)
    elif interruption == "timeout":
        message = f"The answer took longer than {settings.TURN_TIMEOUT_SECONDS} s."
        turns.finish(turn, State.FAILED, {"code": "turn_timeout", "message": message})
    else:
        turns.finish(turn, State.COMPLETED)


def _fail(turn: Turn, error: Exception) -> None:
    """Tell in the chat what went wrong and what to do about it."""
    if isinstance(error, Refusal):
        reason = error.as_error()
    elif isinstance(error, UserError):
        reason = {"code": "model_not_configured", "message": f"{turn.model} cannot be used: {error}"[:1000]}
    elif isinstance(error, AgentRunError):
        reason = {"code": "model_error", "message": f"{turn.model} did not answer: {error}"[:1000]}
    else:
        logger.error("%s failed", turn, exc_info=error)
        reason = {"code": "turn_error", "message": f"{type(error).__name__}: {error}"[:1000]}
    turns.finish(turn, State.FAILED, reason)
