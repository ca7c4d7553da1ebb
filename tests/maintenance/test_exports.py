"""Files of exports: those whose time is over, and those that nobody knows."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from agents_app.models import Subagent
from exports_app.expiry import delete_expired_exports, delete_orphaned_files
from exports_app.models import Export
from sessions_app.models import ChatSession
from tests.agents import work


@pytest.fixture
def finished(session: ChatSession, folders: Path) -> Export:
    """An export with its file."""
    subagent = work.export(session)
    export = Export.objects.get(subagent=subagent)
    export.file_name = "talk.json"
    export.file.save("talk.json", ContentFile(b"{}"), save=False)
    export.save()
    work.worker()
    Subagent.objects.filter(pk=subagent.pk).update(state="succeeded", finished_at=timezone.now())
    return export


def _made(export: Export, **ago: float) -> None:
    moment = timezone.now() - timedelta(**ago)
    Export.objects.filter(pk=export.pk).update(created_at=moment, expires_at=moment + timedelta(days=7))


def _age(path: Path) -> None:
    os.utime(path, (time.time() - 7200,) * 2)


def _files(folders: Path) -> list[str]:
    return sorted(path.name for path in (folders / "media" / "exports").iterdir())


def test_an_export_past_its_days_loses_its_file_and_says_so(
    finished: Export, folders: Path, client_of: Any, ann: Any
) -> None:
    assert _files(folders) == [f"{finished.pk}.json"]
    _made(finished, days=8)
    assert delete_expired_exports().counts == {"exports_deleted": 1}
    assert _files(folders) == []
    finished.refresh_from_db()
    assert finished.expires_at is not None
    assert finished.expires_at < timezone.now()
    answer = client_of(ann).get(f"/exports/{finished.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (410, "export_expired")
    assert delete_expired_exports().counts == {"exports_deleted": 0}


def test_a_younger_export_stays(finished: Export, folders: Path) -> None:
    _made(finished, days=6)
    assert delete_expired_exports().counts == {"exports_deleted": 0}
    assert _files(folders) == [f"{finished.pk}.json"]


def test_files_that_no_export_knows_go_after_an_hour(finished: Export, folders: Path) -> None:
    exports = folders / "media" / "exports"
    for name in ("stray.json", "00000000-0000-0000-0000-000000000000.pdf", f"{finished.pk}_half.json"):
        (exports / name).write_text("x")
        _age(exports / name)
    (exports / "fresh.json").write_text("x")
    _age(exports / f"{finished.pk}.json")
    assert delete_orphaned_files().counts == {"temp_files_deleted": 3}
    assert _files(folders) == sorted([f"{finished.pk}.json", "fresh.json"])


def test_the_file_of_an_export_that_is_being_made_stays(session: ChatSession, folders: Path) -> None:
    export = Export.objects.get(subagent=work.export(session))
    path = folders / "media" / "exports" / f"{export.pk}.json"
    path.parent.mkdir()
    path.write_text("half")
    _age(path)
    assert delete_orphaned_files().counts == {"temp_files_deleted": 0}
    Subagent.objects.filter(pk=export.subagent_id).update(state="cancelled", finished_at=timezone.now())
    assert delete_orphaned_files().counts == {"temp_files_deleted": 1}


def test_without_a_folder_there_is_nothing_to_do(db: None, folders: Path) -> None:
    assert delete_orphaned_files().counts == {"temp_files_deleted": 0}
