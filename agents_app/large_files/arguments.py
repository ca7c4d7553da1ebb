"""What can be asked of `process_large_file`, and what makes no sense."""

from collections.abc import Mapping
from typing import Any

import re2
from django.conf import settings

from agents_app.large_files import address, paths
from sessions_app.errors import Refusal

FORMATS = ("text", "csv", "tsv", "json", "jsonl", "parquet")
COMPRESSIONS = ("none", "gzip", "zstd")
OPERATORS = (
    "=", "!=", "<", "<=", ">", ">=", "in", "contains", "starts_with", "ends_with", "matches",
    "is_empty", "is_not_empty",
)  # fmt: skip
SAMPLE_MAX_ROWS = 1000
CONTEXT_MAX_LINES = 10
PATTERN_MAX_CHARACTERS = 1000
_VALUE: dict[str, Any] = {"type": ["string", "number", "boolean"], "maxLength": 1000}
_WITHOUT_VALUE = ("is_empty", "is_not_empty")

# Which arguments belong to which operation, beside those of the file itself.
_OF_OPERATION: Mapping[str, frozenset[str]] = {
    "count": frozenset(),
    "summary": frozenset(),
    "search": frozenset({"pattern", "ignore_case", "context_lines"}),
    "sample": frozenset({"rows", "which"}),
    "filter": frozenset({"pattern", "ignore_case", "conditions", "to", "compression", "guard_formulas"}),
    "convert": frozenset({"to", "compression", "guard_formulas"}),
    "split": frozenset({"rows_per_part", "bytes_per_part"}),
}
_SOURCES = ("file", "path", "url")
_OF_FILE = frozenset({*_SOURCES, "operation", "format", "encoding"})


def _text(description: str, limit: int, **more: object) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": limit, "description": description, **more}


def _whole(description: str, minimum: int, maximum: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": minimum, "maximum": maximum, "description": description}


_CONDITION: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["column", "operator"],
    "properties": {
        "column": {"type": "string", "maxLength": 1000},
        "operator": {"type": "string", "enum": list(OPERATORS)},
        "value": {**_VALUE, "type": [*_VALUE["type"], "array"], "items": _VALUE, "maxItems": 1000},
    },
}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["operation"],
    "properties": {
        "file": _text("The id of an uploaded or delivered file.", 100, format="file-id"),
        "path": _text(
            "Instead of file: the absolute path of a file in a folder that the operator allows.",
            2000,
            format="path",
        ),
        "url": _text("Instead of file: a public https address to download.", 2000),
        "operation": {
            "type": "string",
            "enum": list(_OF_OPERATION),
            "description": (
                "summary: size, lines, words, encoding, and for tables every column with its figures; "
                "count: lines and bytes only, the quickest; search: lines that match pattern; "
                "sample: some rows; filter: the rows that match, as a file; convert: another format, as a "
                "file; split: parts, as files."
            ),
        },
        "format": {
            "type": "string",
            "enum": list(FORMATS),
            "description": "What the file is, if its content is not to decide.",
        },
        "encoding": _text("The encoding of the text, if it is not to be detected, such as cp1252.", 40),
        "pattern": _text(
            "search, filter: a regular expression in RE2 syntax, matched within a line or row.",
            PATTERN_MAX_CHARACTERS,
        ),
        "ignore_case": {"type": "boolean"},
        "context_lines": _whole("search: lines shown around each match.", 0, CONTEXT_MAX_LINES),
        "which": {
            "type": "string",
            "enum": ["first", "last", "random"],
            "description": "sample: which rows.",
        },
        "rows": _whole("sample: how many rows, 20 without it.", 1, SAMPLE_MAX_ROWS),
        "conditions": {
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": _CONDITION,
            "description": "filter: conditions on columns, all of which a row must meet.",
        },
        "to": {
            "type": "string",
            "enum": list(FORMATS),
            "description": "convert, filter: the format of the new file.",
        },
        "compression": {
            "type": "string",
            "enum": list(COMPRESSIONS),
            "description": "convert, filter: of the new file.",
        },
        "guard_formulas": {
            "type": "boolean",
            "description": (
                "convert, filter to csv or tsv: put an apostrophe before text that a spreadsheet would run "
                "as a formula. Changes the data; off by default."
            ),
        },
        "rows_per_part": _whole("split: rows in each part.", 1, 10**12),
        "bytes_per_part": _whole("split: most bytes in each part.", 1024, 10**13),
    },
}


def check(operation: str, **arguments: Any) -> None:
    """Raise `Refusal` (`invalid_arguments`, `url_refused`, `file_not_allowed`); looks nothing up."""
    given = {name for name, value in arguments.items() if value is not None}
    if len(given.intersection(_SOURCES)) != 1:
        raise _invalid("give exactly one of file, path and url.")
    if strange := sorted(given - _OF_OPERATION[operation] - _OF_FILE):
        raise _invalid(f"{strange[0]} does not go with {operation}.")
    _check_operation(operation, arguments)
    _check_pattern(arguments.get("pattern"))
    for condition in arguments.get("conditions") or ():
        _check_condition(condition)
    if arguments.get("guard_formulas") and arguments.get("to") not in (None, "csv", "tsv"):
        raise _invalid("guard_formulas goes with csv and tsv only.")
    _check_place(arguments.get("path"), arguments.get("url"))


def _check_place(path: str | None, url: str | None) -> None:
    if url is not None:
        address.check(address.parse(url), settings.ALLOWED_FILE_HOSTS)
    if path is not None:
        paths.allowed(path)


def _check_operation(operation: str, arguments: Mapping[str, Any]) -> None:
    if operation == "search" and not arguments.get("pattern"):
        raise _invalid("search takes a pattern.")
    if operation == "filter" and not arguments.get("pattern") and not arguments.get("conditions"):
        raise _invalid("filter takes conditions or a pattern.")
    if operation == "convert" and not arguments.get("to"):
        raise _invalid("convert takes to, the format of the new file.")
    if operation == "split" and bool(arguments.get("rows_per_part")) == bool(arguments.get("bytes_per_part")):
        raise _invalid("split takes either rows_per_part or bytes_per_part.")


def _check_pattern(pattern: str | None) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern or "", options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else ""
        raise _invalid(f"the pattern is not valid in RE2 syntax: {reason[:200]}.") from None


def _check_condition(condition: Mapping[str, Any]) -> None:
    operator, value = condition["operator"], condition.get("value")
    if (value is None) != (operator in _WITHOUT_VALUE):
        raise _invalid(f"the operator {operator} {'takes no' if value is not None else 'takes a'} value.")
    if isinstance(value, list) != (operator == "in"):
        raise _invalid("a list of values goes with the operator in, and only with it.")
    if operator in ("contains", "starts_with", "ends_with", "matches") and not isinstance(value, str):
        raise _invalid(f"the value of {operator} is a text.")
    if operator == "matches":
        _check_pattern(value)


def _invalid(sentence: str) -> Refusal:
    return Refusal("invalid_arguments", f"process_large_file: {sentence}")
