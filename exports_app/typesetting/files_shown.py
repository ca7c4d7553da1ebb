"""Files in a typst program: pictures and chips in place of links."""

from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from exports_app.pictures import links
from exports_app.pictures.attached import Attached, Attachments
from exports_app.typesetting.literals import string

OPENING = "opening"
"""In the meta of the token that begins a link: what begins the file in its place; both end alike."""


def mark(tokens: Sequence[Token], files: Attachments, places: Iterator[int]) -> None:
    """Note the files in the tokens of a document, whose numbers in it are the next `places`.

    Raises as `Attachments.shown`.
    """
    for token in tokens:
        before = None
        for child in token.children or ():
            file_id = links.file_of(str(child.attrGet("href"))) if child.type == "link_open" else None
            attached = files.shown(file_id, next(places)) if file_id else None
            if attached is not None:
                child.meta[OPENING] = opening(attached)
                if before is not None and before.type == "text":
                    before.content = before.content.removesuffix("!")
            before = child


def opening(attached: Attached) -> str:
    """Return the call that shows a file, up to the words that are its caption."""
    picture = attached.picture
    if picture is None:
        return f"file-chip({string(attached.facts)}, {{ []"
    pixels = f"{picture.width}, {picture.height}"
    return f"shown-picture({string(f'/{picture.path.name}')}, {pixels}, {string(attached.name)}, {{ []"
