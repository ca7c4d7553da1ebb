"""A file as a table: its columns, and queries on it that put up with rows that do not fit."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from agents_app.context import ToolError
from agents_app.large_files import database
from agents_app.large_files.database import literal
from agents_app.large_files.detection import Nature
from agents_app.large_files.lines import has_longer
from agents_app.large_files.telling import Told

COLUMNS_MAX = 2000
_ROW_MAX_BYTES = 4 * 1024**2
_REJECTED_MAX = 1000
_TOO_LONG = ("Maximum line size of", '"maximum_object_size" of')
_NESTED = ("STRUCT", "MAP", "UNION", "JSON")


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column by its name and DuckDB's type."""

    name: str
    type: str

    @property
    def quoted(self) -> str:
        """The name in SQL."""
        return database.identifier(self.name)

    @property
    def nested(self) -> bool:
        """Whether its values have parts, which a CSV cannot have."""
        return self.type.startswith(_NESTED) or self.type.endswith("]")

    @property
    def numeric(self) -> bool:
        """Whether averages and quantiles make sense."""
        words = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "HUGEINT")
        return not self.nested and any(word in self.type for word in words) and self.type != "INTERVAL"


Make = Callable[[str, Sequence[Column]], tuple[str, Sequence[Any]]]
"""Makes a statement and the values of its parameters."""


class _Rejected(Exception):
    """This way of reading does not fit the file; the message is DuckDB's."""


class Table:
    """A file that DuckDB reads.

    First it is read as its beginning suggests. Where a row does not fit, all of it decides on the types;
    where that is not enough, rows with too few cells are filled up and rows that cannot be read are left out
    and counted in `rejected`.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, place: str, nature: Nature, told: Told) -> None:
        self.columns: list[Column] = []
        self.header = True
        self.quote = ""
        self.rejected: list[dict[str, Any]] = []
        self._connection = connection
        self._told = told
        self._ways = list(_ways(place, nature))
        self._place, self._nature = place, nature
        self._describe_with_next_way()

    def query(self, make: Make) -> list[tuple[Any, ...]]:
        """Return the rows of what `make(table expression, columns)` returns. Raises `ToolError`."""
        while True:
            try:
                rows = self._try(*make(self._ways[0], self.columns))
                self._note_rejected()
                return rows
            except _Rejected as reason:
                self._ways.pop(0)
                if not self._ways:
                    raise ToolError("file_damaged", f"The rows cannot be read: {reason}") from None
                self._describe_with_next_way()

    def _describe_with_next_way(self) -> None:
        reason = ""
        while self._ways:
            try:
                described = self._try(f"DESCRIBE SELECT * FROM {self._ways[0]}", ())
                self._sniff()
                break
            except _Rejected as rejected:
                reason = reason or str(rejected)
                self._ways.pop(0)
        else:
            raise ToolError("file_damaged", f"The file cannot be read as {self._nature.format}: {reason}")
        if len(described) > COLUMNS_MAX:
            raise ToolError("too_many_columns", f"The table has more than {COLUMNS_MAX:,} columns.")
        self.columns = [Column(name=str(row[0]), type=str(row[1])) for row in described]

    def _sniff(self) -> None:
        """Note quote and header. Where DuckDB sees neither, the first row is taken as a header."""
        if self._nature.format not in ("csv", "tsv"):
            return
        options = _csv_options(self._nature)
        for more in ("", ", null_padding = true, ignore_errors = true"):
            try:
                statement = f"SELECT Quote, HasHeader FROM sniff_csv({literal(self._place)}, {options}{more})"
                quote, self.header = self._try(statement, ())[0]
            except _Rejected:
                continue
            self.quote = "" if quote == "(empty)" else quote
            return

    def _try(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            return database.query(self._connection, statement, values, self._told)
        except duckdb.OutOfMemoryException:
            raise ToolError(
                "too_large_for_memory", "The table needs more memory than one file may take."
            ) from None
        except duckdb.IOException as error:
            if "arge" in str(error) or "space" in str(error):
                raise ToolError(
                    "output_too_large", "The new file is larger than the limit, or the disk is full."
                ) from None
            raise ToolError("file_damaged", f"The file cannot be read: {_sentence(error)}") from None
        except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.BinderException) as error:
            if any(sign in str(error) for sign in _TOO_LONG):
                raise _too_long() from None
            raise _Rejected(_sentence(error)) from None
        except duckdb.Error as error:
            raise ToolError("file_damaged", f"The file cannot be read: {_sentence(error)}") from None

    def _note_rejected(self) -> None:
        if "store_rejects" not in self._ways[0]:
            return
        statement = (
            "SELECT line, min(error_type), min(column_name), min(csv_line[:200]) FROM reject_errors "
            "GROUP BY line ORDER BY line"
        )
        rows = self._connection.execute(statement).fetchall()
        if len(rows) >= _REJECTED_MAX:  # those beyond are not noted, so nobody could tell
            raise ToolError("file_damaged", f"{_REJECTED_MAX:,} rows and more cannot be read.")
        self.rejected = [{"line": row[0], "reason": str(row[1]).lower(), "text": row[3]} for row in rows]


def connect(place: str, nature: Nature, folder: Path, told: Told) -> Table:
    """Return the file at `place` as a table; new files can be written into `folder`. Raises `ToolError`."""
    # DuckDB leaves out a line that is longer than its buffer, and says nothing.
    with Path(place).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if nature.format != "parquet" and has_longer(file.fileno(), size, _ROW_MAX_BYTES):
            raise _too_long()
    return Table(database.connect(place, folder), place, nature, told)


def _ways(place: str, nature: Nature) -> list[str]:
    """Return table expressions, the strictest and quickest first."""
    name = literal(place)
    if nature.format == "parquet":
        return [f"read_parquet({name})"]
    if nature.format in ("csv", "tsv"):
        options = _csv_options(nature)
        forgiving = (
            "null_padding = true, ignore_errors = true, "
            f"store_rejects = true, rejects_limit = {_REJECTED_MAX}, parallel = false"
        )
        return [
            f"read_csv({name}, {options})",
            f"read_csv({name}, {options}, sample_size = -1)",
            f"read_csv({name}, {options}, {forgiving}, sample_size = -1)",
            f"read_csv({name}, {options}, {forgiving})",
        ]
    options = f"format = 'newline_delimited', maximum_object_size = {_ROW_MAX_BYTES}"
    return [f"read_json({name}, {options})", f"read_json({name}, {options}, sample_size = -1)"]


def _too_long() -> ToolError:
    return ToolError("row_too_large", f"A row is larger than {_ROW_MAX_BYTES:,} bytes.")


def _csv_options(nature: Nature) -> str:
    sizes = f"max_line_size = {_ROW_MAX_BYTES}, buffer_size = {2 * _ROW_MAX_BYTES}"
    return f"delim = {literal(nature.delimiter)}, {sizes}"


def _sentence(error: Exception) -> str:
    """Return the first lines of what DuckDB says, without its advice, which is about SQL."""
    text = str(error).partition("Possible")[0].partition("LINE 1")[0].partition("Try ")[0]
    return " ".join(text.split())[:300]
