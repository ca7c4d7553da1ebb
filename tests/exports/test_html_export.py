"""The HTML export: one page that needs nothing else, in which no text of a chat is markup of its own."""

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from exports_app.pictures.attached import NO_FILES
from exports_app.renderers import html_format
from sessions_app.models import ChatSession
from tests.exports.said import said

Say = Callable[..., None]
Written = Callable[..., Path]
EVIL = [
    "<script>alert(1)</script>",
    "</div></article></main><h1>Fake</h1>",
    '<img src=x onerror="alert(1)">',
    "```html\n</code></pre><script>x()</script>\n```",
    "[x](javascript:alert(1)) [y](data:text/html,x) [z](/admin/)",
    "![x](https://evil.example/pixel.png)",
    '<a href="https://a.example" style="position:fixed" onclick="x()">y</a>',
    "</style><style>body{background:url(https://evil.example)}",
    "<!-- open",
    "<plaintext>",
]


class _Elements(HTMLParser):
    """Collects the elements, what their attributes are, and whether each was closed in its place."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "hr", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _page(path: Path) -> _Elements:
    page = _Elements(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


def test_each_message_is_an_article_with_an_address(say: Say, written: Written) -> None:
    say("Hello **you**", "in 字 and שלום")
    page = _page(written("html"))
    ids = [attributes["id"] for tag, attributes in page.found if tag == "article"]
    assert ids == ["message-1", "message-2"]
    assert "Hello you" in page.text
    assert "in 字 and שלום" in page.text


def test_lists_take_their_direction_from_their_text(say: Say, written: Written) -> None:
    say("- שלום\n  1. one\n\n`<ul>`")
    page = _page(written("html"))
    lists = [(tag, attributes.get("dir")) for tag, attributes in page.found if tag in ("ul", "ol")]
    assert lists == [("ul", "auto"), ("ol", "auto")]
    assert "<ul>" in page.text


def test_headings_of_a_message_stand_below_those_of_the_page() -> None:
    page = _article("# a\n\n## b\n\n###### c\n\n`<h1>`")
    assert [tag for tag, _ in page.found if re.fullmatch("h[1-6]", tag)] == ["h2", "h3", "h4", "h6"]
    assert "<h1>" in page.text


def test_boxes_of_tasks_say_what_they_are() -> None:
    boxes = [attributes for tag, attributes in _article("- [ ] a\n- [x] b").found if tag == "input"]
    assert [box["aria-label"] for box in boxes] == ["To do", "Done"]


@pytest.mark.usefixtures("worked")
def test_no_character_is_in_it_that_html_forbids(session: ChatSession, say: Say, written: Written) -> None:
    session.title = "a\x1b"
    session.save(update_fields=["title"])
    say("b\x01c\x9bd\x7f")
    text = written("html").read_text(encoding="utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    assert "b␁c\N{REPLACEMENT CHARACTER}d␡" in text


@pytest.mark.parametrize("content", EVIL)
@pytest.mark.usefixtures("worked")
def test_nothing_in_a_message_is_run_fetched_or_breaks_out(say: Say, written: Written, content: str) -> None:
    say(content, "Next")
    page = _page(written("html"))
    tags = {tag for tag, _ in page.found}
    assert tags.isdisjoint({"script", "img", "iframe", "object", "link", "base", "form", "plaintext"})
    assert [tag for tag, _ in page.found].count("style") == 1
    for tag, attributes in page.found:
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes)
        assert tag != "a" or re.match("#|https?://|mailto:", attributes.get("href") or "#")
    assert [tag for tag, _ in page.found].count("article") == 2


def test_the_policy_allows_the_style_sheet_and_pictures_in_the_page_and_nothing_else(
    say: Say, written: Written
) -> None:
    say("Hello")
    text = written("html").read_text()
    sheet = text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = next(
        attributes["content"] for tag, attributes in _Elements(text).found if "http-equiv" in attributes
    )
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


@pytest.mark.usefixtures("worked")
def test_calls_and_subagents_are_folded_with_what_they_were_given(written: Written) -> None:
    page = _page(written("html"))
    assert [tag for tag, _ in page.found].count("details") == 2
    assert "Tool: look_up" in page.text
    assert 'panic(\\"</pre>```\\n# Fake' in page.text
    assert "Subagent: Analyze <b>the</b> #gnat" in page.text
    assert "It took too long." in page.text


def test_without_metadata_and_tools_only_what_was_said_is_there(
    session: ChatSession, say: Say, written: Written, worked: None
) -> None:
    say("Hello")
    page = _page(written("html", include_metadata=False, include_tools=False))
    assert "Hello" in page.text
    body = page.text.split("Hello")[0].rpartition("}")[2] + page.text.split("Hello")[1]
    assert not any(words in body for words in ("look_up", "ann", "UTC", str(session.pk)))


def test_a_title_is_text(session: ChatSession, written: Written) -> None:
    session.title = "</title><script>alert(1)</script>"
    session.save(update_fields=["title"])
    page = _page(written("html"))
    assert page.text.count(session.title) == 2
    assert "There are no messages." in page.text


def test_a_dark_page_is_dark_on_the_screen_and_light_on_paper(say: Say, written: Written) -> None:
    say("Hello")
    dark, light = (written("html", theme=theme).read_text() for theme in ("dark", "light"))
    assert "@media screen {\n  :root {\n    color-scheme: dark;" in dark
    assert "color-scheme: dark;" not in light


def test_it_is_served_as_html_to_be_kept(session: ChatSession, say: Say, render: Callable[..., Any]) -> None:
    say("Hello")
    export = render(session, "html")
    assert (export.subagent.state, export.file_name[-5:]) == ("succeeded", ".html")


def _article(content: str) -> _Elements:
    return _Elements(html_format._message(said(content), metadata=True, files=NO_FILES))


PIECES = [
    *EVIL, "word", "**", "`", "\n", "\n\n", "\n- ", "\n> ", "\n```\n", "~~", "](", "[", "<", "</p>", '"',
    "\\", "//x", "&lt;",
]  # fmt: skip


@settings(deadline=None)
@given(some.lists(some.sampled_from(PIECES), max_size=15).map("".join))
def test_no_message_can_run_anything_lead_astray_or_leave_its_article(content: str) -> None:
    page = _article(content)
    assert page.open == []
    tags = [tag for tag, _ in page.found]
    assert set(tags).isdisjoint(
        {"script", "style", "img", "iframe", "object", "link", "base", "form", "plaintext"}
    )
    assert tags.count("article") == 1
    for tag, attributes in page.found:
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes)
        assert tag != "a" or re.match("#|https?://|mailto:", attributes.get("href") or "#")
    shown = page.text + " ".join(" ".join(map(str, attributes.values())) for _, attributes in page.found)
    assert shown.count("word") >= content.count("word")


def test_a_link_to_a_file_of_the_chat_is_its_name() -> None:
    page = _article("[a \\*b.txt](/files/0198c2b4-0000-7000-8000-000000000000/)")
    assert "a *b.txt" in page.text
    assert not any("/files/" in str(attributes) for _, attributes in page.found)
