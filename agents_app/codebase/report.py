"""The report of an analysis: a Markdown document for a chat, at most `MAX_BYTES` long."""

from collections.abc import Callable, Sequence

from agents_app.codebase.escaping import escape, middle, name
from agents_app.codebase.findings import findings
from agents_app.codebase.languages import CountedFile
from agents_app.codebase.report_dependencies import dependencies
from agents_app.codebase.result import Analysis, left_out, percent
from agents_app.codebase.stages import Stage
from agents_app.codebase.tables import amount, bar, more, table

MAX_BYTES = 30_000
_ROWS = (15, 8, 4, 2)

Section = Callable[[Analysis, int], str]


def write(analysis: Analysis, stage: Stage) -> str:
    """Return the report; where it would be too long its tables get fewer rows. Raises `Stopped`."""
    report = ""
    for rows in _ROWS:
        sections = []
        for number, section in enumerate(_SECTIONS, start=1):
            sections.append(section(analysis, rows))
            stage.at(number / len(_SECTIONS))
        report = "\n\n".join(section for section in sections if section) + "\n"
        if len(report.encode()) <= MAX_BYTES:
            break
    return report


def summary(analysis: Analysis) -> str:
    """Return one or two sentences in Markdown."""
    title = f"**{escape(analysis.source.name, 80)}**"
    files = amount(len(analysis.listing.files) if analysis.listing else 0, "file")
    sentences = [f"{title}: {', '.join([files, *_summary_of_code(analysis)])}."]
    if analysis.functions and analysis.declarations:
        found = analysis.functions
        functions = amount(found.total("functions") + found.total("methods"), "function")
        packages = amount(len(analysis.declarations.names), "dependency", "dependencies")
        classes = amount(found.total("classes"), "class", "classes")
        tests = amount(found.test_functions, "test")
        sentences.append(f"{functions}, {classes}, {tests}, {packages}.")
    if analysis.counts and analysis.counts.problem:
        sentences.append(escape(analysis.counts.problem, 300))
    return " ".join(sentences)


def _summary_of_code(analysis: Analysis) -> list[str]:
    code = analysis.counts.total().code if analysis.counts else 0
    if not analysis.counts or not code:
        return []
    shares = [(language.name, percent(language.code, code)) for language in analysis.counts.by_code()[:3]]
    if shares[0][1] >= 50:
        spoken = f"mostly {escape(shares[0][0])} ({shares[0][1]:.0f}%)"
    else:
        spoken = " and ".join(f"{escape(language)} ({share:.0f}%)" for language, share in shares)
    return [f"{amount(code, 'line')} of code", spoken]


def _title(analysis: Analysis, _rows: int) -> str:
    return f"# Code analysis: {escape(analysis.source.name, 80)}"


def _facts(analysis: Analysis, _rows: int) -> str:
    facts = [(label, text) for label, text in [*_origin(analysis), *_figures(analysis)] if text]
    return table(("", ""), facts)


def _origin(analysis: Analysis) -> list[tuple[str, str]]:
    source = analysis.source
    date = f" of {escape(source.committed_at[:10])}" if source.committed_at else ""
    return [
        ("Repository", name(str(source.origin.get("url", "")), 300)),
        ("Folder", name(str(source.origin.get("path", "")), 300)),
        ("Branch", name(source.branch)),
        ("Asked for", name(str(source.origin.get("ref", "")))),
        ("Commit", name(source.commit[:12]) + date),
        ("Analysed at", f"{analysis.analyzed_at[:16].replace('T', ' ')} UTC"),
    ]


def _figures(analysis: Analysis) -> list[tuple[str, str]]:
    files = [("Files", f"{len(analysis.listing.files):,}")] if analysis.listing else []
    return [*files, *_figures_of_code(analysis), *_figures_of_declarations(analysis)]


def _figures_of_code(analysis: Analysis) -> list[tuple[str, str]]:
    figures = []
    if analysis.counts and analysis.counts.languages:
        total = analysis.counts.total()
        lines = f"{total.code:,} code, {total.comments:,} comments, {total.blanks:,} blank"
        figures.append(("Lines", f"{lines}, in {total.files:,} files"))
    if analysis.functions:
        found = analysis.functions
        functions = f"{found.total('functions'):,} functions, {found.total('methods'):,} methods"
        figures.append(("Functions", f"{functions}, {amount(found.total('classes'), 'class', 'classes')}"))
        tests = amount(found.test_functions, "test function")
        figures.append(("Tests", f"{tests} in {amount(found.test_files, 'test file')}"))
    return figures


