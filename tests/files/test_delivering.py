"""What work delivers is its user's: whole, once, and only of the attempt that counts."""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents_app import admission, fast_calls, gateway, pool
from agents_app.context import Stopped, ToolContext, ToolError
from agents_app.files import reading
from agents_app.models import StoredFile, Subagent
from agents_app.outcome import Outcome
from agents_app.presentation import subagent_payload, subagent_payloads
from agents_app.registry import Tool, ToolResult
from sessions_app.models import ChatSession
from tests.agents import work
from tests.files.conftest import attempt_of, written

CONTENT = b"a,b\n1,2\n"


def test_a_delivered_file_is_read_back_byte_for_byte(session: ChatSession, tmp_path: Path) -> None:
    context = attempt_of(work.running(session), tmp_path)
    told = context.deliver(written(context), "table.csv")
    found = reading.readable(session.owner_id, told["file_id"])
    assert found.path.read_bytes() == CONTENT
    assert (told["size"], told["sha256"]) == (8, hashlib.sha256(CONTENT).hexdigest())
    assert (found.name, found.content_type, found.sha256) == ("table.csv", "text/csv", told["sha256"])
    assert told["download_url"] == f"/files/{told['file_id']}/"


def test_delivering_takes_the_file_out_of_the_work_folder(
    session: ChatSession, tmp_path: Path, store: Path
) -> None:
    context = attempt_of(work.running(session), tmp_path)
    told = context.deliver(written(context), "table.csv")
    assert not list(context.workdir.iterdir())
    assert [path.name for path in store.iterdir()] == [told["file_id"]]
    assert (store / told["file_id"]).stat().st_mode & 0o777 == 0o600


def test_nobody_else_can_read_it(session: ChatSession, bob: Any, tmp_path: Path) -> None:
    context = attempt_of(work.running(session), tmp_path)
    told = context.deliver(written(context), "table.csv")
    with pytest.raises(ToolError) as refused:
        reading.readable(bob.pk, told["file_id"])
    with pytest.raises(ToolError) as unknown:
        reading.readable(bob.pk, "no id")
    assert (refused.value.code, refused.value.message) == (unknown.value.code, unknown.value.message)
    assert refused.value.code == "file_not_found"


def _restarted(subagent: Subagent) -> Subagent:
    pool.give_back(work.fresh(subagent))
    admission.admit("tools")
    again = pool.start(subagent.pk, work.fresh(subagent).attempt, work.worker().pk)
    assert again is not None
    return again


@pytest.mark.django_db(transaction=True)
def test_what_a_dead_attempt_delivered_is_gone_when_the_next_begins(
    session: ChatSession, tmp_path: Path, store: Path
) -> None:
    subagent = work.running(session)
    context = attempt_of(subagent, tmp_path)
    first = context.deliver(written(context), "first.csv")
    again = _restarted(subagent)
    assert not StoredFile.objects.filter(pk=first["file_id"]).exists()
    assert not list(store.iterdir())
    context = attempt_of(again, tmp_path)
    second = context.deliver(written(context), "second.csv")
    assert [file["name"] for file in subagent_payload(work.fresh(subagent))["files"]] == ["second.csv"]
    assert [path.name for path in store.iterdir()] == [second["file_id"]]


def test_what_a_dead_attempt_delivered_is_hidden_while_the_work_waits(
    session: ChatSession, tmp_path: Path
) -> None:
    subagent = work.running(session)
    context = attempt_of(subagent, tmp_path)
    told = context.deliver(written(context), "first.csv")
    pool.give_back(work.fresh(subagent))
    assert subagent_payload(work.fresh(subagent))["files"] == []
    with pytest.raises(ToolError):
        reading.readable(session.owner_id, told["file_id"])


def test_an_attempt_that_lost_its_work_delivers_nothing(
    session: ChatSession, tmp_path: Path, store: Path
) -> None:
    subagent = work.running(session)
    context = attempt_of(subagent, tmp_path)
    path = written(context)
    context.check()  # it has looked, and will not for a while
    pool.give_back(work.fresh(subagent))
    with pytest.raises(Stopped):
        context.deliver(path, "late.csv")
    assert not StoredFile.objects.exists()
    assert not list(store.iterdir())


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_work_that_does_not_succeed_keeps_what_it_delivered(
    session: ChatSession, tmp_path: Path, state: Any
) -> None:
    subagent = work.running(session)
    context = attempt_of(subagent, tmp_path)
    told = context.deliver(written(context), "part.csv")
    error = {"code": "timeout", "message": "It took too long."} if state == "failed" else None
    pool.finish(subagent, Outcome(state=state, error=error))
    payload = session.events.filter(kind=f"subagent.{state}").get().payload
    assert [file["file_id"] for file in payload["files"]] == [told["file_id"]]
    assert reading.readable(session.owner_id, told["file_id"]).path.is_file()


def test_a_cancel_while_it_is_hashed_stops_the_delivery(
    session: ChatSession, tmp_path: Path, store: Path
) -> None:
    subagent = work.running(session)
    context = attempt_of(subagent, tmp_path)
    path = written(context, content=b"x" * 3 * 1024 * 1024)
    pool.cancel(subagent.pk)
    with pytest.raises(Stopped):
        context.deliver(path, "large.bin")
    assert path.exists()
    assert not list(store.iterdir())


def test_an_event_names_the_first_files_that_fit_and_counts_all(session: ChatSession, tmp_path: Path) -> None:
    subagent = work.running(session)
    context = attempt_of(subagent, tmp_path)
    for number in range(25):
        context.deliver(written(context, f"{number}", b"%d" % number), f"{number:02}-{'ä' * 250}.txt")
    pool.finish(subagent, Outcome(state=Subagent.State.SUCCEEDED, result={"summary": "x" * 5000}))
    payload = session.events.filter(kind="subagent.completed").get().payload
    assert payload["files_total"] == 25
    assert 5 < len(payload["files"]) <= 20
    assert [file["name"][:2] for file in payload["files"][:3]] == ["00", "01", "02"]


