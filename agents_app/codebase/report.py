"""The report of an analysis: a Markdown document for a chat, at most `MAX_BYTES` long.

Each section is a function of the analysis and of how many rows its tables may have; one with nothing to say
is empty. Text out of the repository goes through `escaping`, in charts through `charts.block`.
"""

from collections.abc import Callable

from agents_app.codebase import report_activity, report_code, report_hot_spots, report_overview, report_rest
from agents_app.codebase.report_dependencies import dependencies
from agents_app.codebase.report_overview import summary
from agents_app.codebase.result import Analysis
from agents_app.stages import Stage

__all__ = ["MAX_BYTES", "partial", "partial_summary", "summary", "write"]

MAX_BYTES = 30_000
_ROWS = (15, 8, 4, 2)

Section = Callable[[Analysis, int], str]
_SECTIONS: tuple[Section, ...] = (
    report_overview.standing_out,
    report_code.languages,
    report_activity.activity,
    report_code.symbols,
    report_hot_spots.functions,
    report_hot_spots.complex_files,
    report_hot_spots.large_files,
    report_code.duplicate_files,
    dependencies,
    report_rest.tests_and_licence,
    report_rest.left_out_of_the_figures,
    report_rest.closing,
)


def write(analysis: Analysis, stage: Stage) -> str:
    """Return the report; where it would be too long its tables get fewer rows. Raises `Stopped`."""
    first = (report_overview.title, report_overview.lead, report_overview.facts)
    return _written(analysis, (*first, *_SECTIONS), stage.at)


def partial(analysis: Analysis, stopped: str) -> str:
    """Return the report of an analysis that ended while `stopped`, such as `counting lines`."""
    first = (report_overview.title, lambda *_: report_overview.stopped(stopped), report_overview.facts)
    return _written(analysis, (*first, *_SECTIONS), lambda _fraction: None)


def partial_summary(analysis: Analysis, stopped: str) -> str:
    """Return a sentence in Markdown that says how far the analysis came before it ended while `stopped`."""
    figures = ", ".join(report_overview.figures_so_far(analysis))
    return f"Stopped while {stopped}: {figures} so far."


def _written(analysis: Analysis, sections: tuple[Section, ...], done: Callable[[float], None]) -> str:
    report = ""
    for rows in _ROWS:
        texts = []
        for number, section in enumerate(sections, start=1):
            texts.append(section(analysis, rows))
            done(number / len(sections))
        report = "\n\n".join(filter(None, texts)) + "\n"
        if len(report.encode()) <= MAX_BYTES:
            break
    return report
