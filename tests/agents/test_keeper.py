"""The keeper notices what died, and touches nothing that lives."""

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.db.models import ProtectedError
from django.utils import timezone

from agents_app import attempt, liveness, renewal, turns
from agents_app.keeper import Keeper, Pace, hold_the_post
from agents_app.lease import Lease
from agents_app.models import Pool, Subagent, Turn, Worker
from sessions_app import messages
from sessions_app.models import ChatSession
from tests.agents import work
from tests.agents.processes import StartWorker, start
from tests.project.waiting import alive, until

pytestmark = pytest.mark.django_db(transaction=True)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_the_work_of_a_dead_process_is_given_back_and_its_traces_go(
    session: ChatSession, keeper: Keeper, start_worker: StartWorker
) -> None:
    worker = start_worker()
    subagent = worker.take(work.admitted(session))
    attempt.workdir_path(subagent.pk, 1).mkdir()
    worker.kill()
    assert alive(worker.child)
    keeper.bury_the_dead()
    assert not alive(worker.child)
    assert (work.fresh(subagent).attempt, work.fresh(subagent).worker) == (2, None)
    assert (worker.row, worker.lock.exists()) == (None, False)
    assert not attempt.workdir_path(subagent.pk, 1).exists()


@pytest.mark.parametrize("number", [None, signal.SIGSTOP])
def test_a_living_process_is_left_alone_also_when_it_is_paused_and_its_lease_ran_out(
    session: ChatSession, keeper: Keeper, start_worker: StartWorker, number: signal.Signals | None
) -> None:
    worker = start_worker()
    subagent = worker.take(work.admitted(session))
    if number:
        os.kill(worker.pid, number)
    Worker.objects.filter(pk=worker.worker_id).update(lease_expires_at=timezone.now() - timedelta(hours=1))
    keeper.others.bury_other_hosts()
    for _ in range(3):
        keeper.bury_the_dead()
    keeper.enforce()
    assert alive(worker.pid)
    assert alive(worker.child)
    assert work.fresh(subagent).state == "running"


@pytest.mark.parametrize(
    ("column", "state", "code"),
    [
        ("deadline_at", "failed", "timeout"),
        ("idle_deadline_at", "failed", "idle_timeout"),
        ("cancel_requested_at", "cancelled", None),
    ],
)
def test_what_is_over_its_time_is_ended_by_force_with_all_its_processes(
    session: ChatSession,
    keeper: Keeper,
    start_worker: StartWorker,
    settings: Any,
    column: str,
    state: str,
    code: str | None,
) -> None:
    settings.CANCEL_GRACE_SECONDS = 0
    worker = start_worker()
    subagent = worker.take(work.admitted(session))
    Subagent.objects.update(result={"summary": "half", "partial": True}, **{column: timezone.now()})
    keeper.enforce()
    ended = work.fresh(subagent)
    assert (ended.state, (ended.error or {}).get("code")) == (state, code)
    assert ended.result == {"summary": "half", "partial": True}
    assert not alive(worker.pid)
    assert not alive(worker.child)


@pytest.mark.parametrize(
    ("column", "code"), [("deadline_at", "timeout"), ("idle_deadline_at", "idle_timeout")]
)
def test_what_an_earlier_keeper_ended_and_did_not_live_to_store_ends_as_overdue(
    session: ChatSession, keeper: Keeper, start_worker: StartWorker, column: str, code: str
) -> None:
    worker = start_worker()
    subagent = worker.take(work.admitted(session))
    Subagent.objects.update(**{column: timezone.now()})
    worker.kill()
    keeper.bury_the_dead()
    ended = work.fresh(subagent)
    assert (ended.state, ended.attempt, ended.error["code"]) == ("failed", 1, code)


def test_a_cancel_is_left_to_the_tool_for_its_grace(
    session: ChatSession, keeper: Keeper, start_worker: StartWorker
) -> None:
    worker = start_worker()
    worker.take(work.admitted(session))
    Subagent.objects.update(cancel_requested_at=timezone.now())
    keeper.enforce()
    assert alive(worker.pid)


