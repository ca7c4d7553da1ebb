"""Messages in one Markdown file: each is shown as it is alone, and none gives to or takes from another."""

import random
import re
from typing import Any
from uuid import UUID

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from exports_app.pictures.attached import NO_FILES, Attached, Attachments
from exports_app.renderers.markdown_format import _content
from sessions_app.markdown import apart
from sessions_app.models import ChatSession
from tests.exports.test_markdown_export import PIECES, Render, Say, _text

FILE = "/files/0198c2b4-0000-7000-8000-00000000000"
reader = MarkdownIt("commonmark").enable("table").use(footnote_plugin)


class _EverySecond(Attachments):
    """Has every second file that it is asked for."""

    def told(self, file_id: UUID) -> Attached | None:
        return Attached(name="a.txt", size=12) if file_id.int % 2 else None


def _leaves(text: str, found: dict[str, Any] | None = None) -> list[Token]:
    tokens = reader.parse(text, {} if found is None else found)
    return [leaf for token in tokens for leaf in (token.children or [token])]


def _links(text: str) -> list[Any]:
    return [leaf.attrs["href"] for leaf in _leaves(text) if leaf.type == "link_open"]


def test_a_name_that_one_message_defines_is_none_in_another(
    session: ChatSession, render: Render, say: Say
) -> None:
    say("[docs]: https://evil.example/", "See [docs], [here][docs] and [docs][].")
    assert _links(_text(render(session, "markdown", include_metadata=False))) == []


@pytest.mark.parametrize(
    ("content", "addresses"),
    [
        ("[docs] [a b][docs] [docs][]\n\n[docs]: /d", ["/d", "/d", "/d"]),
        ("- [x]: /u\n- [x][]", ["/u"]),
        ("> [x]: /u (t)\n> [x]", ["/u"]),
        ("[x]: </a (b>\n\n[x]", ["/a%20%28b"]),
        ("[a \\[b\\]][x]\n\n[x]:\n/u\n'title'", ["/u"]),
        ("| a |\n|---|\n| [x] |\n\n[x]: /a|b", ["/a%7Cb"]),
    ],
)
def test_a_link_by_name_keeps_its_address_without_the_definition(content: str, addresses: list[str]) -> None:
    found: dict[str, Any] = {}
    _leaves(apart(content), found)
    assert _links(apart(content)) == addresses
    assert not found.get("references")


def test_a_definition_is_still_there_to_read() -> None:
    words = "".join(leaf.content for leaf in _leaves(apart("[1]: https://a.example/ 'Title'")))
    assert words == "[1]: https://a.example/ 'Title'"


def test_what_looks_like_a_definition_in_code_stays_as_it_is() -> None:
    code = "```\n[x]: /u\n[^1]: note\n```\n\n    [x]: /u"
    assert apart(code) == code


@pytest.mark.parametrize("content", ["[^1]: one", "text\n[^1]: two words", "> [^1]: q", "`a\n[^1]: in code`"])
def test_a_footnote_of_one_message_is_no_note_to_another(content: str) -> None:
    found: dict[str, Any] = {}
    leaves = _leaves(f"See[^1]\n\n{_content(content, NO_FILES)}", found)
    assert not any(leaf.type == "footnote_ref" for leaf in leaves)


def test_a_viewer_loads_no_picture_for_a_message() -> None:
    leaves = _leaves(
        _content("![p](https://evil.example/p.png) ![x]\n\n[x]: https://evil.example/", NO_FILES)
    )
    assert not any(leaf.type == "image" for leaf in leaves)
    links = [leaf.attrs["href"] for leaf in leaves if leaf.type == "link_open"]
    assert links == ["https://evil.example/p.png", "https://evil.example/"]


@pytest.mark.parametrize(
    "content", ["[x](javascript:alert(1))", "[x]\n\n[x]: vbscript:a", "<javascript:alert(1)>"]
)
def test_what_would_run_something_is_no_link_to_any_viewer(content: str) -> None:
    lenient = MarkdownIt("commonmark")
    lenient.validateLink = lambda url: True  # type: ignore[method-assign]
    leaves = [leaf for token in lenient.parse(_content(content, NO_FILES)) for leaf in token.children or []]
    assert not any(leaf.type == "link_open" for leaf in leaves)


@pytest.mark.parametrize("number", [0, 1])
def test_html_that_appears_where_a_link_to_a_file_was_is_shown(number: int) -> None:
    content = f"<[img src=x onerror=alert(1) ]({FILE}{number}/)>"
    leaves = _leaves(_content(content, _EverySecond()))
    assert not any(leaf.type.startswith("html") for leaf in leaves)
    assert "".join(leaf.content for leaf in leaves).startswith("<img src=x onerror=alert(1)")


