"""A Markdown document as PDF, set by typst in a process of its own with limits."""

import json
import signal
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from agents_app.context import ToolContext, ToolError
from agents_app.isolation import subprocesses
from agents_app.isolation.subprocesses import Limits, Tail
from exports_app.typesetting import markup
from exports_app.typesetting.literals import string

MEMORY_BYTES = 3 * 1024**3
"""Of address space, of which half is the program itself."""
FILE_BYTES = 256 * 1024**2
TIMEOUT_SECONDS = 120.0

Watch = Callable[[], None]


def write(
    context: ToolContext,
    text: str,
    target: Path,
    *,
    title: str,
    made: str,
    watch: Watch = lambda: None,
) -> None:
    """Write Markdown `text` to `target`, with `made` (who made it, when) at the foot of each page.

    `watch` is called about twenty times a second. Raises `Stopped`, and `ToolError`: `pdf_failed`,
    `pdf_too_large` for a document that needs more time or memory than there is.
    """
    source = context.workdir / f"{target.stem}.typ"
    source.write_text(program(text, title=title, made=made), encoding="utf-8")
    typeset(context, source, target, watch=watch)


def program(text: str, *, title: str, made: str) -> str:
    """Return the typst program that shows Markdown `text`."""
    head = f"#show: dressed.with(title: {string(title)}, made: {string(made)})"
    return "\n".join([look(), head, "#{", *markup.body(text), "}\n"])


def look(theme: str = "light") -> str:
    """Return what a program begins with: how everything looks."""
    return f"#let dark = {str(theme == 'dark').lower()}\n{_sheet('document')}\n{_sheet('session')}"


def typeset(
    context: ToolContext,
    source: Path,
    target: Path,
    *,
    tags: bool = True,
    watch: Watch = lambda: None,
    folder: Path | None = None,
) -> str:
    """Compile a program to `target` and return the characters that no font has: their codes are shown.

    It can read what is in `folder`; without one, nothing. Without `tags`, which are for screen readers, it
    takes half the memory. Else as `write` does.
    """
    empty = context.workdir / "nothing"
    empty.mkdir(exist_ok=True)
    paths = [str(source), str(target), str(folder or empty)]
    return str(json.loads(run(context, "compiling", *paths, *([] if tags else ["untagged"]), watch=watch)))


def run(context: ToolContext, module: str, *arguments: str, watch: Watch = lambda: None) -> str:
    """Run a module of this package in a process of its own and return what it says. Raises as `write`."""
    command = subprocesses.python_command(
        f"exports_app.typesetting.{module}",
        *arguments,
        limits=Limits(memory_bytes=MEMORY_BYTES, file_bytes=FILE_BYTES),
    )
    said, told = Tail(1024 * 1024), Tail()
    try:
        code = subprocesses.run(context, command, on_output=said, on_error=told, watch=_limited(watch))
    except OSError as error:
        raise ToolError("pdf_failed", f"The PDF could not be made: {error.strerror}.") from error
    if code == 1 and "memory" not in told.text():
        raise ToolError("pdf_failed", f"The PDF could not be made: {told.text().strip()[-300:]}")
    if code == -signal.SIGKILL:
        raise ToolError("pdf_failed", "What makes the PDF was killed; the server may be short of memory.")
    if code != 0:
        raise ToolError("pdf_too_large", "The document needs more memory than a PDF may take.")
    return said.text()


@cache
def _sheet(name: str) -> str:
    return (Path(__file__).parent / f"{name}.typ").read_text(encoding="utf-8")


def _limited(watch: Watch) -> Watch:
    """Return `watch` that also ends what takes too long."""
    until = time.monotonic() + TIMEOUT_SECONDS

    def look() -> None:
        if time.monotonic() > until:
            raise ToolError("pdf_too_large", "The document takes too long to be made into a PDF.")
        watch()

    return look
