"""Tables and amounts in Markdown; cells are Markdown already, so what is hostile in them is escaped."""

from collections.abc import Iterable, Sequence

_NUMERIC = {
    "Files",
    "Code",
    "Comments",
    "Complexity",
    "Share",
    "Lines",
    "Declared",
    "Transitive",
    "Outdated",
    "Unknown",
}
_BAR_WIDTH = 20


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], below: str = "") -> str:
    """Return a table, with the line `below` it if there is one."""
    rule = tuple("---:" if header in _NUMERIC else "---" for header in headers)
    lines = (f"| {' | '.join(cells)} |" for cells in (headers, rule, *rows))
    return "\n".join(lines) + (f"\n\n{below}" if below else "")


def more(count: int, shown: int) -> str:
    """Return how many of `count` are not shown, or nothing."""
    return f"… and {count - shown:,} more." if count > shown else ""


def bar(share: float) -> str:
    """Return a bar for a share in percent."""
    filled = min(_BAR_WIDTH, round(share / 100 * _BAR_WIDTH))
    return "█" * filled + "░" * (_BAR_WIDTH - filled)


def amount(count: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 file`, `2 files`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