def test_the_files_of_many_subagents_take_one_query(
    session: ChatSession, tmp_path: Path, django_assert_num_queries: Any
) -> None:
    work.set_pool(cap=6)
    subagents = [work.running(session) for _ in range(3)]
    for subagent in subagents:
        context = attempt_of(subagent, tmp_path / str(subagent.pk))
        context.deliver(written(context), "table.csv")
    rows = list(Subagent.objects.order_by("seq"))
    with django_assert_num_queries(1):
        payloads = subagent_payloads(rows)
    assert [payload["files_total"] for payload in payloads] == [1, 1, 1]


def _link(path: Path, folder: Path) -> None:
    path.symlink_to(folder / "secret")


@pytest.mark.parametrize("make", [_link, lambda path, _: os.mkfifo(path), lambda path, _: path.mkdir()])
def test_only_plain_files_are_delivered(
    session: ChatSession, tmp_path: Path, store: Path, make: Callable[[Path, Path], object]
) -> None:
    (tmp_path / "secret").write_text("of the server")
    context = attempt_of(work.running(session), tmp_path)
    path = context.workdir / "thing"
    make(path, tmp_path)
    with pytest.raises(ToolError) as refused:
        context.deliver(path, "thing.txt")
    assert refused.value.code == "file_not_delivered"
    assert not list(store.iterdir())


def test_nothing_outside_the_work_folder_is_delivered(session: ChatSession, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the server")
    context = attempt_of(work.running(session), tmp_path)
    with pytest.raises(ToolError, match="could not be stored"):
        context.deliver(context.workdir / ".." / "secret", "secret.txt")
    assert (tmp_path / "secret").exists()


def test_a_full_quota_is_told_and_leaves_no_bytes(
    session: ChatSession, tmp_path: Path, store: Path, settings: Any
) -> None:
    settings.FILES_USER_MAX_BYTES = 10
    context = attempt_of(work.running(session), tmp_path)
    context.deliver(written(context), "first.csv")
    with pytest.raises(ToolError) as refused:
        context.deliver(written(context), "second.csv")
    assert refused.value.code == "quota_exceeded"
    assert len(list(store.iterdir())) == 1


def test_a_fast_call_delivers_for_its_session(session: ChatSession, declare: Callable[..., None]) -> None:
    def run(context: ToolContext) -> ToolResult:
        path = context.workdir / "out.txt"
        path.write_text("hello")
        return ToolResult(summary="Done.", data={"file": context.deliver(path, "hello.txt")})

    declare("quick", run)
    call: Any = gateway.execute_tool(session, "quick", {})
    assert call.state == "succeeded"
    stored = StoredFile.objects.get(pk=call.result["data"]["file"]["file_id"])
    assert (stored.session_id, stored.subagent_id) == (session.pk, None)
    assert reading.readable(session.owner_id, str(stored.pk)).path.read_text() == "hello"


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_a_call_that_goes_on_in_the_background_takes_along_what_it_delivered(
    session: ChatSession, settings: Any, seconds: float
) -> None:
    settings.BACKGROUND_AFTER_SECONDS = seconds
    work.workers()
    moved: list[Subagent] = []

    def run(context: ToolContext) -> ToolResult:
        for number in range(2):
            path = context.workdir / "out.txt"
            path.write_text(f"{number}")
            context.deliver(path, f"{number}.txt")
            deadline = time.monotonic() + 10
            while not moved and time.monotonic() < deadline:  # it moves here, or already while it delivers
                context.check()
        return ToolResult(summary="Done.")

    tool = Tool(
        name="server__slow",
        title="Slow",
        description="",
        input_schema={"type": "object"},
        run=run,
        check=None,
        heavy=False,
        safe_to_repeat=False,
        execution_timeout_seconds=30,
        in_chat_worker=True,
    )
    call_id = uuid4()
    assert fast_calls.begin(session, tool, {}, None, call_id) is None
    fast_calls.make(session, tool, {}, call_id, moved=moved.append)
    assert len(moved) == 1
    payload = session.events.filter(kind="subagent.completed").get().payload
    assert [file["name"] for file in payload["files"]] == ["0.txt", "1.txt"]


def test_a_file_comes_from_another_disk_byte_for_byte(
    session: ChatSession, tmp_path: Path, settings: Any
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        if Path(folder).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("there is one disk only")
        settings.FILES_DIR = Path(folder)
        content = os.urandom(3 * 1024 * 1024 + 5)
        context = attempt_of(work.running(session), tmp_path)
        told = context.deliver(written(context, content=content), "large.bin")
        assert (Path(folder) / told["file_id"]).read_bytes() == content
        assert not list(context.workdir.iterdir())


def test_a_delivery_from_another_disk_that_is_stopped_leaves_nothing(
    session: ChatSession, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        if Path(folder).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("there is one disk only")
        settings.FILES_DIR = Path(folder)
        context = attempt_of(work.running(session), tmp_path)
        path = written(context, content=b"x" * 4 * 1024 * 1024)
        looks: list[int] = []

        def check() -> None:
            looks.append(1)
            if len(looks) == 7:  # it has been hashed, and is being copied
                raise Stopped

        monkeypatch.setattr(context, "check", check)
        with pytest.raises(Stopped):
            context.deliver(path, "large.bin")
        assert not list(Path(folder).iterdir())
    assert not StoredFile.objects.exists()
