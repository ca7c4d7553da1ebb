"""The making of a file: whole or not at all, told from start to end."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.storage import FileSystemStorage

from agents_app import admission, attempt, maintenance, pool, runner
from agents_app.context import ToolError
from agents_app.models import Subagent
from agents_app.outcome import Outcome
from exports_app.formats import FORMATS, export_format
from exports_app.models import Export, export_path
from sessions_app import lifecycle
from sessions_app.models import ChatSession
from tests.agents import work

Render = Callable[..., Any]
Files = Callable[[], list[Path]]
State = Subagent.State
FAILED = Outcome(state=State.FAILED, error={"code": "worker_lost", "message": "It died."})


@pytest.fixture
def failing_format() -> Iterator[str]:
    """A format whose renderer writes half a file and fails."""

    def render(document: Any, write: Callable[[str], object], tick: Callable[[int], None]) -> None:
        write("half")
        raise ToolError("no_luck", "It did not work.")

    export_format(name="failing", title="Failing", content_type="text/plain", suffix=".txt")(render)
    yield "failing"
    del FORMATS["failing"]


def test_a_file_appears_with_its_size_and_hash(
    session: ChatSession, render: Render, files: Files, say: Callable[..., None]
) -> None:
    say("Hello", "é😀")
    export = render(session)
    (file,) = files()
    assert export.subagent.state == "succeeded"
    assert export.file_size == file.stat().st_size
    assert export.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert export.expires_at is not None


def test_start_and_end_are_told_with_the_download(
    session: ChatSession, render: Render, kinds_of: Callable[[ChatSession], list[str]]
) -> None:
    export = render(session)
    assert [kind for kind in kinds_of(session) if kind.startswith("export")] == [
        "export.started",
        "export.completed",
    ]
    told = session.events.get(kind="export.completed").payload
    assert (told["download_url"], told["file_size"]) == (f"/exports/{export.pk}/", export.file_size)
    assert (told["sha256"], told["format"]) == (export.sha256, "json")
    assert told["duration_ms"] >= 0


def test_an_export_says_nothing_in_the_chat_and_wakes_nobody(session: ChatSession, render: Render) -> None:
    render(session)
    assert not session.messages.exists()
    assert not session.turns.exists()


def test_a_renderer_that_fails_leaves_no_file(
    session: ChatSession, render: Render, files: Files, failing_format: str
) -> None:
    export = render(session, failing_format)
    assert (export.subagent.state, export.subagent.error["code"]) == ("failed", "no_luck")
    assert files() == []
    assert session.events.get(kind="export.failed").payload["download_url"] is None


def test_a_cancelled_export_is_told_as_failed_and_leaves_no_file(
    session: ChatSession, files: Files, running_export: Subagent
) -> None:
    pool.finish(running_export, Outcome(state=State.CANCELLED))
    assert files() == []
    assert session.events.get(kind="export.failed").payload["state"] == "cancelled"


class CancelledMeanwhile(FileSystemStorage):
    """A folder into which a file is copied whose export is cancelled just then."""

    def _save(self, name: str, content: Any) -> str:
        pool.cancel(Subagent.objects.get(state=State.RUNNING).pk)
        return str(super()._save(name, content))  # type: ignore[misc]


def test_an_export_that_is_cancelled_while_its_file_is_stored_ends_by_itself_and_leaves_no_part(
    session: ChatSession, render: Render, files: Files, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "LOOK_SECONDS", 0)
    entry = {"BACKEND": "tests.exports.test_making.CancelledMeanwhile"}
    settings.STORAGES = settings.STORAGES | {"exports": entry}
    assert render(session).subagent.state == "cancelled"
    assert files() == []


class DeletedMeanwhile(FileSystemStorage):
    """A folder into which a file is copied whose owner is deleted just then."""

    def _save(self, name: str, content: Any) -> str:
        stored = str(super()._save(name, content))  # type: ignore[misc]
        get_user_model().objects.filter(pk=Subagent.objects.get(state=State.RUNNING).owner_id).delete()
        return stored


def test_a_file_whose_owner_is_deleted_while_it_is_stored_does_not_stay(
    session: ChatSession, files: Files, settings: Any, registered: Any
) -> None:
    entry = {"BACKEND": "tests.exports.test_making.DeletedMeanwhile"}
    settings.STORAGES = settings.STORAGES | {"exports": entry}
    subagent = work.export(session)
    work.worker()
    admission.admit("exports")
    runner.run(subagent.pk, 1)
    assert not Export.objects.exists()
    assert files() == []


def test_a_cancelled_export_that_never_started_is_told(session: ChatSession) -> None:
    pool.cancel(work.export(session).pk)
    assert session.events.get(kind="export.failed").payload["state"] == "cancelled"


def test_nothing_can_be_seen_of_a_file_before_it_is_whole(
    session: ChatSession, render: Render, files: Files, say: Callable[..., None], monkeypatch: Any
) -> None:
    seen: list[int] = []
    whole = FORMATS["json"].render

    def watched(document: Any, write: Callable[[str], object], tick: Callable[[int], None]) -> None:
        whole(document, write, tick)
        seen.append(len(files()))

    chosen = type(FORMATS["json"])(**{**vars(FORMATS["json"]), "render": watched})
    monkeypatch.setitem(FORMATS, "json", chosen)
    say("Hello")
    render(session)
    assert seen == [0]
    assert len(files()) == 1


@pytest.mark.usefixtures("registered")
def test_a_second_attempt_replaces_what_the_first_one_left_half_copied(
    session: ChatSession, media: Path, files: Files, running_export: Subagent
) -> None:
    export = Export.objects.get(subagent=running_export)
    half = media / export_path(export, "x.json")
    half.parent.mkdir(parents=True)
    half.write_text("{")
    pool.give_back(work.fresh(running_export))
    admission.admit("exports")
    runner.run(running_export.pk, 2)
    export.refresh_from_db()
    assert files() == [half]
    assert half.stat().st_size == export.file_size
    assert export.sha256 == hashlib.sha256(half.read_bytes()).hexdigest()


@pytest.mark.parametrize("outcome", [FAILED, Outcome(state=State.CANCELLED)], ids=["failed", "cancelled"])
@pytest.mark.parametrize("known", [True, False])
def test_a_process_that_died_while_it_stored_the_file_leaves_none(
    media: Path, files: Files, running_export: Subagent, outcome: Outcome, known: bool
) -> None:
    export = Export.objects.get(subagent=running_export)
    stored = media / export_path(export, "x.json")
    stored.parent.mkdir(parents=True)
    stored.write_text("{}")
    if known:
        export.file.name = export_path(export, "x.json")
        export.save()
    pool.finish(running_export, outcome)
    assert files() == []


def test_the_files_of_a_deleted_session_go_with_its_rows(
    session: ChatSession, render: Render, files: Files
) -> None:
    render(session)
    assert len(files()) == 1
    lifecycle.delete(session.pk)
    maintenance.purge_deleted_sessions()
    assert not ChatSession.objects.filter(pk=session.pk).exists()
    assert files() == []


def test_a_disk_that_is_full_fails_the_export_with_a_code(
    session: ChatSession, render: Render, media: Path
) -> None:
    media.parent.mkdir(exist_ok=True)
    media.write_text("in the way of the folder")
    export = render(session)
    assert (export.subagent.state, export.subagent.error["code"]) == ("failed", "storage_failed")


@pytest.mark.parametrize(
    ("title", "start"),
    [
        ("Plain", "Plain-2"),
        ("../../etc/passwd", "etc-passwd-2"),
        ("a/b\\c:d", "a-b-c-d-2"),
        ("été 中文", "été-中文-2"),
        ("...", "session-2"),
        ("-rf", "rf-2"),
        ("x" * 200, "x" * 60 + "-2"),
        ('"; rm -rf ~', "rm-rf-2"),
    ],
)
def test_the_name_of_the_file_is_harmless_whatever_the_title(
    ann: Any, render: Render, title: str, start: str
) -> None:
    export = render(lifecycle.start(ann, title))
    assert export.file_name.startswith(start)
    assert export.file_name.endswith(".json")
    assert export.file.name == f"exports/{export.pk}.json"
