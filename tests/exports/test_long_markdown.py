"""Long Markdown in pieces: nothing is lost, what is cut goes on as what it was."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.token import Token

from exports_app.typesetting import markup, pieces
from sessions_app import markdown

PIECE = 200


@pytest.fixture(autouse=True, scope="module")
def short_pieces() -> Iterator[None]:
    """Pieces so short that a test's text has many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE_CHARACTERS", PIECE)
        yield


def _tokens(text: str) -> list[Token]:
    return [token for piece in pieces.parse(text) for token in piece]


def _words(tokens: list[Token]) -> list[str]:
    return [word for token in tokens for word in re.findall(r"w\d+", token.content)]


def _kinds(text: str) -> set[str]:
    return {token.type for token in _tokens(text) if token.level == 0 and token.nesting >= 0}


def _numbered(line: str, count: int = 100) -> str:
    return "".join(line.replace("N", f"w{number}") for number in range(count))


WORDS = [f"w{number}" for number in range(100)]
LONG = {
    "paragraph_open": _numbered("N and "),
    "fence": "```python\n" + _numbered("N = 1\n") + "```",
    "code_block": _numbered("    N = 1\n"),
    "bullet_list_open": _numbered("- N\n"),
    "ordered_list_open": _numbered("1. N\n"),
    "blockquote_open": _numbered("> N\n"),
    "table_open": "| A | B |\n| --- | ---: |\n" + _numbered("| N | 1 |\n"),
}


SHORT = [
    "# N", "N N N", "- N\n- N", "1. N\n   - N", "> N\n>\n> N", "```\nN\n\nN\n```", "| N |\n| --- |\n| N |",
    "    N\n\n    N", "N\n===", "---", "~~~\nN",
]  # fmt: skip


@pytest.mark.parametrize("kind", LONG)
def test_one_long_block_goes_on_as_what_it_was_without_losing_a_word(kind: str) -> None:
    assert len(list(pieces.parse(LONG[kind]))) > 2
    assert _words(_tokens(LONG[kind])) == WORDS
    assert _kinds(LONG[kind]) == {kind}


def test_what_follows_a_long_block_is_not_taken_into_it() -> None:
    text = "\n\n".join([*LONG.values(), "# The end"])
    last = _tokens(text)[-3:]
    assert [token.type for token in last] == ["heading_open", "inline", "heading_close"]
    assert _words(_tokens(text)) == WORDS * len(LONG)


def test_each_part_of_a_table_has_its_head() -> None:
    tables = [piece for piece in pieces.parse(LONG["table_open"]) if piece]
    heads = [[token.content for token in piece if token.content][:2] for piece in tables]
    assert len(tables) > 2
    assert heads == [["A", "B"]] * len(tables)


def test_a_list_counts_on() -> None:
    opened = [token for token in _tokens(LONG["ordered_list_open"]) if token.type == "ordered_list_open"]
    starts = [int(token.attrGet("start") or 1) for token in opened]
    items = [
        sum(token.type == "list_item_open" for token in piece)
        for piece in pieces.parse(LONG["ordered_list_open"])
    ]
    assert len(starts) > 2
    assert starts == [1 + sum(items[:place]) for place in range(len(items))]


def test_a_link_is_known_whose_definition_stands_in_another_piece() -> None:
    text = f"[before][far]\n\n{LONG['paragraph_open']}\n\n[far]: https://far.example/\n\n[after][far]"
    lines = "\n".join(markup.body(text))
    assert lines.count('link("https://far.example/"') == 2


def test_a_word_longer_than_a_piece_is_there_whole() -> None:
    word = "0123456789" * 100
    assert "".join(token.content for token in _tokens(word)) == word
    code = f"```\n{word}\n```"
    assert "".join(token.content for token in _tokens(code)).replace("\n", "") == word


def test_a_text_that_is_no_longer_than_a_piece_is_parsed_as_it_is() -> None:
    text = ("- a\n  - b\n\n# c\n\n> d\n" * 20)[:PIECE]
    (tokens,) = pieces.parse(text)
    assert tokens == markdown.parse(text)


@given(st.lists(st.sampled_from(SHORT), min_size=1, max_size=40))
def test_blocks_shorter_than_a_piece_are_those_of_the_whole(blocks: list[str]) -> None:
    numbers = iter(range(10_000))
    text = re.sub("N", lambda _: f"w{next(numbers)}", "\n\n".join(blocks))
    whole = markdown.parse(text)
    shape = [(token.type, token.tag, token.content) for token in whole]
    lines = [token.map[1] - token.map[0] for token in whole if token.map and token.level == 0]
    if max(lines, default=0) < 10:
        assert [(token.type, token.tag, token.content) for token in _tokens(text)] == shape
    assert _words(_tokens(text)) == _words(whole)
