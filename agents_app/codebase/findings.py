"""What stands out in the figures of an analysis: sentences that each name the figure they rest on."""

from collections.abc import Callable, Iterator
from datetime import datetime

from agents_app.codebase.conventions import LONG_FUNCTION_LINES
from agents_app.codebase.dependencies.model import RUNTIME
from agents_app.codebase.result import Analysis, percent
from agents_app.wording.escaping import escape, name

_HUGE_FUNCTION_LINES = 300
_HUGE_FILE_LINES = 2_000
_ENOUGH_CODE_LINES = 500
_MANY_CODE_LINES_A_TEST = 500
_FEW_COMMENTS_PERCENT = 3.0
_MANY_COPIES_PERCENT = 10.0
_QUIET_DAYS = 365
_ENOUGH_COMMITS = 50
_ONE_AUTHOR_PERCENT = 80.0

Finding = Callable[[Analysis], Iterator[str]]


def findings(analysis: Analysis) -> list[str]:
    """Return sentences in Markdown, the weightiest first; none if nothing is out of the ordinary."""
    return [sentence for finding in _FINDINGS for sentence in finding(analysis)]


def _code(analysis: Analysis) -> int:
    return analysis.counts.total().code if analysis.counts else 0


def _long_functions(analysis: Analysis) -> Iterator[str]:
    found = analysis.functions
    if found is None or not found.long_functions:
        return
    longest = found.largest.items()[0]
    all_functions = found.total("functions") + found.total("methods")
    weight = "**Very long functions**" if longest.lines > _HUGE_FUNCTION_LINES else "**Long functions**"
    yield (
        f"{weight}: {found.long_functions:,} of {all_functions:,} functions have over "
        f"{LONG_FUNCTION_LINES} lines. The longest is {name(longest.name)} with {longest.lines:,} lines in "
        f"{name(longest.file)}."
    )


def _large_files(analysis: Analysis) -> Iterator[str]:
    if analysis.counts is None:
        return
    large = [
        file for file in analysis.counts.largest.items() if file.lines > _HUGE_FILE_LINES and file.complexity
    ]
    if large:
        amount = f"{len(large)} source files have" if len(large) > 1 else "One source file has"
        yield (
            f"**Large files**: {amount} more than {_HUGE_FILE_LINES:,} lines; the largest is "
            f"{name(large[0].path)} with {large[0].lines:,}."
        )


def _concentration(analysis: Analysis) -> Iterator[str]:
    if analysis.counts is None:
        return
    total = analysis.counts.total()
    first = analysis.counts.most_complex.items()[:5]
    share = percent(sum(file.complexity for file in first), total.complexity)
    if total.files >= 50 and share >= 25:
        yield f"**Concentrated complexity**: five of {total.files:,} files hold {share:.0f}% of all branches."


def _tests(analysis: Analysis) -> Iterator[str]:
    found, code = analysis.functions, _code(analysis)
    if found is None or not found.parsed_files or code < _ENOUGH_CODE_LINES:
        return
    if not found.test_files and not found.test_functions:
        yield "**No tests** were found by the usual names of test files and functions."
    elif found.test_functions and code / found.test_functions > _MANY_CODE_LINES_A_TEST:
        each = code // found.test_functions
        yield f"**Few tests**: one test function for {each:,} lines of code."


def _licence(analysis: Analysis) -> Iterator[str]:
    if analysis.declarations is None:
        return
    if not analysis.declarations.licences:
        yield "**No licence file** at the root: others may not use this code unless it says so elsewhere."
    elif all(licence == "unknown" for _path, licence in analysis.declarations.licences):
        yield "**Licence unclear**: there is a licence file, but its text is none of the common licences."


def _unpinned(analysis: Analysis) -> Iterator[str]:
    found = analysis.declarations
    if found is None or not found.unpinned:
        return
    share = f"{found.unpinned:,} of {found.runtime:,} runtime dependencies"
    yield f"**Unpinned dependencies**: {share} take any version."


def _outdated(analysis: Analysis) -> Iterator[str]:
    found = analysis.declarations
    if found is None or not found.outdated:
        return
    known = found.total - found.unknown.total()
    at_run_time = sum(row.scope == RUNTIME for row in found.dependencies if row.outdated)
    share = f"{found.outdated.total():,} of {known:,} dependencies that could be compared"
    yield f"**Outdated dependencies**: {share} are behind the newest version, {at_run_time:,} at run time."


def _disagreements(analysis: Analysis) -> Iterator[str]:
    if analysis.declarations is None:
        return
    versions: dict[tuple[str, str], set[str]] = {}
    for dependency in analysis.declarations.dependencies:
        versions.setdefault((dependency.ecosystem, dependency.name.lower()), set()).add(dependency.version)
    several = [package for (_ecosystem, package), found in versions.items() if len(found) > 1]
    if several:
        named = ", ".join(name(package, 60) for package in several[:3])
        more = f" and {len(several) - 3:,} more" if len(several) > 3 else ""
        yield f"**Differing constraints**: manifests ask for different versions of {named}{more}."


def _unreadable(analysis: Analysis) -> Iterator[str]:
    if analysis.declarations is None or not analysis.declarations.unreadable:
        return
    path, reason = analysis.declarations.unreadable[0]
    amount = len(analysis.declarations.unreadable)
    yield f"**Manifests that could not be read**: {amount:,}, such as {name(path)} ({escape(reason)})."


def _comments(analysis: Analysis) -> Iterator[str]:
    if analysis.counts is None:
        return
    total = analysis.counts.total()
    share = percent(total.comments, total.comments + total.code)
    if total.complexity and total.code >= _ENOUGH_CODE_LINES and share < _FEW_COMMENTS_PERCENT:
        yield f"**Hardly any comments**: {share:.1f}% of the lines that are not blank."


def _copies(analysis: Analysis) -> Iterator[str]:
    if analysis.duplicates is None or analysis.listing is None:
        return
    share = percent(analysis.duplicates.bytes, analysis.listing.size)
    if share >= _MANY_COPIES_PERCENT:
        yield f"**Copies**: {share:.0f}% of all bytes are in files whose content is there more than once."


def _quiet(analysis: Analysis) -> Iterator[str]:
    if analysis.activity is None or not analysis.activity.last_at:
        return
    last, now = map(datetime.fromisoformat, (analysis.activity.last_at, analysis.analyzed_at))
    if (days := (now - last).days) > _QUIET_DAYS:
        yield f"**Quiet**: the newest commit is {days:,} days old."


def _one_author(analysis: Analysis) -> Iterator[str]:
    found = analysis.activity
    if found is None or found.commits < _ENOUGH_COMMITS or found.authors < 2:
        return
    first = found.top_authors[0]
    share = percent(first.commits, found.commits)
    if share >= _ONE_AUTHOR_PERCENT:
        yield f"**One author**: {name(first.name, 60)} wrote {share:.0f}% of {found.commits:,} commits."


_FINDINGS: tuple[Finding, ...] = (
    _long_functions,
    _large_files,
    _concentration,
    _tests,
    _licence,
    _unpinned,
    _outdated,
    _disagreements,
    _unreadable,
    _comments,
    _copies,
    _quiet,
    _one_author,
)
