"""A Markdown document as PDF, set by typst in a process of its own with limits."""

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


def write(
    context: ToolContext,
    text: str,
    target: Path,
    *,
    title: str,
    made: str,
    watch: Callable[[], None] = lambda: None,
) -> None:
    """Write Markdown `text` to `target`, with `made` (who made it, when) at the foot of each page.

    `watch` is called about twenty times a second. Raises `Stopped`, and `ToolError`: `pdf_failed`,
    `pdf_too_large` for a document that needs more time or memory than there is.
    """
    source = context.workdir / f"{target.stem}.typ"
    source.write_text(program(text, title=title, made=made), encoding="utf-8")
    empty = context.workdir / "nothing"
    empty.mkdir(exist_ok=True)
    told = Tail()
    code = _compile(context, (source, target, empty), told, _limited(watch))
    if code == 1 and "memory" not in told.text():
        raise ToolError("pdf_failed", f"The PDF could not be made: {told.text().strip()[-300:]}")
    if code != 0:
        raise ToolError("pdf_too_large", "The document needs more memory than a PDF may take.")


def program(text: str, *, title: str, made: str) -> str:
    """Return the typst program that shows Markdown `text`."""
    head = f"#show: dressed.with(title: {string(title)}, made: {string(made)})"
    return "\n".join([_look(), head, "#{", *markup.body(text), "}\n"])


@cache
def _look() -> str:
    return (Path(__file__).parent / "document.typ").read_text(encoding="utf-8")


def _compile(context: ToolContext, paths: tuple[Path, ...], told: Tail, watch: Callable[[], None]) -> int:
    command = subprocesses.python_command(
        "exports_app.typesetting.compiling",
        *map(str, paths),
        limits=Limits(memory_bytes=MEMORY_BYTES, file_bytes=FILE_BYTES),
    )
    try:
        return subprocesses.run(context, command, on_output=told, on_error=told, watch=watch)
    except OSError as error:
        raise ToolError("pdf_failed", f"The PDF could not be made: {error.strerror}.") from error


def _limited(watch: Callable[[], None]) -> Callable[[], None]:
    """Return `watch` that also ends what takes too long."""
    until = time.monotonic() + TIMEOUT_SECONDS

    def look() -> None:
        if time.monotonic() > until:
            raise ToolError("pdf_too_large", "The document takes too long to be made into a PDF.")
        watch()

    return look
