"""Each job: what it takes away, and what it leaves."""

import gzip
import os
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from agents_app.maintenance import chunks
from agents_app.maintenance.jobs.deleted_sessions import purge_deleted_sessions
from agents_app.maintenance.jobs.expired_logins import clear_expired_logins
from agents_app.maintenance.jobs.idle_sessions import archive_idle_sessions
from agents_app.maintenance.jobs.logs import rotate_logs
from agents_app.maintenance.jobs.old_events import prune_old_events
from agents_app.maintenance.jobs.temporary_files import remove_temporary_files
from agents_app.maintenance.registry import JOBS, JobError, JobResult, job
from agents_app.models import MaintenanceRun, Subagent
from sessions_app import lifecycle, messages
from sessions_app.events import session_change
from sessions_app.models import ChatSession, Event, Message
from tests.agents import work


def _last_active(session: ChatSession, **ago: float) -> None:
    moment = timezone.now() - timedelta(**ago)
    ChatSession.objects.filter(pk=session.pk).update(last_activity_at=moment)


def _state(session: ChatSession) -> str:
    return ChatSession.objects.values_list("state", flat=True).get(pk=session.pk)


def _old(path: Path, hours: float = 2) -> Path:
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment), follow_symlinks=False)
    return path


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_idle_sessions_are_archived_and_nothing_in_them_is_lost(
    session: ChatSession, kinds_of: Any, ann: Any
) -> None:
    messages.post(session.pk, "hello")
    session.turns.update(state="completed", finished_at=timezone.now())
    fresh = lifecycle.start(ann)
    _last_active(session, hours=25)
    _last_active(fresh, hours=23)
    result = archive_idle_sessions()
    assert result == JobResult(line="1 idle sessions archived", counts={"sessions_cleaned": 1})
    assert (_state(session), _state(fresh)) == ("archived", "active")
    assert kinds_of(session)[-1] == "session.archived"
    assert session.messages.count() == 1
    lifecycle.restore(session.pk)
    assert _state(session) == "active"
    assert archive_idle_sessions().counts == {"sessions_cleaned": 1}


def test_sessions_with_unfinished_work_are_not_idle(session: ChatSession, ann: Any) -> None:
    thinking = lifecycle.start(ann)
    messages.post(thinking.pk, "hello")
    work.queue(session)
    for row in (session, thinking):
        _last_active(row, hours=100)
    assert archive_idle_sessions().counts == {"sessions_cleaned": 0}
    assert (_state(session), _state(thinking)) == ("active", "active")


def test_zero_hours_switch_the_archiving_off(session: ChatSession, settings: Any) -> None:
    settings.SESSION_IDLE_HOURS = 0
    _last_active(session, hours=1000)
    assert archive_idle_sessions().counts == {}
    assert _state(session) == "active"


def test_stopped_and_deleted_sessions_are_left_as_they_are(session: ChatSession, ann: Any) -> None:
    gone = lifecycle.start(ann)
    lifecycle.stop(session.pk)
    ChatSession.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    for row in (session, gone):
        _last_active(row, hours=100)
    assert archive_idle_sessions().counts == {"sessions_cleaned": 0}
    assert (_state(session), _state(gone)) == ("stopped", "active")


def test_work_folders_of_running_attempts_stay_and_others_go(session: ChatSession, folders: Path) -> None:
    running = work.running(session)
    keep = [f"{running.pk}-1"]
    gone = [f"{running.pk}-2", f"{uuid.uuid4()}-1", f"{work.queue(session).pk}-1"]
    for name in [*keep, *gone, "fresh", "old"]:
        (folders / "work" / name / "deep").mkdir(parents=True)
        (folders / "work" / name / "deep" / "file").write_text("x")
    _old(folders / "work" / "old")
    assert remove_temporary_files().counts == {"temp_files_deleted": 4}
    assert _names(folders / "work") == sorted([*keep, "fresh"])


