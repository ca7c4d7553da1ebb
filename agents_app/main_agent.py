"""The main agent: answers the messages that wait, with a model and tools, step by step.

Each model reply is stored when it is complete, and what its tools answered before the model is told. A turn
whose process dies goes on from there in another; the tool calls of a step that had not ended are made again
under the same ids, which the gateway recognises.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from pydantic_ai import Agent, DeferredToolRequests
from pydantic_ai.exceptions import AgentRunError, UserError
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
)
from pydantic_ai.usage import UsageLimits

from agents_app import (
    history,
    liveness,
    llm,
    mentions,
    model_errors,
    prompts,
    turn_endings,
    turns,
    usage,
    waking,
)
from agents_app.draft import Draft
from agents_app.main_agent_tools import HEED_SECONDS, Calls, agent_with
from agents_app.mcp_servers import calling
from agents_app.mentions import Named
from agents_app.model_errors import Patience
from agents_app.models import Turn
from agents_app.spending import Spent
from agents_app.turn_thread import Shutdown, TurnThread
from agents_app.windowed_model import WindowedModel
from sessions_app import plain
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession, Message

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.05
RETRY_SAID_SECONDS = 1.0
LOOK_SECONDS = 0.4


def run(turn_id: UUID, attempt: int) -> None:
    """Run one attempt of a turn to its end; does nothing if somebody else has it or it is over."""
    turn = turns.claim(turn_id, attempt, liveness.current_worker_id())
    if turn is not None:
        interruption, error = _answer_in(turn)
        turn_endings.store(turn, interruption, error)


def _answer_in(turn: Turn) -> tuple[str | None, Exception | None]:
    """Answer; return what interrupted the answer, or the error that it ended with."""
    try:
        thread = TurnThread()
        answer = Answer(turn, thread)
        thread.run(answer.run())
    except Exception as error:  # noqa: BLE001  # every failure of a turn is told in the chat
        return None, error
    return answer.interruption, None


class Answer:
    """One attempt at an answer: runs on the shared loop, touches the database through its thread."""

    def __init__(self, turn: Turn, thread: TurnThread) -> None:
        self.turn = turn
        self.thread = thread
        self.session: ChatSession = turn.session
        self.draft = Draft(turn)
        self.interruption: str | None = None
        self.calls = Calls(turn)
        self.spent: list[Spent] = []
        self._begun = asyncio.Event()

    async def run(self) -> None:
        """Converse until the model is done, the turn is stopped, or its time is up."""
        work = asyncio.create_task(self._persist())
        watch = asyncio.create_task(self._watch(work))
        try:
            await asyncio.wait_for(asyncio.shield(work), settings.TURN_TIMEOUT_SECONDS)
        except TimeoutError:
            self.interruption = "timeout"
        except asyncio.CancelledError:
            self.interruption = self.interruption or "stopped"
        finally:
            self.calls.ending.set()
            watch.cancel()
            work.cancel()
            await asyncio.wait({watch, work}, timeout=2 * HEED_SECONDS)
            await self.thread.call(self.draft.flush, store=True)
            await self.thread.call(self._count)

    def _count(self) -> None:
        """Count the requests that no stored step has counted, such as one that was cut off."""
        try:
            usage.count(self.turn.session_id, self.spent, self.turn.pk)
        except (DatabaseError, Refusal):  # how the answer ended matters more
            logger.exception("what %s took could not be stored", self.turn)

    async def _watch(self, work: asyncio.Task[None]) -> None:
        """Send text on as it grows; look for a stop; cancel the work when there is one."""
        looked = 0.0
        while not work.done():
            await self._pause()
            now = asyncio.get_running_loop().time()
            if self.draft.has_news:
                await self.thread.call(self._flush)
            if now - looked >= LOOK_SECONDS:
                looked = now
                self.interruption = await self.thread.call(self._look)
                if self.interruption:
                    work.cancel()

    async def _pause(self) -> None:
        """Wait a moment, or until a text begins: its first word is what somebody waits for."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._begun.wait(), WATCH_SECONDS)
        self._begun.clear()

    def _flush(self) -> None:
        try:
            self.draft.flush()
        except DatabaseError:  # the next look may find the database back
            logger.exception("the text of %s could not be stored", self.turn)

    def _look(self) -> str | None:
        if Shutdown.requested:
            return "shutdown"
        try:
            return "stopped" if turns.must_stop(self.turn) else None
        except DatabaseError:  # a turn that nobody can look up must stay stoppable
            logger.exception("%s could not be looked up", self.turn)
            return None

    async def _persist(self) -> None:
        """Converse; take the step up again after an error that passes, unless its text is being read."""
        patience = Patience()
        while True:
            try:
                return await self._converse()
            except (AgentRunError, UserError) as error:
                begun = self.draft.has_text
                told = model_errors.refusal(self.turn.model, error, begun=begun)
                wait = None if begun else patience.wait_after(error)
                if wait is None:
                    raise told from error
                await self._wait_for_the_model(told, wait)

    async def _wait_for_the_model(self, told: Refusal, seconds: float) -> None:
        """Wait, and say so each second: a page that opens meanwhile has missed what was said before."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            await self.thread.call(turns.announce_retry, self.turn, told, left)
            await asyncio.sleep(min(left, RETRY_SAID_SECONDS))

    async def _converse(self) -> None:
        # What changes are rows of other processes: there is nothing to be told by.
        while not self.turn.steps and await self.thread.call(waking.more_may_come, self.turn):  # noqa: ASYNC110
            await asyncio.sleep(WATCH_SECONDS)
        if history.is_answered(history.loaded(self.turn.steps)):  # a dead attempt had all but ended the turn
            return
        if not self.turn.steps:
            await self._store_what_is_named()
        agent, earlier, steps = await self.thread.call(self._prepared)
        talk = agent.iter(
            None,
            message_history=[*earlier, *steps],
            deps=self.calls,
            usage_limits=UsageLimits(request_limit=None),
        )
        async with talk as run:
            async for node in run:
                if Agent.is_model_request_node(node):
                    await self._speak(node, run, steps)
                elif Agent.is_call_tools_node(node):
                    # Not a slice of all messages: requests that follow each other are merged in them.
                    await self._store([*steps, *run.new_messages()])
        if run.result is not None and isinstance(run.result.output, DeferredToolRequests):
            self.interruption = "approval"

    async def _speak(self, node: Any, run: Any, steps: list[ModelMessage]) -> None:
        """Ask the model and take its reply as it comes."""
        so_far = steps if node.is_resuming_without_prompt else [*steps, *run.new_messages(), node.request]
        await self._begin_step(so_far, node.request)
        async with node.stream(run.ctx) as stream:
            async for event in stream:
                self._take(event)

    def _take(self, event: object) -> None:
        had_text = self.draft.has_text
        if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
            self.draft.append(event.part.content)
        elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
            self.draft.append(event.delta.content_delta)
        if self.draft.has_text and not had_text:
            self._begun.set()

    async def _begin_step(self, steps: list[ModelMessage], request: ModelRequest) -> None:
        """Store what the tools answered, with the messages that have come: the model is told both."""
        is_stored = request is not steps[-1]
        done = sum(isinstance(step, ModelResponse) for step in steps)
        if done >= settings.TURN_MAX_STEPS:
            raise Refusal(
                "too_many_steps",
                f"The answer was ended after {done} steps, the most that one may take. What was done stays; "
                "write a message to go on.",
            )
        joining = await self.thread.call(turns.who_waits, self.turn)
        if is_stored and not joining:
            return
        named = await self._named(joining)
        if not await self.thread.call(self._take_up, steps, request, joining, named):
            raise asyncio.CancelledError

    def _take_up(
        self, steps: list[ModelMessage], request: ModelRequest, joining: list[Message], named: Named
    ) -> bool:
        parts = history.as_parts(joining, named)
        return turns.take_up(self.turn, joining, history.joined(steps, request, parts))

    async def _store_what_is_named(self) -> None:
        """Store the first request with the resources that it names: later turns read what this one read."""
        named = await self._named(await self.thread.call(history.taken_up, self.turn))
        if named and not await self.thread.call(self._store_request, named):
            raise asyncio.CancelledError

    def _store_request(self, named: Named) -> bool:
        first = history.request(self.turn, named)
        return turns.store_steps(self.turn, plain.cleaned(history.dumped([first])))

    async def _named(self, messages: list[Message]) -> Named:
        """Read the resources that messages name; each has its card, and a stop ends it as it does a tool."""
        found = await self.thread.call(mentions.of, messages, self.session.owner_id)
        return await mentions.read(found, self.calls.read)

    async def _store(self, steps: list[ModelMessage]) -> None:
        """Store the step that is complete; a turn that is no longer ours ends here."""
        dumped = plain.cleaned(history.dumped(steps))
        # From here on the reply is what was stored: its calls are made, and it is sent back, as such.
        steps[-1].parts = history.loaded(dumped[-1:])[0].parts
        if not await self.thread.call(self.draft.complete, dumped, self.spent):
            raise asyncio.CancelledError
        self.spent.clear()

    def _prepared(self) -> tuple[Agent[Any, Any], list[ModelMessage], list[ModelMessage]]:
        """Return the agent, what was said before, and the turn's own steps."""
        model = WindowedModel(llm.build(self.turn.model), self.turn.model, self.spent)
        tools = calling.tools_at_hand(self.session)
        agent = agent_with(model, tools, prompts.instructions(self.session))
        return agent, *self._history(model.history_tokens)

    def _history(self, room: int) -> tuple[list[ModelMessage], list[ModelMessage]]:
        return history.earlier(self.turn, room), history.own(self.turn)
