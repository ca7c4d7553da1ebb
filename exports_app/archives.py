"""Many chats in one zip: a file each, and an index of what is in it and what is not."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from agents_app.context import ToolContext, ToolError
from agents_app.wording.escaping import escape
from exports_app import names
from exports_app.document import SessionDocument, freeze
from exports_app.formats import ExportFormat
from exports_app.options import ExportOptions
from exports_app.selection import Chosen
from exports_app.telling import teller
from sessions_app.payloads import FilePayload

INDEX_NAME = "index.json"
INDEX_VERSION = 1
CONTENT_TYPE = "application/zip"
SUFFIX = ".zip"
_A_CHAT = 20
"""What it takes to begin a chat, in messages: without it a thousand short chats would seem to be few."""
_CHUNK_BYTES = 1024 * 1024
_NAMED_AT_MOST = 5
_MORE_NOTES = f"There are more such notes in {INDEX_NAME}."


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A chat that is in the archive; `note` is what its renderer has to say of it."""

    id: str
    title: str
    owner: str
    file: str
    messages: int
    bytes: int
    sha256: str
    note: str


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A chat that is not in the archive, and why."""

    id: str
    title: str
    code: str
    reason: str


@dataclass(kw_only=True)
class Index:
    """What an archive has and what it has not."""

    format: str
    options: ExportOptions
    exported_at: datetime
    chats: list[Entry] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def message_count(self) -> int:
        """How many messages all files have together."""
        return sum(entry.messages for entry in self.chats)

    @property
    def note(self) -> str:
        """What is to be known of it: what is left out, and what renderers had to say. Markdown."""
        left = [f"{escape(entry.title, 80)} (`{entry.code}`)" for entry in self.left_out]
        said = list(dict.fromkeys(entry.note for entry in self.chats if entry.note))
        parts = [f"Left out: {_first(left)}."] if left else []
        return " ".join([*parts, *said[:1], *([_MORE_NOTES] if said[1:] else [])])

    def as_json(self) -> str:
        """Return it as it stands in the archive; without metadata nobody's name is in it."""
        unknown = () if self.options.include_metadata else ("owner",)
        chats = [_without(asdict(entry), unknown) for entry in self.chats]
        document = {
            "index_version": INDEX_VERSION,
            "format": self.format,
            "options": self.options.stored(),
            "exported_at": self.exported_at.isoformat(),
            "chats": chats,
            "left_out": [asdict(entry) for entry in self.left_out],
        }
        return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


class ChatContext(ToolContext):
    """The context of one chat of an archive: a folder of its own, all else is the archive's."""

    def __init__(self, archive: ToolContext, workdir: Path) -> None:
        self.session_id = archive.session_id
        self.owner_id = archive.owner_id
        self.subagent_id = archive.subagent_id
        self.workdir = workdir
        self._archive = archive

    def progress(self, percent: float, stage: str, estimated_seconds_left: float | None = None) -> None:
        """Tell nothing: how far the archive is its own teller knows."""
        self.check()

    def check(self) -> None:
        """Raise `Stopped` if the archive was cancelled."""
        self._archive.check()

    def keep(self, summary: str, data: Mapping[str, Any] | None = None, report: str = "") -> None:
        """Keep nothing: an archive is whole or not at all."""
        self.check()

    def deliver(self, path: Path, name: str, content_type: str = "") -> FilePayload:
        """Hand over a file beside the archive."""
        return self._archive.deliver(path, name, content_type)