def _figures_of_declarations(analysis: Analysis) -> list[tuple[str, str]]:
    if analysis.declarations is None:
        return []
    packages = amount(len(analysis.declarations.names), "package")
    manifests = amount(analysis.declarations.manifests, "manifest")
    licences = dict.fromkeys(licence for _path, licence in analysis.declarations.licences)
    return [
        ("Dependencies", f"{packages} in {manifests}"),
        ("Licence", ", ".join(map(escape, licences)) or "none found"),
    ]


def _standing_out(analysis: Analysis, _rows: int) -> str:
    found = findings(analysis) or ["Nothing in the figures is out of the ordinary."]
    return "## What stands out\n\n" + "\n".join(f"- {sentence}" for sentence in found)


def _languages(analysis: Analysis, rows: int) -> str:
    if analysis.counts is None:
        return ""
    problem = f"\n\n{escape(analysis.counts.problem, 300)}" if analysis.counts.problem else ""
    languages = analysis.counts.by_code()
    code = analysis.counts.total().code
    lines = [
        (
            escape(language.name, 40),
            f"{language.files:,}",
            f"{language.code:,}",
            f"{language.comments:,}",
            f"{language.complexity:,}",
            f"{percent(language.code, code):.1f}%",
            bar(percent(language.code, code)),
        )
        for language in languages[:rows]
    ]
    headers = ("Language", "Files", "Code", "Comments", "Complexity", "Share", "")
    return (
        f"## Languages{problem}\n\n" + table(headers, lines, more(len(languages), rows))
        if lines or problem
        else ""
    )


def _hot_functions(analysis: Analysis, rows: int) -> str:
    if analysis.functions is None:
        return ""
    found = [function for function in analysis.functions.largest.items() if function.lines > 1]
    lines = [
        (name(function.name, 60), name(f"{middle(function.file)}:{function.line}"), f"{function.lines:,}")
        for function in found[: min(rows, 10)]
    ]
    return (
        "## Hot spots\n\n### Largest functions\n\n" + table(("Function", "Where", "Lines"), lines)
        if lines
        else ""
    )


def _complex_files(analysis: Analysis, rows: int) -> str:
    files = analysis.counts.most_complex.items() if analysis.counts else []
    return _files("### Most complex files", files, rows)


def _large_files(analysis: Analysis, rows: int) -> str:
    files = analysis.counts.largest.items() if analysis.counts else []
    return _files("### Largest files", files, rows)


def _files(title: str, files: Sequence[CountedFile], rows: int) -> str:
    lines = [
        (name(middle(file.path)), escape(file.language, 40), f"{file.lines:,}", f"{file.complexity:,}")
        for file in files[: min(rows, 10)]
    ]
    return f"{title}\n\n" + table(("File", "Language", "Lines", "Complexity"), lines) if lines else ""


def _tests_and_licence(analysis: Analysis, _rows: int) -> str:
    if analysis.functions is None or analysis.declarations is None:
        return ""
    files, functions = analysis.functions.test_files, analysis.functions.test_functions
    tests = f"{amount(functions, 'test function')} in {amount(files, 'test file')}, by the usual names."
    licences = [f"{name(path)} ({escape(licence)})" for path, licence in analysis.declarations.licences[:5]]
    return f"## Tests and licence\n\n- Tests: {tests}\n- Licence files: {', '.join(licences) or 'none'}."


def _left_out(analysis: Analysis, _rows: int) -> str:
    lines = [
        f"- {escape(reason.replace('_', ' '))}: {_spoken(value)}"
        for reason, value in left_out(analysis).items()
        if reason != "lines_not_counted"
    ]
    return "## Left out of the figures\n\n" + "\n".join(lines) if lines else ""


def _spoken(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name(str(key), 60)} ({count:,})" for key, count in value.items())
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def _closing(analysis: Analysis, _rows: int) -> str:
    seconds = analysis.duration_seconds
    times = ", ".join(
        f"{escape(stage.replace('_', ' '))} {spent:.1f} s" for stage, spent in seconds.items() if spent
    )
    return f"*Complexity counts the branches in a file. Time taken: {times}.*"


_SECTIONS: tuple[Section, ...] = (
    _title,
    _facts,
    _standing_out,
    _languages,
    _hot_functions,
    _complex_files,
    _large_files,
    dependencies,
    _tests_and_licence,
    _left_out,
    _closing,
)
