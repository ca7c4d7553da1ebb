"""What a report ends with: tests and licences, what was left out, how long it took."""

from agents_app.codebase.result import Analysis, left_out
from agents_app.wording.escaping import escape, name
from agents_app.wording.tables import amount

# Told where the figures are.
_TOLD_ELSEWHERE = {"lines_not_counted", "history"}


def tests_and_licence(analysis: Analysis, _rows: int) -> str:
    """Return the section of tests and licence files."""
    if analysis.functions is None or analysis.declarations is None:
        return ""
    files, functions = analysis.functions.test_files, analysis.functions.test_functions
    tests = f"{amount(functions, 'test function')} in {amount(files, 'test file')}, by the usual names."
    licences = [f"{name(path)} ({escape(licence)})" for path, licence in analysis.declarations.licences[:5]]
    return f"## Tests and licence\n\n- Tests: {tests}\n- Licence files: {', '.join(licences) or 'none'}."


def left_out_of_the_figures(analysis: Analysis, _rows: int) -> str:
    """Return the section of what was not looked at."""
    lines = [
        f"- {escape(reason.replace('_', ' ').capitalize())}: {_spoken(value)}"
        for reason, value in left_out(analysis).items()
        if reason not in _TOLD_ELSEWHERE
    ]
    return "## Left out of the figures\n\n" + "\n".join(lines) if lines else ""


def closing(analysis: Analysis, _rows: int) -> str:
    """Return the last line."""
    times = ", ".join(
        f"{escape(stage.replace('_', ' '))} {spent:.1f} s"
        for stage, spent in analysis.duration_seconds.items()
        if spent
    )
    taken = f" Time taken: {times}." if times else ""
    return f"*Complexity counts the branches in a file.{taken}*"


def _spoken(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name(str(key), 60)} ({count:,})" for key, count in value.items())
    return f"{value:,}" if isinstance(value, int) else escape(str(value))
