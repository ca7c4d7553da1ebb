"""What a report says of the code as a whole: languages, functions and classes, files that are alike."""

from collections import Counter

from agents_app.codebase.duplicates import Duplicates, Group
from agents_app.codebase.functions import Functions
from agents_app.codebase.languages import Language
from agents_app.codebase.result import Analysis, percent
from agents_app.wording.escaping import clean, escape, middle, name
from agents_app.wording.tables import amount, more, size, table
from sessions_app import charts

_CHARTED_LANGUAGES = 10
_SHOWN_PATHS = 3
_KINDS = {
    "class": "classes",
    "interface": "interfaces",
    "struct": "structs",
    "union": "unions",
    "enum": "enums",
    "record": "records",
    "trait": "traits",
    "module": "modules",
}


def languages(analysis: Analysis, rows: int) -> str:
    """Return the section of languages: a chart if there are several, and the table."""
    if analysis.counts is None:
        return ""
    problem = escape(analysis.counts.problem, 300)
    found = analysis.counts.by_code()
    code = analysis.counts.total().code
    headers = ("Language", "Files", "Code", "Comments", "Complexity", "Share")
    lines = [_language(language, code) for language in found[:rows]]
    parts = [problem, _chart(found), table(headers, lines, more(len(found), rows)) if lines else ""]
    shown = "\n\n".join(filter(None, parts))
    return f"## Languages\n\n{shown}" if shown else ""


def symbols(analysis: Analysis, rows: int) -> str:
    """Return the section of functions and classes by kind and by language."""
    found = analysis.functions
    if found is None or not found.parsed_files:
        return ""
    by_size = sorted(found.languages, key=lambda language: -found.languages[language].total())
    lines = [_symbols(found, language) for language in by_size[:rows]]
    headers = ["Language", "Files", "Functions", "Methods", "Classes", "Of these"]
    if not any(kinds for *_figures, kinds in lines):
        headers, lines = headers[:-1], [line[:-1] for line in lines]
    parts = [_chart_of_kinds(found), table(headers, lines, more(len(by_size), rows))]
    return "## Functions and classes\n\n" + "\n\n".join(filter(None, parts))


def duplicate_files(analysis: Analysis, rows: int) -> str:
    """Return the section of files with the same content."""
    found = analysis.duplicates
    if found is None or not found.groups:
        return ""
    lines = [
        (f"{group.files:,}", size(group.bytes), _paths(group)) for group in found.largest[: min(rows, 10)]
    ]
    below = more(found.groups, len(lines))
    return f"## Duplicate files\n\n{_alike(found)}\n\n" + table(
        ("Files", "Saved by one", "Where"), lines, below
    )


def _language(language: Language, code: int) -> tuple[str, ...]:
    figures = (language.files, language.code, language.comments, language.complexity)
    share = f"{percent(language.code, code):.1f}%"
    return (escape(language.name, 40), *(f"{figure:,}" for figure in figures), share)


def _chart(found: list[Language]) -> str:
    rows = [[clean(language.name, 60), language.code] for language in found if language.code]
    if len(rows) < 2:
        return ""
    if len(rows) > _CHARTED_LANGUAGES:
        others = sum(language.code for language in found[_CHARTED_LANGUAGES:])
        rows = [*rows[:_CHARTED_LANGUAGES], [amount(len(rows) - _CHARTED_LANGUAGES, "other"), others]]
    return charts.block({"type": "bars", "title": "Code by language", "unit": "lines", "rows": rows})


def _chart_of_kinds(found: Functions) -> str:
    kinds = sum(found.kinds.values(), Counter[str]())
    counts = {what: found.total(what) for what in ("functions", "methods")}
    counts |= {plural: kinds[kind] for kind, plural in _KINDS.items()}
    rows = [[what.capitalize(), count] for what, count in counts.items() if count]
    if len(rows) < 2:
        return ""
    return charts.block({"type": "bars", "title": "Functions and classes by kind", "rows": rows})


def _symbols(found: Functions, language: str) -> tuple[str, ...]:
    counter = found.languages[language]
    figures = (f"{counter[what]:,}" for what in ("files", "functions", "methods", "classes"))
    kinds = found.kinds.get(language, Counter())
    spoken = ", ".join(f"{kinds[kind]:,} {plural}" for kind, plural in _KINDS.items() if kinds[kind])
    return (escape(language, 40), *figures, spoken if set(kinds) - {"class"} else "")


def _alike(found: Duplicates) -> str:
    alike = f"{amount(found.files, 'file')} in {amount(found.groups, 'group')} have the same content"
    return f"{alike}; one of each would save {size(found.bytes)}. Files below 64 bytes are not compared."


def _paths(group: Group) -> str:
    shown = [name(middle(path, 60)) for path in group.paths[:_SHOWN_PATHS]]
    others = group.files - len(shown)
    return ", ".join(shown) + (f" and {others:,} more" if others else "")
