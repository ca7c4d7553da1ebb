"""Downloads of files: for their owner alone, never as a page, in parts for who goes on."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncClient
from django.utils import timezone

from agents_app import pool
from agents_app.files import receiving, storage
from agents_app.models import StoredFile
from sessions_app import lifecycle
from sessions_app.models import ChatSession
from tests.agents import work
from tests.files.conftest import attempt_of, uploaded, written
from tests.sessions.sockets import in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("async_views")]
CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def stored(ann: Any) -> StoredFile:
    """A file of ann's."""
    return uploaded(ann.pk, CONTENT, "Été 中文.bin")


async def _get(user: Any, file_id: object, verb: str = "get", **headers: str) -> Any:
    client = AsyncClient()
    if user:
        await client.aforce_login(user)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await getattr(client, verb)(f"/files/{file_id}/", headers=sent)


async def _body(answer: Any) -> bytes:
    return b"".join([part async for part in answer.streaming_content])


async def test_the_owner_gets_the_whole_file(ann: Any, stored: StoredFile) -> None:
    answer = await _get(ann, stored.pk)
    assert await _body(answer) == CONTENT
    assert answer["content-length"] == str(len(CONTENT))
    assert answer["etag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    assert answer["content-disposition"].startswith("attachment; filename*=utf-8''%C3%89t%C3%A9")
    assert (answer["x-content-type-options"], answer["accept-ranges"]) == ("nosniff", "bytes")


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=1000-", 1000, len(CONTENT)),
        ("bytes=-10", len(CONTENT) - 10, len(CONTENT)),
        (f"bytes=5-{10**15}", 5, len(CONTENT)),
        (f"bytes=-{10**15}", 0, len(CONTENT)),
    ],
)
async def test_a_part_is_sent_to_who_asks_for_it(
    ann: Any, stored: StoredFile, asked: str, begin: int, end: int
) -> None:
    answer = await _get(ann, stored.pk, Range=asked)
    assert answer.status_code == 206
    assert await _body(answer) == CONTENT[begin:end]
    assert answer["content-range"] == f"bytes {begin}-{end - 1}/{len(CONTENT)}"
    assert answer["content-length"] == str(end - begin)


@pytest.mark.parametrize(
    "asked", ["bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b"]
)
async def test_a_range_that_is_not_understood_is_the_whole_file(
    ann: Any, stored: StoredFile, asked: str
) -> None:
    answer = await _get(ann, stored.pk, Range=asked)
    assert answer.status_code == 200
    assert len(await _body(answer)) == len(CONTENT)


@pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=-0"])
async def test_a_part_that_there_is_not_is_told(ann: Any, stored: StoredFile, asked: str) -> None:
    answer = await _get(ann, stored.pk, Range=asked)
    assert (answer.status_code, answer["content-range"]) == (416, f"bytes */{len(CONTENT)}")


async def test_a_part_of_another_version_is_not_sent(ann: Any, stored: StoredFile) -> None:
    answer = await _get(ann, stored.pk, Range="bytes=5-", If_Range='"other"')
    assert (answer.status_code, len(await _body(answer))) == (200, len(CONTENT))
    answer = await _get(ann, stored.pk, Range="bytes=5-", If_Range=f'"{stored.sha256}"')
    assert (answer.status_code, len(await _body(answer))) == (206, len(CONTENT) - 5)


async def test_a_page_is_downloaded_and_could_run_nothing(ann: Any) -> None:
    page = await in_thread(lambda: uploaded(ann.pk, b"<script>alert(1)</script>", "x.html"))
    answer = await _get(ann, page.pk, Accept="text/html")
    await _body(answer)
    assert answer["content-disposition"] == 'attachment; filename="x.html"'
    assert answer["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer["content-security-policy"]


async def test_others_get_nothing(bob: Any, stored: StoredFile) -> None:
    answer = await _get(bob, stored.pk)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await _get(None, stored.pk)).status_code == 401


async def test_a_file_whose_time_is_over_is_told_as_expired(ann: Any, stored: StoredFile) -> None:
    await in_thread(lambda: StoredFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1)))
    answer = await _get(ann, stored.pk)
    assert (answer.status_code, answer.json()["code"]) == (410, "file_expired")


async def test_a_file_without_its_bytes_is_told_as_expired(ann: Any, stored: StoredFile) -> None:
    storage.remove(stored.pk)
    answer = await _get(ann, stored.pk)
    assert (answer.status_code, answer.json()["code"]) == (410, "file_expired")


async def test_a_file_that_arrives_is_not_sent_yet(ann: Any) -> None:
    half = await in_thread(lambda: receiving.announce(ann.pk, "a", 10))
    answer = await _get(ann, half.pk)
    assert (answer.status_code, answer.json()["code"]) == (409, "file_incomplete")


async def test_a_file_of_a_deleted_session_is_gone_at_once(ann: Any, session: ChatSession) -> None:
    stored = await in_thread(lambda: uploaded(ann.pk, b"x", session_id=session.pk))
    await in_thread(lambda: lifecycle.delete(session.pk))
    assert (await _get(ann, stored.pk)).status_code == 404


async def test_a_file_of_a_superseded_attempt_is_not_there(
    ann: Any, session: ChatSession, tmp_path: Path
) -> None:
    def deliver() -> str:
        subagent = work.running(session)
        context = attempt_of(subagent, tmp_path)
        told = context.deliver(written(context), "a.csv")
        pool.give_back(work.fresh(subagent))
        return told["file_id"]

    assert (await _get(ann, await in_thread(deliver))).status_code == 404
