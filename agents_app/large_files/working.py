"""The process that reads hostile files, tables too: `python -m agents_app.large_files.working < JOB`.

JOB is as for `reading_text`.
"""

import gzip
import random
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import zstandard

from agents_app.context import ToolError
from agents_app.large_files import (
    counting,
    profiling,
    reading_text,
    rewriting,
    searching,
    splitting,
    tables,
    unpacking,
)
from agents_app.large_files.detection import Nature
from agents_app.large_files.opening import decoded
from agents_app.large_files.reading_text import TextWork
from agents_app.large_files.tables import Table
from agents_app.large_files.telling import Told, tell

DELIVERED_PARTS_MAX = 20
_SAMPLE_LINE_BYTES = 16 * 1024
_ROWS = 20


class Work(TextWork):
    """One job on one file that may be a table."""

    def table(self) -> Table:
        """Return it as a table; what DuckDB cannot take as it is is written out as UTF-8 first."""
        if not self.tabular:
            message = "The file is not a table. If it is one after all, say so with format."
            raise ToolError("format_mismatch", message)
        place = self.opened.place
        if self.nature.format == "json":
            place = self._unpack(unpacking.json_lines(self.text()))
        elif self.nature.format != "parquet" and not self.plain:
            place = self._unpack(self.text())
        self.told.begin(1.0)
        try:
            return tables.connect(place, self.nature, self.folder, self.told)
        except ToolError as error:
            if "nicode" not in error.message:
                raise
        return tables.connect(
            self._unpack(decoded(self.text(), "utf-8")), self.nature, self.folder, self.told
        )

    def _unpack(self, chunks: Iterable[bytes]) -> str:
        target = self.folder / "plain"
        self.told.begin(0.5)
        unpacking.write(chunks, target)
        return str(target)


def _summary(task: Work) -> dict[str, Any]:
    found: dict[str, Any] = {}
    task.told.begin(0.2 if task.tabular else 1.0)
    if task.nature.format not in ("parquet", *(("csv", "tsv", "jsonl") if task.plain else ())):
        found["text"] = counting.measure(task.text(), task.told).document()
    elif task.nature.format != "parquet":
        found["lines"] = counting.count_lines(task.opened, task.told)
    if task.tabular:
        table = task.table()
        found["table"] = profiling.profile(table, task.told)
        found["dialect"] = _dialect(task.nature, table)
    return found


def _dialect(nature: Nature, table: Table) -> dict[str, Any]:
    if nature.format not in ("csv", "tsv"):
        return {}
    return {"delimiter": nature.delimiter, "quote": table.quote, "header": table.header}


def _sample(task: Work) -> dict[str, Any]:
    which, count = task.arguments.get("which") or "first", task.arguments.get("rows") or _ROWS
    if task.tabular:
        table = task.table()
        names, rows, total = rewriting.sample(table, which, count, task.out / f"{task.stem}-sample.csv")
        found = {"which": which, "columns": names, "columns_total": len(table.columns), "rows": rows}
        return {"sample": {**found, "rows_total": total, "rejected": table.rejected}}
    total = reading_text.count(task)["lines"] if which != "first" else None
    last = total or 0
    numbers = {
        "first": range(1, count + 1),
        "last": range(max(1, last - count + 1), last + 1),
        "random": random.sample(range(1, last + 1), min(count, last)),
    }[which]
    lines = searching.lines_by_number(task.text(), numbers, _SAMPLE_LINE_BYTES)
    to = task.out / f"{task.stem}-sample.txt"
    to.write_bytes(b"".join(line + b"\n" for line in lines.values()))
    shown = list(lines.items())[: rewriting.SHOWN_ROWS]
    rows = [[number, line.decode(errors="replace")[: rewriting.CELL_CHARACTERS]] for number, line in shown]
    found = {"which": which, "columns": ["line", "text"], "columns_total": 2, "rows": rows}
    return {"sample": {**found, "rows_total": total, "rejected": []}}


