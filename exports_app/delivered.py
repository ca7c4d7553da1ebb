"""Pictures that work delivered; its other files are told with the work."""

from collections.abc import Iterator
from uuid import UUID

from exports_app.document import DocumentSubagent
from exports_app.pictures.attached import Attached, Attachments
from exports_app.words import Work


def ids(work: Work) -> list[UUID]:
    """Return the ids of the files that a subagent delivered."""
    return [UUID(file["id"]) for file in work.files] if isinstance(work, DocumentSubagent) else []


def pictures(work: Work, files: Attachments) -> Iterator[Attached]:
    """Yield those of its files that are shown as pictures, or would be."""
    for place, file_id in enumerate(ids(work)):
        attached = files.shown(file_id, place)
        if attached is not None and (attached.picture or attached.note):
            yield attached