def test_a_process_that_has_gone_on_to_other_work_is_not_killed(
    session: ChatSession, keeper: Keeper, start_worker: StartWorker
) -> None:
    worker = start_worker()
    stale = worker.take(work.admitted(session))
    Subagent.objects.update(state="queued", attempt=2)
    assert worker.row is not None
    keeper._stop_by_force(stale, worker.row, timezone.now())
    assert _state(worker.pid) != "T"
    assert alive(worker.child)
    assert work.fresh(stale).state == "queued"


def test_leases_of_the_living_are_renewed_and_of_the_dead_not(
    keeper: Keeper, start_worker: StartWorker
) -> None:
    living, dead = start_worker(), start_worker()
    dead.kill()
    soon = timezone.now() + timedelta(seconds=2)
    Worker.objects.update(lease_expires_at=soon)
    renewal.renew(keeper.identity)
    leases = dict(Worker.objects.values_list("pk", "lease_expires_at"))
    assert leases[living.worker_id] > timezone.now() + timedelta(seconds=4)
    assert leases[keeper.identity.worker_id] > timezone.now() + timedelta(seconds=4)
    assert leases[dead.worker_id] == soon


@pytest.mark.parametrize(("seconds_over", "lost"), [(1.5, False), (2.1, True)])
def test_another_hosts_work_is_given_back_2_s_after_its_lease(
    session: ChatSession, keeper: Keeper, seconds_over: float, lost: bool
) -> None:
    subagent = work.running(session)
    lapsed = timezone.now() - timedelta(seconds=seconds_over)
    Worker.objects.filter(host="elsewhere").update(lease_expires_at=lapsed)
    while keeper.others.bury_other_hosts():  # on a busy machine one turn is too short for all
        pass
    assert work.fresh(subagent).attempt == (2 if lost else 1)
    assert Worker.objects.filter(host="elsewhere").exists() is not lost


def test_a_keeper_that_was_paused_itself_waits_one_lease_before_it_judges(
    session: ChatSession, keeper: Keeper, settings: Any
) -> None:
    settings.LEASE_SECONDS = 0.3
    subagent = work.running(session)
    Worker.objects.filter(host="elsewhere").update(lease_expires_at=timezone.now() - timedelta(hours=1))
    keeper._pulse._next = Lease.from_now(-10)
    keeper.others.bury_other_hosts()
    assert work.fresh(subagent).attempt == 1

    def given_back() -> bool:
        keeper.others.bury_other_hosts()
        return bool(work.fresh(subagent).attempt == 2)

    until(given_back, 2)


def test_a_process_whose_lock_file_was_removed_is_ended_and_buried(
    session: ChatSession, keeper: Keeper, start_worker: StartWorker
) -> None:
    worker = start_worker()
    subagent = worker.take(work.admitted(session))
    worker.lock.unlink()
    keeper.bury_the_unlocked()
    assert not alive(worker.pid)
    assert not alive(worker.child)
    assert (worker.row, work.fresh(subagent).attempt) == (None, 2)


def test_a_keeper_whose_own_lock_file_was_removed_is_still_known(keeper: Keeper) -> None:
    liveness.lock_path(keeper.identity.worker_id).unlink()
    for _ in range(2):
        keeper.bury_the_unlocked()
        renewal.renew(keeper.identity)
    assert Worker.objects.alive(timezone.now()).filter(kind="keeper").exists()


@pytest.mark.parametrize("text", ["", "garbage", "{}", "null", "[]", '{"kind": "agents"}', "\xff"])
def test_a_lock_file_that_cannot_be_read_does_not_blind_the_keeper(
    keeper: Keeper, var: Path, text: str
) -> None:
    lock = liveness.lock_path(work.NOBODY)
    lock.write_text(text, encoding="latin-1")
    keeper.bury_the_dead()
    renewal.renew(keeper.identity)
    keeper.bury_the_unlocked()


