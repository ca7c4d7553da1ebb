"""Until when leases hold, who may renew them, and who ends when they are over."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from agents_app import lease, liveness, renewal
from agents_app.keeper import Keeper
from agents_app.lease import Lease
from agents_app.models import Worker
from agents_app.pulse import Pulse
from tests.agents.processes import StartWorker
from tests.project.waiting import alive, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[True, False], ids=["several hosts", "one host"])
def several_hosts(request: pytest.FixtureRequest, settings: Any) -> bool:
    """Whether the database is shared."""
    settings.SEVERAL_HOSTS = request.param
    return bool(request.param)


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the exit codes with which this process would have ended."""
    codes: list[int] = []

    def leave(code: int) -> None:
        codes.append(code)
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", leave)
    return codes


def test_a_stamp_says_what_the_rows_say(keeper: Keeper, start_worker: StartWorker) -> None:
    worker = start_worker()
    renewal.renew(keeper.identity)
    stamped = lease.stamped()
    assert stamped is not None
    assert worker.row is not None
    assert stamped.expires_at == worker.row.lease_expires_at


def test_a_renewal_that_fails_leaves_the_stamp_as_it_was(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewal.renew(keeper.identity)
    before = lease.stamped()

    def fail(*_: object) -> int:
        raise RuntimeError("as asked")

    monkeypatch.setattr(renewal, "_renew", fail)
    with pytest.raises(RuntimeError):
        renewal.renew(keeper.identity)
    assert lease.stamped() == before


def test_a_renewal_that_took_long_gives_only_what_was_left_when_it_was_sent(
    keeper: Keeper, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = start_worker()
    send = renewal._renew
    sent: list[Lease] = []

    def note(*arguments: Any) -> int:
        sent.append(Lease.from_now())
        return send(*arguments)

    monkeypatch.setattr(renewal, "_renew", note)
    renewal.renew(keeper.identity)
    stamped = lease.stamped()
    assert stamped is not None
    assert worker.row is not None
    assert stamped.wall < sent[0].wall
    assert worker.row.lease_expires_at == stamped.expires_at


@pytest.mark.parametrize("text", ["", "1", "one two", "1 2 3", "\xff"])
def test_a_stamp_that_cannot_be_read_counts_for_nothing(var: Path, text: str) -> None:
    (var / "run" / "lease").write_text(text, encoding="latin-1")
    assert lease.stamped() is None


def test_either_clock_ends_a_lease() -> None:
    now = Lease.from_now(0)
    assert not Lease(now.boot + 9, now.wall + 9).is_over()
    assert Lease(now.boot - 1, now.wall + 9).is_over()
    assert Lease(now.boot + 9, now.wall - 1).is_over()


def test_a_lease_that_is_over_is_never_renewed_and_its_process_ended_where_others_judge_by_it(
    keeper: Keeper, start_worker: StartWorker, several_hosts: bool
) -> None:
    worker = start_worker()
    over = timezone.now() - timedelta(seconds=0.1)
    Worker.objects.filter(pk=worker.worker_id).update(lease_expires_at=over)
    renewal.renew(keeper.identity)
    assert worker.row is not None
    if several_hosts:
        until(lambda: not alive(worker.pid) and not alive(worker.child), 2)
        assert worker.row.lease_expires_at == over
    else:
        assert alive(worker.pid)
        assert worker.row.lease_expires_at > timezone.now()


def test_a_process_whose_row_another_host_deleted_is_ended(
    keeper: Keeper, start_worker: StartWorker, settings: Any
) -> None:
    worker = start_worker()
    Worker.objects.filter(pk=worker.worker_id).delete()
    renewal.renew(keeper.identity)
    assert alive(worker.pid)  # it may be about to register
    settings.LEASE_SECONDS = 0
    renewal.renew(keeper.identity)
    until(lambda: not alive(worker.pid) and not alive(worker.child), 2)
    assert worker.row is None


@pytest.mark.parametrize("how", ["deleted", "lapsed"])
def test_a_process_that_was_declared_lost_begins_nothing_more(
    registered: liveness.Identity, settings: Any, exits: list[int], how: str
) -> None:
    settings.SEVERAL_HOSTS = True
    assert liveness.current_worker_id() == registered.worker_id
    if how == "deleted":
        Worker.objects.all().delete()
    else:
        Worker.objects.update(lease_expires_at=timezone.now())
    with pytest.raises(SystemExit):
        liveness.current_worker_id()
    assert exits == [liveness.LOST_EXIT_CODE]
    assert Worker.objects.count() == (0 if how == "deleted" else 1)


def test_a_pulse_notices_a_pause_and_a_start_is_none(settings: Any) -> None:
    settings.LEASE_SECONDS = 0.2
    pulse = Pulse()
    assert pulse.is_steady()
    pulse._next = Lease.from_now(-1)
    assert not pulse.is_steady()
    until(pulse.is_steady, 2)