def _filter(task: Work) -> dict[str, Any]:
    if task.tabular:
        return _rewrite(task, "filtered", task.arguments.get("to") or task.nature.format)
    if task.arguments.get("conditions"):
        task.table()
    arguments = task.arguments
    pattern = searching.compile_pattern(arguments["pattern"], ignore_case=bool(arguments.get("ignore_case")))
    to = task.out / f"{task.stem}-filtered.txt"
    found = searching.search(task.text(), pattern, to, task.told, task.place, numbered=False)
    return {"filter": {"rows": found.matching_lines, "written": found.written, "format": "text"}}


def _convert(task: Work) -> dict[str, Any]:
    to = task.arguments["to"]
    if to == "text":
        return _write_text(task)
    return _rewrite(task, "converted", to)


def _rewrite(task: Work, word: str, to: str) -> dict[str, Any]:
    compression = task.arguments.get("compression") or "none"
    if to == "text":
        raise ToolError("invalid_arguments", "The rows of a table cannot be written as text; take csv.")
    name = f"{task.stem}{'-filtered' if word == 'filtered' else ''}{rewriting.suffix(to, compression)}"
    table = task.table()
    where = {key: task.arguments.get(key) for key in ("conditions", "pattern", "ignore_case")}
    guard = bool(task.arguments.get("guard_formulas"))
    rows = rewriting.rewrite(table, task.out / name, to, compression, where, guard=guard)
    key = "filter" if word == "filtered" else "convert"
    return {key: {"rows": rows, "format": to, "compression": compression, "rejected": table.rejected}}


def _write_text(task: Work) -> dict[str, Any]:
    """Write the text as UTF-8, compressed as was asked for."""
    compression = task.arguments.get("compression") or "none"
    target = task.out / f"{task.stem}{rewriting.suffix('text', compression)}"
    with target.open("wb") as plain, _compressing(plain, compression) as file:
        for chunk in task.text():
            file.write(chunk)
    return {"convert": {"format": "text", "compression": compression}}


def _compressing(file: IO[bytes], compression: str) -> Any:
    if compression == "gzip":
        return gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file)
    if compression == "zstd":
        return zstandard.ZstdCompressor().stream_writer(file, closefd=False)
    return open(file.fileno(), "wb", closefd=False)


def _split(task: Work) -> dict[str, Any]:
    kind = task.nature.format
    if kind in ("json", "parquet"):
        message = f"A {kind} file cannot be cut into parts: convert it to jsonl or csv first."
        raise ToolError("format_mismatch", message)
    delimited = kind in ("csv", "tsv")
    cut = splitting.Cut(
        rows=task.arguments.get("rows_per_part") or 0,
        bytes=task.arguments.get("bytes_per_part") or 0,
        quoted=delimited,
        header=delimited and task.table().header,
    )
    suffix = {"text": ".txt"}.get(kind, f".{kind}")
    parts = splitting.Parts(task.out, task.stem, suffix, cut)
    splitting.split(task.text(), parts, cut, task.told)
    if len(parts.counts) > DELIVERED_PARTS_MAX:
        _zip(task.out, f"{task.stem}-parts.zip")
    return {"split": {"parts": len(parts.counts), "rows": parts.counts[:DELIVERED_PARTS_MAX]}}


def _zip(folder: Path, name: str) -> None:
    """Put all files into one archive, which takes the place of each as it goes."""
    files = sorted(folder.iterdir())
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files:
            archive.write(file, file.name)
            file.unlink()


_OPERATIONS: Mapping[str, reading_text.Operation] = {
    **reading_text.OPERATIONS,
    "summary": _summary,
    "sample": _sample,
    "filter": _filter,
    "convert": _convert,
    "split": _split,
}


def work(job: Mapping[str, Any], told: Told) -> Mapping[str, Any]:
    """Do a job."""
    return reading_text.do(Work(job, told), _OPERATIONS)


if __name__ == "__main__":
    tell(work)
