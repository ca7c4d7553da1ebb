"""Links to files in messages: `[name](/files/ID/)`."""

import re
from collections.abc import Iterable, Iterator
from uuid import UUID

from exports_app.pictures.attached import Attachments
from sessions_app import markdown
from sessions_app.markdown import FILE, Change

_LINK = re.compile(rf"!?\[(.*)\]\({FILE.pattern}\)", re.DOTALL)


def file_of(address: str) -> UUID | None:
    """Return the id of the file that an address of this site is that of."""
    found = FILE.fullmatch(address)
    return UUID(found[1]) if found else None


def files_in(texts: Iterable[str]) -> Iterator[UUID]:
    """Yield the ids of files that Markdown texts probably link to, in order."""
    for text in texts:
        if "/files/" in text:
            yield from (UUID(found[1]) for found in FILE.finditer(text))


def without_links(text: str, files: Attachments) -> str:
    """Return Markdown with the names of files and what is known of them in place of links to them."""
    return markdown.changed(text, _changes(text, files)) if "](/files/" in text else text


def _changes(text: str, files: Attachments) -> Iterator[Change]:
    data = text.encode()
    for kind, value, start, end in markdown.events(text):
        is_link = kind == "Start" and value[0] in ("Link", "Image")
        if is_link and (found := _LINK.fullmatch(data[start:end].decode())):
            yield Change(start, end, _words(found[1], UUID(found[2]), files).encode())


def _words(words: str, file_id: UUID, files: Attachments) -> str:
    attached = files.told(file_id)
    return f"{words} ({attached.facts})" if attached else words
