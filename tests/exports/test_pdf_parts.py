"""The parts of a PDF: messages of any size in little memory, joined to one document."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from agents_app.context import ToolError
from exports_app import planning
from exports_app.renderers import pdf_format
from exports_app.typesetting import pdf, pieces
from sessions_app.models import ChatSession
from tests.recording import RecordingContext, child_processes

Say = Callable[..., None]
Written = Callable[..., Path]
MEGABYTES_A_PROCESS = 200
HEAVY = {
    "table": "| name | requests | share |\n|---|---:|---:|\n" + "| alpha beta | 1234 | 0.123 |\n" * 1600,
    "tiny cells": "|a|b|\n|-|-|\n" + "|x|y|\n" * 4000,
    "words": "many words of a text that is long " * 10_000,
    "one word": "abcdefgh01" * 10_000,
    "Chinese": "队列记得它收到的一切。" * 6_000,
    "code": "```python\n" + "x = f(1, 'a')  # c\n" * 4500 + "```",
    "lists in lists": "- - - a\n" * 4000,
}


class _Weighing(RecordingContext):
    """Notes the largest memory that a child had, in MB."""

    largest = 0

    def check(self) -> None:
        super().check()
        for pid in child_processes():
            status = Path(f"/proc/{pid}/status")
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text() if status.exists() else "")
            self.largest = max(self.largest, int(found[1]) // 1024 if found else 0)


def _text(reader: PdfReader) -> str:
    return " ".join(page.extract_text() for page in reader.pages)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Memory is read from /proc.")
@pytest.mark.parametrize("content", HEAVY)
def test_a_message_of_any_size_takes_little_memory(
    say: Say, written: Written, tmp_path: Path, content: str
) -> None:
    (tmp_path / "attempt").mkdir()
    context = _Weighing(tmp_path / "attempt")
    say(HEAVY[content])
    written("pdf", context)
    assert 20 < context.largest < MEGABYTES_A_PROCESS


def test_a_message_that_needs_several_parts_is_there_whole_with_one_entry(
    say: Say, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_CHARACTERS", 500)
    monkeypatch.setattr(pdf_format, "KILOBYTES_A_PART", 1500)
    monkeypatch.setattr(pdf_format, "KILOBYTES_AT_MOST", 2000)
    rows = "".join(f"| row{number} | {number} |\n" for number in range(200))
    prose = " ".join(f"word{number}" for number in range(500))
    code = "".join(f"line{number} = {number}\n" for number in range(100))
    content = f"{prose}\n\n| Name | Count |\n|---|---|\n{rows}\n```python\n{code}```\n\nThat is all."
    say("Before", content, "After")
    reader = PdfReader(written("pdf"))
    shown = _text(reader)
    for kind, count in (("word", 500), ("row", 200), ("line", 100)):
        found = re.findall(rf"\b{kind}(\d+)\b", shown)
        # The outline's name of a message is its beginning, hidden on the page.
        assert [int(number) for number in found][-count:] == list(range(count))
    assert shown.count("Name Count") > 2
    outline: list[Any] = list(reader.outline)
    assert [entry.title.split(":")[0] for entry in outline] == ["1  You", "2  You", "3  You"]
    pages = [page.extract_text().split()[-1] for page in reader.pages]
    assert pages == [str(number) for number in range(1, len(pages) + 1)]
    last = reader.get_destination_page_number(outline[-1])
    assert last is not None
    assert "After" in reader.pages[last].extract_text()


def test_the_file_is_called_as_the_chat_is(
    session: ChatSession, say: Say, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_format, "MESSAGES_A_PART", 1)
    session.title = "Größe (1) \\ 你好"
    session.save(update_fields=["title"])
    say("One", "Two")
    metadata = PdfReader(written("pdf")).metadata
    assert metadata is not None
    assert metadata.title == session.title


def test_links_inside_a_part_lead_to_their_pages_when_it_is_joined(tmp_path: Path) -> None:
    sources = [tmp_path / f"part-{number}.typ" for number in (1, 2)]
    for source in sources:
        source.write_text(
            f"#set page(width: 9cm, height: 9cm)\n= {source.stem}\n#link(<end>)[to the end]\n"
            f'#link("https://a.example/")[out]\n#pagebreak()\nmiddle\n#pagebreak()\nThe end <end>'
        )
    context = RecordingContext(tmp_path)
    told: list[int] = []
    pdf.typeset(context, sources, on_made=lambda pages, missing: told.append(pages))
    pdf.join(context, [source.with_suffix(".pdf") for source in sources], tmp_path / "whole.pdf")
    reader = PdfReader(tmp_path / "whole.pdf")
    assert told == [3, 3]
    assert len(reader.pages) == 6
    for first in (0, 3):
        notes: Any = reader.pages[first].annotations
        inside, out = (note.get_object() for note in notes)
        place = inside["/Dest"] if "/Dest" in inside else inside["/A"]["/D"]
        assert reader.pages[first + 2].indirect_reference == place[0]
        assert out["/A"]["/URI"] == "https://a.example/"


def test_progress_is_told_for_each_part(
    say: Say, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_format, "MESSAGES_A_PART", 2)
    (tmp_path / "attempt").mkdir()
    context = RecordingContext(tmp_path / "attempt")
    say(*map(str, range(10)))
    written("pdf", context)
    assert [percent for percent, _, _ in context.told] == [2, 4, 6, 8, 10]


def test_a_part_that_cannot_be_read_is_told_without_places_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "part-1.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(ToolError) as failure:
        pdf.join(RecordingContext(tmp_path), [tmp_path / "part-1.pdf"], tmp_path / "whole.pdf")
    assert failure.value.code == "pdf_failed"
    assert failure.value.message == "The PDF could not be made: one of its parts cannot be read."


def test_what_nobody_foresaw_is_told_in_words_and_the_log_has_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ToolError) as failure:
        pdf.typeset(RecordingContext(tmp_path), [], first_page="no number")  # type: ignore[arg-type]
    assert failure.value.message == "The PDF could not be made: the server's log tells why."
    assert "ValueError" in caplog.text


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_makes_the_pdf_is_told_to_be_killed_however_it_was(tmp_path: Path, number: int) -> None:
    (tmp_path / "part-1.typ").write_text("Word " * 100_000)
    before = child_processes()

    def end() -> None:
        for pid in child_processes() - before:
            os.kill(pid, number)

    with pytest.raises(ToolError, match="What makes the PDF was killed") as failure:
        pdf.typeset(RecordingContext(tmp_path), [tmp_path / "part-1.typ"], watch=end)
    assert failure.value.code == "pdf_failed"


def test_an_export_may_be_silent_for_longer_than_a_part_may_take(session: ChatSession) -> None:
    task = {"format": "pdf", "options": {}}
    plans = [planning.prepare(task, session.pk), planning.prepare(task | {"session_ids": "all"}, session.pk)]
    for plan in plans:
        assert plan.idle_timeout_seconds is not None
        assert plan.idle_timeout_seconds > pdf.TIMEOUT_SECONDS
