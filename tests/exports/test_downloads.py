"""Downloads: the whole file, for its owner, under a name that every browser takes."""

import hashlib
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import AsyncClient
from django.utils import timezone
from knox.models import AuthToken

from agents_app import pool
from agents_app.models import Subagent
from agents_app.outcome import Outcome
from exports_app.models import Export
from sessions_app import lifecycle
from sessions_app.models import ChatSession
from tests.agents import work
from tests.sessions.sockets import in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("async_views")]


@pytest.fixture
def export(ann: Any, render: Callable[..., Export]) -> Export:
    """A finished export of ann's."""
    return render(lifecycle.start(ann, "Été 中文"))


async def _get(user: Any, export_id: object, verb: str = "get", **how: Any) -> Any:
    client = AsyncClient()
    if user:
        await client.aforce_login(user)
    return await getattr(client, verb)(f"/exports/{export_id}/", **how)


async def _body(answer: Any) -> bytes:
    return b"".join([part async for part in answer.streaming_content])


async def test_the_owner_gets_the_whole_file(ann: Any, export: Export) -> None:
    answer = await _get(ann, export.pk)
    body = await _body(answer)
    assert answer.status_code == 200
    assert hashlib.sha256(body).hexdigest() == export.sha256
    assert answer["content-length"] == str(len(body))
    assert answer["content-type"] == "application/json"
    assert answer["x-content-type-options"] == "nosniff"


async def test_the_name_survives_what_is_not_ascii(ann: Any, export: Export) -> None:
    answer = await _get(ann, export.pk)
    await _body(answer)
    assert answer["content-disposition"] == f"attachment; filename*=utf-8''{quote(export.file_name)}"
    assert export.file_name.startswith("Été-中文")


async def test_a_token_opens_the_download(ann: Any, export: Export) -> None:
    token = await in_thread(lambda: AuthToken.objects.create(ann)[1])
    answer = await _get(None, export.pk, headers={"Authorization": f"Token {token}"})
    assert len(await _body(answer)) == export.file_size


async def test_another_user_gets_nothing(bob: Any, export: Export) -> None:
    answer = await _get(bob, export.pk)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_who_is_not_logged_in_gets_nothing(export: Export) -> None:
    assert (await _get(None, export.pk)).status_code == 401


async def test_an_export_of_a_deleted_session_is_gone_at_once(ann: Any, export: Export) -> None:
    session_id = await in_thread(lambda: export.subagent.session_id)
    await in_thread(lambda: lifecycle.delete(session_id))
    assert (await _get(ann, export.pk)).status_code == 404


async def test_an_unfinished_export_is_not_ready(ann: Any, session: ChatSession) -> None:
    pk = await in_thread(lambda: Export.objects.get(subagent=work.export(session)).pk)
    answer = await _get(ann, pk)
    told = answer.json()
    assert (answer.status_code, told["code"], told["state"]) == (409, "export_not_ready", "queued")
    assert told["detail"] == "The export is queued."


async def test_a_running_export_is_not_ready(ann: Any, running_export: Subagent) -> None:
    pk = await in_thread(lambda: Export.objects.get(subagent=running_export).pk)
    answer = await _get(ann, pk)
    assert (answer.status_code, answer.json()["state"]) == (409, "running")


@pytest.mark.parametrize(
    ("state", "error", "detail"),
    [
        ("failed", {"code": "pdf_failed", "message": "Why."}, "The export failed; there is no file."),
        ("cancelled", None, "The export was cancelled; there is no file."),
    ],
)
async def test_an_export_that_failed_has_no_file_and_never_will(
    ann: Any, running_export: Subagent, state: str, error: Any, detail: str
) -> None:
    pk = await in_thread(lambda: Export.objects.get(subagent=running_export).pk)
    await in_thread(lambda: pool.finish(running_export, Outcome(state=Subagent.State(state), error=error)))
    for verb in ("get", "head"):
        assert (await _get(ann, pk, verb)).status_code == 410
    told = (await _get(ann, pk)).json()
    assert (told["code"], told["state"], told["error"]) == ("export_failed", state, error)
    assert told["detail"] == detail


async def test_a_file_whose_time_is_over_is_gone_before_maintenance_has_run(ann: Any, export: Export) -> None:
    await in_thread(lambda: Export.objects.update(expires_at=timezone.now()))
    answer = await _get(ann, export.pk)
    assert (answer.status_code, answer.json()["code"]) == (410, "export_expired")
    assert Path(export.file.path).exists()


@pytest.mark.parametrize(
    ("asked", "begin", "end"), [("bytes=0-0", 0, 1), ("bytes=7-", 7, None), ("bytes=-5", -5, None)]
)
async def test_a_part_is_sent_to_who_asks_for_it(
    ann: Any, export: Export, asked: str, begin: int, end: int | None
) -> None:
    whole = Path(export.file.path).read_bytes()
    for if_range in (None, f'"{export.sha256}"'):
        headers = {"Range": asked} | ({"If-Range": if_range} if if_range else {})
        answer = await _get(ann, export.pk, headers=headers)
        assert (answer.status_code, await _body(answer)) == (206, whole[begin:end])
        assert answer["content-range"].endswith(f"/{len(whole)}")


