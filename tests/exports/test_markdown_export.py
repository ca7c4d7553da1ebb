"""The Markdown export reads well, and no message can swallow or pose as another."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from markdown_it import MarkdownIt

from exports_app.models import Export
from sessions_app import lifecycle
from sessions_app.models import ChatSession

Render = Callable[..., Export]
Say = Callable[..., None]


def _text(export: Export) -> str:
    with export.file.open("rb") as file:
        return str(file.read().decode())


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
    headings = _headings(_text(render(session, "markdown")))
    assert headings[0] == str(session)
    assert [heading.split(" ")[0] for heading in headings[1:]] == ["You", "Agent"]


def test_metadata_is_there_if_it_is_wanted(session: ChatSession, render: Render, say: Say) -> None:
    say("Hello")
    text = _text(render(session, "markdown"))
    assert f"- Session: `{session.pk}`" in text
    assert "- Owner: ann" in text
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
