"""Lines, comments, blanks and complexity by language, counted by the program `scc`."""

import json
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agents_app.codebase.files import Listing, SourceFile
from agents_app.codebase.tops import Top
from agents_app.context import ToolContext
from agents_app.isolation.subprocesses import Command, Limits, Tail, run
from agents_app.stages import Remaining, Stage

TOP_FILES = 20
MAX_FILE_BYTES = 10 * 1024**2
_BATCH_FILES = 1_000
_BATCH_BYTES = 16 * 1024**2
_BATCH_PATH_CHARACTERS = 100_000
_BATCH_SECONDS = 30.0
_FAILURES_MAX = 3
_OUTPUT_MAX_BYTES = 16 * 1024**2
_LIMITS = Limits(memory_bytes=4 * 1024**3, file_bytes=0)
# No settings file of the code base is read; the files named here are counted whatever its ignore files say.
_OPTIONS = (
    "--no-config",
    "--format",
    "json2",
    "--by-file",
    "--min",
    "--no-cocomo",
    "--no-size",
    "--no-gitmodule",
)
# What scc counts as code and nobody would call a program.
_TEXT_AND_DATA = frozenset({
    "AsciiDoc", "Creole", "CSV", "Docbook XML", "GitHub Flavored Markdown", "INI", "JSON", "JSON5", "JSONC",
    "JSONL", "License", "Markdown", "MDX", "Org", "Plain Text", "Properties File", "ReStructuredText",
    "Rich Text Format", "SVG", "Textile", "TOML", "XML", "YAML", "gitignore", "ignore",
})  # fmt: skip


@dataclass
class Language:
    """What was counted of one language."""

    name: str
    files: int = 0
    lines: int = 0
    code: int = 0
    comments: int = 0
    blanks: int = 0
    complexity: int = 0


@dataclass(frozen=True, kw_only=True)
class CountedFile:
    """What was counted of one file."""

    path: str
    language: str
    lines: int
    code: int
    complexity: int


@dataclass
class Counts:
    """All that was counted. `problem` is a sentence that says why figures are missing, or empty."""

    languages: dict[str, Language] = field(default_factory=dict)
    largest: Top[CountedFile] = field(default_factory=lambda: Top(TOP_FILES))
    most_complex: Top[CountedFile] = field(default_factory=lambda: Top(TOP_FILES))
    too_large_files: int = 0
    problem: str = ""

    def by_code(self) -> list[Language]:
        """Return the languages, most lines of code first."""
        return sorted(self.languages.values(), key=lambda language: (-language.code, language.name))

    def programs(self) -> list[Language]:
        """Return the languages that programs are written in, most code first; all if there are none."""
        found = self.by_code()
        return [one for one in found if one.code and one.name not in _TEXT_AND_DATA] or found

    def total(self) -> Language:
        """Return the sums over all languages."""
        total = Language("")
        for language in self.languages.values():
            for figure in ("files", "lines", "code", "comments", "blanks", "complexity"):
                setattr(total, figure, getattr(total, figure) + getattr(language, figure))
        return total


class CountingFailed(Exception):
    """scc could not count; the message is a sentence for people."""


def count(context: ToolContext, stage: Stage, root: Path, listing: Listing) -> Counts:
    """Count all files of `listing` below `root`; files above 10 MiB are left out.

    The files go to scc in batches, so progress is files really counted. Where scc fails, what it counted
    before and after is kept, and `problem` says how much is missing. Raises `Stopped`.
    """
    files = [file for file in listing.files if file.size <= MAX_FILE_BYTES]
    counts = Counts(too_large_files=len(listing.files) - len(files))
    counted, reached, failures, remaining = 0, 0, [], Remaining()
    for batch in _batches(files):
        try:
            _add(counts, _count_batch(context, find(), root, batch))
            counted += len(batch)
        except CountingFailed as failure:
            failures.append(str(failure))
            if len(failures) == _FAILURES_MAX:
                break
        reached += len(batch)
        stage.at(reached / len(files), remaining.seconds(reached / len(files)))
    if failures:
        counts.problem = f"Lines were counted in {counted:,} of {len(files):,} files: {failures[0]}"
    stage.at(1.0)
    return counts