def test_drafts_that_nobody_finished_go_after_an_hour(db: None, folders: Path) -> None:
    for folder in ("locks", "log"):
        (folders / folder / "fresh.draft").touch()
        (folders / folder / "stale.draft").touch()
        _old(folders / folder / "stale.draft")
        (folders / folder / "held.lock").touch()
        _old(folders / folder / "held.lock")
    assert remove_temporary_files().counts == {"temp_files_deleted": 2}
    assert _names(folders / "locks") == _names(folders / "log") == ["fresh.draft", "held.lock"]


def test_a_link_in_the_work_folder_is_removed_and_not_followed(
    db: None, folders: Path, tmp_path: Path
) -> None:
    target = tmp_path / "precious"
    target.mkdir()
    (target / "file").write_text("mine")
    link = folders / "work" / "link"
    link.symlink_to(target)
    _old(link)
    assert remove_temporary_files().counts == {"temp_files_deleted": 1}
    assert (target / "file").read_text() == "mine"


def test_deleted_sessions_are_removed_once_nothing_of_them_runs(session: ChatSession, ann: Any) -> None:
    busy = lifecycle.start(ann)
    running = work.running(busy)
    messages.post(session.pk, "hello")
    for row in (session, busy):
        lifecycle.delete(row.pk)
    assert purge_deleted_sessions().counts == {"sessions_removed": 1}
    assert list(ChatSession.objects.values_list("pk", flat=True)) == [busy.pk]
    Subagent.objects.filter(pk=running.pk).update(state="cancelled", finished_at=timezone.now())
    busy.turns.update(state="cancelled")
    assert purge_deleted_sessions().counts == {"sessions_removed": 1}
    assert (ChatSession.objects.count(), Event.objects.count(), Message.objects.count()) == (0, 0, 0)


def test_expired_logins_go(db: None) -> None:
    now = timezone.now()
    Session.objects.create(session_key="old", session_data="", expire_date=now - timedelta(minutes=1))
    Session.objects.create(session_key="new", session_data="", expire_date=now + timedelta(minutes=1))
    clear_expired_logins()
    assert list(Session.objects.values_list("pk", flat=True)) == ["new"]


def test_old_events_of_sessions_put_away_are_pruned(session: ChatSession, ann: Any) -> None:
    long_ago = timezone.now() - timedelta(days=91)
    active, recent = lifecycle.start(ann), lifecycle.start(ann)
    lifecycle.archive(session.pk)
    lifecycle.archive(recent.pk)
    Event.objects.update(created_at=long_ago)
    for row in (session, active):
        _last_active(row, days=91)
    assert prune_old_events().counts == {"events_pruned": 2}
    assert [row.events.count() for row in (session, active, recent)] == [0, 1, 2]


def test_what_is_left_of_a_pruned_log_is_gapless(session: ChatSession) -> None:
    for _ in range(4):
        with session_change(session.pk) as change:
            change.record("session.updated", {})
    lifecycle.archive(session.pk)
    long_ago = timezone.now() - timedelta(days=91)
    Event.objects.exclude(seq=3).update(created_at=long_ago)
    _last_active(session, days=91)
    assert prune_old_events().counts == {"events_pruned": 2}
    assert list(session.events.values_list("seq", flat=True)) == [3, 4, 5, 6]


def test_many_rows_go_in_short_transactions(session: ChatSession) -> None:
    Event.objects.bulk_create(
        Event(session=session, seq=number, kind="session.updated", payload={}) for number in range(2, 1502)
    )
    sizes: list[int] = []
    deleted = chunks.delete_in_chunks(
        Event.objects.filter(session=session), within=lambda rows: sizes.append(rows.count())
    )
    assert (deleted, sum(sizes), Event.objects.count()) == (1501, 1501, 0)
    assert max(sizes) <= chunks.CHUNK_ROWS_MAX
    assert len(sizes) >= 4


