"""Files go when their time is over, with what nobody can read any more; all else stays."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.utils import timezone
from rest_framework.test import APIClient

from agents_app import pool
from agents_app.files import receiving, room
from agents_app.maintenance.jobs.deleted_sessions import purge_deleted_sessions
from agents_app.maintenance.jobs.stored_files import KNOWN_DAYS, remove_expired_files
from agents_app.models import StoredFile
from sessions_app import lifecycle
from sessions_app.models import ChatSession
from tests.agents import work
from tests.files.conftest import attempt_of, uploaded, written


def _end(stored: StoredFile, **ago: float) -> None:
    StoredFile.objects.filter(pk=stored.pk).update(expires_at=timezone.now() - timedelta(**ago))


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_bytes_of_expired_files_go_and_the_row_tells_of_it(ann: Any, store: Path) -> None:
    old, kept = uploaded(ann.pk, b"old"), uploaded(ann.pk, b"kept")
    _end(old, seconds=1)
    assert remove_expired_files().counts == {"files_deleted": 1}
    assert _names(store) == {str(kept.pk)}
    assert StoredFile.objects.filter(pk=old.pk).exists()
    assert remove_expired_files().counts == {"files_deleted": 0}


def test_the_row_goes_when_it_has_told_long_enough(ann: Any) -> None:
    old, older = uploaded(ann.pk, b"old"), uploaded(ann.pk, b"older")
    _end(old, days=KNOWN_DAYS - 1)
    _end(older, days=KNOWN_DAYS + 1)
    remove_expired_files()
    assert [stored.pk for stored in StoredFile.objects.all()] == [old.pk]


def test_an_upload_that_was_given_up_goes_whole(ann: Any, store: Path) -> None:
    half = receiving.announce(ann.pk, "half", 10)
    with receiving.opened(ann.pk, half.pk, 0) as reception:
        reception.write(b"five!")
        reception.store()
    remove_expired_files()
    assert _names(store) == {str(half.pk)}
    _end(half, seconds=1)
    remove_expired_files()
    assert not _names(store)
    assert not StoredFile.objects.exists()


def test_each_piece_gives_an_upload_another_day(ann: Any) -> None:
    half = receiving.announce(ann.pk, "half", 10)
    StoredFile.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    with receiving.opened(ann.pk, half.pk, 0) as reception:
        reception.write(b"five!")
        told = reception.store()
    assert told.expires_at > timezone.now() + timedelta(hours=23)


def test_bytes_that_no_row_names_go_once_they_are_old(store: Path, db: None) -> None:
    for name in (str(uuid4()), "stray.txt"):
        (store / name).write_bytes(b"x")
        moment = time.time() - 7200
        os.utime(store / name, (moment, moment))
    young = str(uuid4())
    (store / young).write_bytes(b"x")
    assert remove_expired_files().counts == {"files_deleted": 2}
    assert _names(store) == {young}


def test_bytes_of_a_superseded_attempt_go(session: ChatSession, tmp_path: Path, store: Path) -> None:
    subagent = work.running(session)
    context = attempt_of(subagent, tmp_path)
    context.deliver(written(context), "a.csv")
    remove_expired_files()
    assert len(_names(store)) == 1
    pool.give_back(work.fresh(subagent))
    assert remove_expired_files().counts == {"files_deleted": 1}
    assert not StoredFile.objects.exists()


def test_a_file_that_was_written_long_before_it_was_delivered_is_new_in_the_store(
    session: ChatSession, tmp_path: Path, store: Path
) -> None:
    context = attempt_of(work.running(session), tmp_path)
    path = written(context)
    os.utime(path, (0, 0))
    told = context.deliver(path, "a.csv")
    assert (store / told["file_id"]).stat().st_mtime > time.time() - 60


def test_the_files_of_a_deleted_session_are_removed_with_it(
    session: ChatSession, ann: Any, store: Path
) -> None:
    uploaded(ann.pk, b"of the session", session_id=session.pk)
    other = uploaded(ann.pk, b"of none")
    lifecycle.delete(session.pk)
    purge_deleted_sessions()
    assert _names(store) == {str(other.pk)}
    assert [stored.pk for stored in StoredFile.objects.all()] == [other.pk]


def test_expired_files_take_no_room_of_their_user(
    ann: Any, settings: Any, client_of: Callable[[Any], APIClient]
) -> None:
    settings.FILES_USER_MAX_BYTES = 10
    stored = uploaded(ann.pk, b"x" * 10)
    _end(stored, seconds=1)
    room.require(ann.pk, 10)
    assert client_of(ann).get("/api/files/").json()["results"] == []
