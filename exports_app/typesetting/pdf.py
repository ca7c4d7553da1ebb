"""A Markdown document as PDF, set by typst in a process of its own with limits."""

import json
import logging
import signal
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from agents_app.context import ToolContext, ToolError
from agents_app.isolation import subprocesses
from agents_app.isolation.subprocesses import Limits, Lines, Tail, TooLong
from exports_app.typesetting import markup
from exports_app.typesetting.literals import string

logger = logging.getLogger(__name__)

MEMORY_BYTES = 3 * 1024**3
"""Of address space, of which half is the program itself."""
FILE_BYTES = 256 * 1024**2
TIMEOUT_SECONDS = 120.0

Watch = Callable[[], None]
Receive = Callable[[int, str], None]


def _nothing(*_: object) -> None:
    pass


class Deadline:
    """When what runs has taken too long."""

    def __init__(self) -> None:
        self.extend()

    def extend(self) -> None:
        """Give it its time anew."""
        self._until = time.monotonic() + TIMEOUT_SECONDS

    def check(self) -> None:
        """Raise `ToolError` (`pdf_too_large`) once the time is over."""
        if time.monotonic() > self._until:
            raise ToolError("pdf_too_large", "The document takes too long to be made into a PDF.")


def write(
    context: ToolContext,
    text: str,
    target: Path,
    *,
    title: str,
    made: str,
    watch: Watch = _nothing,
) -> None:
    """Write Markdown `text` to `target`, with `made` (who made it, when) at the foot of each page.

    `watch` is called about twenty times a second. Raises `Stopped`, and `ToolError`: `pdf_failed`,
    `pdf_too_large` for a document that needs more time or memory than there is.
    """
    source = target.with_suffix(".typ")
    source.write_text(program(text, title=title, made=made), encoding="utf-8")
    typeset(context, [source], watch=watch)


def program(text: str, *, title: str, made: str) -> str:
    """Return the typst program that shows Markdown `text`."""
    head = f"#show: dressed.with(title: {string(title)}, made: {string(made)})"
    return "\n".join([look(), head, "#{", *markup.body(text), "}\n"])


def look(theme: str = "light") -> str:
    """Return what a program begins with: how everything looks."""
    return f"#let dark = {str(theme == 'dark').lower()}\n{_sheet('document')}\n{_sheet('session')}"


def typeset(
    context: ToolContext,
    sources: Sequence[Path],
    *,
    first_page: int = 1,
    tags: bool = True,
    folder: Path | None = None,
    watch: Watch = _nothing,
    on_made: Receive = _nothing,
) -> None:
    """Compile programs, each to a PDF beside it, their pages numbered through from `first_page`.

    `on_made` is told of each its number of pages and the characters that no font has: their codes are shown.
    They can read what is in `folder`; without one, nothing. Without `tags`, which are for screen readers, it
    takes half the memory. Each may take `TIMEOUT_SECONDS`. Else as `write` does.
    """
    empty = context.workdir / "nothing"
    empty.mkdir(exist_ok=True)
    deadline = Deadline()

    def receive(line: bytes) -> None:
        deadline.extend()
        made = json.loads(line)
        on_made(made["pages"], made["missing"])

    arguments = [str(folder or empty), "tagged" if tags else "untagged", str(first_page), *map(str, sources)]
    _run(context, "compiling", arguments, deadline=deadline, watch=watch, on_line=receive)


def join(context: ToolContext, parts: Sequence[Path], target: Path) -> None:
    """Make one PDF of several, with one outline. Raises as `write` does."""
    arguments = [str(target), *map(str, parts)]
    _run(context, "joining", arguments, deadline=Deadline(), watch=_nothing, on_line=_nothing)


def _run(
    context: ToolContext,
    module: str,
    arguments: Sequence[str],
    *,
    deadline: Deadline,
    watch: Watch,
    on_line: Callable[[bytes], None],
) -> None:
    """Run a module of this package in a process of its own. Raises as `write`."""
    command = subprocesses.python_command(
        f"exports_app.typesetting.{module}",
        *arguments,
        limits=Limits(memory_bytes=MEMORY_BYTES, file_bytes=FILE_BYTES),
    )

    def look() -> None:
        deadline.check()
        watch()

    told = Tail()
    try:
        code = subprocesses.run(context, command, on_output=Lines(on_line), on_error=told, watch=look)
    except OSError as error:
        raise ToolError("pdf_failed", f"The PDF could not be made: {error.strerror}.") from error
    except TooLong:
        raise ToolError("pdf_failed", "What makes the PDF said more than it should.") from None
    _require_success(code, told.text())


def _require_success(code: int, told: str) -> None:
    if code:
        logger.warning("what makes PDFs ended with %d: %s", code, told.strip())
    if code == 1 and "memory" not in told.lower():
        # A traceback names places of the server.
        is_unforeseen = told.startswith("Traceback")
        reason = "the server's log tells why." if is_unforeseen else told.strip().rpartition("\n")[2][-300:]
        raise ToolError("pdf_failed", f"The PDF could not be made: {reason}")
    if code in (-signal.SIGKILL, -signal.SIGTERM):
        raise ToolError("pdf_failed", "What makes the PDF was killed; the server may be short of memory.")
    if code != 0:
        raise ToolError("pdf_too_large", "The document needs more memory than a PDF may take.")


@cache
def _sheet(name: str) -> str:
    return (Path(__file__).parent / f"{name}.typ").read_text(encoding="utf-8")
