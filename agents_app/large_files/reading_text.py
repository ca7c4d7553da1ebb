"""The process that reads hostile text: `python -m agents_app.large_files.reading_text < JOB`.

JOB has `path`, `name`, `folder` (new files go into `out` in it, named after `stem`), `max_bytes` and
`arguments`. It is apart from `working`, which reads tables too, because it starts in a fraction of the time.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agents_app.context import ToolError
from agents_app.large_files import counting, searching
from agents_app.large_files.detection import TABLES, Nature, detect
from agents_app.large_files.opening import UTF_8, Opened, open_file, read_text
from agents_app.large_files.telling import Told, tell


class TextWork:
    """One job on one file."""

    def __init__(self, job: Mapping[str, Any], told: Told) -> None:
        self.arguments: Mapping[str, Any] = job["arguments"]
        self.told = told
        self.opened: Opened = open_file(job["path"])
        self.folder = Path(job["folder"])
        self.out = self.folder / "out"
        self.stem = job["stem"]
        self.max_bytes = int(job["max_bytes"])
        kind, encoding = (self.arguments.get(name) or "" for name in ("format", "encoding"))
        self.nature: Nature = detect(self.opened, job["name"], kind, encoding, self.max_bytes)

    @property
    def tabular(self) -> bool:
        """Whether it has columns."""
        return self.nature.format in TABLES

    @property
    def plain(self) -> bool:
        """Whether its bytes are UTF-8 text as they are."""
        return self.opened.compression == "none" and self.nature.encoding in (*UTF_8, "utf-8-sig")

    def text(self) -> Iterator[bytes]:
        """Yield its text as UTF-8. Raises `ToolError` (`format_mismatch`) for Parquet."""
        if self.nature.format == "parquet":
            raise ToolError("format_mismatch", "A Parquet file has no lines: convert it first.")
        return read_text(self.opened, self.nature.encoding, self.told, self.max_bytes)

    def place(self) -> float:
        """Return how far the file is read (0-1)."""
        return self.opened.file.tell() / (self.opened.size or 1)


Operation = Callable[[Any], dict[str, Any]]


def do(task: TextWork, operations: Mapping[str, Operation]) -> Mapping[str, Any]:
    """Return what the operation that was asked for finds, and what the file is. Raises `ToolError`."""
    found = operations[task.arguments["operation"]](task)
    return {"nature": task.nature.document(), "bytes": task.opened.size, **found}


def count(task: TextWork) -> dict[str, Any]:
    """Return the number of lines."""
    if task.plain:
        return {"lines": counting.count_lines(task.opened, task.told)}
    return {"lines": counting.count_streamed(task.text(), task.told)}


def search(task: TextWork) -> dict[str, Any]:
    """Return the lines that match."""
    arguments = task.arguments
    pattern = searching.compile_pattern(arguments["pattern"], ignore_case=bool(arguments.get("ignore_case")))
    to = task.out / f"{task.stem}-matches.txt"
    found = searching.search(task.text(), pattern, to, task.told, task.place, numbered=True)
    if context_lines := arguments.get("context_lines"):
        searching.add_context(task.text(), found.matches, context_lines)
    if not found.matching_lines:
        to.unlink()
    return {"search": found.document()}


OPERATIONS: Mapping[str, Operation] = {"count": count, "search": search}


def work(job: Mapping[str, Any], told: Told) -> Mapping[str, Any]:
    """Do a job."""
    return do(TextWork(job, told), OPERATIONS)


if __name__ == "__main__":
    tell(work)