async def test_of_another_version_the_whole_file_is_sent(ann: Any, export: Export) -> None:
    answer = await _get(ann, export.pk, headers={"Range": "bytes=7-", "If-Range": '"other"'})
    assert (answer.status_code, len(await _body(answer))) == (200, export.file_size)


async def test_a_part_that_there_is_not_is_told(ann: Any, export: Export) -> None:
    answer = await _get(ann, export.pk, headers={"Range": f"bytes={export.file_size}-"})
    assert (answer.status_code, answer["content-range"]) == (416, f"bytes */{export.file_size}")
    assert answer["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "range_not_satisfiable"


@pytest.mark.parametrize("verb", ["get", "head"])
@pytest.mark.parametrize("known", ['"{tag}"', 'W/"{tag}"', '"other", "{tag}"', "*"])
async def test_who_has_the_file_already_is_told_so(ann: Any, export: Export, verb: str, known: str) -> None:
    answer = await _get(ann, export.pk, verb, headers={"If-None-Match": known.format(tag=export.sha256)})
    assert (answer.status_code, answer["etag"]) == (304, f'"{export.sha256}"')
    assert not answer.content


@pytest.mark.parametrize("known", ['"other"', "other", ""])
async def test_who_has_another_file_gets_this_one(ann: Any, export: Export, known: str) -> None:
    answer = await _get(ann, export.pk, headers={"If-None-Match": known})
    assert (answer.status_code, len(await _body(answer))) == (200, export.file_size)


async def test_who_has_the_file_is_not_told_so_when_it_is_gone(ann: Any, export: Export) -> None:
    await in_thread(lambda: Export.objects.update(expires_at=timezone.now()))
    answer = await _get(ann, export.pk, headers={"If-None-Match": f'"{export.sha256}"'})
    assert answer.status_code == 410


async def test_parts_are_of_a_get_alone(ann: Any, export: Export) -> None:
    answer = await _get(ann, export.pk, "head", headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer["content-length"]) == (200, str(export.file_size))


@pytest.mark.parametrize(
    ("file_format", "content_type"),
    [
        ("json", "application/json"),
        ("markdown", "text/markdown; charset=utf-8"),
        ("html", "text/html; charset=utf-8"),
        ("pdf", "application/pdf"),
    ],
)
async def test_each_format_has_its_content_type(
    ann: Any, session: ChatSession, render: Callable[..., Export], file_format: str, content_type: str
) -> None:
    export = await in_thread(lambda: render(session, file_format))
    answer = await _get(ann, export.pk)
    assert (answer.status_code, answer["content-type"]) == (200, content_type)
    await _body(answer)


@pytest.mark.parametrize(
    ("title", "begins"),
    [("Отчёт", "Отчёт-2"), ("تقرير", "تقرير-2"), ('a "b"; c', "a-b-c-2"), ("😀 ok", "ok-2")],
)
async def test_a_name_in_any_script_arrives(
    ann: Any, render: Callable[..., Export], title: str, begins: str
) -> None:
    export = await in_thread(lambda: render(lifecycle.start(ann, title)))
    answer = await _get(ann, export.pk)
    await _body(answer)
    head = Message()
    head["content-disposition"] = answer["content-disposition"]
    assert str(head.get_filename()) == export.file_name
    assert export.file_name.startswith(begins)


async def test_a_file_that_was_removed_is_gone(ann: Any, export: Export) -> None:
    Path(export.file.path).unlink()
    answer = await _get(ann, export.pk)
    assert (answer.status_code, answer.json()["code"]) == (410, "export_expired")


async def test_the_head_of_a_download_opens_no_file_that_stays_open(ann: Any, export: Export) -> None:
    answer = await _get(ann, export.pk, "head")
    assert answer.status_code == 200
    assert answer["content-length"] == str(export.file_size)
    open_files = [path.resolve() for path in Path("/proc/self/fd").iterdir() if path.exists()]
    assert Path(export.file.path).resolve() not in open_files


@pytest.mark.parametrize("accept", ["text/html,*/*;q=0.8", "*/*", "application/json", "text/markdown"])
async def test_the_download_does_not_depend_on_what_is_accepted(
    ann: Any, export: Export, accept: str
) -> None:
    answer = await _get(ann, export.pk, headers={"Accept": accept})
    assert answer.status_code == 200
    await _body(answer)


async def test_a_downloaded_page_could_run_nothing(ann: Any, export: Export) -> None:
    answer = await _get(ann, export.pk)
    await _body(answer)
    assert answer["content-disposition"].startswith("attachment")
    assert "default-src 'none'" in answer["content-security-policy"]
