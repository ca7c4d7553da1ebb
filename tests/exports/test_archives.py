"""Many chats in one zip: what is in it, what is not, and what its index says."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
from django.utils import timezone

from agents_app import admission, gateway, pool, runner
from agents_app.context import Stopped, ToolError
from agents_app.models import Subagent
from exports_app import archives, exporting, selection
from exports_app.formats import FORMATS
from exports_app.models import Export
from exports_app.options import ExportOptions
from sessions_app import lifecycle
from sessions_app.events import session_change
from sessions_app.messages import add
from sessions_app.models import ChatSession
from tests.agents import work
from tests.recording import RecordingContext

Files = Callable[[], list[Path]]
Archive = Callable[..., Any]


def chat(owner: Any, title: str, *said: str) -> ChatSession:
    """Return a chat in which this was said."""
    session = lifecycle.start(owner, title)
    with session_change(session.pk) as change:
        for content in said:
            add(change, role="user", content=content, wants_answer=False)
    return session


def index_of(file: Path) -> dict[str, Any]:
    """Return the index of an archive; fail if it does not agree with what is in it."""
    with ZipFile(file) as archive:
        assert archive.testzip() is None
        index: dict[str, Any] = json.loads(archive.read("index.json"))
        assert archive.namelist() == [*(entry["file"] for entry in index["chats"]), "index.json"]
        for entry in index["chats"]:
            content = archive.read(entry["file"])
            assert len(content) == entry["bytes"]
            assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    return index


@pytest.fixture
def archive(registered: Any, session: ChatSession) -> Archive:
    """Have chats exported as one archive by this process, shown in the session, and return the export."""

    def do(*chats: ChatSession, file_format: str = "markdown", **options: Any) -> Any:
        ids = [one.pk for one in chats]
        subagent = gateway.request_export(session.pk, file_format, options, session_ids=ids)
        return run(subagent)

    return do


def run(subagent: Subagent) -> Any:
    """Do what is queued and return its export; untyped, as what a test knows of it mypy cannot."""
    work.worker()
    admission.admit("exports")
    runner.run(subagent.pk, 1)
    return Export.objects.select_related("subagent").get(subagent=subagent)


def test_an_archive_has_a_file_for_each_chat_the_newest_first_and_an_index(
    ann: Any, archive: Archive, files: Files
) -> None:
    older, newer = chat(ann, "Older", "one", "two"), chat(ann, "Newer", "three")
    export = archive(older, newer)
    (file,) = files()
    assert export.subagent.state == "succeeded", export.subagent.error
    assert (export.file_size, export.sha256) == (
        file.stat().st_size,
        hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    index = index_of(file)
    assert [(entry["title"], entry["id"], entry["messages"]) for entry in index["chats"]] == [
        ("Newer", str(newer.pk), 1),
        ("Older", str(older.pk), 2),
    ]
    assert (index["index_version"], index["format"], index["left_out"]) == (1, "markdown", [])
    with ZipFile(file) as opened:
        assert "three" in opened.read("Newer.md").decode()


def test_an_archive_is_told_with_what_it_has(ann: Any, archive: Archive, session: ChatSession) -> None:
    export = archive(chat(ann, "A", "x"), chat(ann, "B", "y", "z"))
    assert export.subagent.result["summary"] == f"2 chats, 3 messages, {export.file_size:,} bytes"
    assert export.subagent.title == "Export of 2 chats as Markdown"
    assert export.file_name.startswith("2-chats-2")
    assert export.file_name.endswith(".zip")
    assert export.file.name == f"exports/{export.pk}.zip"
    told = session.events.get(kind="export.completed").payload
    assert (told["session_id"], told["session_count"], told["is_archive"]) == (str(session.pk), 2, True)
    assert told["format"] == "markdown"


def test_a_plain_export_is_no_archive(session: ChatSession, render: Callable[..., Export]) -> None:
    shown = exporting.payload(render(session))
    assert (shown["session_id"], shown["session_count"], shown["is_archive"]) == (str(session.pk), 1, False)


@pytest.mark.parametrize(
    ("titles", "names"),
    [
        (["SAME", "Same", "Same"], ["Same.json", "Same-2.json", "SAME-3.json"]),
        (["../../etc/passwd"], ["etc-passwd.json"]),
        (["/abs", "a\\b", "C:\\x"], ["C-x.json", "a-b.json", "abs.json"]),
        (["index"], ["index-2.json"]),
        (["CON", "com1.txt", "nul"], ["nul-chat.json", "com1-chat.txt.json", "CON-chat.json"]),
        (["LPT¹.tar.gz", "console"], ["console.json", "LPT¹-chat.tar.gz.json"]),
        (["हिन्दी", "中文 чат", "العربية"], ["العربية.json", "中文-чат.json", "हिन्दी.json"]),
        (["e\u0301", "\u00e9"], ["é.json", "é-2.json"]),
        (["a\u202egnp.exe", "\u200b"], ["session.json", "agnp.exe.json"]),
        (["...", "🦟"], ["session.json", "session-2.json"]),
        (["x" * 200, "𝒳" * 200], ["𝒳" * 45 + ".json", "x" * 60 + ".json"]),
    ],
)
def test_files_are_named_by_titles_and_every_file_system_takes_them(
    ann: Any, archive: Archive, files: Files, titles: list[str], names: list[str]
) -> None:
    chats = [chat(ann, title, "x") for title in titles]
    archive(*chats, file_format="json")
    found = [entry["file"] for entry in index_of(files()[0])["chats"]]
    assert found == names
    assert not any(set("/\\:") & set(name) or len(name.encode()) > 255 for name in found)


def test_a_name_in_any_script_is_marked_as_unicode(ann: Any, archive: Archive, files: Files) -> None:
    archive(chat(ann, "Größe 中文", "x"))
    with ZipFile(files()[0]) as opened:
        (info,) = (info for info in opened.infolist() if info.filename != "index.json")
    assert info.filename == "Größe-中文.md"
    assert info.flag_bits & 0x800


def test_text_is_deflated_and_a_pdf_is_stored(ann: Any, archive: Archive, files: Files) -> None:
    one = chat(ann, "One", "x " * 2000)
    archive(one)
    (text,) = files()
    archive(one, file_format="pdf")
    (pdf,) = set(files()) - {text}
    with ZipFile(text) as opened:
        assert opened.infolist()[0].compress_type == ZIP_DEFLATED
        assert opened.infolist()[0].compress_size < opened.infolist()[0].file_size / 4
    with ZipFile(pdf) as opened:
        assert opened.infolist()[0].compress_type == ZIP_STORED
        assert opened.read("One.pdf").startswith(b"%PDF-")


def test_without_metadata_nobody_is_named(ann: Any, archive: Archive, files: Files) -> None:
    archive(chat(ann, "One", "x"), include_metadata=False)
    (entry,) = index_of(files()[0])["chats"]
    assert set(entry) == {"id", "title", "file", "messages", "bytes", "sha256", "note"}


def test_a_chat_that_was_deleted_meanwhile_is_left_out_and_named(
    ann: Any, session: ChatSession, registered: Any, files: Files
) -> None:
    kept, gone = chat(ann, "Kept", "x"), chat(ann, "Gone *bold*", "y")
    subagent = gateway.request_export(session.pk, "json", {}, session_ids=[kept.pk, gone.pk])
    lifecycle.delete(gone.pk)
    export = run(subagent)
    index = index_of(files()[0])
    assert [entry["title"] for entry in index["chats"]] == ["Kept"]
    assert index["left_out"] == [
        {
            "id": str(gone.pk),
            "title": "Gone *bold*",
            "code": "session_gone",
            "reason": "The chat was deleted before its export was done.",
        }
    ]
    assert "Left out: Gone \\*bold\\* (`session_gone`)." in export.subagent.result["summary"]
    assert exporting.payload(export)["session_count"] == 1


def test_a_chat_that_is_deleted_while_it_is_rendered_leaves_nothing_half_in_the_archive(
    ann: Any, archive: Archive, files: Files, monkeypatch: Any
) -> None:
    kept, gone = chat(ann, "Kept", "x"), chat(ann, "Gone", *["y"] * 3)
    whole = FORMATS["json"].render

    def render(document: Any, write: Callable[[str], object], tick: Callable[[int], None]) -> None:
        if document.id == gone.pk:
            write("half")
            lifecycle.delete(gone.pk)
        whole(document, write, tick)

    monkeypatch.setitem(FORMATS, "json", type(FORMATS["json"])(**{**vars(FORMATS["json"]), "render": render}))
    archive(kept, gone, file_format="json")
    index = index_of(files()[0])
    assert [entry["title"] for entry in index["chats"]] == ["Kept"]
    assert [entry["code"] for entry in index["left_out"]] == ["session_gone"]


def test_an_archive_all_of_whose_chats_are_gone_fails_and_leaves_no_file(
    ann: Any, session: ChatSession, registered: Any, files: Files
) -> None:
    gone = [chat(ann, "A", "x"), chat(ann, "B", "y")]
    subagent = gateway.request_export(session.pk, "json", {}, session_ids=[one.pk for one in gone])
    for one in gone:
        lifecycle.delete(one.pk)
    export = run(subagent)
    assert (export.subagent.state, export.subagent.error["code"]) == ("failed", "session_gone")
    assert files() == []


def test_a_chat_that_cannot_be_rendered_is_left_out_and_the_others_are_delivered(
    ann: Any, archive: Archive, files: Files, monkeypatch: Any
) -> None:
    good, huge = chat(ann, "Good", "x"), chat(ann, "Huge", "y")
    whole = FORMATS["pdf"].render

    def render(context: Any, document: Any, target: Path, tick: Callable[[int], None]) -> Any:
        if document.id == huge.pk:
            raise ToolError("pdf_too_large", "It takes too long.")
        return whole(context, document, target, tick)

    monkeypatch.setitem(FORMATS, "pdf", type(FORMATS["pdf"])(**{**vars(FORMATS["pdf"]), "render": render}))
    export = archive(good, huge, file_format="pdf")
    index = index_of(files()[0])
    assert [entry["file"] for entry in index["chats"]] == ["Good.pdf"]
    assert [entry["code"] for entry in index["left_out"]] == ["pdf_too_large"]
    assert export.subagent.result["summary"].startswith("1 chat, 1 message, ")
    export = archive(huge, file_format="pdf")
    assert (export.subagent.state, export.subagent.error["code"]) == ("failed", "pdf_too_large")


def test_progress_goes_over_all_messages_of_all_chats_with_the_time_left(
    ann: Any, session: ChatSession, tmp_path: Path
) -> None:
    chats = selection.chosen([str(chat(ann, "A", *"abc").pk), str(chat(ann, "B", *"defg").pk)])
    context = RecordingContext(tmp_path)
    write(context, chats)
    percents = [percent for percent, _, _ in context.told]
    assert percents == sorted(percents)
    assert percents[-1] == pytest.approx(90)
    assert len(context.told) == 7 + 2
    assert {stage for _, stage, _ in context.told} == {"rendering 1 of 2", "rendering 2 of 2"}
    assert all(left is not None and left >= 0 for _, _, left in context.told)


def write(context: RecordingContext, chats: list[selection.Chosen]) -> archives.Index:
    """Write an archive of JSON without a queue."""
    return archives.write(
        context,
        FORMATS["json"],
        chats,
        context.workdir / "export.zip",
        wanted=ExportOptions(),
        now=timezone.now(),
        before_each=lambda: None,
    )


def test_a_cancelled_archive_ends_at_the_next_message(ann: Any, tmp_path: Path, session: ChatSession) -> None:
    chats = selection.chosen([str(chat(ann, "A", *"abc").pk), str(chat(ann, "B", *"abc").pk)])
    context = RecordingContext(tmp_path / "attempt")
    context.workdir.mkdir()
    context.stop_when = lambda percent, stage: stage == "rendering 2 of 2"
    with pytest.raises(Stopped):
        write(context, chats)
    assert len(context.told) == 3 + 1 + 1
    assert [path.name for path in context.workdir.iterdir()] == ["export.zip"]


@pytest.mark.usefixtures("registered")
def test_an_attempt_that_was_killed_leaves_nothing_and_the_next_one_delivers(
    ann: Any, session: ChatSession, media: Path, files: Files
) -> None:
    subagent = gateway.request_export(session.pk, "json", {}, session_ids=[chat(ann, "A", "x").pk])
    work.worker()
    admission.admit("exports")
    running = pool.start(subagent.pk, 1, work.worker().pk)
    assert running is not None
    export = Export.objects.get(subagent=subagent)
    half = media / str(export.file.name)
    half.parent.mkdir(parents=True)
    half.write_bytes(b"PK")
    pool.give_back(work.fresh(running))
    admission.admit("exports")
    runner.run(subagent.pk, 2)
    assert files() == [half]
    assert index_of(half)["chats"][0]["title"] == "A"


def test_a_cancelled_archive_leaves_no_file(
    ann: Any, session: ChatSession, media: Path, files: Files
) -> None:
    subagent = gateway.request_export(session.pk, "json", {}, session_ids=[chat(ann, "A", "x").pk])
    gateway.cancel(subagent.pk)
    assert session.events.get(kind="export.failed").payload["state"] == "cancelled"
    assert files() == []


def test_an_archive_can_be_tried_again(
    ann: Any, session: ChatSession, archive: Archive, files: Files
) -> None:
    first = archive(chat(ann, "A", "x"), chat(ann, "B", "y"))
    again = run(gateway.retry(first.subagent_id))
    assert again.subagent.state == "succeeded"
    assert exporting.payload(again)["session_count"] == 2
    assert len(files()) == 2


def test_the_time_that_an_archive_may_take_grows_with_its_messages_up_to_an_hour(
    ann: Any, session: ChatSession
) -> None:
    one, other = chat(ann, "A", "x"), chat(ann, "B", "y")
    ChatSession.objects.filter(pk=one.pk).update(message_count=10_000)
    subagent = gateway.request_export(session.pk, "pdf", {}, session_ids=[one.pk, other.pk])
    assert subagent.execution_timeout_seconds == pytest.approx(300 + 6 + 10_001 / 20)
    ChatSession.objects.filter(pk=one.pk).update(message_count=1_000_000)
    subagent = gateway.request_export(session.pk, "pdf", {}, session_ids=[one.pk])
    assert subagent.execution_timeout_seconds == 3600
