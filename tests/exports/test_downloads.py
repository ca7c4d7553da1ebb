"""Downloads: the whole file, for its owner, under a name that every browser takes."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import AsyncClient
from knox.models import AuthToken

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
    assert (answer.status_code, answer.json()["code"]) == (409, "export_not_ready")


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
