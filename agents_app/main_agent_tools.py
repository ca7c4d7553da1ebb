"""The main agent's tools: as its model is offered them, its calls of them, and what it is told.

A call runs in a thread of its own, so that the agent can look for a stop meanwhile.
"""

import asyncio
import json
import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from pydantic_ai import Agent, DeferredToolRequests, RunContext, Tool
from pydantic_ai.exceptions import ApprovalRequired
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings
from pydantic_core import SchemaValidator, core_schema

from agents_app import gateway, registry, turns
from agents_app.approvals import ApprovalPending
from agents_app.mentions import Mention
from agents_app.models import Subagent, ToolCall, Turn
from agents_app.turn_thread import in_a_thread, told_from_a_thread
from sessions_app.errors import Refusal
from sessions_app.events import json_bytes
from sessions_app.models import ChatSession

# What is stopped has so long to end by itself; with the look before it a stop takes less than 2 s.
HEED_SECONDS = 1.0
TOOL_RESULT_MAX_BYTES = 32 * 1024
_OBJECT = SchemaValidator(core_schema.dict_schema(core_schema.str_schema()))


class Calls:
    """The calls of one attempt at an answer; once `ending` is set, what runs has a moment to heed it."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.session: ChatSession = turn.session
        self.ending = threading.Event()

    async def call(self, name: str, arguments: dict[str, Any], call_id: str) -> dict[str, Any]:
        """Have a tool called while the watch goes on; after a stop the tool has a moment to heed it.

        A call that moves into the background is answered with its subagent, and goes on.
        """
        moved, move = told_from_a_thread(Subagent)
        calling = in_a_thread(partial(self.call_tool, name, arguments, call_id, move))
        await self._first_of(calling, moved)
        return _handle(moved.result()) if moved.done() else calling.result()

    def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        call_id: str,
        moved: Callable[[Subagent], None] = lambda _: None,
    ) -> dict[str, Any]:
        """Call a tool for the model and return what it is told; a refusal is an answer, not an error.

        `moved` is told of the subagent that the call goes on as, if it takes long.
        """
        # Some servers name the calls of each step anew from 0.
        own_id = turns.call_id(self.turn, f"{len(self.turn.steps)} {call_id}")
        done = self._done(name, arguments, own_id, moved)
        if isinstance(done, Refusal):
            return {"error": done.as_error()}
        if isinstance(done, Subagent):
            done.refresh_from_db()
            return _handle(done)
        return _answer(done)

    async def read(self, key: str, mention: Mention) -> Any:
        """Have a resource that a message names read, as `call` has a tool called."""
        call_id = turns.call_id(self.turn, key)
        reading = in_a_thread(partial(self._done, "read_resource", mention.arguments, call_id))
        await self._first_of(reading)
        return reading.result()

    async def _first_of(self, working: asyncio.Future[Any], *moved: asyncio.Future[Any]) -> None:
        """Wait for either; after a stop, work that has not moved away has a moment to heed it."""
        try:
            await asyncio.wait({working, *moved}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if not any(future.done() for future in moved):
                self.ending.set()
                await asyncio.wait({working}, timeout=HEED_SECONDS)
            raise

    def _done(
        self,
        name: str,
        arguments: dict[str, Any],
        call_id: UUID,
        moved: Callable[[Subagent], None] = lambda _: None,
    ) -> ToolCall | Subagent | Refusal:
        try:
            return gateway.execute_tool(
                self.session,
                name,
                arguments,
                turn_id=self.turn.pk,
                call_id=call_id,
                must_end=self.ending.is_set,
                moved=moved,
            )
        except Refusal as refusal:
            return refusal


def agent_with(
    model: Model, tools: list[registry.Tool], instructions: str
) -> Agent[Calls, str | DeferredToolRequests]:
    """Return the agent that asks the model, with these tools; its calls of them go to a `Calls`."""
    return Agent(
        model,
        tools=[_offered(tool) for tool in tools],
        deps_type=Calls,
        output_type=[str, DeferredToolRequests],
        instructions=instructions,
        # Trying again is seen in the chat: see `Answer`.
        model_settings=ModelSettings(max_retries=0, first_event_timeout=settings.MODEL_FIRST_TOKEN_SECONDS),
    )


def _offered(tool: registry.Tool) -> Tool[Calls]:
    offered = Tool.from_schema(
        _caller(tool.name),
        name=tool.name,
        description=tool.description + (" Heavy: runs as a subagent." if tool.heavy else ""),
        json_schema=dict(tool.input_schema),
        takes_ctx=True,
        # Ours are quick; those of servers may take long, and do so side by side.
        sequential=not tool.in_chat_worker,
    )
    # A schema of one's own is not checked at all: a list as arguments would end the turn.
    offered.function_schema.validator = _OBJECT
    return offered


def _caller(name: str) -> Any:
    async def call(context: RunContext[Calls], /, **arguments: Any) -> dict[str, Any]:
        try:
            return await context.deps.call(name, arguments, context.tool_call_id or "")
        except ApprovalPending as pending:
            raise ApprovalRequired from pending

    return call


def _handle(subagent: Subagent) -> dict[str, Any]:
    return {
        "subagent_id": str(subagent.pk),
        "title": subagent.title,
        "state": subagent.state,
        "note": "It runs in the background; its result arrives as a message.",
    }


def _answer(call: ToolCall) -> dict[str, Any]:
    if call.error:
        return {"error": call.error}
    return _shortened(call.result or {})


def _shortened(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result, or the beginning of its JSON if it is too long to be read whole."""
    if json_bytes(result) <= TOOL_RESULT_MAX_BYTES:
        return result
    text = json.dumps(result.get("data") or result, ensure_ascii=False)
    return {
        "summary": result.get("summary", ""),
        "beginning_of_data": text[: TOOL_RESULT_MAX_BYTES // 4],
        "note": f"Shortened: the whole is {len(text):,} characters of JSON. Ask for less at once.",
    }
