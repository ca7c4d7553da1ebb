"""What a report says of the largest and most complex parts."""

from collections.abc import Sequence

from agents_app.codebase.languages import CountedFile
from agents_app.codebase.result import Analysis
from agents_app.wording.escaping import escape, middle, name
from agents_app.wording.tables import table

_ROWS_MAX = 10


def functions(analysis: Analysis, rows: int) -> str:
    """Return the longest functions, under the heading of all hot spots."""
    if analysis.functions is None:
        return ""
    found = [function for function in analysis.functions.largest.items() if function.lines > 1]
    lines = [
        (name(function.name, 60), name(f"{middle(function.file)}:{function.line}"), f"{function.lines:,}")
        for function in found[: min(rows, _ROWS_MAX)]
    ]
    if not lines:
        return ""
    return "## Hot spots\n\n### Longest functions\n\n" + table(("Function", "Where", "Lines"), lines)


def complex_files(analysis: Analysis, rows: int) -> str:
    """Return the files with the most branches."""
    return _files("Most complex files", analysis.counts.most_complex.items() if analysis.counts else [], rows)


def large_files(analysis: Analysis, rows: int) -> str:
    """Return the files with the most lines."""
    return _files("Largest files", analysis.counts.largest.items() if analysis.counts else [], rows)


def _files(title: str, files: Sequence[CountedFile], rows: int) -> str:
    lines = [
        (name(middle(file.path)), escape(file.language, 40), f"{file.lines:,}", f"{file.complexity:,}")
        for file in files[: min(rows, _ROWS_MAX)]
    ]
    headers = ("File", "Language", "Lines", "Complexity")
    return f"### {title}\n\n" + table(headers, lines) if lines else ""