def find() -> str:
    """Return scc's path: where pip puts it or on the PATH; else raise `CountingFailed`."""
    places = (Path(sys.executable).parent, Path(sysconfig.get_path("scripts")))
    program = shutil.which("scc", path=os.pathsep.join(map(str, places))) or shutil.which("scc")
    if program is None:
        raise CountingFailed("the program scc is not installed on the worker.")
    return program


def _batches(files: Sequence[SourceFile]) -> Iterator[list[SourceFile]]:
    batch: list[SourceFile] = []
    size = characters = 0
    for file in files:
        full = size + file.size > _BATCH_BYTES or characters + len(file.path) > _BATCH_PATH_CHARACTERS
        if batch and (full or len(batch) == _BATCH_FILES):
            yield batch
            batch, size, characters = [], 0, 0
        batch.append(file)
        size += file.size
        characters += len(file.path)
    if batch:
        yield batch


def _count_batch(context: ToolContext, program: str, root: Path, batch: Sequence[SourceFile]) -> object:
    """Return what scc prints for some files; those that vanished, over which it fails, are left out."""
    paths = [f"./{file.path}" for file in batch if os.path.lexists(root / file.path)]
    if not paths:
        return {}
    output, errors = _Output(), Tail()
    command = Command(
        arguments=[program, *_OPTIONS, "--", *paths],
        folder=root,
        environment={"PATH": os.defpath, "HOME": "/nonexistent"},
        limits=_LIMITS,
    )
    code = run(context, command, on_output=output, on_error=errors, watch=_Deadline(_BATCH_SECONDS))
    if code != 0:
        raise CountingFailed(f"the program scc failed with code {code}.")
    return output.json()


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def __call__(self) -> None:
        if time.monotonic() > self._end:
            raise CountingFailed(f"the program scc took more than {self._seconds:.0f} seconds.")


class _Output:
    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def __call__(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > _OUTPUT_MAX_BYTES:
            raise CountingFailed("the program scc printed more than it should.")
        self._chunks.append(chunk)

    def json(self) -> object:
        try:
            return json.loads(b"".join(self._chunks))
        except (ValueError, RecursionError):
            raise CountingFailed("the program scc printed something that is not JSON.") from None


def _add(counts: Counts, document: object) -> None:
    """Add what scc printed; what has not the expected shape counts as nothing."""
    files: list[CountedFile] = []
    for summary in _list(document, "languageSummary"):
        name = str(summary.get("Name", ""))[:60]
        language = counts.languages.setdefault(name, Language(name))
        language.files += _number(summary, "Count")
        language.lines += _number(summary, "Lines")
        language.code += _number(summary, "Code")
        language.comments += _number(summary, "Comment")
        language.blanks += _number(summary, "Blank")
        language.complexity += _number(summary, "Complexity")
        files += [_file(row, name) for row in _list(summary, "Files")]
    # scc's own order is that in which its threads were done.
    for file in sorted(files, key=lambda file: file.path):
        counts.largest.add(file.lines, file)
        if file.complexity:
            counts.most_complex.add(file.complexity, file)


def _file(row: dict[str, object], language: str) -> CountedFile:
    return CountedFile(
        path=str(row.get("Location", "")),
        language=language,
        lines=_number(row, "Lines"),
        code=_number(row, "Code"),
        complexity=_number(row, "Complexity"),
    )


def _list(value: object, key: str) -> list[dict[str, object]]:
    rows = value.get(key) if isinstance(value, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _number(row: dict[str, object], key: str) -> int:
    value = row.get(key)
    return value if isinstance(value, int) and 0 <= value < 10**12 else 0
