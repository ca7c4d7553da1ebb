"""Files in a typst program: pictures and chips in place of links."""

from collections.abc import Iterable, Iterator

from exports_app.pictures import links
from exports_app.pictures.attached import Attached, Attachments
from exports_app.typesetting.literals import string
from sessions_app.markdown import Part


def in_place(parts: Iterable[Part], files: Attachments, places: Iterator[int]) -> list[Part]:
    """Return parts in which links to files have these as their details; their numbers are the next `places`.

    Raises as `Attachments.shown`.
    """
    shown: list[Part] = []
    for part in parts:
        attached = _attached(part, files, places)
        if attached and shown and shown[-1].kind == "Text":
            shown[-1] = shown[-1]._replace(words=shown[-1].words.removesuffix("!"))
        shown.append(part._replace(detail=attached) if attached else part)
    return shown


def _attached(part: Part, files: Attachments, places: Iterator[int]) -> Attached | None:
    is_link = part.kind == "Start" and part.name == "Link"
    file_id = links.file_of(part.detail) if is_link else None
    return files.shown(file_id, next(places)) if file_id else None


def opening(attached: Attached) -> str:
    """Return the call that shows a file, up to the words that are its caption."""
    picture = attached.picture
    if picture is None:
        return f"file-chip({string(attached.facts)}, {{ []"
    pixels = f"{picture.width}, {picture.height}"
    return f"shown-picture({string(f'/{picture.path.name}')}, {pixels}, {string(attached.name)}, {{ []"
