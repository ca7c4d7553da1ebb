"""The files of a code base, listed without following any symbolic link."""

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from agents_app.codebase.inventory import MAX_FILES
from agents_app.codebase.source import Source
from agents_app.context import ToolContext, ToolError
from agents_app.stages import Stage

_CHECK_SECONDS = 0.1
_CHECK_FILES = 500
_VERSION_CONTROL = {".bzr", ".git", ".hg", ".svn"}
# What tools install or generate: somebody else's code, or none.
_SKIPPED = {
    ".eggs", ".gradle", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".terraform", ".tox", ".venv",
    "__pycache__", "bower_components", "node_modules",
}  # fmt: skip
# A folder that holds one of these was filled by a tool too; for `vendor` by Go or by Composer.
_MARKS = {"pyvenv.cfg", "CACHEDIR.TAG"}
_VENDOR_MARKS = {"modules.txt", "autoload.php"}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A regular file: its path below the root as `os.fsdecode` gives it, and its size in bytes."""

    path: str
    size: int

    @property
    def extension(self) -> str:
        """What follows the last dot of the name, in lower case."""
        return self.path.rpartition("/")[2].rpartition(".")[2].lower()


@dataclass
class Listing:
    """The files found, and by name how many folders of tools were not entered."""

    files: list[SourceFile] = field(default_factory=list)
    skipped_folders: Counter[str] = field(default_factory=Counter)
    unreadable_folders: int = 0
    links: int = 0

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(file.size for file in self.files)


def steadily(context: ToolContext, files: Iterable[SourceFile]) -> Iterator[SourceFile]:
    """Yield `files`, which may be very many, and raise `Stopped` in between if the work was cancelled."""
    for number, file in enumerate(files):
        if number % _CHECK_FILES == 0:
            context.check()
        yield file


def list_files(stage: Stage, source: Source) -> Listing:
    """Return the files of `source`, sorted by path.

    Raises `Stopped` and `ToolError`: `repository_too_large` for more than `MAX_FILES` files,
    `no_source_found` if there is no file at all.
    """
    listing = Listing(links=len(source.links))
    looked = 0.0
    for folder, entries in _folders(str(source.folder), listing):
        listing.files.extend(_files(folder, entries, listing, source.links))
        if len(listing.files) > MAX_FILES:
            raise ToolError("repository_too_large", f"The code has more than {MAX_FILES:,} files.")
        if time.monotonic() - looked > _CHECK_SECONDS:
            looked = time.monotonic()
            # How many files there are is not known before the end: this only shows that it moves.
            stage.at(len(listing.files) / (len(listing.files) + 5_000))
    if not listing.files:
        raise ToolError("no_source_found", "There are no files to analyse.")
    listing.files.sort(key=lambda file: file.path)
    stage.at(1.0)
    return listing


def _folders(root: str, listing: Listing) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Yield each folder's path below `root` with what is in it, the folders of tools left out."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        if PurePosixPath(folder).name in _VERSION_CONTROL:
            continue
        entries = _entries(os.path.join(root, folder), listing)
        if folder and _is_foreign(folder, {entry.name for entry in entries}):
            listing.skipped_folders[PurePosixPath(folder).name] += 1
            continue
        waiting += [
            os.path.join(folder, entry.name) for entry in entries if entry.is_dir(follow_symlinks=False)
        ]
        yield folder, entries


def _files(
    folder: str, entries: list[os.DirEntry[str]], listing: Listing, links: frozenset[str]
) -> Iterator[SourceFile]:
    for entry in entries:
        path = os.path.join(folder, entry.name)
        if entry.is_symlink():
            listing.links += 1
        # A file `.git` is what a linked work tree or a submodule has in place of the folder.
        elif path not in links and entry.name != ".git" and entry.is_file(follow_symlinks=False):
            yield SourceFile(path, _size(entry))


def _is_foreign(folder: str, names: set[str]) -> bool:
    name = PurePosixPath(folder).name
    return name in _SKIPPED or bool(names & _MARKS) or (name == "vendor" and bool(names & _VENDOR_MARKS))


def _entries(folder: str, listing: Listing) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        listing.unreadable_folders += 1
        return []


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0
