"""The formats: a renderer is one function in one file under `exports_app/renderers/`.

@export_format(name="json", content_type="application/json", suffix=".json")
def render_json(document, write, tick): ...
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from exports_app.document import SessionDocument
from sessions_app.errors import Refusal

Write = Callable[[str], object]
Tick = Callable[[int], None]
Render = Callable[[SessionDocument, Write, Tick], None]


@dataclass(frozen=True, kw_only=True)
class ExportFormat:
    """A declared format. `render(document, write, tick)` writes text and calls `tick(messages_written)`."""

    name: str
    title: str
    content_type: str
    suffix: str
    render: Render


FORMATS: dict[str, ExportFormat] = {}


def export_format(*, name: str, title: str, content_type: str, suffix: str) -> Callable[[Render], Render]:
    """Declare the decorated function as a format. Raises `ImproperlyConfigured` for a name that is taken."""

    def declare(render: Render) -> Render:
        if name in FORMATS:
            raise ImproperlyConfigured(f"Two export formats are called {name!r}.")
        FORMATS[name] = ExportFormat(
            name=name, title=title, content_type=content_type, suffix=suffix, render=render
        )
        return render

    return declare


def find_format(name: object) -> ExportFormat:
    """Return the format called `name`; raise `Refusal` (`unsupported_format`) with those there are."""
    if isinstance(name, str) and name in FORMATS:
        return FORMATS[name]
    known = ", ".join(sorted(FORMATS))
    raise Refusal("unsupported_format", f"The format {str(name)[:40]!r} is not supported. Formats: {known}.")
