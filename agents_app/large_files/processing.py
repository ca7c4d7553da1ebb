"""The whole of it: find the file, have it read by a process of its own, hand over what was made."""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from django.conf import settings

from agents_app.context import ToolContext
from agents_app.files.names import cleaned
from agents_app.large_files import child, source
from agents_app.large_files.source import Source
from agents_app.stages import Remaining, Stage
from sessions_app.payloads import FilePayload

# Address space, a last resort: what DuckDB may use is bounded far below, and what it maps is not all used.
_MEMORY_BYTES = 2 * 1024**3
_DOWNLOADED, _WORKED, _DELIVERED = 30.0, 95.0, 99.0
_STEM_CHARACTERS = 60
_OF_TEXT = ("count", "search")


def process(
    context: ToolContext, arguments: Mapping[str, Any]
) -> tuple[Source, Mapping[str, Any], list[FilePayload]]:
    """Return the file, what was found and what was delivered.

    Stages: `receiving` (downloads only), `reading` by bytes of the file, `delivering`. Raises `Stopped`,
    after which no process is left, and `ToolError`.
    """
    names = {name: arguments.get(name) for name in ("file", "path", "url")}
    receiving = Stage(context, "receiving", 0.0, _DOWNLOADED if arguments.get("url") else 0.0)
    found = source.find(context, receiving, **names)
    reading = Stage(context, "reading", receiving.end, _WORKED)
    result = _read(context, reading, found, arguments)
    return found, result, _deliver(context, Stage(context, "delivering", _WORKED, _DELIVERED))


def _read(
    context: ToolContext, stage: Stage, found: Source, arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    (context.workdir / "out").mkdir()
    job = {
        "path": str(found.path),
        "name": found.name,
        "stem": _stem(found.name),
        "folder": str(context.workdir),
        "max_bytes": settings.LARGE_FILE_MAX_BYTES,
        "arguments": arguments,
    }
    remaining = Remaining()
    stage.at(0.0)
    return child.run(
        context,
        f"agents_app.large_files.{'reading_text' if arguments['operation'] in _OF_TEXT else 'working'}",
        job,
        memory_bytes=_MEMORY_BYTES,
        file_bytes=settings.LARGE_FILE_MAX_BYTES,
        on_progress=lambda done: stage.at(done, remaining.seconds(done)),
    )


def _stem(name: str) -> str:
    """Return how new files begin: the old one's name without suffixes, in plain characters."""
    stem = PurePath(cleaned(name)).name
    while suffix := PurePath(stem).suffix:
        stem = stem.removesuffix(suffix)
    return re.sub(r"[^\w-]+", "-", stem).strip("-")[:_STEM_CHARACTERS] or "file"


def _deliver(context: ToolContext, stage: Stage) -> list[FilePayload]:
    files = sorted((context.workdir / "out").iterdir())
    delivered = []
    for number, file in enumerate(files, start=1):
        delivered.append(context.deliver(file, file.name))
        stage.at(number / len(files))
    return delivered
