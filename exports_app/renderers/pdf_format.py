"""PDF: parts of a few hundred messages, set by typst in processes of their own, then joined."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

from agents_app.context import ToolContext
from exports_app import delivered, words
from exports_app.document import DocumentMessage, Entry, SessionDocument
from exports_app.formats import Tick, file_format
from exports_app.pictures import links
from exports_app.pictures.attached import Attachments
from exports_app.typesetting import directions, files_shown, fonts, markup, pdf, weight
from exports_app.typesetting.literals import string

MESSAGES_A_PART = 250
KILOBYTES_A_PART = 95_000
"""By `weight`: what a part adds to the memory of typst, of which no process may take more than 200 MB."""
KILOBYTES_AT_MOST = 100_000
"""From here on a part does not wait for the end of a message."""
PARTS_A_PROCESS = 8
_AHEAD_SECONDS = 0.04
_PAPERS = {"a4": "a4", "letter": "us-letter"}


@file_format(name="pdf", title="PDF", content_type="application/pdf", suffix=".pdf")
def render_pdf(context: ToolContext, document: SessionDocument, target: Path, tick: Tick) -> str:
    """Write the PDF and return which characters no font has.

    Raises `Stopped` and `ToolError`: `pdf_failed`, `pdf_too_large`, `session_gone`.
    """
    ahead = _Ahead(document, context.workdir)
    made = _Made(tick)
    while parts := ahead.take():
        pdf.typeset(
            context,
            [part.source for part in parts],
            first_page=made.pages + 1,
            tags=False,
            folder=document.pictures.folder,
            watch=ahead.write,
            on_made=partial(made.add, iter(parts)),
        )
    pdf.join(context, made.files, target)
    return fonts.advice(made.missing)


@dataclass
class _Block:
    """What stays together in one part, as lines of a program; `messages` begin with it."""

    lines: list[str]
    messages: int = 0
    is_inside: bool = False
    """Whether it goes on with a message."""


@dataclass
class _Part:
    """Blocks that become one program."""

    source: Path
    lines: list[str] = field(default_factory=list)
    messages: int = 0
    kilobytes: float = 0

    def has_room(self, block: _Block, kilobytes: float) -> bool:
        """Whether the block fits; a part without any has room for every one."""
        most = KILOBYTES_AT_MOST if block.is_inside else KILOBYTES_A_PART
        fits = self.messages + block.messages <= MESSAGES_A_PART and self.kilobytes + kilobytes <= most
        return fits or not self.lines

    def add(self, block: _Block, kilobytes: float) -> None:
        self.lines += block.lines
        self.messages += block.messages
        self.kilobytes += kilobytes


# Pictures are made while typst does not run: together they would take too much memory.
_BEFORE_PICTURES = _Block([])


class _Ahead:
    """Writes the programs of parts; the next ones while typst sets those before."""

    def __init__(self, document: SessionDocument, folder: Path) -> None:
        self._document = document
        self._folder = folder
        self._blocks = _blocks(document)
        self._count = 0
        self._part = self._begin()
        self._written: list[_Part] = []
        self._waits = False

    def take(self) -> list[_Part]:
        """Return the parts that are written, at least one; none after the last."""
        while not self._written and self._add():
            self._waits = False
        taken, self._written = self._written, []
        return taken

    def write(self) -> None:
        """Write for a moment: what this process does is not to wait for what it watches."""
        until = time.monotonic() + _AHEAD_SECONDS
        while time.monotonic() < until and self._has_room and self._add():
            pass

    @property
    def _has_room(self) -> bool:
        return len(self._written) < PARTS_A_PROCESS and not self._waits

    def _add(self) -> bool:
        """Add a block, or note that pictures are to be made first; return whether there was anything."""
        block = next(self._blocks, None)
        if block is _BEFORE_PICTURES:
            self._waits = True
            return True
        kilobytes = sum(map(weight.kilobytes, block.lines)) if block else 0
        if self._part.lines and (block is None or not self._part.has_room(block, kilobytes)):
            self._end()
        if block is not None:
            self._part.add(block, kilobytes)
        return block is not None

    def _begin(self) -> _Part:
        self._count += 1
        return _Part(self._folder / f"part-{self._count}.typ")

    def _end(self) -> None:
        self._part.source.write_text(_program(self._document, self._part.lines), encoding="utf-8")
        self._part.lines = []
        self._written.append(self._part)
        self._part = self._begin()


class _Made:
    """What is known of the parts that are set."""

    def __init__(self, tick: Tick) -> None:
        self._tick = tick
        self._messages = 0
        self.files: list[Path] = []
        self.missing: set[str] = set()
        self.pages = 0

    def add(self, parts: Iterator[_Part], pages: int, missing: str) -> None:
        """Add the next of `parts`."""
        part = next(parts)
        part.source.unlink()
        self.files.append(part.source.with_suffix(".pdf"))
        self.missing |= set(missing)
        self.pages += pages
        self._messages += part.messages
        self._tick(max(self._messages, 1))


def _program(document: SessionDocument, lines: list[str]) -> str:
    made = f"MCP Chat · {words.moment(document.exported_at)}" if document.options.include_metadata else ""
    named = {
        "title": string(document.title),
        "made": string(made),
        "header": _turned(document.title),
        "paper": string(_PAPERS[document.options.page_size]),
        "first-page": "first-page",
    }
    arguments = ", ".join(f"{name}: {value}" for name, value in named.items())
    head = f"#show: dressed.with({arguments})\n#show: session"
    return "\n".join([pdf.look(document.options.theme), head, "#{", *lines, "}\n"])


def _blocks(document: SessionDocument) -> Iterator[_Block]:
    metadata = document.options.include_metadata
    yield _Block(_opening(document))
    for entry in document.entries():
        if document.pictures.has_to_make(_files(entry)):
            yield _BEFORE_PICTURES
        if isinstance(entry, DocumentMessage):
            yield from _message(entry, metadata, document.pictures)
        else:
            yield _Block([*_work(entry, metadata), *_delivered(entry, document.pictures)])


def _files(entry: Entry) -> Iterable[UUID]:
    """Return the files that an entry may show."""
    return links.files_in([entry.content]) if isinstance(entry, DocumentMessage) else delivered.ids(entry)


def _opening(document: SessionDocument) -> list[str]:
    known = [f"{label}: {value}" for label, value in words.about_session(document).items()]
    nothing = [] if document.message_count else ['facts("There are no messages.")']
    return [f"opening({', '.join([_turned(document.title), *map(string, known)])})", *nothing]


def _turned(title: str) -> str:
    """Return a title that begins at the right if its first letter does."""
    return f"leftwards(par({string(title)}))" if directions.of(title) == "leftwards" else string(title)


def _message(message: DocumentMessage, metadata: bool, files: Attachments) -> Iterator[_Block]:
    """Yield a message; its head stays with what is said first."""
    known = _array(words.about_message(message, metadata=metadata))
    head = f"said({_strings([words.speaker(message), words.name(message)])}, {known})"
    said = markup.blocks(message.content, files)
    yield _Block([head, *next(said, [])], messages=1)
    for lines in said:
        yield _Block(lines, is_inside=True)


def _work(work: words.Work, metadata: bool) -> Iterator[str]:
    yield f"done({string(words.title(work))}, {_array(words.about_work(work, metadata=metadata))},"
    for label, text, language in words.parts(work):
        yield f"part({_strings([label, text])}, {string(language) if language else 'none'}),"
    yield ")"


def _delivered(work: words.Work, files: Attachments) -> Iterator[str]:
    shown = [
        f"{files_shown.opening(attached)}; {string(attached.name)} }}),"
        for attached in delivered.pictures(work, files)
    ]
    yield from ["delivered(", *shown, ")"] if shown else []


def _strings(texts: list[str]) -> str:
    return ", ".join(map(string, texts))


def _array(texts: list[str]) -> str:
    return f"({_strings(texts)},)" if texts else "()"
