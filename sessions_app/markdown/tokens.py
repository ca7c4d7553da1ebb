"""Markdown as the tokens of markdown-it, for forms other than HTML."""

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.tasklists import tasklists_plugin

parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "typographer": False})
parser.enable(["table", "strikethrough", "linkify"])
parser.disable(["image"])
parser.use(tasklists_plugin)


def parse(text: str) -> list[Token]:
    """Return the parts of Markdown `text` as the parser has them."""
    return parser.parse(text)
