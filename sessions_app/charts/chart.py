"""What a chart holds, read from the JSON of anybody and written as a fenced block of Markdown."""

import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MAX_ROWS = {"bars": 40, "columns": 120, "lines": 120}
_MAX_CHARACTERS = 40_000
_MAX_WORDS = 200
_MAX_SERIES = 2
# Far beyond any figure of sense, and far enough from the end of the floats for the marks of an axis.
_MAX_VALUE = 1e300
_MIN_VALUE = 1e-300
_JOINER = "\u200d"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Figures to draw: `rows` are a label and one value for each of the series."""

    type: str
    title: str
    unit: str
    series: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]


def parse(text: str) -> Chart | None:
    """Return the chart that the JSON `text` describes, or None if it describes none."""
    if len(text) > _MAX_CHARACTERS:
        return None
    try:
        return _chart(json.loads(text))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def block(chart: Mapping[str, Any]) -> str:
    """Return the fenced block that shows `chart`, without the rows past its limit; "" if it has none."""
    rows = [[plain(str(label)), *values] for label, *values in chart["rows"]][: _MAX_ROWS[chart["type"]]]
    if not rows:
        return ""
    head: dict[str, Any] = {
        name: plain(str(chart[name])) for name in ("type", "title", "unit") if name in chart
    }
    if "series" in chart:
        head["series"] = [plain(str(name)) for name in chart["series"]]
    # A line of JSON begins with a bracket, so no label can close the fence.
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    return f'```chart\n{json.dumps(head, ensure_ascii=False)[:-1]}, "rows": [\n{lines}\n]}}\n```'


def plain(words: str) -> str:
    """Return `words` on one line, without characters that control, turn or break what is shown."""
    one_line = " ".join(words[: 2 * _MAX_WORDS].split())
    return "".join(character for character in one_line if _is_shown(character))[:_MAX_WORDS]


def _is_shown(character: str) -> bool:
    return character == _JOINER or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Cn", "Co"}


def _chart(given: dict[str, Any]) -> Chart:
    """Return the chart of JSON `given`. Raises ValueError, TypeError, KeyError or OverflowError."""
    kind, series = given["type"], _series(given)
    rows = tuple(_row(row, len(series)) for row in given["rows"])
    if not 1 <= len(rows) <= _MAX_ROWS[kind]:
        raise ValueError("too few or too many rows")
    return Chart(
        type=kind,
        title=_words(given.get("title", "")),
        unit=_words(given.get("unit", "")),
        series=series,
        rows=rows,
    )


def _series(given: dict[str, Any]) -> tuple[str, ...]:
    if given["type"] == "bars":
        return (_words(given.get("unit", "")),)
    names = given.get("series") or [given.get("unit", "")]
    if not isinstance(names, list) or len(names) > _MAX_SERIES:
        raise ValueError("one or two series")
    return tuple(_words(name) for name in names)


def _row(given: Any, values: int) -> tuple[str, tuple[float, ...]]:
    if not isinstance(given, list) or len(given) != 1 + values:
        raise ValueError("a row is a label and a value for each of the series")
    return _words(given[0]), tuple(_value(value) for value in given[1:])


def _words(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError("not words")
    return plain(given)


def _value(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise TypeError("not a number")
    if not math.isfinite(given) or abs(given) > _MAX_VALUE:
        raise ValueError("not a number to draw")
    return given if abs(given) >= _MIN_VALUE else 0
