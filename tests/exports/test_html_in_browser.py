"""The HTML export in a real browser: on a wide screen, on a phone, on paper."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from exports_app.pictures.attached import Attached, Attachments, Picture
from exports_app.renderers import html_format
from exports_app.typesetting import page
from tests.browser import browser, errors_of
from tests.exports.said import said

__all__ = ["browser"]

FILE = "/files/0198c2b4-0000-7000-8000-000000000000/"
WIDE = f"| {'| '.join(f'Column {n}' for n in range(30))}|\n|{'---|' * 30}\n|{'word |' * 29} Q |"
LONG = "donaudampfschifffahrt" * 40


class _OnePicture(Attachments):
    """Shows the same picture for every file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        Image.new("RGB", (1600, 900), (40, 90, 160)).save(path)

    def shown(self, file_id: UUID, place: int = 0) -> Attached:
        picture = Picture(path=self._path, content_type="image/png", width=1600, height=900)
        return Attached(name="p.png", size=1, picture=picture)


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Callable[..., Any]:
    """Open a page of messages from a file; return it with its errors and the requests that it made."""

    def do(*contents: str, **how: Any) -> tuple[Page, list[str], list[str]]:
        files = _OnePicture(tmp_path / "p.png")
        articles = [
            html_format._message(said(content, number), metadata=True, files=files)
            for number, content in enumerate(contents, 1)
        ]
        path = tmp_path / "chat.html"
        opening = page.opening("A chat", sheet="session.css", pictures=True)
        path.write_text(f"{opening}<main>{''.join(articles)}</main>{page.closing('')}", encoding="utf-8")
        shown = browser.new_page(**how)
        errors, requests = errors_of(shown), []
        shown.on("request", lambda request: requests.append(request.url))
        shown.goto(path.as_uri())
        return shown, errors, requests

    return do


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "content",
    [WIDE, LONG, f"`{LONG}`", f"```\n{LONG}\n```", f"| {LONG} |\n|---|", f"https://a.example/{LONG}"],
)
def test_nothing_makes_the_page_wider_than_the_screen(
    opened: Callable[..., Any], content: str, width: int
) -> None:
    shown, errors, requests = opened(content, viewport={"width": width, "height": 844})
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert errors == []
    assert [address[:7] for address in requests] == ["file://"]


def _places(pdf: bytes) -> dict[str, float]:
    """Return what stands on the paper, and how far across each last is, as a part of the width."""
    found: dict[str, float] = {}
    for leaf in PdfReader(io.BytesIO(pdf)).pages:
        width = float(leaf.mediabox.width)

        def note(text: str, now: Any, matrix: Any, font: Any, size: Any, width: float = width) -> None:
            found[text.strip()] = (now[0] * matrix[4] + now[4]) / width

        leaf.extract_text(visitor_text=note)
    return found


def test_a_quote_in_a_quote_in_a_quote_has_room_on_a_phone(opened: Callable[..., Any]) -> None:
    shown, _, _ = opened("> > > > words", viewport={"width": 390, "height": 844})
    assert shown.locator("blockquote p").bounding_box()["width"] > 200


def test_long_numbers_of_a_list_are_not_cut(opened: Callable[..., Any]) -> None:
    shown, _, _ = opened("10000. words\n10001. words")
    assert shown.locator("ol").evaluate("list => getComputedStyle(list).overflowX") == "visible"


def test_paper_has_the_last_column_of_a_wide_table_and_the_end_of_a_line_of_code(
    opened: Callable[..., Any],
) -> None:
    shown, _, _ = opened(f"{WIDE}\n\n```\n{'word ' * 100}end\n```")
    places = _places(shown.pdf(format="A4"))
    assert places["Q"] < 1
    assert max(places.values()) < 1
    assert any(words.endswith("end") for words in places)


def test_paper_has_pictures_that_nobody_scrolled_to(opened: Callable[..., Any]) -> None:
    shown, _, _ = opened("Words.\n\n" * 200, f"[p]({FILE})")
    assert shown.evaluate("document.images[0].complete && document.images[0].naturalWidth") == 1600
    pages = PdfReader(io.BytesIO(shown.pdf(format="A4"))).pages
    assert any(leaf.images for leaf in pages)


def test_what_a_person_typed_has_its_lines(opened: Callable[..., Any]) -> None:
    shown, _, _ = opened("one\ntwo  \nthree\\\nfour")
    assert shown.locator(".prose p").inner_text().split("\n") == ["one", "two", "three", "four"]


def test_pictures_below_each_other_have_no_empty_line_between_them(opened: Callable[..., Any]) -> None:
    shown, _, _ = opened(f"[p]({FILE})\n[p]({FILE})")
    first, second = (picture.bounding_box() for picture in shown.locator(".picture").all())
    assert second["y"] - first["y"] - first["height"] < 16


@pytest.mark.parametrize(("words", "side"), [("שלום", "right"), ("Hello", "left")])
def test_quotes_and_tables_begin_where_their_text_does(
    opened: Callable[..., Any], words: str, side: str
) -> None:
    shown, _, _ = opened(f"> {words}\n\n| {words} | 2 |\n|---|---|")
    line = shown.evaluate(f"getComputedStyle(document.querySelector('blockquote')).border{side.title()}Width")
    assert line == "3px"
    first, second = (cell.bounding_box()["x"] for cell in shown.locator("th").all())
    assert (first > second) == (side == "right")
