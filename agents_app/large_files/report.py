"""What was found, in Markdown. All text out of files is hostile and is escaped."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agents_app.large_files.source import Source
from agents_app.wording.escaping import escape, name
from agents_app.wording.tables import amount, more, size, table
from sessions_app import charts
from sessions_app.payloads import FilePayload

_ROWS = 50
_SAMPLE_CELL, _SAMPLE_CELLS = 60, 12
_REJECTED = 10
_SEARCH_LINES = 120


def write(source: Source, result: Mapping[str, Any], files: Sequence[FilePayload]) -> str:
    """Return the report of a result."""
    sections = [f"# {escape(source.name, 80)}", _facts(source, result)]
    sections += [section(result[key]) for key, section in _SECTIONS.items() if key in result]
    sections.append(_files(files))
    return "\n\n".join(section for section in sections if section) + "\n"


def summary(source: Source, result: Mapping[str, Any], files: Sequence[FilePayload]) -> str:
    """Return one or two sentences."""
    said = next((speak(result) for key, speak in _SAID.items() if key in result), "")
    made = f" {amount(len(files), 'file')} made." if files else ""
    return f"**{escape(source.name, 80)}**: {said}{made}"


def _facts(source: Source, result: Mapping[str, Any]) -> str:
    nature, text, dialect = result["nature"], result.get("text", {}), result.get("dialect", {})
    lines = text.get("lines", result.get("lines"))
    longest = text.get("longest_line_bytes")
    facts = [
        ("From", name(source.origin, 300) if source.origin.startswith("http") else ""),
        ("Size", f"{size(result['bytes'])} ({result['bytes']:,} bytes)"),
        ("Format", escape(nature["format"])),
        ("Compression", "" if nature["compression"] == "none" else escape(nature["compression"])),
        ("Encoding", escape(nature.get("encoding", ""))),
        ("Line ends", escape(nature.get("line_ends", "").upper())),
        ("Dialect", _dialect(dialect) if dialect else ""),
        ("Lines", "" if lines is None else f"{lines:,}"),
        ("Words", f"{text['words']:,}" if text else ""),
        ("Longest line", f"{longest:,} bytes, line {text['longest_line']:,}" if longest else ""),
        ("Rows", f"{result['table']['rows']:,}" if "table" in result else ""),
    ]
    return table(("", ""), [fact for fact in facts if fact[1]])


def _dialect(dialect: Mapping[str, Any]) -> str:
    delimiter = "tab" if dialect["delimiter"] == "\t" else name(dialect["delimiter"])
    quote = f", quote {name(dialect['quote'])}" if dialect["quote"] else ""
    return f"delimiter {delimiter}{quote}, {'with' if dialect['header'] else 'without'} a header"


def _columns(found: Mapping[str, Any]) -> str:
    rows = [
        (
            name(column["name"], 60),
            escape(column["type"], 40),
            f"{column['empty']:,}",
            f"{column['distinct']:,}",
            *(_value(column.get(end)) for end in ("minimum", "maximum", "average")),
            " · ".join(_value(value) for value in column.get("quartiles", ())),
        )
        for column in found["columns"][:_ROWS]
    ]
    headers = ("Column", "Type", "Empty", "Distinct, about", "Minimum", "Maximum", "Average", "Quartiles")
    columns = table(headers, rows, more(found["columns_total"], len(rows)))
    parts = ("## Columns", columns, _empty_cells(found))
    return "\n\n".join(part for part in parts if part) + _rejected(found["rejected"])


def _value(value: object) -> str:
    if isinstance(value, float):
        usual = value == 0 or 1e-3 <= abs(value) < 1e15
        return escape(f"{value:,.4f}".rstrip("0").rstrip(".") if usual else f"{value:.6g}")
    return "" if value is None else name(str(value), 40)


def _rejected(rejected: Sequence[Mapping[str, Any]]) -> str:
    if not rejected:
        return ""
    lines = [
        f"- line {row['line']:,}: {escape(row['reason'])}, {name(str(row['text']), 80)}" for row in rejected
    ]
    count = amount(len(rejected), "row")
    sentence = f"{count} could not be read and {'is' if len(rejected) == 1 else 'are'} in no figure:"
    return "\n\n".join(["", "### Left out", sentence, "\n".join(lines[:_REJECTED])])


def _search(found: Mapping[str, Any]) -> str:
    title = f"## {amount(found['matching_lines'], 'matching line')}"
    if not found["matches"]:
        return title
    lines: list[str] = []
    for match in found["matches"]:
        first = match["line"] - len(match["before"])
        if match["before"] or match["after"]:
            lines += [""] if lines else []
        lines += [_numbered(first + place, "-", text) for place, text in enumerate(match["before"])]
        lines.append(_numbered(match["line"], ":", match["text"]))
        lines += [_numbered(match["line"] + place, "-", text) for place, text in enumerate(match["after"], 1)]
    left = more(found["matching_lines"], len(found["matches"]))
    parts = (title, _places(found["places"]), _fenced(lines[:_SEARCH_LINES]), left)
    return "\n\n".join(part for part in parts if part)


def _places(counts: Sequence[int]) -> str:
    """Return a chart of where in the file the matches are."""
    step = 100 / len(counts)
    rows = [[f"{place * step:g}%", count] for place, count in enumerate(counts)]
    title = "Matching lines through the file"
    return charts.block(
        {"type": "columns", "title": title, "unit": "lines", "series": ["lines"], "rows": rows}
    )


def _empty_cells(found: Mapping[str, Any]) -> str:
    """Return a chart of the columns with empty cells."""
    rows = [[column["name"], column["empty"]] for column in found["columns"] if column["empty"]]
    rows.sort(key=lambda row: -row[1])
    return charts.block({"type": "bars", "title": "Empty cells by column", "unit": "cells", "rows": rows})


def _numbered(number: int, mark: str, text: str) -> str:
    shown = "".join(
        char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text
    )
    return f"{number}{mark}{shown}"


def _fenced(lines: Sequence[str]) -> str:
    """Return lines as a code block, whose fence is longer than any in it."""
    text = "\n".join(lines)
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"


def _sample(found: Mapping[str, Any]) -> str:
    names = found["columns"][:_SAMPLE_CELLS]
    rows = [
        ["" if cell is None else name(str(cell), _SAMPLE_CELL) for cell in row[:_SAMPLE_CELLS]]
        for row in found["rows"]
    ]
    left = found["columns_total"] - len(names)
    below = f"{amount(left, 'column')} more in the file." if left > 0 else ""
    headers = [name(str(header), 60) for header in names]
    return (
        f"## {found['which'].capitalize()} rows\n\n"
        + table(headers, rows, below)
        + _rejected(found["rejected"])
    )


def _written(found: Mapping[str, Any]) -> str:
    left = (
        ""
        if found.get("written", found.get("rows")) == found.get("rows")
        else " The file has the first of them."
    )
    rows = f"{amount(found['rows'], 'row')} written." if "rows" in found else "The text was written as UTF-8."
    return f"{rows}{left}" + _rejected(found.get("rejected", ()))


def _split(found: Mapping[str, Any]) -> str:
    return f"{amount(found['parts'], 'part')}."


def _files(files: Sequence[FilePayload]) -> str:
    if not files:
        return ""
    rows = [
        (f"[{escape(file['name'], 120)}](/files/{file['file_id']}/)", size(file["size"])) for file in files
    ]
    return "## Files\n\n" + table(("File", "Size"), rows)


_SECTIONS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "table": _columns,
    "search": _search,
    "sample": _sample,
    "filter": _written,
    "convert": _written,
    "split": _split,
}


def _said_of_table(result: Mapping[str, Any]) -> str:
    found = result["table"]
    columns = amount(found["columns_total"], "column")
    return f"{amount(found['rows'], 'row')}, {columns}, {size(result['bytes'])}."


def _said_of_text(result: Mapping[str, Any]) -> str:
    found = result["text"]
    return f"{amount(found['lines'], 'line')}, {amount(found['words'], 'word')}, {size(result['bytes'])}."


def _said_of_search(result: Mapping[str, Any]) -> str:
    found = result["search"]
    return (
        f"{found['matching_lines']:,} of {amount(found['lines'], 'line')} {_verb(found['matching_lines'])}."
    )


def _verb(count: int) -> str:
    return "matches" if count == 1 else "match"


_SAID: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "table": _said_of_table,
    "search": _said_of_search,
    "sample": lambda result: f"{amount(len(result['sample']['rows']), 'row')} shown.",
    "filter": lambda result: f"{amount(result['filter']['rows'], 'row')} {_verb(result['filter']['rows'])}.",
    "convert": lambda result: _written(result["convert"]).partition("\n")[0],
    "split": lambda result: f"{amount(result['split']['parts'], 'part')}.",
    "text": _said_of_text,
    "lines": lambda result: f"{amount(result['lines'], 'line')}, {size(result['bytes'])}.",
}
