"""Conditions on rows as SQL: names are quoted, values are parameters, operators come from a list."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agents_app.context import ToolError
from agents_app.large_files.tables import Column

Test = tuple[str, list[Any]]
_COMPARED = {"=": "=", "!=": "IS DISTINCT FROM", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_TEXT = {
    "contains": "contains({}, ?)",
    "starts_with": "starts_with({}, ?)",
    "ends_with": "ends_with({}, ?)",
    "matches": "regexp_matches({}, ?)",
}


def where(conditions: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Test:
    """Return what a row must meet, and the values in it.

    A value is taken as the column's type; one that is none is refused by the query. Raises `ToolError`
    (`unknown_column`).
    """
    tests = [_test(condition, _column(condition["column"], columns)) for condition in conditions]
    return " AND ".join(f"({test})" for test, _values in tests), [
        value for _t, found in tests for value in found
    ]


def matching(pattern: str, columns: Sequence[Column], *, ignore_case: bool) -> Test:
    """Return the test that any cell of a row matches a regular expression."""
    options = "'i'" if ignore_case else "'c'"
    tests = [f"regexp_matches(CAST({column.quoted} AS VARCHAR), ?, {options})" for column in columns]
    return " OR ".join(f"coalesce({test}, false)" for test in tests), [pattern] * len(tests)


def _column(name: str, columns: Sequence[Column]) -> Column:
    found = next((column for column in columns if column.name == name), None)
    if found is None:
        known = ", ".join(column.name for column in columns)[:300]
        raise ToolError("unknown_column", f"There is no column {name[:80]!r}. Columns: {known}.")
    return found


def _test(condition: Mapping[str, Any], column: Column) -> Test:
    operator, value = condition["operator"], condition.get("value")
    text = f"CAST({column.quoted} AS VARCHAR)"
    if operator in _TEXT:
        return _TEXT[operator].format(text), [value]
    if operator == "is_empty":
        return f"{column.quoted} IS NULL OR {text} = ''", []
    if operator == "is_not_empty":
        return f"{column.quoted} IS NOT NULL AND {text} <> ''", []
    left, right = (
        (text, "CAST(? AS VARCHAR)") if column.nested else (column.quoted, f"CAST(? AS {column.type})")
    )
    if operator == "in":
        values = [_spoken(entry) for entry in value or ()]
        return f"{left} IN ({', '.join([right] * len(values))})", values
    return f"{left} {_COMPARED[operator]} {right}", [_spoken(value)]


def _spoken(value: Any) -> str:
    """Return a value as text, which is cast to the type of the column."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_values(
    conditions: Sequence[Mapping[str, Any]], columns: Sequence[Column], is_of_type: Callable[[str, str], bool]
) -> None:
    """Raise `ToolError` (`invalid_arguments`) for a value that is none of its column's type."""
    for condition in conditions:
        column = _column(condition["column"], columns)
        if condition["operator"] not in (*_COMPARED, "in") or column.nested:
            continue
        value = condition.get("value")
        for entry in value if isinstance(value, list) else [value]:
            if not is_of_type(_spoken(entry), column.type):
                message = (
                    f"{str(entry)[:80]!r} is no value for the column {column.name[:80]!r} ({column.type})."
                )
                raise ToolError("invalid_arguments", message)
