"""What a run submits, cancels and keeps account of, through the ordinary verbs."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection

from agents_app import gateway, submissions
from agents_app.registry import find_agent_type
from agents_app.submissions import Submission
from sessions_app import lifecycle
from sessions_app.errors import Refusal
from tests.chaos import ledger
from tests.chaos.kinds import EXPORTS_AGENT, KINDS, TOOL_EXECUTOR, TOOLS_AGENT, Kind

OWNERS = 5
SESSIONS_AN_OWNER = 4
THREADS = 4
EXPORTS_SHARE = 0.3
PRIORITISED_SHARE = 0.05
# Twice what the pools' highest caps allow, ahead of all else: a cap that is not kept shows.
BURST = {TOOLS_AGENT: 16, EXPORTS_AGENT: 6}
BURST_EVERY = 400
BURST_PRIORITY = 5
FULL_WAIT_SECONDS = 0.05
SUBMISSIONS = "submissions.jsonl"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One subagent to submit; cancelled `cancel_after_seconds` after that, if not zero."""

    key: str
    session: UUID
    agent_type: str
    kind: Kind
    seconds: float
    priority: int
    cancel_after_seconds: float

    @property
    def task(self) -> dict[str, object]:
        """The task as the agent type wants it."""
        arguments: dict[str, object] = {"kind": self.kind.name, "seconds": self.seconds}
        if self.agent_type != TOOL_EXECUTOR:
            return arguments
        return {"tool_name": "chaos" if self.kind.safe else "chaos_once", "args": arguments}


def open_sessions() -> list[UUID]:
    """Start the sessions of some owners and return their ids."""
    users = get_user_model().objects
    owners = [users.create_user(f"chaos-{number}") for number in range(OWNERS)]
    return [lifecycle.start(owner).pk for owner in owners for _ in range(SESSIONS_AN_OWNER)]


def orders(count: int, sessions: Sequence[UUID], chance: random.Random) -> list[Order]:
    """Return what to submit, in order: each kind at least once, the rest by weight; and bursts in between."""
    kinds = list(KINDS.values())
    burst = [agent for agent, size in BURST.items() for _ in range(size)]
    bursts = 1 + (count - 1) // BURST_EVERY
    mixed = kinds + chance.choices(kinds, [kind.weight for kind in kinds], k=count)
    mixed = mixed[: max(count - bursts * len(burst), 0)]
    chance.shuffle(mixed)
    found: list[Order] = []
    for number in range(bursts):
        found += [_order(KINDS["burst"], sessions, chance, agent) for agent in burst]
        part = mixed[number * len(mixed) // bursts : (number + 1) * len(mixed) // bursts]
        found += [_order(kind, sessions, chance) for kind in part]
    return found[:count]


def _order(kind: Kind, sessions: Sequence[UUID], chance: random.Random, agent: str = "") -> Order:
    agent = agent or (EXPORTS_AGENT if chance.random() < EXPORTS_SHARE else TOOLS_AGENT)
    ordinary = chance.randint(1, 3) if chance.random() < PRIORITISED_SHARE else 0
    return Order(
        key=str(uuid4()),
        session=chance.choice(sessions),
        agent_type=TOOL_EXECUTOR if kind.told else agent,
        kind=kind,
        seconds=round(chance.uniform(kind.least_seconds, kind.most_seconds), 3),
        priority=BURST_PRIORITY if kind.name == "burst" else ordinary,
        cancel_after_seconds=chance.uniform(0, kind.cancel_within_seconds),
    )


class Load:
    """Submits orders from several threads and cancels what is to be cancelled, until told to stop."""

    def __init__(self, folder: Path, todo: list[Order]) -> None:
        self._folder = folder
        self._todo = todo[::-1]
        self._stopping = threading.Event()
        self._cancels: list[tuple[float, UUID]] = []
        self._asked: set[str] = set()
        self.problems: list[str] = []
        names = [self._submit_all] * THREADS + [self._cancel_all]
        self._threads = [threading.Thread(target=self._guarded, args=(run,), daemon=True) for run in names]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    @property
    def submitting(self) -> bool:
        """Whether there is more to submit."""
        return any(thread.is_alive() for thread in self._threads[:THREADS])

    def stop(self) -> None:
        """End, whatever is left to do."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(10)

    def _guarded(self, run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:  # noqa: BLE001  # told at the end of the run, which then fails
            self.problems.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    def _submit_all(self) -> None:
        while self._todo and not self._stopping.is_set():
            try:
                order = self._todo.pop()
            except IndexError:  # another thread was faster
                return
            self._submit(order)

    def _submit(self, order: Order) -> None:
        """Submit, waiting for room; the key makes it safe to try again after an error."""
        while not self._stopping.is_set():
            try:
                subagent_id = _submitted(order)
            except Refusal as refusal:
                if refusal.code != "queue_full":
                    raise
                self._stopping.wait(FULL_WAIT_SECONDS)
            except DatabaseError as error:
                self.problems.append(f"submitting: {error}")
                connection.close()
                self._stopping.wait(FULL_WAIT_SECONDS)
            else:
                self._note(order, subagent_id)
                return

    def _note(self, order: Order, subagent_id: UUID) -> None:
        told = {"subagent": str(subagent_id), "kind": order.kind.name, "at": time.monotonic()}
        ledger.append(self._folder / SUBMISSIONS, told)
        if order.cancel_after_seconds:
            self._cancels.append((time.monotonic() + order.cancel_after_seconds, subagent_id))

    def _cancel_all(self) -> None:
        while not self._stopping.wait(0.1):
            now = time.monotonic()
            due = [entry for entry in list(self._cancels) if entry[0] <= now]
            for entry in due:
                self._cancels.remove(entry)
                gateway.cancel(entry[1])
            self._cancel_running()

    def _cancel_running(self) -> None:
        for running in ledger.running_now(self._folder):
            if KINDS[running.kind].cancel_when_running and running.subagent not in self._asked:
                self._asked.add(running.subagent)
                gateway.cancel(UUID(running.subagent))


def _submitted(order: Order) -> UUID:
    if not order.priority:
        return gateway.spawn(order.session, order.agent_type, order.task, idempotency_key=order.key).pk
    kind = find_agent_type(order.agent_type)
    submission = Submission(
        session_id=order.session,
        agent_type=kind.name,
        plan=kind.prepare(order.task, order.session),
        idempotency_key=order.key,
        priority=order.priority,
    )
    return submissions.submit(submission).pk
