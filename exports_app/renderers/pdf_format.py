"""PDF: parts of a few hundred messages, each set by a typst process of its own, then joined."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pypdf import PdfReader

from agents_app.context import ToolContext
from exports_app import delivered, words
from exports_app.document import DocumentMessage, SessionDocument
from exports_app.formats import Tick, file_format
from exports_app.pictures.attached import Attachments
from exports_app.typesetting import files_shown, fonts, markup, pdf
from exports_app.typesetting.literals import string

MESSAGES_A_PART = 250
CHARACTERS_A_PART = 200_000
"""Of the program: memory grows with it, and no process may take more than 300 MB."""
PIXELS_A_PART = 8_000_000
"""Of pictures, each of which is unpacked while it is set."""
_AHEAD_SECONDS = 0.04
_PAPERS = {"a4": "a4", "letter": "us-letter"}


@file_format(name="pdf", title="PDF", content_type="application/pdf", suffix=".pdf")
def render_pdf(context: ToolContext, document: SessionDocument, target: Path, tick: Tick) -> str:
    """Write the PDF and return which characters no font has.

    Raises `Stopped` and `ToolError`: `pdf_failed`, `pdf_too_large`, `session_gone`.
    """
    ahead, folder = _Ahead(document), document.pictures.folder
    files: list[Path] = []
    missing: set[str] = set()
    written, next_page = 0, 1
    while (part := ahead.take()) is not None:
        source, made = context.workdir / "part.typ", context.workdir / f"part-{len(files)}.pdf"
        source.write_text(_program(document, part, next_page), encoding="utf-8")
        missing |= set(pdf.typeset(context, source, made, tags=False, watch=ahead.write, folder=folder))
        files.append(made)
        next_page += _count_pages(made)
        written += part.messages
        tick(max(written, 1))
    pdf.run(context, "joining", str(target), *map(str, files))
    return fonts.advice(missing)


@dataclass
class _Part:
    """Some entries as lines of a program."""

    lines: list[str] = field(default_factory=list)
    messages: int = 0
    characters: int = 0
    pixels: int = 0

    @property
    def is_full(self) -> bool:
        return (
            self.messages >= MESSAGES_A_PART
            or self.characters >= CHARACTERS_A_PART
            or self.pixels >= PIXELS_A_PART
        )

    def add(self, lines: list[str], *, messages: int, pixels: int) -> None:
        self.lines += lines
        self.messages += messages
        self.pixels += pixels
        self.characters += sum(map(len, lines))


class _Ahead:
    """Takes the entries in parts; the next is written while typst sets the one before."""

    def __init__(self, document: SessionDocument) -> None:
        self._files = document.pictures
        self._metadata = document.options.include_metadata
        self._entries = document.entries()
        self._part: _Part | None = _Part(_opening(document))

    def take(self) -> _Part | None:
        """Return the next part; None after the last."""
        while self._add():
            pass
        taken, self._part = self._part, None
        return taken

    def write(self) -> None:
        """Write for a moment: what this process does is not to wait for what it watches."""
        until = time.monotonic() + _AHEAD_SECONDS
        while time.monotonic() < until and self._add():
            pass

    def _add(self) -> bool:
        """Add an entry; return whether there was one and room for it."""
        if self._part is not None and self._part.is_full:
            return False
        entry = next(self._entries, None)
        if entry is None:
            return False
        self._part = self._part or _Part()
        before = self._files.pixels
        if isinstance(entry, DocumentMessage):
            lines, messages = list(_message(entry, self._metadata, self._files)), 1
        else:
            lines, messages = list(_work(entry, self._metadata, self._files)), 0
        self._part.add(lines, messages=messages, pixels=self._files.pixels - before)
        return True


def _program(document: SessionDocument, part: _Part, first_page: int) -> str:
    made = f"MCP Chat · {words.moment(document.exported_at)}" if document.options.include_metadata else ""
    named = {
        "title": string(document.title),
        "made": string(made),
        "header": string(document.title),
        "paper": string(_PAPERS[document.options.page_size]),
        "first-page": str(first_page),
    }
    arguments = ", ".join(f"{name}: {value}" for name, value in named.items())
    head = f"#show: dressed.with({arguments})\n#show: session"
    return "\n".join([pdf.look(document.options.theme), head, "#{", *part.lines, "}\n"])


def _opening(document: SessionDocument) -> list[str]:
    known = [f"{label}: {value}" for label, value in words.about_session(document).items()]
    nothing = [] if document.message_count else ['facts("There are no messages.")']
    return [f"opening({_strings([document.title, *known])})", *nothing]


def _message(message: DocumentMessage, metadata: bool, files: Attachments) -> Iterator[str]:
    known = _array(words.about_message(message, metadata=metadata))
    yield f"said({_strings([words.speaker(message), words.name(message)])}, {known}, {{ []"
    yield from markup.body(message.content, files)
    yield "})"


def _work(work: words.Work, metadata: bool, files: Attachments) -> Iterator[str]:
    yield f"done({string(words.title(work))}, {_array(words.about_work(work, metadata=metadata))},"
    for label, text, language in words.parts(work):
        yield f"part({_strings([label, text])}, {string(language) if language else 'none'}),"
    yield ")"
    shown = [
        f"{files_shown.opening(attached)}; {string(attached.name)} }}),"
        for attached in delivered.pictures(work, files)
    ]
    yield from ["delivered(", *shown, ")"] if shown else []


def _strings(texts: list[str]) -> str:
    return ", ".join(map(string, texts))


def _array(texts: list[str]) -> str:
    return f"({_strings(texts)},)" if texts else "()"


def _count_pages(path: Path) -> int:
    with PdfReader(path) as reader:
        return len(reader.pages)