@pytest.mark.parametrize(
    "content",
    [
        "https://a.example/<img src=x>",
        "https://a.example/\\<b>c<d>",
        "WWW.a.example*<b>*",
        "https://a.example/`<img src=x>`",
        "www.a.example/x``a <b>``",
    ],
)
def test_nothing_is_html_behind_an_address_that_a_viewer_finds(content: str) -> None:
    text = _content(content, NO_FILES)
    # GitHub's: it takes what is escaped, and code, up to a space or `<` into the address.
    found = re.sub(r"(?i)(?:https?://|www\.)[^\s<]*", "ADDRESS", text)
    assert found.startswith("ADDRESS")
    assert not any(leaf.type.startswith("html") for leaf in _leaves(found))


def test_no_title_has_html_behind_an_address(session: ChatSession, render: Render) -> None:
    session.title = "https://a.example/<img src=x>"
    session.save(update_fields=["title"])
    text = _text(render(session, "markdown", include_metadata=False))
    assert text.startswith("# https://a.example/&lt;img")
    assert "".join(leaf.content for leaf in _leaves(text)[1:3]).startswith(session.title)


def test_code_with_an_address_in_it_stays_as_it_is() -> None:
    code = "`https://a.example/\\<b>` and `<b>`\n\n```\nhttps://a.example/\\<b>`c`\n```"
    assert apart(code) == code


def test_what_other_parsers_take_for_a_definition_is_words() -> None:
    assert apart("[x]: /y(").startswith("\\[x]")
    assert apart("[Alice]: hello there") == "[Alice]: hello there"


@pytest.mark.parametrize(
    ("content", "heading"),
    [
        ("> # Fake\n> text", "> ### Fake\n> text"),
        ("- One\n  ===\n  text", "- ### One\n  text"),
        ("> - One\n>   two\n>   ---\n> x", "> - #### One two\n> x"),
    ],
)
def test_headings_in_lists_and_quotes_stand_below_those_of_the_export(content: str, heading: str) -> None:
    assert _content(content, NO_FILES) == heading


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("$$ is the process", "\\$$ is the process"),
        ("> $$\n> x", "> \\$$\n> x"),
        ("$$\nx\n$$\n\n$$y$$\n\n$$", "$$\nx\n$$\n\n$$y$$\n\n\\$$"),
        ("```\n$$\n```", "```\n$$\n```"),
        ("costs $$ and\n\n$$\nx\n$$", "costs $$ and\n\n$$\nx\n$$"),
    ],
)
def test_a_formula_without_an_end_is_words_to_viewers_that_know_formulas(content: str, shown: str) -> None:
    assert apart(content) == shown


def test_an_attached_picture_is_its_name_and_size() -> None:
    assert _content(f"![p]({FILE}1/)", _EverySecond()) == "p (12 bytes)"


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
@pytest.mark.parametrize(("line", "tag"), [("===", "h3"), ("---", "h4")])
def test_headings_stand_below_those_of_the_export_whatever_ends_their_lines(
    line: str, tag: str, ending: str
) -> None:
    tokens = reader.parse(_content(f"Fake{ending}{line}{ending}text", NO_FILES))
    assert [token.tag for token in tokens if token.type == "heading_open"] == [tag]


def test_characters_that_steer_a_terminal_are_shown_by_signs(
    session: ChatSession, render: Render, say: Say
) -> None:
    session.title = "a\x1b]0;evil\x07"
    session.save(update_fields=["title"])
    say("before\x1b[2J\x9b1mafter\x7f", "kept\n\ttab")
    text = _text(render(session, "markdown"))
    assert not any(ord(character) < 32 and character not in "\n\t" for character in text)
    assert "# a␛\\]0;evil␇" in text
    assert "before␛[2J\N{REPLACEMENT CHARACTER}1mafter␡" in text
    assert "kept\n\ttab" in text


NAMES = [
    "[x]: /y", "\n[x]: /y\n", "[x]", "[a][x]", "[x][]", "![x]", "![", "[^1]", "\n[^1]: n\n", "](", "[", "]",
    "<[", f"]({FILE}0/)", f"]({FILE}1/)", "\r", "\r\n", "\x0b", "~", "**", "javascript:a", "<javascript:a>",
    ":", "'t'", "https://a.example/", "www.a.example",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_no_message_gives_names_notes_html_or_pictures_to_the_file(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(50):
        content = "".join(chance.choices([*PIECES, *NAMES], k=chance.randint(1, 14))).strip()
        found: dict[str, Any] = {}
        leaves = _leaves(f"[x] See[^1]\n\n{_content(content, _EverySecond())}\n\n## Next", found)
        kinds = {leaf.type for leaf in leaves}
        assert kinds.isdisjoint({"html_block", "html_inline", "footnote_ref", "image"}), content
        assert not found.get("references"), content