@pytest.mark.parametrize(
    ("size", "seconds", "expected"), [(50, 0.0, 100), (50, 0.05, 25), (400, 0.001, 500), (1, 5.0, 1)]
)
def test_the_next_chunk_aims_at_half_of_what_is_allowed(size: int, seconds: float, expected: int) -> None:
    assert chunks.next_size(size, seconds) == expected


def test_a_large_log_is_packed_and_its_writer_goes_on(folders: Path, settings: Any) -> None:
    settings.LOG_MAX_BYTES = 1000
    log = folders / "log" / "web.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"line\n" * 1000)
        assert rotate_logs().counts == {"logs_rotated": 1}
        writer.write(b"after\n")
    assert log.read_bytes() == b"after\n"
    packed = [path for path in (folders / "log").iterdir() if path.suffix == ".gz"]
    assert len(packed) == 1
    assert gzip.decompress(packed[0].read_bytes()) == b"line\n" * 1000
    assert packed[0].stat().st_size < 500


def test_small_logs_are_packed_once_a_day_and_empty_ones_never(folders: Path) -> None:
    (folders / "log" / "web.log").write_text("one\n")
    (folders / "log" / "chat.log").touch()
    assert rotate_logs().counts == {"logs_rotated": 1}
    (folders / "log" / "web.log").write_text("two\n")
    assert rotate_logs().counts == {"logs_rotated": 0}
    for packed in (folders / "log").glob("*.gz"):
        _old(packed, hours=23.5)
    assert rotate_logs().counts == {"logs_rotated": 1}


def test_the_newest_packed_logs_are_kept(folders: Path, settings: Any) -> None:
    settings.LOG_KEEP = 3
    log = folders / "log" / "web.log"
    settings.LOG_MAX_BYTES = 1
    for number in range(5):
        log.write_text(f"run {number}\n")
        rotate_logs()
    packed = sorted((folders / "log").glob("web.log.*.gz"))
    assert [gzip.decompress(path.read_bytes()) for path in packed] == [b"run 2\n", b"run 3\n", b"run 4\n"]


def test_old_runs_go_and_the_newest_stay(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from agents_app.maintenance.jobs import old_runs

    monkeypatch.setattr(old_runs, "RUNS_KEPT", 3)
    now = timezone.now()
    for number in range(6):
        moment = now - timedelta(hours=number)
        MaintenanceRun.objects.create(
            kind="hourly", slot=str(number), state="succeeded", started_at=moment, finished_at=moment
        )
    old_runs.prune_old_runs()
    assert set(MaintenanceRun.objects.values_list("slot", flat=True)) == {"0", "1", "2"}


def test_one_file_that_resists_does_not_keep_the_others(
    db: None, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents_app.maintenance import files

    def refuse(path: Path) -> None:
        if path.name == "a":
            raise PermissionError(13, "Permission denied")
        path.rmdir()

    for name in ("a", "b"):
        (folders / "work" / name).mkdir()
        _old(folders / "work" / name)
    monkeypatch.setattr(files, "_remove", refuse)
    with pytest.raises(JobError, match="1 could not be, the first is a: Permission denied") as told:
        remove_temporary_files()
    assert told.value.counts == {"temp_files_deleted": 1}
    assert _names(folders / "work") == ["a"]


@pytest.mark.parametrize("name", ["", "Old", "two words", "logs"])
def test_a_wrong_declaration_says_what_is_wrong(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="maintenance job"):
        job(name=name)(rotate_logs)


def test_all_jobs_are_found() -> None:
    deep = {name for name, found in JOBS.items() if found.deep}
    assert deep == {"exports", "logs", "old_events", "old_runs"}
    assert set(JOBS) - deep == {
        "deleted_sessions",
        "expired_logins",
        "export_files",
        "idle_sessions",
        "queue_counts",
        "stored_files",
        "temporary_files",
    }
