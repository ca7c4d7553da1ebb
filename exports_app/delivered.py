"""Pictures that work delivered; its other files are told with the work."""

from collections.abc import Iterator
from uuid import UUID

from exports_app.document import DocumentSubagent
from exports_app.pictures.attached import Attached, Attachments
from exports_app.words import Work


def pictures(work: Work, files: Attachments) -> Iterator[Attached]:
    """Yield those of its files that are shown as pictures, or would be."""
    delivered = work.files if isinstance(work, DocumentSubagent) else []
    for place, file in enumerate(delivered):
        attached = files.shown(UUID(file["id"]), place)
        if attached is not None and (attached.picture or attached.note):
            yield attached
