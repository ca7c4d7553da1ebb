"""Markdown as the tokens of markdown-it, for forms other than HTML."""

from collections.abc import MutableMapping
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.tasklists import tasklists_plugin

parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "typographer": False})
parser.enable(["table", "strikethrough", "linkify"])
parser.disable(["image"])
parser.use(tasklists_plugin)


def parse(text: str, environment: MutableMapping[str, Any] | None = None) -> list[Token]:
    """Return the parts of Markdown `text` as the parser has them.

    The `environment` takes up its definitions of links and has them for all that is parsed in it.
    """
    return parser.parse(text, environment)
