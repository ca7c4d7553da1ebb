"""Words and lines of a PDF: none beyond the page, none stretched, links one by one."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typst
from django.utils import timezone
from pypdf import PageObject, PdfReader

from agents_app.models import ToolCall
from exports_app.typesetting import compiling, fonts
from exports_app.typesetting.compiling import Typesetter
from exports_app.typesetting.literals import string
from sessions_app.models import ChatSession

Say = Callable[..., None]
Written = Callable[..., Path]
PATH = "exports_app/typesetting/document.typ"
ADDRESS = f"https://forge.example/example/some-repository/blob/main/{PATH}?plain=1#L10-L20"


def _places(page: PageObject) -> list[tuple[str, float, float]]:
    """Return the texts of a page and where each begins, in points from its lower left corner."""
    places: list[tuple[str, float, float]] = []

    def visit(text: str, user: Any, matrix: Any, *_: Any) -> None:
        if words := text.strip():
            x, y = matrix[4], matrix[5]
            left, bottom = user[0] * x + user[2] * y + user[4], user[1] * x + user[3] * y + user[5]
            places.append((words, left, bottom))

    page.extract_text(visitor_text=visit)
    return places


def _links(page: PageObject) -> list[tuple[str, list[float]]]:
    notes: Any = (note.get_object() for note in page.annotations or [])
    return [(note["/A"]["/URI"], [float(side) for side in note["/Rect"]]) for note in notes]


@pytest.mark.parametrize("word", ["שלום", "مرحبا", "हिन्दी", "𝕏", "مرحبا_1.", "a/", "/)"])
@pytest.mark.parametrize("form", ["{}", "- x\n  - {}", "`{}`", "[{}](https://a.example/)"])
def test_a_long_word_of_any_script_goes_on_in_the_next_line(
    say: Say, written: Written, word: str, form: str
) -> None:
    say(form.replace("{}", word * (900 // len(word))))
    page = PdfReader(written("pdf", include_metadata=False)).pages[0]
    places = _places(page)
    assert all(0 < x < float(page.mediabox.width) for _, x, _ in places)
    assert len({round(y) for _, _, y in places}) > 7


@pytest.mark.parametrize(
    "content",
    [
        list(range(200)),
        ["alpha"] * 80,
        {f"key{number}": str(number) for number in range(60)},
    ],
    ids=["numbers", "texts", "object"],
)
def test_highlighted_code_without_a_space_wraps(say: Say, written: Written, content: Any) -> None:
    code = json.dumps(content, separators=(",", ":"))
    say(f"```json\n{code}\n```")
    page = PdfReader(written("pdf", include_metadata=False)).pages[0]
    places = _places(page)
    assert max(x for _, x, _ in places) < float(page.mediabox.width) - 40
    assert code in page.extract_text().replace("\n", "")


@pytest.mark.parametrize(
    "word", [PATH, "550e8400-e29b-41d4-a716-446655440000", "https://a.example/a/long/page"]
)
@pytest.mark.parametrize(
    "form", ["שלום {} עולם", "- שלום\n- שלום {}", "|א|ב|ג|ד|\n|-|-|-|-|\n|שלום {}|1|2|3|"]
)
def test_a_long_word_among_others_that_run_leftwards_is_not_backwards(
    say: Say, written: Written, word: str, form: str
) -> None:
    say(form.replace("{}", word))
    places = _places(PdfReader(written("pdf", include_metadata=False)).pages[0])
    from_left = sorted(places, key=lambda place: (-round(place[2]), place[1]))
    assert word in "".join(words for words, _, _ in from_left)


@pytest.mark.parametrize("title", ["שלום, API!", "API, שלום!"])
def test_a_title_begins_where_its_first_letter_says_on_the_page_and_at_its_head(
    session: ChatSession, say: Say, written: Written, title: str
) -> None:
    session.title = title
    session.save(update_fields=["title"])
    say("Hello")
    page = PdfReader(written("pdf", include_metadata=False)).pages[0]
    middle = float(page.mediabox.width) / 2
    sides = {x > middle for words, x, _ in _places(page) if set(words) & set("שלוםAPI")}
    assert sides == {title[0] == "ש"}


@pytest.mark.parametrize("form", ["{}", "# {}", "```\n{}\n```", "`{}`"])
def test_words_held_together_by_no_break_spaces_stay_on_the_page(
    say: Say, written: Written, form: str
) -> None:
    say(form.replace("{}", "\u00a0".join(["word"] * 100)))
    page = PdfReader(written("pdf", include_metadata=False)).pages[0]
    assert len({round(y) for _, _, y in _places(page)}) > 7


def test_a_number_stays_with_its_unit() -> None:
    assert string("5\u00a0€") == '"5\u00a0€"'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029"])
def test_the_end_of_a_line_is_one_however_it_is_written(end: str) -> None:
    assert string(f"one{end}two") == '"one\\ntwo"'


def test_a_line_before_a_separator_is_not_stretched(say: Say, written: Written) -> None:
    say("Q J\u2028Z")
    contents: Any = PdfReader(written("pdf", include_metadata=False)).pages[0].get_contents()
    assert not re.search(rb"-\d{4,}", contents.get_data())


def test_a_result_with_the_line_ends_of_windows_has_no_marks_at_them(
    session: ChatSession, written: Written
) -> None:
    ToolCall.objects.create(
        session=session,
        seq=session.last_seq,
        tool_name="run",
        args={},
        state="succeeded",
        result="one\r\ntwo\r\n",
        finished_at=timezone.now(),
    )
    shown = PdfReader(written("pdf")).pages[0].extract_text()
    assert "one\ntwo" in shown
    assert "\ufffd" not in shown


def test_a_diff_has_its_colours_on_a_dark_page_too(say: Say, written: Written) -> None:
    colours: list[int] = []
    for language in ("", "diff"):
        say(f"```{language}\n@@ -1 +1 @@\n-old\n+new\n```")
        contents: Any = PdfReader(written("pdf", theme="dark")).pages[0].get_contents()
        colours.append(len(set(re.findall(rb"[\d.]+ [\d.]+ [\d.]+ (?:rg|scn)", contents.get_data()))))
    assert colours[1] == colours[0] + 3


def test_an_address_is_one_link_in_each_line(say: Say, written: Written) -> None:
    say("\n\n".join([ADDRESS] * 5))
    links = _links(PdfReader(written("pdf")).pages[0])
    assert {address for address, _ in links} == {ADDRESS}
    assert 5 <= len(links) <= 10


def test_a_link_of_a_long_word_is_one_to_click_and_not_one_for_each_letter(
    say: Say, written: Written
) -> None:
    say(*(f"[`{PATH}`](https://a.example/{number})" for number in range(8)))
    links = _links(PdfReader(written("pdf")).pages[0])
    assert [address for address, _ in links] == [f"https://a.example/{number}" for number in range(8)]
    widths = [right - left for _, (left, _, right, _) in links]
    assert min(widths) > 150


def test_what_is_of_private_use_is_shown_by_its_code_and_not_as_a_letter_of_some_font(
    say: Say, written: Written
) -> None:
    say("before \ue000\ue0a0 after")
    assert "before [U+E000 U+E0A0] after" in PdfReader(written("pdf")).pages[0].extract_text()


@pytest.mark.parametrize(("is_installed", "missing"), [(True, ""), (False, "दनह\u093f\u0940\u094d")])
def test_letters_that_the_compilers_own_fonts_cannot_join_need_a_font_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_installed: bool, missing: str
) -> None:
    of_machine = typst.Fonts(include_system_fonts=False, include_embedded_fonts=is_installed)
    monkeypatch.setattr(compiling, "installed_fonts", lambda: of_machine)
    source = tmp_path / "part.typ"
    source.write_text('#"o हिन्दी"', encoding="utf-8")
    assert Typesetter(str(tmp_path), tags=False).compile(source, 1) == (1, missing)


@pytest.mark.parametrize(
    ("missing", "scripts", "remedy"),
    [
        ("ก", "Thai", "stands in the file by its code: install fonts-noto-core and export again."),
        (
            "␀🫠",
            "symbols and emoji",
            "codes: install fonts-noto-color-emoji fonts-noto-core and export again.",
        ),
        ("字ก", "CJK, Thai", "codes: install fonts-noto-cjk fonts-noto-core and export again."),
        ("\ue000\u0378\uffff", "private use, unassigned", "stand in the file by their codes."),
    ],
)
def test_the_advice_names_fonts_that_would_help(missing: str, scripts: str, remedy: str) -> None:
    advice = fonts.advice(missing)
    assert f"no font here ({scripts})" in advice
    assert advice.endswith(remedy)
