"""Blocks of Markdown; what comes out of rows is escaped by whoever hands it in."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from agents_app.wording.escaping import clean, escape
from sessions_app import charts


def table(left: Sequence[str], right: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first columns are words and whose others are figures; "" without rows."""
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    if not lines:
        return ""
    head = f"| {' | '.join([*left, *right])} |"
    rule = f"| {' | '.join(['---'] * len(left) + ['---:'] * len(right))} |"
    return "\n".join([head, rule, *lines])


def bars(title: str, unit: str, rows: Sequence[tuple[str, float]]) -> str:
    """Return a chart of amounts; "" without any."""
    shown = [[label, value] for label, value in rows if value]
    return charts.block({"type": "bars", "title": title, "unit": unit, "rows": shown}) if shown else ""


def columns(title: str, unit: str, series: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a chart over time; "" if nothing happened."""
    if not any(any(values) for _, *values in rows):
        return ""
    return charts.block(
        {"type": "columns", "title": title, "unit": unit, "series": list(series), "rows": list(rows)}
    )


def words(text: str, limit: int = 80) -> str:
    """Return text of strangers as Markdown that shows it and nothing else."""
    return escape(clean(text, limit), 2 * limit) or "–"


def heading(text: str, level: int = 2) -> str:
    """Return a heading."""
    return f"{'#' * level} {text}"


def number(value: float | None) -> str:
    """Return a number with thousands separated."""
    return f"{value or 0:,.0f}"


def percent(part: float, whole: float) -> str:
    """Return a share; a dash of nothing."""
    return f"{100 * part / whole:.0f} %" if whole else "–"


def money(value: Decimal | float | None) -> str:
    """Return an amount of US dollars, small ones with more digits; a dash if no price is known."""
    if value is None:
        return "–"
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def moment(value: datetime | None) -> str:
    """Return when something was."""
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M}"
