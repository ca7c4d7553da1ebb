"""Long Markdown in pieces: nothing is lost, what is cut goes on as what it was."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports_app.typesetting import markup, pieces
from sessions_app import markdown
from sessions_app.markdown import Part

PIECE = 200


@pytest.fixture(autouse=True, scope="module")
def short_pieces() -> Iterator[None]:
    """Pieces so short that a test's text has many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE_CHARACTERS", PIECE)
        yield


def _parts(text: str) -> list[Part]:
    return [part for piece in pieces.parse(text) for part in piece]


def _words(parts: list[Part]) -> list[str]:
    return [word for part in parts for word in re.findall(r"w\d+", part.words)]


def _kinds(text: str) -> set[str]:
    return {part.name or part.kind for part in _parts(text) if part.depth == 0 and part.kind != "End"}


def _numbered(line: str, count: int = 100) -> str:
    return "".join(line.replace("N", f"w{number}") for number in range(count))


WORDS = [f"w{number}" for number in range(100)]
LONG = {
    "Paragraph": _numbered("N and "),
    "CodeBlock": "```python\n" + _numbered("N = 1\n") + "```",
    "CodeBlock without a fence": _numbered("    N = 1\n"),
    "List": _numbered("- N\n"),
    "List with numbers": _numbered("1. N\n"),
    "BlockQuote": _numbered("> N\n"),
    "Table": "| A | B |\n| --- | ---: |\n" + _numbered("| N | 1 |\n"),
}


SHORT = [
    "# N", "N N N", "- N\n- N", "1. N\n   - N", "> N\n>\n> N", "```\nN\n\nN\n```", "| N |\n| --- |\n| N |",
    "    N\n\n    N", "N\n===", "---", "~~~\nN",
]  # fmt: skip


@pytest.mark.parametrize("kind", LONG)
def test_one_long_block_goes_on_as_what_it_was_without_losing_a_word(kind: str) -> None:
    assert len(list(pieces.parse(LONG[kind]))) > 2
    assert _words(_parts(LONG[kind])) == WORDS
    assert _kinds(LONG[kind]) == {kind.split(maxsplit=1)[0]}
    begun = [part.detail is None for part in _parts(LONG[kind]) if part.depth == 0 and part.kind != "End"]
    assert len(set(begun)) == 1


def test_what_follows_a_long_block_is_not_taken_into_it() -> None:
    text = "\n\n".join([*LONG.values(), "# The end"])
    last = _parts(text)[-3:]
    assert [part[:3] for part in last] == [
        ("Start", "Heading", ""),
        ("Text", "", "The end"),
        ("End", "Heading", ""),
    ]
    assert _words(_parts(text)) == WORDS * len(LONG)


def test_each_part_of_a_table_has_its_head() -> None:
    tables = [piece for piece in pieces.parse(LONG["Table"]) if piece]
    heads = [[part.words for part in piece if part.words][:2] for piece in tables]
    assert len(tables) > 2
    assert heads == [["A", "B"]] * len(tables)


def test_a_list_counts_on() -> None:
    lists = list(pieces.parse(LONG["List with numbers"]))
    starts = [part.detail for piece in lists for part in piece if part[:2] == ("Start", "List")]
    items = [sum(part[:2] == ("Start", "Item") for part in piece) for piece in lists]
    assert len(starts) > 2
    assert starts == [1 + sum(items[:place]) for place in range(len(items))]


def test_a_link_is_known_whose_definition_stands_in_another_piece() -> None:
    text = f"[before][far]\n\n{LONG['Paragraph']}\n\n[far]: https://far.example/\n\n[after][Far]"
    lines = "\n".join(markup.body(text))
    assert lines.count('link("https://far.example/"') == 2


def test_what_only_looks_like_a_definition_is_said_once() -> None:
    text = f"[note]: w100 is no address\n\n{LONG['Paragraph']}\n\nSee [note]."
    assert _words(_parts(text)) == ["w100", *WORDS]


def test_a_word_longer_than_a_piece_is_there_whole() -> None:
    word = "0123456789" * 100
    assert "".join(part.words for part in _parts(word)) == word
    code = f"```\n{word}\n```"
    assert "".join(part.words for part in _parts(code)).replace("\n", "") == word


def test_a_text_that_is_no_longer_than_a_piece_is_parsed_as_it_is() -> None:
    text = ("- a\n  - b\n\n# c\n\n> d\n" * 20)[:PIECE]
    (parts,) = pieces.parse(text)
    assert parts == list(markdown.parts(text))


@given(st.lists(st.sampled_from(SHORT), min_size=1, max_size=40))
def test_blocks_shorter_than_a_piece_are_those_of_the_whole(blocks: list[str]) -> None:
    numbers = iter(range(10_000))
    text = re.sub("N", lambda _: f"w{next(numbers)}", "\n\n".join(blocks))
    whole = list(markdown.parts(text))
    begun = [part.line for part in whole if part.depth == 0 and part.kind != "End"]
    lines = [after - before for before, after in pairwise([*begun, text.count("\n") + 1])]
    if max(lines) < 10:
        assert [part[:4] for part in _parts(text)] == [part[:4] for part in whole]
    assert _words(_parts(text)) == _words(whole)
