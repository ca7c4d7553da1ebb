"""Exports in a storage that is no folder and may be away: nothing half, nothing lost, each told in words."""

import errno
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient
from django.utils import timezone

from agents_app import admission, gateway, maintenance, pool, runner
from agents_app.maintenance.registry import JobError
from agents_app.models import Subagent
from agents_app.outcome import Outcome
from exports_app import expiry, storage
from exports_app.expiry import delete_expired_exports, delete_orphaned_files
from exports_app.models import Export
from sessions_app import lifecycle
from sessions_app.models import ChatSession
from tests.agents import work
from tests.exports.bucket import Bucket
from tests.exports.s3_server import storage_at
from tests.installation import ROOT
from tests.sessions.sockets import in_thread

Render = Callable[..., Any]
NO_ANSWER = "The file could not be written: the storage does not answer, or refuses it."


@pytest.fixture
def bucket(settings: Any) -> type[Bucket]:
    """The storage of exports."""
    Bucket.empty()
    settings.STORAGES = settings.STORAGES | {"exports": {"BACKEND": "tests.exports.bucket.Bucket"}}
    return Bucket


def test_a_file_is_stored_whole_under_the_name_of_its_export(
    session: ChatSession, render: Render, bucket: type[Bucket]
) -> None:
    export = render(session)
    assert list(bucket.files) == [f"exports/{export.pk}.json"] == [export.file.name]
    (body,) = bucket.files.values()
    assert (export.file_size, export.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_a_storage_that_is_away_fails_the_export_in_words_and_a_retry_succeeds(
    session: ChatSession, render: Render, bucket: type[Bucket], settings: Any
) -> None:
    bucket.is_down = True
    export = render(session)
    assert export.subagent.error == {"code": "storage_failed", "message": NO_ANSWER}
    assert session.events.get(kind="export.failed").payload["error"]["message"] == NO_ANSWER
    assert not any(settings.WORK_DIR.iterdir())
    bucket.is_down = False
    assert bucket.files == {}
    again = gateway.retry(export.subagent_id)
    _run(again)
    assert list(bucket.files) == [f"exports/{Export.objects.get(subagent=again).pk}.json"]


def _run(subagent: Subagent) -> None:
    admission.admit("exports")
    runner.run(subagent.pk, 1)


def test_a_storage_without_room_keeps_no_half_of_the_file(
    session: ChatSession, render: Render, bucket: type[Bucket]
) -> None:
    bucket.room = 10
    export = render(session)
    sentence = "The file could not be written: No space left on device."
    assert export.subagent.error == {"code": "storage_failed", "message": sentence}
    assert bucket.files == {}


def test_a_second_attempt_replaces_what_the_first_one_stored(
    session: ChatSession, bucket: type[Bucket], running_export: Subagent, registered: Any
) -> None:
    export = Export.objects.get(subagent=running_export)
    name = str(export.file.name)
    bucket.files[name] = b"{"
    pool.give_back(work.fresh(running_export))
    admission.admit("exports")
    runner.run(running_export.pk, 2)
    export.refresh_from_db()
    assert list(bucket.files) == [name]
    assert len(bucket.files[name]) == export.file_size


def test_who_ends_lost_work_does_not_wait_for_a_storage_that_is_away(
    bucket: type[Bucket], running_export: Subagent
) -> None:
    name = str(Export.objects.get(subagent=running_export).file.name)
    bucket.files[name], bucket.stored_at[name] = b"{}", timezone.now() - timedelta(hours=2)
    bucket.is_down = True
    pool.finish(running_export, Outcome(state=Subagent.State.FAILED, error={"code": "worker_lost"}))
    bucket.is_down = False
    assert delete_orphaned_files().counts == {"temp_files_deleted": 1}
    assert bucket.files == {}


def test_files_that_no_export_knows_go_after_an_hour(
    session: ChatSession, render: Render, bucket: type[Bucket]
) -> None:
    known = render(session).file.name
    old = timezone.now() - timedelta(hours=2)
    for name, stored_at in (("stray.json", old), ("fresh.json", timezone.now())):
        bucket.files[f"exports/{name}"], bucket.stored_at[f"exports/{name}"] = b"x", stored_at
    bucket.stored_at[known] = old
    assert delete_orphaned_files().counts == {"temp_files_deleted": 1}
    assert set(bucket.files) == {known, "exports/fresh.json"}


def test_what_is_not_of_exports_is_left_alone(bucket: type[Bucket], db: None) -> None:
    bucket.files["other/stray.json"] = b"x"
    assert delete_orphaned_files().counts == {"temp_files_deleted": 0}
    assert set(bucket.files) == {"other/stray.json"}


def test_expiry_goes_on_once_the_storage_is_back(
    session: ChatSession, render: Render, bucket: type[Bucket]
) -> None:
    export = render(session)
    Export.objects.update(expires_at=timezone.now())
    bucket.is_down = True
    for job in (delete_expired_exports, delete_orphaned_files):
        with pytest.raises(JobError, match="the storage does not answer"):
            job()
    bucket.is_down = False
    assert set(bucket.files) == {export.file.name}
    assert delete_expired_exports().counts == {"exports_deleted": 1}
    assert bucket.files == {}


def test_a_file_that_cannot_be_removed_does_not_keep_those_behind_it(
    session: ChatSession, render: Render, bucket: type[Bucket], monkeypatch: pytest.MonkeyPatch
) -> None:
    render(session)
    stuck = str(render(lifecycle.start(session.owner, "The newest comes first")).file.name)
    delete = bucket.delete

    def resist(self: Bucket, name: str) -> None:
        if name == stuck:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        delete(self, name)

    monkeypatch.setattr(bucket, "delete", resist)
    Export.objects.update(expires_at=timezone.now())
    with pytest.raises(JobError, match=r"1 removed, others not: Operation not permitted") as told:
        delete_expired_exports()
    assert told.value.counts == {"exports_deleted": 1}
    assert set(bucket.files) == {stuck}
    assert [str(export.file.name) for export in Export.objects.exclude(file="")] == [stuck]


def test_a_deleted_session_goes_though_the_storage_is_away_and_its_file_later(
    session: ChatSession, render: Render, bucket: type[Bucket], monkeypatch: pytest.MonkeyPatch
) -> None:
    render(session)
    lifecycle.delete(session.pk)
    bucket.is_down = True
    maintenance.purge_deleted_sessions()
    assert not ChatSession.objects.filter(pk=session.pk).exists()
    bucket.is_down = False
    monkeypatch.setattr(expiry, "ABANDONED_SECONDS", -1)
    assert delete_orphaned_files().counts == {"temp_files_deleted": 1}
    assert bucket.files == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("async_views")
async def test_it_is_sent_in_parts_and_told_as_unavailable_while_the_storage_is_away(
    ann: Any, session: ChatSession, render: Render, bucket: type[Bucket]
) -> None:
    export = await in_thread(lambda: render(session))
    client = AsyncClient()
    await client.aforce_login(ann)
    part = await client.get(f"/exports/{export.pk}/", headers={"Range": "bytes=1-9"})
    body = b"".join([piece async for piece in part.streaming_content])  # type: ignore[attr-defined]
    assert (part.status_code, body) == (206, bucket.files[export.file.name][1:10])
    bucket.is_down = True
    away = await client.get(f"/exports/{export.pk}/")
    assert (away.status_code, away.json()["code"]) == (503, "storage_unavailable")
    assert away["content-type"] == "application/problem+json"
    assert "secret" not in away.content.decode()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"BACKEND": "nowhere.Storage"}, "No module named 'nowhere'"),
        ({"BACKEND": "s3"}, "doesn't look like a module path"),
        ({"BACKEND": "builtins.dict"}, "dict is no storage of Django's"),
        ({"BACKEND": "os.path"}, "not callable"),
        ({"BACKEND": "tests.exports.bucket.Bucket", "OPTIONS": {"x": 1}}, "takes no arguments"),
        ({"BACKEND": "tests.exports.test_storage.Nameless"}, "the options name no bucket_name"),
        ({"BACKEND": "exports_app.s3.S3Storage"}, "the options name no bucket_name"),
        (storage_at("s3.example.org"), "endpoint_url has to begin with https:// or http://"),
    ],
)
def test_settings_that_make_no_storage_are_refused_in_words(
    settings: Any, entry: dict[str, Any], reason: str
) -> None:
    settings.STORAGES = settings.STORAGES | {"exports": entry}
    with pytest.raises(ImproperlyConfigured) as refusal:
        storage.chosen()
    assert str(refusal.value).startswith("EXPORT_STORAGE_BACKEND and EXPORT_STORAGE_OPTIONS make no storage")
    assert reason in str(refusal.value)


def test_with_settings_that_make_no_storage_nothing_starts(tmp_path: Path) -> None:
    environment = {**os.environ, "MCPCHAT_VAR": str(tmp_path), "EXPORT_STORAGE_BACKEND": "s3"}
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode != 0
    assert "EXPORT_STORAGE_BACKEND and EXPORT_STORAGE_OPTIONS make no storage" in done.stderr


class Nameless(Bucket):
    """A bucket that nobody named."""

    bucket_name = None


def test_a_bucket_that_says_nothing_is_waited_for_some_seconds_only(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = {
            "bucket_name": "exports",
            "endpoint_url": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "access_key": "a",
            "secret_key": "b",
            "region_name": "us-east-1",
            "answer_seconds": 0.5,
        }
        entry = {"BACKEND": "exports_app.s3.S3Storage", "OPTIONS": options}
        settings.STORAGES = settings.STORAGES | {"exports": entry}
        began = time.monotonic()
        with pytest.raises(storage.StorageFailed, match="does not answer"):
            storage.exists("exports/a.json")
    assert time.monotonic() - began < 15
