"""A part of a code base: one folder in it and what is below."""

import os
from dataclasses import replace
from pathlib import Path

from agents_app.codebase.source import Source
from agents_app.context import ToolError
from sessions_app.errors import Refusal

_VERSION_CONTROL = {".bzr", ".git", ".hg", ".svn"}


def check(text: str) -> str:
    """Return the path of a folder inside a code base in one spelling; the code base itself is empty.

    Raises `Refusal` (`invalid_arguments`) for what is absolute, climbs or holds NUL.
    """
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or ".." in parts or "\0" in text:
        raise Refusal("invalid_arguments", "subfolder: give a path below the root, such as src/app.")
    return "/".join(parts)


def enter(source: Source, text: str) -> Source:
    """Return what is below folder `text` of `source`; all paths are below that folder then.

    Raises `ToolError` (`subfolder_not_found`), also for links that lead out and for version control's own.
    """
    subfolder = check(text)
    if not subfolder:
        return source
    folder = _real(source.folder, subfolder)
    if folder is None:
        raise ToolError("subfolder_not_found", "The code base has no such subfolder.")
    prefix = subfolder + "/"
    links = frozenset(path.removeprefix(prefix) for path in source.links if path.startswith(prefix))
    return replace(source, folder=folder, subfolder=subfolder, links=links)


def _real(root: Path, subfolder: str) -> Path | None:
    """Return the folder with symbolic links followed, if it is inside `root`."""
    try:
        real_root = root.resolve()
        real = Path(os.path.join(root, subfolder)).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None
    inside = real.is_relative_to(real_root) and real.is_dir()
    own = inside and not _VERSION_CONTROL & set(real.relative_to(real_root).parts)
    return real if own else None