def write(
    context: ToolContext,
    chosen: ExportFormat,
    chats: Sequence[Chosen],
    target: Path,
    *,
    wanted: ExportOptions,
    now: datetime,
    before_each: Callable[[], None],
) -> Index:
    """Write the zip and return its index; `before_each` chat something may still be checked.

    A chat that was deleted meanwhile or cannot be rendered is left out and named. Raises `Stopped`,
    `OSError`, what `before_each` does, and `ToolError` if no chat is left: `session_gone`, or the last one's.
    """
    index = Index(format=chosen.name, options=wanted, exported_at=now)
    taken = {names.key(INDEX_NAME)}
    tell = teller(context, sum(chat.message_count + _A_CHAT for chat in chats))
    done = 0
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for place, chat in enumerate(chats, start=1):
            before_each()
            stage = f"rendering {place:,} of {len(chats):,}"
            with _folder(context, "chat") as folder:
                tick = _ticking(tell, done + _A_CHAT, stage)
                _take(archive, index, chat, taken, _Renderer(ChatContext(context, folder), chosen, tick))
            done += chat.message_count + _A_CHAT
            tell(done, stage)
        _require_some(index)
        _add_text(archive, INDEX_NAME, index.as_json(), now)
    return index


@dataclass(frozen=True)
class _Renderer:
    """Makes the file of one chat."""

    context: ChatContext
    chosen: ExportFormat
    tick: Callable[[int], None]

    def render(self, document: SessionDocument) -> tuple[Path, str]:
        """Return the file and what is to be known of it. Raises as `ExportFormat.write`."""
        draft = self.context.workdir / f"export{self.chosen.suffix}"
        return draft, self.chosen.write(self.context, document, draft, self.tick)


def _take(archive: ZipFile, index: Index, chat: Chosen, taken: set[str], renderer: _Renderer) -> None:
    """Put a chat into the archive, or note why it is not."""
    try:
        document = freeze(chat.id, options=index.options, now=index.exported_at)
        draft, note = renderer.render(document)
    except ToolError as error:
        left = LeftOut(id=str(chat.id), title=chat.title, code=error.code, reason=error.message)
        index.left_out.append(left)
        return
    name = names.unique(names.stem(document.title), renderer.chosen.suffix, taken)
    taken.add(names.key(name))
    method = ZIP_STORED if renderer.chosen.binary else ZIP_DEFLATED
    size, sha256 = _add_file(archive, _member(name, index.exported_at, method), draft, renderer.context.check)
    entry = Entry(
        id=str(document.id),
        title=document.title,
        owner=document.owner,
        file=name,
        messages=document.message_count,
        bytes=size,
        sha256=sha256,
        note=note,
    )
    index.chats.append(entry)


def _add_file(archive: ZipFile, member: ZipInfo, source: Path, check: Callable[[], None]) -> tuple[int, str]:
    """Copy a file piece by piece and return its size and SHA-256; `check` is called before each piece."""
    member.file_size = source.stat().st_size  # tells whether it takes ZIP64
    digest = hashlib.sha256()
    with source.open("rb") as stream, archive.open(member, "w") as packed:
        while chunk := stream.read(_CHUNK_BYTES):
            check()
            digest.update(chunk)
            packed.write(chunk)
    return member.file_size, digest.hexdigest()


def _add_text(archive: ZipFile, name: str, text: str, now: datetime) -> None:
    archive.writestr(_member(name, now, ZIP_DEFLATED), text.encode("utf-8", "replace"))


def _member(name: str, now: datetime, method: int) -> ZipInfo:
    member = ZipInfo(name, date_time=now.timetuple()[:6])
    member.compress_type = method
    member.external_attr = 0o644 << 16
    return member


def _ticking(tell: Callable[[int, str], None], before: int, stage: str) -> Callable[[int], None]:
    return lambda messages: tell(before + messages, stage)


@contextmanager
def _folder(context: ToolContext, name: str) -> Iterator[Path]:
    """Lend an empty folder within the attempt's; what was made in it goes with it."""
    folder = context.workdir / name
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _require_some(index: Index) -> None:
    if index.chats:
        return
    if {left.code for left in index.left_out} == {"session_gone"}:
        raise ToolError("session_gone", "All chats were deleted before their export was done.")
    last = index.left_out[-1]
    raise ToolError(last.code, f"No chat could be exported. {last.title}: {last.reason}")


def _first(items: Sequence[str]) -> str:
    more = len(items) - _NAMED_AT_MOST
    return ", ".join(items[:_NAMED_AT_MOST]) + (f" and {more:,} more" if more > 0 else "")


def _without(values: dict[str, Any], names_: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names_}
