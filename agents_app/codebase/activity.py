"""How a code base has changed: commits, authors and changed lines by month, out of git's history."""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agents_app.codebase.borrowing import Unreadable, borrow
from agents_app.codebase.history import History
from agents_app.codebase.source import Source
from agents_app.context import ToolContext
from agents_app.isolation.subprocesses import Tail, run
from agents_app.stages import Remaining, Stage
from agents_app.wording.escaping import clean

MAX_COMMITS = 50_000
MAX_MONTHS = 240
TOP_AUTHORS = 20
BUDGET_SECONDS = 60.0
_COUNTED = 0.1
_LINE_MAX_BYTES = 4096
_KEY_BYTES = 200
_NAME_CHARACTERS = 80
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
# The first character cannot begin a line of any other kind: git writes unusual paths quoted.
_FORMAT = "--format=%x00%ct%x09%ae%x09%an"
_DIFF = ("--numstat", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules")


@dataclass(frozen=True, kw_only=True)
class Month:
    """One month, `YYYY-MM`; `authors` are different ones, `added` and `removed` are lines."""

    month: str
    commits: int
    authors: int
    added: int
    removed: int


@dataclass(frozen=True, kw_only=True)
class Author:
    """Whoever wrote commits under one address; the name is cleaned, not escaped."""

    name: str
    commits: int
    added: int
    removed: int


@dataclass
class Activity:
    """What was read, by the dates on which commits were committed (UTC, ISO 8601).

    `shallow` says that there is history that was not read. `months` are the newest `MAX_MONTHS` that have
    commits, oldest first. Merges count as commits without lines, a moved file as lines removed and added.
    `problem` is a sentence that says why there is no or less history, or empty.
    """

    commits: int = 0
    authors: int = 0
    first_at: str = ""
    last_at: str = ""
    shallow: bool = False
    months: list[Month] = field(default_factory=list)
    top_authors: list[Author] = field(default_factory=list)
    problem: str = ""


def survey(context: ToolContext, stage: Stage, source: Source) -> Activity | None:
    """Read the history of `source`, None if it has none; raises `Stopped`."""
    if source.history is None and source.checkout is None:
        return None
    try:
        history = source.history or borrow(context, source.commit, source.checkout or source.folder)
    except Unreadable as reason:
        return Activity(problem=str(reason))
    return read(context, stage, history, source.subfolder)


def read(context: ToolContext, stage: Stage, history: History, subfolder: str) -> Activity:
    """Read the newest `MAX_COMMITS` commits within `BUDGET_SECONDS`; progress is by commits.

    With `subfolder` only those that touch it are counted. What git cannot read ends the history there and is
    told in `problem`. Raises `Stopped`.
    """
    log = _Log(stage.part(_COUNTED, 1), time.monotonic() + BUDGET_SECONDS)
    log.expected = _count(context, history, log)
    stage.at(_COUNTED)
    problem = _read(context, history, subfolder, log)
    activity = log.summed_up()
    activity.shallow = history.is_shallow or log.expected > MAX_COMMITS or bool(problem)
    activity.problem = problem
    stage.at(1.0)
    return activity


class _OutOfTime(Exception):
    """The history is not worth waiting for any longer."""


def _count(context: ToolContext, history: History, log: "_Log") -> int:
    """Return how many commits there are, at most one more than `MAX_COMMITS`; 0 if git cannot say."""
    answer = Tail()
    command = history.command("rev-list", "--count", f"--max-count={MAX_COMMITS + 1}", history.commit)
    with suppress(_OutOfTime):
        if run(context, command, on_output=answer, on_error=Tail(), watch=log.watch) == 0:
            return int(answer.text())
    return 0


def _read(context: ToolContext, history: History, subfolder: str, log: "_Log") -> str:
    """Have git tell the commits; return a sentence if it did not come to the end."""
    # The oldest commit of a shallow history would count as if it had written all that is there.
    settings = ("log.showRoot=false",) if history.is_shallow else ()
    command = history.command(
        *("log", *_DIFF, "--no-show-signature", "--diff-merges=off", "--no-decorate", "--no-notes"),
        *(_FORMAT, f"--max-count={MAX_COMMITS}", history.commit, "--", *filter(None, [subfolder])),
        settings=settings,
    )
    try:
        code = run(context, command, on_output=log, on_error=Tail(), watch=log.watch)
    except _OutOfTime:
        return f"Reading the history took more than {BUDGET_SECONDS:.0f} seconds; what was read is counted."
    return "Some of the history cannot be read; what was read before is counted." if code else ""


class _Log:
    """Counts what git prints; call it with each piece."""

    def __init__(self, stage: Stage, end: float) -> None:
        self.expected = 0
        self._stage = stage
        self._end = end
        self._remaining = Remaining()
        self._rest = b""
        self._commits = 0
        self._times: list[float] = []
        self._months: dict[str, Counter[str]] = {}
        self._month_authors: dict[str, set[bytes]] = {}
        self._authors: dict[bytes, Counter[str]] = {}
        self._names: dict[bytes, str] = {}
        # Where the lines of the commit that is being read are counted.
        self._counters: list[Counter[str]] = []

    def watch(self) -> None:
        if time.monotonic() > self._end:
            raise _OutOfTime

    def __call__(self, chunk: bytes) -> None:
        *lines, rest = (self._rest + chunk).split(b"\n")
        # Of an endless line its beginning is enough.
        self._rest = rest[:_LINE_MAX_BYTES]
        for line in lines:
            if line.startswith(b"\0"):
                self._begin(line[1:_LINE_MAX_BYTES])
            elif line:
                self._change(line)
        fraction = min(1.0, self._commits / self.expected) if self.expected else 0.0
        self._stage.at(fraction, self._remaining.seconds(fraction))

    def _begin(self, line: bytes) -> None:
        committed, _tab, author = line.partition(b"\t")
        address, _tab, name = author.partition(b"\t")
        key = (address.lower() or name)[:_KEY_BYTES]
        self._commits += 1
        by_author = self._authors.setdefault(key, Counter())
        self._names.setdefault(key, clean(name.decode(errors="replace"), _NAME_CHARACTERS).strip())
        self._counters = [by_author]
        seconds = int(committed) if committed.isdigit() else 0
        # Commits without a date that can be are in no month.
        if 0 < seconds < _LATEST:
            self._date(float(seconds), key)
        for counter in self._counters:
            counter["commits"] += 1

    def _date(self, seconds: float, author: bytes) -> None:
        month = _moment(seconds).strftime("%Y-%m")
        self._times.append(seconds)
        self._month_authors.setdefault(month, set()).add(author)
        self._counters.append(self._months.setdefault(month, Counter()))

    def _change(self, line: bytes) -> None:
        added, _tab, rest = line.partition(b"\t")
        removed = rest.partition(b"\t")[0]
        # Of binary files git tells no lines.
        if added.isdigit() and removed.isdigit():
            for counter in self._counters:
                counter["added"] += int(added)
                counter["removed"] += int(removed)

    def summed_up(self) -> Activity:
        """Return what was counted."""
        months = sorted(self._months)[-MAX_MONTHS:]
        authors = sorted(self._authors, key=lambda key: (-self._authors[key]["commits"], key))
        return Activity(
            commits=self._commits,
            authors=len(authors),
            first_at=_moment(min(self._times)).isoformat() if self._times else "",
            last_at=_moment(max(self._times)).isoformat() if self._times else "",
            months=[
                Month(month=month, authors=len(self._month_authors[month]), **_figures(self._months[month]))
                for month in months
            ],
            top_authors=[
                Author(name=self._names[key] or "(no name)", **_figures(self._authors[key]))
                for key in authors[:TOP_AUTHORS]
            ],
        )


def _figures(counter: Counter[str]) -> dict[str, int]:
    return {name: counter[name] for name in ("commits", "added", "removed")}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
