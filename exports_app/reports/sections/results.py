"""Earlier results that a report includes: their words, their charts, the files that they delivered."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from agents_app.files.presentation import delivered_by
from agents_app.models import Subagent
from exports_app.reports import writing
from exports_app.typesetting.embedding import embedded
from sessions_app.errors import not_found

EACH_MAX_CHARACTERS = 60_000
ALL_MAX_CHARACTERS = 150_000


def chosen(owner_id: int, subagent_ids: Sequence[str]) -> list[UUID]:
    """Return the ids of a user's work, each once. Raises `Refusal` (`not_found`), also for others' work."""
    ids = list(dict.fromkeys(UUID(text) for text in subagent_ids))
    own = Subagent.objects.filter(pk__in=ids, owner_id=owner_id, session__deleted_at=None)
    if own.count() != len(ids):
        raise not_found("subagent")
    return ids


def write(ids: Sequence[UUID]) -> Iterator[str]:
    """Yield the blocks of the section, one result after the other; nothing if none was chosen."""
    if not ids:
        return
    yield writing.heading("Results")
    files = delivered_by(ids)
    room = ALL_MAX_CHARACTERS
    for pk in ids:
        row = Subagent.objects.only("title", "state", "result", "report", "error", "finished_at").get(pk=pk)
        yield writing.heading(writing.words(row.title, 200), 3)
        yield f"{row.state.capitalize()}, {writing.moment(row.finished_at)}"
        text = _words(row)[: min(room, EACH_MAX_CHARACTERS)]
        room -= len(text)
        yield embedded(text, below=3)
        if pk in files:
            listed = ((writing.words(file["name"]), f"{file['size']:,}") for file in files[pk].files)
            yield writing.table(("File",), ("Bytes",), listed)


def _words(row: Subagent) -> str:
    """Return what there is to read of a result: its report, else its summary, else why it failed."""
    if row.report:
        return row.report
    if isinstance(row.result, dict) and isinstance(row.result.get("summary"), str):
        return str(row.result["summary"])
    message = (row.error or {}).get("message", "") if isinstance(row.error, dict) else ""
    return writing.words(str(message), 1000) if message else "There is no result."
