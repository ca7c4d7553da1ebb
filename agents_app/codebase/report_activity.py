"""What a report says of git's history: commits by month, and who wrote them."""

from collections.abc import Iterator

from agents_app.codebase.activity import Activity
from agents_app.codebase.result import Analysis
from agents_app.wording.escaping import escape, name
from agents_app.wording.tables import amount, table
from sessions_app import charts

_MONTHS = 60
_AUTHORS = 10


def activity(analysis: Analysis, rows: int) -> str:
    """Return the section of the history; of the months the last `_MONTHS`, also those without a commit."""
    found = analysis.activity
    if found is None:
        return ""
    parts = [_told(found), _chart(found), _authors(found, rows)]
    shown = "\n\n".join(filter(None, parts))
    return f"## Activity\n\n{shown}" if shown else ""


def _told(found: Activity) -> str:
    problem = escape(found.problem, 300)
    if not found.commits:
        return problem
    commits = f"{amount(found.commits, 'commit')} by {amount(found.authors, 'author')}"
    limits = " There is older history that was not read." if found.shallow else ""
    times = f", {found.first_at[:10]} to {found.last_at[:10]}" if found.first_at else ""
    return f"{commits}{times}.{limits} {problem}".strip()


def _chart(found: Activity) -> str:
    if len(found.months) < 2:
        return ""
    commits = {month.month: month.commits for month in found.months}
    shown = list(_months(max(commits), min(commits)))[:_MONTHS][::-1]
    rows = [[month, commits.get(month, 0)] for month in shown]
    return charts.block(
        {
            "type": "columns",
            "title": "Commits by month",
            "unit": "commits",
            "series": ["commits"],
            "rows": rows,
        }
    )


def _months(last: str, first: str) -> Iterator[str]:
    """Yield the months from `last` back to `first`."""
    year, month = map(int, last.split("-"))
    while (shown := f"{year:04}-{month:02}") >= first:
        yield shown
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)


def _authors(found: Activity, rows: int) -> str:
    lines = [
        (name(author.name, 60), f"{author.commits:,}", f"{author.added:,}", f"{author.removed:,}")
        for author in found.top_authors[: min(rows, _AUTHORS)]
    ]
    if not lines:
        return ""
    return "### Top authors\n\n" + table(("Author", "Commits", "Added", "Removed"), lines)
