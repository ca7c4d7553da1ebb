"""The pictures of one export: converted once, some at a time, within limits, by a process that may die."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from PIL import Image

from agents_app.context import Stopped
from exports_app.document import freeze
from exports_app.options import ExportOptions
from exports_app.pictures import batches, converting, gallery, links
from exports_app.pictures.attached import Picture
from exports_app.pictures.gallery import Gallery
from sessions_app.models import ChatSession
from tests.exports.pictures import corners, encoded
from tests.recording import RecordingContext, child_processes

Say = Callable[..., None]
Written = Callable[..., Path]


@pytest.fixture
def opened(session: ChatSession, tmp_path: Path) -> Gallery:
    """The files of the session's owner, as an export has them."""
    folder = tmp_path / "attempt" / "pictures"
    folder.mkdir(parents=True)
    return Gallery(RecordingContext(tmp_path / "attempt"), session.owner_id, folder)


def test_a_picture_named_again_and_again_is_converted_once(
    say: Say, written: Written, upload: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    links = [upload(encoded(corners(100 + number, 50), "PNG"), f"{number}.png") for number in range(5)]
    say(*(f"{links[number % 5]}\n{links[0]}" for number in range(20)))
    batches_made: list[list[str]] = []
    convert = batches.convert

    def counted(context: Any, sources: Any, folder: Path, on_made: Any) -> Any:
        batches_made.append(list(sources))
        return convert(context, sources, folder, on_made)

    monkeypatch.setattr(batches, "convert", counted)
    assert written("html").read_text().count("<img ") == 40
    assert [len(batch) for batch in batches_made] == [5]


def test_each_picture_that_is_made_is_told_as_work_that_goes_on(
    say: Say, written: Written, upload: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "attempt").mkdir()
    context = RecordingContext(tmp_path / "attempt")
    say("Hello", " ".join(upload(encoded(corners(100 + number, 50), "PNG")) for number in range(5)), "Bye")
    written("html", context)
    assert [percent for percent, _, _ in context.told].count(1) >= 1 + 5
    assert [percent for percent, _, _ in context.told][-1] == 3


def test_past_its_bytes_or_the_time_for_converting_it_is_the_same(
    opened: Gallery, upload: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = list(links.files_in([upload(encoded(corners(), "PNG")) for _ in range(3)]))
    first = opened.shown(ids[0])
    assert first is not None
    assert first.picture is not None
    monkeypatch.setattr(gallery, "BYTES_AT_MOST", first.picture.path.stat().st_size)
    assert _notes(opened, ids) == [gallery.TOO_MANY] * 3
    monkeypatch.undo()
    monkeypatch.setattr(gallery, "SECONDS_AT_MOST", 0.0)
    opened._made = {ids[0]: first.picture}
    notes = _notes(opened, ids)
    assert notes == ["", gallery.TOO_SLOW, gallery.TOO_SLOW]


def test_one_that_ends_the_process_is_broken_and_the_others_are_shown(
    opened: Gallery, upload: Callable[..., str]
) -> None:
    """As a decoder does that never returns, or is killed for its memory."""
    ids = list(links.files_in([upload(encoded(corners(), "PNG"), f"{number}.png") for number in range(3)]))
    opened.expect(ids)
    before = child_processes()
    watcher = threading.Thread(target=_kill_the_first_child, args=(before,))
    watcher.start()
    notes = _notes(opened, ids)
    watcher.join(30)
    assert notes == [batches.BROKEN, "", ""]


def test_one_that_needs_too_much_memory_does_not_get_it(
    opened: Gallery, upload: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grain = Image.effect_noise((6000, 6000), 50).convert("RGB")
    ids = list(links.files_in([upload(encoded(grain, "BMP")), upload(encoded(corners(), "PNG"))]))
    monkeypatch.setattr(batches, "MEMORY_BYTES", 128 * 1024**2)
    opened.expect(ids)
    notes = _notes(opened, ids)
    assert notes == [batches.PROBLEMS["large"], ""]


def test_a_process_that_takes_too_long_is_ended(
    opened: Gallery, upload: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (file_id,) = links.files_in([upload(encoded(corners(), "PNG"))])
    monkeypatch.setattr(batches, "TIMEOUT_SECONDS", 0.0)
    before = child_processes()
    attached = opened.shown(file_id)
    assert attached is not None
    assert attached.note == batches.BROKEN
    assert child_processes() <= before


def test_a_cancel_ends_the_converting_at_once_and_leaves_nothing(
    say: Say, written: Written, upload: Callable[..., str], tmp_path: Path
) -> None:
    noise = encoded(Image.effect_noise((5000, 5000), 50), "PNG", compress_level=1)
    say(*(upload(noise, f"{number}.png") for number in range(gallery.BATCH)))
    before = child_processes()
    (tmp_path / "attempt").mkdir()
    context = RecordingContext(tmp_path / "attempt")

    def stop_once_it_converts() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and not list((tmp_path / "attempt").glob("pictures-*/*")):
            time.sleep(0.01)
        context.stop()

    watcher = threading.Thread(target=stop_once_it_converts)
    watcher.start()
    with pytest.raises(Stopped):
        written("html", context)
    ended = time.monotonic()
    watcher.join(60)
    assert context.stopped_at is not None
    assert ended - context.stopped_at < 2
    assert child_processes() <= before
    assert list((tmp_path / "attempt").glob("pictures-*")) == []


def test_the_made_pictures_are_gone_when_the_file_is_written(
    say: Say, written: Written, upload: Callable[..., str], tmp_path: Path
) -> None:
    say(upload(encoded(corners(), "PNG")))
    for name in ("html", "pdf", "markdown", "json"):
        written(name)
        assert list((tmp_path / "attempt").glob("pictures-*")) == []


def test_the_ids_of_files_that_messages_name_are_remembered_within_limits(
    session: ChatSession, say: Say, opened: Gallery
) -> None:
    document = freeze(session.pk, options=ExportOptions(), now=timezone.now())
    assert document.owner_id == session.owner_id
    ids = [f"/files/00000000-0000-0000-0000-{number:012}/" for number in range(5000)]
    opened.expect(links.files_in(ids))
    assert len(opened._expected) <= gallery._REMEMBERED
    assert [opened.told(file_id) for file_id in links.files_in(ids)] == [None] * 5000
    assert len(opened._known) <= gallery._REMEMBERED + gallery._LOOKED_UP_TOGETHER + 1


def test_the_converted_file_is_bounded(opened: Gallery, upload: Callable[..., str]) -> None:
    noise = Image.merge("RGBA", [Image.effect_noise((1600, 1600), 120) for _ in range(4)])
    (file_id,) = links.files_in([upload(encoded(noise, "PNG", compress_level=1))])
    attached = opened.shown(file_id)
    assert attached is not None
    assert isinstance(attached.picture, Picture)
    assert attached.picture.path.stat().st_size <= converting.BYTES_AT_MOST


def _kill_the_first_child(before: set[int]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for pid in child_processes() - before:
            os.kill(pid, signal.SIGKILL)
            return


def _notes(opened: Gallery, ids: Iterable[UUID]) -> list[str | None]:
    """Return what is said in place of each picture; None for what is no file."""
    shown = (opened.shown(file_id) for file_id in ids)
    return [None if attached is None else attached.note for attached in shown]
