"""Links to files in messages: `[name](/files/ID/)`."""

import re
from collections.abc import Iterable, Iterator
from uuid import UUID

from markdown_it import MarkdownIt

from exports_app.pictures.attached import Attachments

_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ADDRESS = re.compile(rf"/files/({_ID})/")
# In this order: escaped characters, spans of code, backticks that are none, links.
_LINK = re.compile(
    rf"\\.|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|`+|!?\[((?:\\[^\n]|[^\\\[\]\n])*)\]\(/files/({_ID})/\)", re.DOTALL
)
_blocks = MarkdownIt("commonmark").disable("inline")


def file_of(address: str) -> UUID | None:
    """Return the id of the file that an address of this site is that of."""
    found = _ADDRESS.fullmatch(address)
    return UUID(found[1]) if found else None


def files_in(texts: Iterable[str]) -> Iterator[UUID]:
    """Yield the ids of files that Markdown texts probably link to, in order."""
    for text in texts:
        if "/files/" in text:
            yield from (UUID(found[1]) for found in _ADDRESS.finditer(text))


def without_links(text: str, files: Attachments) -> str:
    """Return Markdown with the names of files and what is known of them in place of links to them."""
    if "](/files/" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    for token in _blocks.parse("\n".join(lines)):
        if token.type == "inline" and token.map is not None:
            first, last = token.map
            block = "\n".join(lines[first:last])
            lines[first:last] = _LINK.sub(lambda found: _words(found, files), block).split("\n")
    return "\n".join(lines)


def _words(found: re.Match[str], files: Attachments) -> str:
    if found[3] is None:
        return found[0]
    attached = files.told(UUID(found[3]))
    return f"{found[2]} ({attached.facts})" if attached else found[2]
