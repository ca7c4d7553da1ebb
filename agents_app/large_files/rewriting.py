"""Tables made of tables: other formats, some of the rows, a sample."""

import csv
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from agents_app.context import ToolError
from agents_app.large_files import conditions
from agents_app.large_files.database import literal
from agents_app.large_files.tables import Column, Table

_OPTIONS = {
    "csv": "FORMAT csv, HEADER true, DELIMITER ','",
    "tsv": "FORMAT csv, HEADER true, DELIMITER '\t'",
    "jsonl": "FORMAT json",
    "json": "FORMAT json, ARRAY true",
    # Small groups: what is gathered for one has to fit in memory.
    "parquet": "FORMAT parquet, ROW_GROUP_SIZE 20480, COMPRESSION zstd",
}
SHOWN_ROWS, SHOWN_CELLS, CELL_CHARACTERS = 50, 40, 200


def rewrite(
    table: Table, to: Path, format: str, compression: str, where: Mapping[str, Any], *, guard: bool
) -> int:
    """Write the rows that meet `where` to a file and return how many there are.

    `where` has `conditions`, `pattern` and `ignore_case`, or nothing. With `guard`, text that a spreadsheet
    would run as a formula gets an apostrophe in front. Raises `ToolError`.
    """
    _check_values(table, where)
    options = _OPTIONS[format]
    if format != "parquet":
        options += f", COMPRESSION {compression}"

    def make(source: str, columns: Sequence[Column]) -> tuple[str, Sequence[Any]]:
        test, values = _where(where, columns)
        cells = ", ".join(_cell(column, format, guard=guard) for column in columns)
        statement = f"SELECT {cells} FROM {source}{test}"
        return f"COPY ({statement}) TO {literal(str(to))} ({options})", values

    return int(table.query(make)[0][0])


def sample(table: Table, which: str, count: int, to: Path) -> tuple[list[str], list[list[Any]], int | None]:
    """Write the rows to a CSV file; return names, the first rows and, where it was counted, the total.

    Raises `ToolError`.
    """
    total = None
    if which == "last":
        total = int(table.query(lambda source, _columns: (f"SELECT count(*) FROM {source}", ()))[0][0])
    end = {
        "first": f"LIMIT {count}",
        "last": f"LIMIT {count} OFFSET {max(0, (total or 0) - count)}",
        "random": f"USING SAMPLE reservoir({count} ROWS)",
    }[which]

    def make(source: str, columns: Sequence[Column]) -> tuple[str, Sequence[Any]]:
        cells = ", ".join(_cell(column, "csv", guard=False) for column in columns)
        return f"COPY (SELECT {cells} FROM {source} {end}) TO {literal(str(to))} ({_OPTIONS['csv']})", ()

    table.query(make)
    return *_first_cells(to), total


def _first_cells(path: Path) -> tuple[list[str], list[list[Any]]]:
    """Return the first names and rows of a CSV file that was written here, each cell cut."""
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            [cell[:CELL_CHARACTERS] for cell in row[:SHOWN_CELLS]]
            for row in islice(csv.reader(file), SHOWN_ROWS + 1)
        ]
    return rows[0], [list(row) for row in rows[1:]]


def _where(where: Mapping[str, Any], columns: Sequence[Column]) -> tuple[str, list[Any]]:
    tests: list[conditions.Test] = []
    if where.get("conditions"):
        tests.append(conditions.where(where["conditions"], columns))
    if where.get("pattern"):
        ignore_case = bool(where.get("ignore_case"))
        tests.append(conditions.matching(where["pattern"], columns, ignore_case=ignore_case))
    if not tests:
        return "", []
    test = " AND ".join(f"({test})" for test, _values in tests)
    return f" WHERE {test}", [value for _test, values in tests for value in values]


def _check_values(table: Table, where: Mapping[str, Any]) -> None:
    def is_of_type(value: str, type: str) -> bool:
        return bool(table.query(lambda _s, _c: (f"SELECT TRY_CAST(? AS {type}) IS NOT NULL", [value]))[0][0])

    conditions.check_values(where.get("conditions") or (), table.columns, is_of_type)


def _cell(column: Column, format: str, *, guard: bool) -> str:
    """Return the SQL of a cell of the new file: lists and structs become JSON in CSV."""
    if format not in ("csv", "tsv"):
        return column.quoted
    text = f"CAST(to_json({column.quoted}) AS VARCHAR)" if column.nested else column.quoted
    if guard and (column.nested or column.type == "VARCHAR"):
        text = f"CASE WHEN regexp_matches({text}, '^[=+\\-@\\t\\r]') THEN '''' || {text} ELSE {text} END"
    return text if text == column.quoted else f"{text} AS {column.quoted}"


def suffix(format: str, compression: str) -> str:
    """Return the end of a file's name. Raises `ToolError` (`invalid_arguments`) for what makes no sense."""
    if format == "parquet" and compression != "none":
        raise ToolError("invalid_arguments", "A Parquet file is compressed inside already.")
    name = {"text": ".txt"}.get(format, f".{format}")
    return name + {"none": "", "gzip": ".gz", "zstd": ".zst"}[compression]