def test_a_turn_of_a_dead_chat_worker_goes_on_in_another(
    session: ChatSession, keeper: Keeper, start_worker: StartWorker
) -> None:
    worker = start_worker("chat")
    messages.post(session.pk, "Hello")
    turn = turns.claim(session.turns.get().pk, 1, worker.worker_id)
    assert turn is not None
    keeper.bury_the_dead()
    assert Turn.objects.get(pk=turn.pk).state == "running"
    worker.kill()
    keeper.bury_the_dead()
    again = Turn.objects.get(pk=turn.pk)
    assert (again.state, again.attempt, worker.row) == ("queued", 2, None)


def test_running_work_never_loses_the_name_of_its_process(session: ChatSession) -> None:
    subagent = work.running(session)
    with suppress(IntegrityError, ProtectedError):
        Worker.objects.all().delete()
    row = work.fresh(subagent)
    assert row.state != "running" or row.worker is not None


def test_a_host_has_one_keeper(var: Path) -> None:
    descriptor = hold_the_post(var / "run" / "keeper.lock")
    try:
        with pytest.raises(CommandError, match="has a keeper already"):
            call_command("keeper")
    finally:
        os.close(descriptor)


def test_an_error_in_one_duty_does_not_stop_the_others(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def fail() -> None:
        done.append("failed")
        raise RuntimeError("as asked")

    def end() -> None:
        done.append("ended")
        keeper.stopping = True

    keeper._duties = [(Pace(0, idle=0), fail), (Pace(0, idle=0), end)]
    keeper.run()
    assert done == ["failed", "ended"]
    assert not Worker.objects.filter(kind="keeper").exists()


@pytest.fixture
def keeper_process(var: Path) -> Iterator["subprocess.Popen[str]"]:
    """The keeper as a process of its own."""
    process = start(["manage.py", "keeper"], var)
    until(lambda: Worker.objects.filter(kind="keeper").exists(), 20)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.usefixtures("keeper_process")
def test_a_death_is_dealt_with_within_a_second_while_hundreds_of_others_expire(
    session: ChatSession, start_worker: StartWorker
) -> None:
    worker = start_worker()
    subagent = worker.take(work.admitted(session))
    Pool.objects.update(paused=True)  # only expiring is at stake
    _queue_overdue(session, 500)
    until(lambda: Subagent.objects.filter(state="failed").exists())
    worker.kill()
    until(lambda: work.fresh(subagent).attempt == 2, 1)
    assert Subagent.objects.filter(state="queued").count() > 50, "they must not be over before"
    until(lambda: Subagent.objects.filter(state="failed").count() == 500, 60)


def _queue_overdue(session: ChatSession, count: int) -> None:
    """Queue subagents past their queue deadline, with the numbers that the session's next events have."""
    like = work.queue(session)
    rows = [Subagent(**_values(like), id=uuid.uuid4()) for _ in range(count - 1)]
    Subagent.objects.bulk_create(rows)
    Subagent.objects.filter(state="queued").update(queue_deadline_at=timezone.now())


def _values(subagent: Subagent) -> dict[str, Any]:
    return {
        field.attname: getattr(subagent, field.attname)
        for field in Subagent._meta.fields
        if not field.primary_key
    }


def test_the_keeper_process_notices_a_death_within_a_second_and_leaves_when_told(
    session: ChatSession, start_worker: StartWorker, var: Path, keeper_process: "subprocess.Popen[str]"
) -> None:
    worker = start_worker()
    subagent = worker.take(work.admitted(session))
    worker.kill()
    until(lambda: work.fresh(subagent).attempt == 2, 1)
    until(lambda: not alive(worker.child), 1)
    keeper_process.terminate()
    assert keeper_process.wait(8) == 0
    assert not Worker.objects.filter(kind="keeper").exists()
    assert not list((var / "run" / "locks").iterdir())
