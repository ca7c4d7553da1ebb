"""The history of a folder that is not ours, read without obeying anything that the folder says.

git runs what the settings of a repository name: monitors, hooks, signature checks, drivers. So it never runs
on the folder's own directory `.git`, but on an empty one of ours that borrows the folder's objects.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from agents_app.codebase import git
from agents_app.codebase.folder import read_text
from agents_app.codebase.history import History
from agents_app.context import ToolContext, ToolError

_SHALLOW_MAX_BYTES = 4 * 1024**2
_CHECK_ENTRIES = 1_000
_CONFIG = "[core]\n\trepositoryformatversion = {version}\n\tbare = true\n{extension}"
_SHA256 = "[extensions]\n\tobjectformat = sha256\n"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Unreadable(Exception):
    """The history is left alone; the message is a sentence for people."""


def borrow(context: ToolContext, commit: str, root: Path) -> History:
    """Return the history of `commit` in the checkout at `root`.

    Raises `Unreadable` if its objects are anywhere but in plain files below `root`, and `Stopped`.
    """
    if not commit:
        raise Unreadable("The history was not read: the folder's repository names no commit in a plain way.")
    objects = root / ".git/objects"
    _check(context, objects)
    home = context.workdir / "home"
    home.mkdir(exist_ok=True)
    try:
        program = git.find(home, 0)
    except ToolError as error:
        raise Unreadable("The history was not read: the worker has no git that is new enough.") from error
    store = _empty_store(context.workdir / "history", sha256=len(commit) > 40)
    (store / "objects/info/alternates").write_bytes(os.fsencode(objects) + b"\n")
    shallow = [
        line
        for line in read_text(root / ".git/shallow", _SHALLOW_MAX_BYTES).split()
        if _COMMIT.fullmatch(line)
    ]
    if shallow:
        (store / "shallow").write_text("".join(f"{commit}\n" for commit in shallow))
    return History(git=program, store=store, commit=commit)


def _empty_store(store: Path, *, sha256: bool) -> Path:
    """Return a new git directory without any object."""
    (store / "objects/info").mkdir(parents=True)
    (store / "refs").mkdir()
    (store / "HEAD").write_text("ref: refs/heads/none\n")
    extension = _SHA256 if sha256 else ""
    (store / "config").write_text(_CONFIG.format(version=int(sha256), extension=extension))
    return store


def _check(context: ToolContext, objects: Path) -> None:
    if objects.parent.is_symlink() or not objects.parent.is_dir() or "\n" in str(objects):
        raise Unreadable("The history was not read: the folder's repository is elsewhere.")
    if (objects / "info/alternates").exists():
        raise Unreadable("The history was not read: the repository borrows objects from elsewhere.")
    for number, entry in enumerate(_entries(objects)):
        if number % _CHECK_ENTRIES == 0:
            context.check()
        mode = entry.stat(follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise Unreadable("The history was not read: some of its objects are links or no files.")


def _entries(objects: Path) -> Iterator[os.DirEntry[str]]:
    """Yield all that is below `objects`, and `objects` itself."""
    waiting = [str(objects)]
    yield from (entry for entry in os.scandir(objects.parent) if entry.name == objects.name)
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                entries = list(found)
        except OSError:
            raise Unreadable("The history was not read: its objects cannot be read.") from None
        waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        yield from entries
