"""The PDF export: all that was said, in every script, none of it a command; parts that are one document."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from agents_app.context import Stopped, ToolError
from exports_app.models import Export
from exports_app.renderers import pdf_format
from exports_app.typesetting import pdf
from sessions_app.models import ChatSession
from tests.recording import RecordingContext, child_processes

Render = Callable[..., Export]
Say = Callable[..., None]
Written = Callable[..., Path]
COMMANDS = [
    '#read("/etc/passwd")',
    '#import "@preview/a:1.0.0": x',
    "$x$ @ref",
    '")#panic("',
    '"), (), { panic() }',
    "\\u{41}",
    "/* no comment",
]
SCRIPTS = {
    "Latin": "Größe naïve Ťažký",
    "Cyrillic": "Привет українська",
    "Greek": "Καλημέρα ἀρχή",
    "combining": "e\u0301 Z\u0351\u036b",
    "CJK": "你好世界カタカナ한국어",
    "Hebrew": "שלום עולם",
    "Arabic": "مرحبا",
    "emoji": "😀🎉",
    "symbols": "∑→≠┌█☑",
}


def _text(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def test_every_message_is_in_a_file_of_many_parts_with_its_entry_in_the_outline(
    say: Say, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_format, "MESSAGES_A_PART", 4)
    say(*(f"The words of message {number} end here." for number in range(1, 11)))
    reader = PdfReader(written("pdf"))
    outline: list[Any] = list(reader.outline)
    assert [entry.title for entry in outline] == [
        f"{number}  You: The words of message {number} end here." for number in range(1, 11)
    ]
    for number, entry in enumerate(outline, start=1):
        page = reader.get_destination_page_number(entry)
        assert page is not None
        assert f"The words of message {number} end here." in reader.pages[page].extract_text()


def test_pages_are_numbered_through_all_parts_under_the_title(
    session: ChatSession, say: Say, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_format, "MESSAGES_A_PART", 1)
    say(*("A long message. " * 400 for _ in range(3)))
    pages = [page.extract_text().split("\n") for page in PdfReader(written("pdf")).pages]
    assert len(pages) > 5
    assert [lines[-1].split()[-1] for lines in pages] == [str(number) for number in range(1, len(pages) + 1)]
    assert all(str(session) in lines[0] for lines in pages)


@pytest.mark.parametrize("form", ["{}", "# {}", "- {}", "`` {} ``", "```{}\n{}\n```", "| {} |\n| --- |"])
def test_no_text_becomes_a_command(say: Say, written: Written, form: str) -> None:
    say(*(form.replace("{}", command) for command in COMMANDS))
    shown = _text(PdfReader(written("pdf"))).replace(" ", "")
    for command in COMMANDS:
        assert command.replace(" ", "").replace("\\", "") in shown.replace("\\", "")


def test_a_title_is_no_command(session: ChatSession, say: Say, written: Written) -> None:
    session.title = '"), #panic("x") $'
    session.save(update_fields=["title"])
    say("Hello")
    assert session.title in _text(PdfReader(written("pdf")))


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_is_there_as_text_or_as_codes_that_are_told(
    session: ChatSession, say: Say, render: Render, script: str
) -> None:
    text = SCRIPTS[script]
    say(text)
    export: Any = render(session, "pdf")
    with export.file.open("rb") as file:
        shown = _text(PdfReader(file))
    summary = export.subagent.result["summary"]
    lost = Counter(text.replace(" ", "")) - Counter(shown)
    coded = {character for character in lost if f"U+{ord(character):04X}" in shown}
    assert coded == set(lost)
    assert ("no font here" in summary) == bool(coded)
    if script in ("Latin", "Cyrillic", "Greek", "combining"):
        assert not coded


def test_a_character_that_no_font_has_is_shown_by_its_code_and_told(
    session: ChatSession, say: Say, render: Render
) -> None:
    say("before \u0378\u0379 after, and `\u0378`")
    export: Any = render(session, "pdf")
    assert "2 characters have no font here (unassigned)" in export.subagent.result["summary"]
    with export.file.open("rb") as file:
        shown = _text(PdfReader(file))
    assert "before [U+0378 U+0379] after, and [U+0378]" in shown


def test_only_addresses_that_lead_out_can_be_clicked(say: Say, written: Written) -> None:
    say("[a](https://a.example/) [b](/files/1/) [c](javascript:alert(1)) [d](file:///x) <mailto:a@b.example>")
    notes: Any = PdfReader(written("pdf")).pages[0].annotations or []
    links = [note.get_object()["/A"]["/URI"] for note in notes]
    assert links == ["https://a.example/", "mailto:a@b.example"]


@pytest.mark.usefixtures("worked")
def test_calls_and_subagents_stand_with_state_time_arguments_and_result(written: Written) -> None:
    shown = _text(PdfReader(written("pdf")))
    for part in ("Tool: look_up succeeded · 2.0 s", '"gnat"', "A small fly.", '</pre>```\\n# Fake"'):
        assert part in shown
    for part in (
        "Subagent: Analyze <b>the</b> #gnat failed · 1 min 5 s",
        '{"depth": 7}',
        "It took too long.",
    ):
        assert part in shown


@pytest.mark.usefixtures("worked")
def test_they_are_left_out_if_that_is_chosen(say: Say, written: Written) -> None:
    say("Only this")
    shown = _text(PdfReader(written("pdf", include_tools=False, include_metadata=False)))
    assert "Only this" in shown
    assert not any(part in shown for part in ("look_up", "gnat", "ann", "UTC"))


def test_tables_code_and_lists_are_there(say: Say, written: Written) -> None:
    wide = "x" * 300
    table, code = "| Name | Count |\n| --- | ---: |\n| alpha | 7 |", f"```python\nprint('{wide}')\n```"
    say(f"{table}\n\n- one\n  - two\n\n{code}\n\n> quoted")
    reader = PdfReader(written("pdf"))
    shown = _text(reader)
    assert "Name Count alpha 7 • one ‣ two" in shown
    assert wide in shown.replace(" ", "")
    assert "quoted" in shown


def test_text_that_runs_leftwards_begins_at_the_right(say: Say, written: Written) -> None:
    say("Q\n\nא\n\n- ב\n- W\n\n# ג\n\n1. K\n2. ד\n\nJ\n\n| ה | Z |\n|---|---|\n| 1 | 2 |\n\n> ו")
    lefts: dict[str, float] = {}

    def visit(text: str, user: Any, matrix: Any, *_: Any) -> None:
        lefts.setdefault(text.strip(), user[0] * matrix[4] + user[4])

    page = PdfReader(written("pdf", include_metadata=False)).pages[0]
    page.extract_text(visitor_text=visit)
    middle = float(page.mediabox.width) / 2
    assert {letter: lefts[letter] > middle for letter in "QאבWגKדJהZו"} == {
        "Q": False, "א": True, "ב": True, "W": True, "ג": True, "K": False, "ד": False, "J": False,
        "ה": True, "Z": True, "ו": True,
    }  # fmt: skip
    assert lefts["ה"] > lefts["Z"]


def test_words_of_a_wide_table_stay_in_their_columns(say: Say, written: Written) -> None:
    letters = "бвгджзиклмнп"
    names = [letter * 20 for letter in letters]
    row = f"| {' | '.join(names)} |"
    say(f"{'0 ' * 100}\n\n{row}\n|{'---|' * len(names)}\n{row}")
    places: dict[str, list[float]] = {}

    def visit(text: str, user: Any, matrix: Any, *_: Any) -> None:
        for letter in set(text.strip()):
            places.setdefault(letter, []).append(user[0] * matrix[4] + user[4])

    page = PdfReader(written("pdf", include_metadata=False)).pages[0]
    page.extract_text(visitor_text=visit)
    spans = [(min(places[letter]), max(places[letter])) for letter in letters]
    assert all(end < begin for (_, end), (begin, _) in pairwise(spans))
    assert spans[-1][1] < float(page.mediabox.width) - 40


@pytest.mark.parametrize(("size", "width"), [("a4", 595), ("letter", 612)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_paper_and_theme_are_as_chosen(say: Say, written: Written, size: str, width: int, theme: str) -> None:
    say("```python\ndef f(): pass\n```")
    (page,) = PdfReader(written("pdf", page_size=size, theme=theme)).pages
    assert int(page.mediabox.width) == width
    assert "def f(): pass" in page.extract_text()


def test_a_session_without_messages_is_a_page_that_says_so(written: Written) -> None:
    (page,) = PdfReader(written("pdf")).pages
    assert "There are no messages." in page.extract_text()


def test_a_cancel_ends_it_at_once_and_leaves_no_process(
    say: Say, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_format, "MESSAGES_A_PART", 50)
    say(*(f"**Message** {number} " + "with words " * 100 for number in range(200)))
    before = child_processes()
    (tmp_path / "attempt").mkdir()
    context = RecordingContext(tmp_path / "attempt")
    watcher = threading.Thread(target=_when_a_child_lives, args=(before, lambda _: context.stop()))
    watcher.start()
    with pytest.raises(Stopped):
        written("pdf", context)
    ended = time.monotonic()
    watcher.join(30)
    assert context.stopped_at is not None
    assert ended - context.stopped_at < 2
    assert child_processes() <= before
    assert not (tmp_path / "attempt" / "export.pdf").exists()


def test_what_sets_the_pages_is_killed_and_the_export_fails_with_a_sentence(
    session: ChatSession, say: Say, render: Render, files: Callable[[], list[Path]]
) -> None:
    say(*(f"**Message** {number} " + "with words " * 100 for number in range(100)))
    watcher = threading.Thread(
        target=_when_a_child_lives, args=(child_processes(), lambda pid: os.kill(pid, signal.SIGKILL))
    )
    watcher.start()
    export: Any = render(session, "pdf")
    watcher.join(30)
    assert (export.subagent.state, export.subagent.error["code"]) == ("failed", "pdf_failed")
    assert "was killed" in export.subagent.error["message"]
    assert files() == []


@pytest.mark.parametrize("bytes_at_most", [1024, 64 * 1024], ids=["for a part", "for the whole"])
def test_a_disk_without_room_fails_the_export_with_a_sentence(
    say: Say, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_at_most: int
) -> None:
    monkeypatch.setattr(pdf_format, "MESSAGES_A_PART", 10)
    monkeypatch.setattr(pdf, "FILE_BYTES", bytes_at_most)
    say(*(f"Message {number} " + "with words " * 200 for number in range(60)))
    with pytest.raises(ToolError) as failed:
        written("pdf")
    assert failed.value.code == "pdf_failed"
    assert "too large" in failed.value.message
    assert str(tmp_path) not in failed.value.message


def _when_a_child_lives(before: set[int], act: Callable[[int], object]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for pid in child_processes() - before:
            act(pid)
            return


def test_the_outline_has_the_words_of_a_message_without_its_markup(say: Say, written: Written) -> None:
    say(
        "# Title\n\n**bold** and `code`\nin [a link](https://example.org/x)",
        "```\nmade = 1\n```",
        "| a | b |",
    )
    outline: list[Any] = list(PdfReader(written("pdf")).outline)
    assert [entry.title for entry in outline] == [
        "1  You: Title bold and code in a link",
        "2  You: made = 1",
        "3  You: | a | b |",
    ]
