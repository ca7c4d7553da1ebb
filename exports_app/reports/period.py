"""The time that a report is about, in whole days of UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sessions_app.errors import Refusal

DAYS = {"today": 1, "7d": 7, "30d": 30}


@dataclass(frozen=True, kw_only=True)
class Period:
    """From the first day to the last, both included; without a first one from the beginning."""

    first: date | None
    last: date

    @property
    def since(self) -> datetime | None:
        """The moment at which it begins."""
        return None if self.first is None else _midnight(self.first)

    @property
    def until(self) -> datetime:
        """The moment before which it ends."""
        return _midnight(self.last + timedelta(days=1))

    def __str__(self) -> str:
        if self.first is None:
            return f"everything until {self.last}"
        return str(self.last) if self.first == self.last else f"{self.first} to {self.last}"


def parse(name: str, since: str | None, until: str | None, today: date) -> Period:
    """Return a period by its name (`today`, `7d`, `30d`, `all`) or by days, which win. Raises `Refusal`."""
    last = _day(until, "until") if until else today
    if last > today + timedelta(days=366) or last.year < 2000:
        raise Refusal("invalid_arguments", "generate_report: until is no day that a report can end on.")
    if since:
        first: date | None = _day(since, "since")
    else:
        first = last - timedelta(days=DAYS[name] - 1) if name in DAYS else None
    if first is not None and first > last:
        raise Refusal("invalid_arguments", f"generate_report: {first} is after {last}.")
    return Period(first=first, last=last)


def _day(text: str, argument: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal(
            "invalid_arguments", f"generate_report: {argument} is a day such as 2026-01-31."
        ) from None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
