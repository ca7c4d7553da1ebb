"""Folders of this machine that may be analysed: those that the operator listed, and what is inside them."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from agents_app.codebase.source import Source
from sessions_app.errors import Refusal

_HEAD_MAX_BYTES = 1024
_PACKED_MAX_BYTES = 4 * 1024**2
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def allowed(text: str, folders: Sequence[Path]) -> Path:
    """Return the real path of folder `text`, which need not exist on this machine.

    Raises `Refusal` (`folder_not_allowed`), in the same words whether such a folder exists or not, unless
    it is inside one of `folders` after symbolic links are followed.
    """
    try:
        path = Path(text)
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):
        raise _refusal() from None
    if not path.is_absolute() or not any(real.is_relative_to(folder) for folder in folders):
        raise _refusal()
    return real


def source(text: str, folders: Sequence[Path]) -> Source:
    """Return the allowed folder `text` as something to analyse; raises `Refusal` (`folder_not_allowed`)."""
    folder = allowed(text, folders)
    if not folder.is_dir():
        raise _refusal()
    store = folder / ".git"
    branch, commit = ("", "") if store.is_symlink() else _head(store)
    return Source(
        folder=folder,
        name=folder.name or "/",
        origin={"path": text},
        branch=branch,
        commit=commit,
        checkout=folder if os.path.lexists(store) else None,
    )


def _refusal() -> Refusal:
    return Refusal("folder_not_allowed", "There is no such folder among those that the operator allows.")


def _head(store: Path) -> tuple[str, str]:
    """Return branch and commit of a checkout, empty where they are not plain to see.

    Read by hand: git would obey the folder's own settings, and some of those run commands.
    """
    text = read_text(store / "HEAD", _HEAD_MAX_BYTES)
    match = re.fullmatch(r"ref: refs/heads/([^\x00-\x20~^:?*\[\\]{1,200})", text)
    if match is None:
        return "", text if _COMMIT.fullmatch(text) else ""
    branch = match[1]
    if ".." in branch:
        return "", ""
    loose = read_text(store / "refs/heads" / branch, _HEAD_MAX_BYTES)
    return branch, loose if _COMMIT.fullmatch(loose) else _packed(store, branch)


def _packed(store: Path, branch: str) -> str:
    for line in read_text(store / "packed-refs", _PACKED_MAX_BYTES).splitlines():
        commit, _blank, reference = line.partition(" ")
        if reference == f"refs/heads/{branch}" and _COMMIT.fullmatch(commit):
            return commit
    return ""


def read_text(path: Path, limit: int) -> str:
    """Return the text of a regular file, or nothing for links, other things and files above `limit` bytes."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > limit:
            return ""
        return path.read_text(errors="replace").strip()
    except (OSError, ValueError):
        return ""
