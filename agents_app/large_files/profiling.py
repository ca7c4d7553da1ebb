"""The figures of a table: what is in each of its columns."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agents_app.large_files.tables import Column, Table
from agents_app.large_files.telling import Told

PROFILED_COLUMNS = 200
_AT_ONCE = 25
_TEXT_CHARACTERS = 100
_QUANTILES = "[0.25, 0.5, 0.75]"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A column: how many cells are empty, about how many different values, the ends and quarters of them."""

    name: str
    type: str
    empty: int
    distinct: int
    minimum: Any = None
    maximum: Any = None
    average: Any = None
    quartiles: Sequence[Any] = ()

    def document(self) -> dict[str, Any]:
        """Return what there is."""
        return {name: value for name, value in asdict(self).items() if value is not None and value != ()}


def profile(table: Table, told: Told) -> dict[str, Any]:
    """Return the number of rows, and the figures of the first 200 columns.

    Columns are looked at in groups, a pass for each: their sketches together would not fit in memory.
    """
    names = [column.name for column in table.columns]
    told.partial(lambda: {"summary": f"{len(names):,} columns so far.", "columns_total": len(names)})
    rows, profiles = 0, list[Profile]()
    for first in range(0, min(len(names), PROFILED_COLUMNS), _AT_ONCE):
        rows, found = _profile_group(table, first)
        profiles += found
        so_far = document(table, rows, profiles)
        told.partial(lambda so_far=so_far: {"summary": f"{so_far['rows']:,} rows so far.", **so_far})  # type: ignore[misc]
    return document(table, rows, profiles)


def document(table: Table, rows: int, profiles: Sequence[Profile]) -> dict[str, Any]:
    """Return the figures as JSON."""
    return {
        "rows": rows,
        "columns_total": len(table.columns),
        "columns": [profile.document() for profile in profiles],
        "rejected": table.rejected,
    }


def _profile_group(table: Table, first: int) -> tuple[int, list[Profile]]:
    def make(source: str, columns: Sequence[Column]) -> tuple[str, Sequence[Any]]:
        figures = [figure for column in columns[first : first + _AT_ONCE] for figure in _figures(column)]
        return f"SELECT count(*), {', '.join(figures)} FROM {source}", ()

    row = iter(table.query(make)[0])
    rows = next(row)
    return rows, [_read(column, rows, row) for column in table.columns[first : first + _AT_ONCE]]


def _figures(column: Column) -> list[str]:
    name = f"CAST({column.quoted} AS VARCHAR)" if column.nested else column.quoted
    if column.type == "VARCHAR" or column.nested:
        ends = [f"min({name}[:{_TEXT_CHARACTERS}])", f"max({name}[:{_TEXT_CHARACTERS}])"]
    else:
        ends = [f"CAST(min({name}) AS VARCHAR)", f"CAST(max({name}) AS VARCHAR)"]
    more = [f"avg({name})", f"approx_quantile({name}, {_QUANTILES})"] if column.numeric else ["NULL", "NULL"]
    return [f"count({name})", f"approx_count_distinct({name})", *ends, *more]


def _read(column: Column, rows: int, row: Any) -> Profile:
    filled, distinct, minimum, maximum, average, quartiles = (next(row) for _ in range(6))
    return Profile(
        name=column.name[:_TEXT_CHARACTERS],
        type=column.type[:_TEXT_CHARACTERS],
        empty=rows - filled,
        distinct=min(distinct, filled),
        minimum=minimum,
        maximum=maximum,
        average=None if average is None else float(average),
        quartiles=tuple(float(value) for value in quartiles or ()),
    )
