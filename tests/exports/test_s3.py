"""Exports in a bucket that speaks S3: stored, sent, sent in parts, removed; over a line that breaks."""

import asyncio
import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files import File
from django.test import AsyncClient, RequestFactory
from django.utils import timezone

from agents_app.context import Stopped
from exports_app import storage
from exports_app.expiry import delete_expired_exports
from exports_app.models import Export
from exports_app.s3 import Reader
from exports_app.storage import StorageFailed
from sessions_app import downloads
from sessions_app.downloads import Attachment
from sessions_app.models import ChatSession
from tests.exports.s3_server import BUCKET, Line, line_to, s3_server, storage_at
from tests.sessions.sockets import in_thread

LARGE = 8 * 1024**2
NAME = "exports/large.json"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The server's URL."""
    with s3_server() as url:
        yield url


@pytest.fixture
def line(server: str, settings: Any) -> Iterator[Line]:
    """The line to the bucket of exports."""
    with line_to(server) as line:
        settings.STORAGES = settings.STORAGES | {"exports": storage_at(line.url)}
        yield line


@pytest.fixture
def large(line: Line, tmp_path: Path) -> bytes:
    """A file in the bucket."""
    content = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(LARGE // 32))
    (tmp_path / "large").write_bytes(content)
    storage.put(NAME, tmp_path / "large")
    line.came = 0
    return content


async def _get(user: Any, export: Export, **headers: str) -> Any:
    client = AsyncClient()
    await client.aforce_login(user)
    return await client.get(f"/exports/{export.pk}/", headers=headers)


async def _body(answer: Any) -> bytes:
    return b"".join([piece async for piece in answer.streaming_content])


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("async_views", "line")
@pytest.mark.parametrize("file_format", ["json", "markdown", "html", "pdf"])
async def test_an_export_is_stored_there_and_its_owner_gets_it_whole_and_in_parts(
    ann: Any, session: ChatSession, render: Callable[..., Export], say: Callable[..., None], file_format: str
) -> None:
    await in_thread(lambda: say("Hello"))
    export = await in_thread(lambda: render(session, file_format))
    whole = await _body(await _get(ann, export))
    assert (len(whole), hashlib.sha256(whole).hexdigest()) == (export.file_size, export.sha256)
    part = await _get(ann, export, Range="bytes=5-104")
    assert (part.status_code, await _body(part)) == (206, whole[5:105])
    rest = await _get(ann, export, Range="bytes=-7")
    assert (rest.status_code, await _body(rest)) == (206, whole[-7:])


def test_storing_a_large_file_tells_how_far_it_is_to_the_thread_that_stores_it(
    line: Line, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(bytes(2 * LARGE))
    told: list[tuple[int, int]] = []
    storage.put(NAME, tmp_path / "large", lambda read: told.append((read, threading.get_ident())))
    amounts = [read for read, _ in told]
    assert len(set(amounts)) > 2
    assert amounts == sorted(amounts)
    assert amounts[-1] == 2 * LARGE
    assert {thread for _, thread in told} == {threading.get_ident()}


@pytest.mark.parametrize("size", [1000, 2 * LARGE])
def test_a_file_that_is_stopped_while_it_is_stored_leaves_nothing_in_the_bucket(
    line: Line, tmp_path: Path, size: int
) -> None:
    (tmp_path / "stopped").write_bytes(bytes(size))

    def stop(read: int) -> None:
        if read > size // 2:
            raise Stopped

    with pytest.raises(Stopped):
        storage.put("exports/stopped.json", tmp_path / "stopped", stop)
    assert "exports/stopped.json" not in storage.stored()
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    bucket = boto3.client("s3", endpoint_url=line.url, **keys)
    assert "Uploads" not in bucket.list_multipart_uploads(Bucket=BUCKET)


def test_of_a_large_file_no_more_comes_than_is_read_from_where_that_begins(large: bytes, line: Line) -> None:
    with storage.opened(NAME) as file:
        file.seek(LARGE - 100_000)
        assert file.read(100) == large[-100_000:-99_900]
        assert file.tell() == LARGE - 99_900
        assert file.read() == large[-99_900:]
        assert file.read(1) == b""
    assert line.came < 200_000


def test_a_download_goes_on_over_a_line_that_breaks(large: bytes, line: Line) -> None:
    with storage.opened(NAME) as file:
        assert file.read(1000) == large[:1000]
        line.cuts = 2
        assert file.read() == large[1000:]
    assert line.cuts == 0


def test_a_download_that_cannot_go_on_ends_in_an_error_and_not_in_a_shorter_file(
    large: bytes, line: Line
) -> None:
    read = b""
    with storage.opened(NAME) as file, pytest.raises(Exception, match=r"(?i)connect|endpoint"):
        read += file.read(1000)
        line.cuts, line.is_cut = 1, True
        while piece := file.read(256 * 1024):
            read += piece
    assert len(read) < len(large)
    assert large.startswith(read)


class Silent:
    """What a bucket sends that is asked and says nothing until it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answers = threading.Event()

    def read(self, size: int) -> bytes:
        """Return nothing, after a while."""
        self.asked.set()
        self.answers.wait(10)
        return b""

    def close(self) -> None:
        """Let go."""


async def test_who_breaks_off_a_download_while_the_bucket_says_nothing_holds_up_nobody_else() -> None:
    silent = Silent()
    file = File(io.BufferedReader(Reader(lambda start: silent)), "large")
    attachment = Attachment(open=lambda: file, name="large", content_type="text/plain", size=9, sha256="0")
    answer: Any = downloads.send(RequestFactory().get("/"), attachment)
    download = asyncio.create_task(_body(answer))
    await asyncio.to_thread(silent.asked.wait, 10)
    download.cancel()
    began = time.monotonic()
    await asyncio.sleep(0.1)
    held_up = time.monotonic() - began
    silent.answers.set()
    with suppress(asyncio.CancelledError):
        await download
    assert held_up < 2
    assert file.closed


async def test_many_downloads_that_wait_for_the_bucket_leave_the_threads_to_others() -> None:
    silent = Silent()
    attachment = Attachment(
        open=lambda: File(io.BufferedReader(Reader(lambda start: silent)), "large"),
        name="large",
        content_type="text/plain",
        size=9,
        sha256="0",
    )
    answers: list[Any] = [downloads.send(RequestFactory().get("/"), attachment) for _ in range(40)]
    waiting = [asyncio.create_task(_body(answer)) for answer in answers]
    async with asyncio.timeout(10):
        while not silent.asked.is_set():
            await asyncio.sleep(0.01)
    began = time.monotonic()
    await asyncio.to_thread(lambda: None)
    held_up = time.monotonic() - began
    silent.answers.set()
    assert await asyncio.gather(*waiting) == [b""] * 40
    assert held_up < 2


@pytest.mark.django_db
def test_expired_and_removed_files_leave_the_bucket(
    session: ChatSession, render: Callable[..., Export], line: Line
) -> None:
    export = render(session)
    name = str(export.file.name)
    assert storage.exists(name)
    assert name in storage.stored()
    Export.objects.filter(pk=export.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    delete_expired_exports()
    assert not storage.exists(name)
    assert name not in storage.stored()


@pytest.mark.django_db
def test_a_bucket_that_is_cut_off_fails_the_export_in_words(
    session: ChatSession, render: Callable[..., Export], line: Line
) -> None:
    line.is_cut = True
    export = render(session)
    assert export.subagent.error == {
        "code": "storage_failed",
        "message": "The file could not be written: the storage does not answer, or refuses it.",
    }
    with pytest.raises(StorageFailed, match="does not answer"):
        storage.exists(NAME)
