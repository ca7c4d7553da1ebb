"""The formats: a renderer is one function in one file under `exports_app/renderers/`.

@export_format(name="json", title="JSON", content_type="application/json", suffix=".json")
def render_json(document, write, tick): ...

@file_format(name="pdf", title="PDF", content_type="application/pdf", suffix=".pdf")
def render_pdf(context, document, target, tick): ...
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured

from agents_app.context import ToolContext
from exports_app.document import SessionDocument
from exports_app.pictures import gallery
from exports_app.telling import Repeating
from sessions_app.errors import Refusal

Write = Callable[[str], object]
Tick = Callable[[int], None]
Render = Callable[[SessionDocument, Write, Tick], None]
RenderFile = Callable[[ToolContext, SessionDocument, Path, Tick], str]
_R = TypeVar("_R", Render, RenderFile)


@dataclass(frozen=True, kw_only=True)
class ExportFormat:
    """A declared format. Both kinds of renderer call `tick(messages_written)`.

    One of text is `render(document, write, tick)`. A `binary` one writes the file itself:
    `render(context, document, target, tick)` returns what is to be known of it, or "".
    """

    name: str
    title: str
    content_type: str
    suffix: str
    render: Callable[..., Any]
    binary: bool = False

    def write(self, context: ToolContext, document: SessionDocument, target: Path, tick: Tick) -> str:
        """Write the file and return what is to be known of it: a sentence or "".

        Raises `Stopped`, `OSError`, `ToolError` of the renderer.
        """
        told = Repeating(tick)
        with gallery.opened(context, document.owner_id, told.again) as pictures:
            return self._write(context, replace(document, pictures=pictures), target, told)

    def _write(self, context: ToolContext, document: SessionDocument, target: Path, tick: Tick) -> str:
        if self.binary:
            return str(self.render(context, document, target, tick))
        with target.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
            self.render(document, file.write, tick)
            file.flush()
            os.fsync(file.fileno())
        return ""


FORMATS: dict[str, ExportFormat] = {}


def export_format(*, name: str, title: str, content_type: str, suffix: str) -> Callable[[Render], Render]:
    """Declare the decorated function as a format of text.

    Raises `ImproperlyConfigured` for a name that is taken.
    """
    return _declare(
        lambda render: ExportFormat(
            name=name, title=title, content_type=content_type, suffix=suffix, render=render
        )
    )


def file_format(
    *, name: str, title: str, content_type: str, suffix: str
) -> Callable[[RenderFile], RenderFile]:
    """Declare the decorated function, which writes the file itself. Raises as `export_format`."""
    return _declare(
        lambda render: ExportFormat(
            name=name, title=title, content_type=content_type, suffix=suffix, render=render, binary=True
        )
    )


def find_format(name: object) -> ExportFormat:
    """Return the format called `name`; raise `Refusal` (`unsupported_format`) with those there are."""
    if isinstance(name, str) and name in FORMATS:
        return FORMATS[name]
    known = ", ".join(sorted(FORMATS))
    raise Refusal("unsupported_format", f"The format {str(name)[:40]!r} is not supported. Formats: {known}.")


def _declare(build: Callable[[_R], ExportFormat]) -> Callable[[_R], _R]:
    def declare(render: _R) -> _R:
        declared = build(render)
        if declared.name in FORMATS:
            raise ImproperlyConfigured(f"Two export formats are called {declared.name!r}.")
        FORMATS[declared.name] = declared
        return render

    return declare
