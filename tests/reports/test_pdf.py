"""PDF of any Markdown: all of its text is in it, none of it becomes a command, its limits hold."""

import io
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from agents_app.context import ToolError
from exports_app.typesetting import pdf
from exports_app.typesetting.literals import string
from tests.recording import RecordingContext

COMMANDS = [
    '#read("/etc/passwd")',
    '#import "@preview/a:1.0.0": x',
    "$x$",
    "@ref",
    "<label>",
    '")#panic("',
    "\\u{41}",
]


def written(tmp_path: Path, text: str) -> PdfReader:
    target = tmp_path / "out.pdf"
    pdf.write(RecordingContext(tmp_path), text, target, title="T", made="M")
    return PdfReader(io.BytesIO(target.read_bytes()))


def text_of(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "# {}",
        "- {}",
        "> {}",
        "``{}``",
        "```{}\n{}\n```",
        "| {} |\n| --- |\n| {} |",
        "[{}](https://a.example)",
    ],
)
def test_commands_of_typst_are_text_wherever_they_stand(tmp_path: Path, form: str) -> None:
    reader = written(tmp_path, "\n\n".join(form.replace("{}", command) for command in COMMANDS))
    shown = text_of(reader).replace(" ", "")
    for command in COMMANDS:
        assert command.replace(" ", "") in shown


def test_every_kind_of_block_is_shown(tmp_path: Path) -> None:
    text = (
        "# Head\n\n*em* **strong** ~~gone~~ `code`\\\nnext\n\n"
        "1. one\n2. two\n   - [ ] open\n   - [x] closed\n\n"
        "> quoted\n\n---\n\n    indented\n\n| A | B |\n| --- | :-: |\n| a1 | b1 |\n\n<b>raw</b> html\n\n"
        "```chart\nnot json\n```\n"
    )
    shown = text_of(written(tmp_path, text))
    for words in (
        "Head",
        "em strong gone code",
        "1. one",
        "☐ open",
        "☑ closed",
        "quoted",
        "indented",
        "a1 b1",
    ):
        assert words in shown
    assert "<b>raw</b> html" in shown
    assert "not json" in shown


def test_only_addresses_that_lead_out_are_links(tmp_path: Path) -> None:
    reader = written(tmp_path, "[a](https://a.example/) [b](/files/1/) [c](ftp://x/) <mailto:a@b.example>")
    notes: Any = reader.pages[0].annotations or []
    links = [note.get_object()["/A"]["/URI"] for note in notes]
    assert links == ["https://a.example/", "mailto:a@b.example"]


def test_links_are_those_of_the_page(tmp_path: Path) -> None:
    text = "https://a.example/b_c_ and ![pixel](https://e.example/f), [g](javascript:alert(1)), ~about~"
    reader = written(tmp_path, text)
    notes: Any = reader.pages[0].annotations or []
    links = [note.get_object()["/A"]["/URI"] for note in notes]
    assert links == ["https://a.example/b_c", "https://e.example/f"]
    assert "!pixel, [g](javascript:alert(1)), ~about~" in text_of(reader)


def test_long_words_break_and_can_still_be_copied(tmp_path: Path) -> None:
    word = "0123456789abcdef" * 16
    reader = written(tmp_path, f"{word}\n\n```\n{word}\n```")
    assert text_of(reader).replace(" ", "").count(word) == 2


def test_deep_nesting_is_shown(tmp_path: Path) -> None:
    text = "".join(f"{'  ' * depth}- level {depth}\n" for depth in range(40)) + "\n" + ">" * 50 + " end"
    shown = text_of(written(tmp_path, text))
    assert all(f"level {depth}" in shown for depth in range(40))
    assert "end" in shown


@pytest.mark.parametrize("marks", ["> ", "- ", "> - "])
def test_what_is_nested_as_deeply_as_typst_reads_is_set(tmp_path: Path, marks: str) -> None:
    text = "\n\n".join(
        f"---\n\n{marks * depth}**{'word' * 20}** https://a.example/" for depth in range(10, 30)
    )
    assert text_of(written(tmp_path, text)).replace(" ", "").count("https://a.example/") == 20


@pytest.mark.parametrize("marks", ["*", "_", "~~", "**"])
def test_emphasis_of_any_depth_is_shown(tmp_path: Path, marks: str) -> None:
    nested = f"{marks}word " * 28 + f" word{marks}" * 28
    text = f"x {marks * 2000}deep{marks * 2000}\n\n{nested}\n\n" + "> - " * 4 + nested
    shown = text_of(written(tmp_path, text))
    assert "deep" in shown
    assert shown.count("word") == 112


@pytest.mark.parametrize(
    "text", ["", "\x00\x1b[31mred\x7f", "\ud800", "\u202eevil", "[x](https://[)", "99999999999. x"]
)
def test_odd_text_is_no_reason_to_fail(tmp_path: Path, text: str) -> None:
    assert len(written(tmp_path, text).pages) == 1


def test_what_needs_too_much_memory_fails_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "MEMORY_BYTES", 250 * 1024**2)
    with pytest.raises(ToolError) as failed:
        written(tmp_path, f"# One\n\n{'many words ' * 200}\n\n" * 2000)
    assert failed.value.code == "pdf_too_large"


def test_what_takes_too_long_fails_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "TIMEOUT_SECONDS", 0.0)
    with pytest.raises(ToolError) as failed:
        written(tmp_path, "# One")
    assert failed.value.code == "pdf_too_large"


def test_a_string_literal_says_what_it_was_made_of() -> None:
    assert string('a"\\\n#x') == '"a\\"\\\\\\n#x"'
