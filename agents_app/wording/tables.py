"""Tables and amounts in Markdown; cells are Markdown already, so what is hostile in them is escaped."""

from collections.abc import Iterable, Sequence

_NUMERIC = {
    "Files", "Code", "Comments", "Complexity", "Share", "Lines", "Functions", "Methods", "Classes", "Commits",
    "Added", "Removed", "Saved by one", "Declared", "Transitive", "Outdated", "Unknown",
}  # fmt: skip
_UNITS = ("bytes", "KiB", "MiB", "GiB")


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], below: str = "") -> str:
    """Return a table, with the line `below` it if there is one."""
    rule = tuple("---:" if header in _NUMERIC else "---" for header in headers)
    lines = (f"| {' | '.join(cells)} |" for cells in (headers, rule, *rows))
    return "\n".join(lines) + (f"\n\n{below}" if below else "")


def more(count: int, shown: int) -> str:
    """Return how many of `count` are not shown, or nothing."""
    return f"… and {count - shown:,} more." if count > shown else ""


def amount(count: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 file`, `2 files`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def size(count: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    shown, unit = float(count), 0
    while shown >= 1024 and unit < len(_UNITS) - 1:
        shown, unit = shown / 1024, unit + 1
    return f"{shown:,.1f} {_UNITS[unit]}" if unit else f"{count:,} bytes"


def duration(seconds: float | None) -> str:
    """Return seconds in the two units that say most; a dash for none."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days:,} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
