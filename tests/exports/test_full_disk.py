"""Disks without room, as the kernel tells it: the export fails in words and nothing half is left."""

import re
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage

from exports_app.formats import FORMATS
from exports_app.pictures import batches
from exports_app.typesetting import pdf
from sessions_app.models import ChatSession
from tests.exports.pictures import corners, encoded

Render = Callable[..., Any]
Files = Callable[[], list[Path]]
ROOM_BYTES = 16 * 1024


@contextmanager
def little_room() -> Iterator[None]:
    """No file grows beyond a few pages meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class NarrowFolder(FileSystemStorage):
    """A folder on a disk that fills up while a file is copied into it."""

    def _save(self, name: str, content: Any) -> str:
        with little_room():
            return str(super()._save(name, content))  # type: ignore[misc]


@pytest.fixture
def long_chat(session: ChatSession, say: Callable[..., None]) -> ChatSession:
    """A chat whose export is larger than there is room for."""
    say(*(f"Message {number} " + "with words " * 50 for number in range(100)))
    return session


def _assert_told(export: Any, settings: Any, files: Files) -> None:
    sentence = "The file could not be written: File too large."
    assert export.subagent.error == {"code": "storage_failed", "message": sentence}
    told = export.subagent.session.events.get(kind="export.failed").payload
    assert (told["error"]["message"], told["download_url"]) == (sentence, None)
    assert files() == []
    assert not any(settings.WORK_DIR.iterdir())


@pytest.mark.parametrize("file_format", ["json", "markdown", "html"])
def test_a_full_work_folder(
    long_chat: ChatSession,
    render: Render,
    files: Files,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    file_format: str,
) -> None:
    whole = FORMATS[file_format].render

    def cramped(document: Any, write: Any, tick: Any) -> None:
        # The database, which has room, is asked first.
        list(document.entries())
        with little_room():
            whole(document, write, tick)

    narrow = type(FORMATS[file_format])(**{**vars(FORMATS[file_format]), "render": cramped})
    monkeypatch.setitem(FORMATS, file_format, narrow)
    _assert_told(render(long_chat, file_format), settings, files)


@pytest.mark.parametrize("file_format", ["json", "markdown", "html", "pdf"])
def test_a_full_storage(
    long_chat: ChatSession, render: Render, files: Files, settings: Any, file_format: str
) -> None:
    entry = {"BACKEND": "tests.exports.test_full_disk.NarrowFolder"}
    settings.STORAGES = settings.STORAGES | {"exports": entry}
    _assert_told(render(long_chat, file_format), settings, files)


def test_a_work_folder_that_fills_up_while_pages_are_set(
    long_chat: ChatSession, render: Render, files: Files, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "FILE_BYTES", 1024)
    error = render(long_chat, "pdf").subagent.error
    assert error["code"] == "pdf_failed"
    assert re.fullmatch(r"The PDF could not be made: File too large( \(os error \d+\))?", error["message"])
    assert files() == []
    assert not any(settings.WORK_DIR.iterdir())


@pytest.mark.parametrize("file_format", ["html", "pdf"])
def test_a_work_folder_that_fills_up_while_pictures_are_made(
    session: ChatSession,
    say: Callable[..., None],
    upload: Callable[..., str],
    render: Render,
    files: Files,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    file_format: str,
) -> None:
    say(upload(encoded(corners(), "PNG")))
    monkeypatch.setattr(batches, "FILE_BYTES", 512)
    _assert_told(render(session, file_format), settings, files)


def test_a_work_folder_that_cannot_be_made(
    session: ChatSession, render: Render, files: Files, settings: Any
) -> None:
    settings.WORK_DIR.write_text("in the way")
    export = render(session)
    sentence = "The work folder cannot be made: Not a directory."
    assert export.subagent.error == {"code": "no_work_folder", "message": sentence}
    assert files() == []
