"""The Markdown export reads well, and no message can swallow or pose as another."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some
from markdown_it import MarkdownIt

from exports_app.models import Export
from exports_app.pictures.attached import NO_FILES
from exports_app.renderers.markdown_format import _content
from sessions_app import lifecycle
from sessions_app.models import ChatSession

Render = Callable[..., Export]
Say = Callable[..., None]


def _text(export: Export) -> str:
    with export.file.open("rb") as file:
        return str(file.read().decode())


def _front_matter(text: str) -> Any:
    _, known, rest = text.split("---\n", 2)
    assert rest.startswith("\n# ")
    return yaml.safe_load(known)


def _headings(text: str) -> list[str]:
    """Return the headings of a document at its top level, as a reader of CommonMark finds them."""
    tokens = MarkdownIt("commonmark").parse(text)
    return [
        inline.content
        for opening, inline in pairwise(tokens)
        if opening.type == "heading_open" and opening.level == 0
    ]


def test_each_message_stands_under_a_heading(session: ChatSession, render: Render, say: Say) -> None:
    say("Hello **you**")
    say("Hi", role="assistant")
    headings = _headings(_text(render(session, "markdown")).split("---\n", 2)[2])
    assert headings[0] == str(session)
    assert [heading.split(" ")[0] for heading in headings[1:]] == ["You", "Agent"]


def test_metadata_is_there_if_it_is_wanted(session: ChatSession, render: Render, say: Say) -> None:
    say("Hello")
    text = _text(render(session, "markdown"))
    known = _front_matter(text)
    assert (known["session"], known["owner"], known["messages"]) == (str(session.pk), "ann", 1)
    assert known["exported"] >= known["started"]
    bare = _text(render(session, "markdown", include_metadata=False))
    assert str(session.pk) not in bare
    assert "ann" not in bare
    assert "UTC" not in bare


@pytest.mark.parametrize(
    "content",
    [
        "```python\nopen",
        "~~~\nopen",
        "````\n```\nstill open",
        "```\na\n```\nclosed",
        "```not a fence```",
        "``` `x` ```",
        "text\u2028```\ntext",
        "text\x0b```\ntext",
        "- a\n\n  ```\n  in a list",
        "> ```\n> in a quote",
        "    ```\nindented",
        "```\na\n```x",
        "<!-- a comment",
        "<script>",
        "<pre>",
        "<style>",
        "<textarea>",
        "<?php",
        "<![CDATA[",
        "<!DOCTYPE",
        "<div>",
        "[x]: /url",
        "`open",
        "**open",
        "a\n===",
        "|a|\n|-|",
        "\\",
    ],
)
def test_no_message_swallows_the_next(session: ChatSession, render: Render, say: Say, content: str) -> None:
    say(content)
    say("Next", role="assistant")
    headings = _headings(_text(render(session, "markdown", include_metadata=False)))
    assert headings[-1] == "Agent"


@pytest.mark.parametrize(
    "title",
    [
        "# Heading",
        "a](javascript:alert(1)) [b",
        "<script>alert(1)</script>",
        "![x](http://evil.example)",
        "`code` *bold* _it_ ~s~ |t|",
        "&lt;b&gt; &#42;",
        "a\\",
    ],
)
def test_a_title_is_shown_as_it_is_written(ann: Any, render: Render, title: str) -> None:
    text = _text(render(lifecycle.start(ann, title), "markdown", include_metadata=False))
    tokens = MarkdownIt("commonmark").parse(text)
    assert tokens[0].tag == "h1"
    assert tokens[1].children is not None
    assert {token.type for token in tokens[1].children} <= {"text", "text_special"}
    assert "".join(token.content for token in tokens[1].children) == title


@pytest.mark.parametrize(
    "title",
    [
        "---",
        "a: b # c",
        "- x",
        "\"quoted\" 'too'",
        "{a: b}",
        "!!python/object:os.system",
        "*anchor",
        "null",
        "2026-01-01",
        "line\u2028separator \x7f \x85",
        "emoji 😀 字 " * 12,
    ],
)
def test_any_title_is_a_string_of_the_front_matter(ann: Any, render: Render, title: str) -> None:
    session = lifecycle.start(ann, title)
    assert _front_matter(_text(render(session, "markdown")))["title"] == str(session)


@pytest.mark.parametrize("title", ["1e3", "0o14", "y", "12e03", ".5e1"])
def test_no_version_of_yaml_takes_a_title_for_a_number_or_a_yes(ann: Any, render: Render, title: str) -> None:
    text = _text(render(lifecycle.start(ann, title), "markdown"))
    assert text.split("\n")[1] == f'title: "{title}"'


@pytest.mark.parametrize("content", ["# One", "One\n===", "## Two", "Two\n---", "# a\n\n# b"])
def test_headings_of_a_message_stand_below_those_of_the_export(
    session: ChatSession, render: Render, say: Say, content: str
) -> None:
    say(content)
    tokens = MarkdownIt("commonmark").parse(_text(render(session, "markdown", include_metadata=False)))
    tags = [token.tag for token in tokens if token.type == "heading_open"]
    assert tags[:2] == ["h1", "h2"]
    assert {"h1", "h2"}.isdisjoint(tags[2:])
    assert tags[2:]


@pytest.mark.usefixtures("worked")
def test_calls_and_subagents_are_folded_sections_with_what_they_were_given(
    session: ChatSession, render: Render, say: Say
) -> None:
    say("After")
    text = _text(render(session, "markdown"))
    tokens = MarkdownIt("commonmark").parse(text.split("---\n", 2)[2])
    assert _headings(text.split("---\n", 2)[2])[-1].startswith("You")
    assert text.count("<details>") == text.count("</details>") == 2
    assert "<summary>Tool: look_up · succeeded · 2.0 s · " in text
    assert "<summary>Subagent: Analyze &#60;b&#62;the&#60;/b&#62; #gnat · failed · 1 min 5 s · " in text
    fences = [token.content for token in tokens if token.type == "fence"]
    assert any("gnat" in content and "Fake" in content for content in fences)
    assert any("A small fly." in content for content in fences)
    assert "look_up" not in _text(render(session, "markdown", include_tools=False))


@pytest.mark.parametrize("ticks", [0, 1, 2, 3, 7])
@pytest.mark.usefixtures("worked")
def test_a_result_is_one_block_of_code_however_many_backticks_are_in_it(
    session: ChatSession, render: Render, ticks: int
) -> None:
    result = f"{'`' * ticks}\n\n# Fake\n<script>\n{'`' * ticks}"
    session.tool_calls.update(result=result)
    tokens = MarkdownIt("commonmark").parse(_text(render(session, "markdown", include_metadata=False)))
    assert f"{result}\n" in [token.content for token in tokens if token.type == "fence"]


def test_a_session_without_messages_says_so(session: ChatSession, render: Render) -> None:
    assert _text(render(session, "markdown")).endswith("There are no messages.\n")


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("<details><h2>You</h2>", "<details><h2>You</h2>"),
        ("a <b>bold</b> word", "a <b>bold</b> word"),
        ("<div>\n\n<p>x", "<div> <p>x"),
        ("\\`<i>\\`", "`<i>`"),
        ("``a` <i>", "``a` <i>"),
        ("- <br>\n- x", "<br> x"),
        ("> <br>\n> x", "<br> x"),
        ("| <hr> |\n|---|", "| <hr> | |---|"),
        ("`<code>` and ``<co`de>``", "<code> and <co`de>"),
        ("    <indented>", "<indented>"),
        ("```\n<fenced>\n```", "<fenced>"),
        ("<https://a.example/> <a@b.example>", "https://a.example/ a@b.example"),
        ("1 < 2 <3", "1 < 2 <3"),
    ],
)
def test_html_in_a_message_is_shown_and_is_none(
    session: ChatSession, render: Render, say: Say, content: str, shown: str
) -> None:
    say(content)
    text = _text(render(session, "markdown", include_metadata=False))
    tokens = MarkdownIt("commonmark").parse(text)
    leaves = [leaf for token in tokens for leaf in (token.children or [token])]
    assert not any(leaf.type in ("html_block", "html_inline") for leaf in leaves)
    said = " ".join(leaf.content.strip() for leaf in leaves if leaf.content.strip())
    assert "".join(said.split()).endswith("".join(shown.split()))


PIECES = [
    "word", "# Fake", "\n===\n", "\n---\n", "\n", "\n\n", "\n- ", "\n> ", "\n1. ", "\n    ", "\n```\n",
    "\n~~~~\n", "\n```js\n", "<div>", "</div>", "<b>", "<!--", "-->", "<script>", "</script>", "<pre>",
    "<?php", "?>", "<![CDATA[", "<!X", "<a href='", "`", "``", "\\", "&lt;", "<https://a.example>",
    "|a|\n|-|\n", "\t", "é", "\u2028", "[x]: /y",
]  # fmt: skip


@settings(deadline=None)
@given(some.lists(some.sampled_from(PIECES), max_size=15).map("".join))
def test_no_message_becomes_html_a_heading_of_ours_or_swallows_one(content: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(f"{_content(content, NO_FILES)}\n\n## Next")
    leaves = [leaf for token in tokens for leaf in (token.children or [token])]
    assert not any(leaf.type in ("html_block", "html_inline") for leaf in leaves)
    headings = [token.tag for token in tokens if token.type == "heading_open" and token.level == 0]
    assert [tag for tag in headings if tag in ("h1", "h2")] == ["h2"]
    assert tokens[-3].tag == "h2"
