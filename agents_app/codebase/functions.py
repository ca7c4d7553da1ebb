"""Functions, methods, classes and tests of a whole code base."""

from collections import Counter
from dataclasses import dataclass, field

from agents_app.codebase.conventions import PARSED_EXTENSIONS, is_test_file
from agents_app.codebase.files import Listing, steadily
from agents_app.codebase.inspection import SYMBOLS, Answer, Task, inspect
from agents_app.codebase.source import Source
from agents_app.codebase.tops import Top
from agents_app.context import ToolContext
from agents_app.stages import Stage

TOP_FUNCTIONS = 20
MAX_FILE_BYTES = 1024 * 1024
_COUNTED = ("functions", "methods", "classes")


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function or method: its name, where it begins and how many lines it has."""

    name: str
    file: str
    line: int
    lines: int
    language: str


@dataclass
class Functions:
    """What was found, by language; `kinds` says of the classes what they are (`grammars.KINDS`).

    `skipped` counts by reason the files that were not read; `unreached` those for which the time was over,
    `broken_files` those of which some part was not understood.
    """

    languages: dict[str, Counter[str]] = field(default_factory=dict)
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    largest: Top[Function] = field(default_factory=lambda: Top(TOP_FUNCTIONS))
    long_functions: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    broken_files: int = 0
    parsed_files: int = 0
    unreached: int = 0
    test_files: int = 0
    test_functions: int = 0

    def total(self, what: str) -> int:
        """Return how many `functions`, `methods` or `classes` there are in all languages."""
        return sum(counter[what] for counter in self.languages.values())


def survey(context: ToolContext, stage: Stage, source: Source, listing: Listing) -> Functions:
    """Read the source files in `listing`; progress is bytes read of all. Raises `Stopped`."""
    found = Functions()
    readable = []
    for file in steadily(context, listing.files):
        found.test_files += is_test_file(file.path)
        if file.extension in PARSED_EXTENSIONS and file.size > MAX_FILE_BYTES:
            found.skipped["larger than 1 MiB"] += 1
        elif file.extension in PARSED_EXTENSIONS and file.size:
            readable.append(Task(SYMBOLS, file))

    def receive(task: Task, answer: Answer) -> None:
        _add(found, task.file.path, answer)

    found.unreached = inspect(context, stage, source.folder, readable, receive)
    return found


def _add(found: Functions, path: str, answer: Answer) -> None:
    skipped = answer.get("failed") or answer["skipped"]
    if skipped:
        found.skipped[skipped] += 1
        return
    counter = found.languages.setdefault(answer["language"], Counter())
    counter.update({what: answer[what] for what in _COUNTED} | {"files": 1})
    found.kinds.setdefault(answer["language"], Counter()).update(answer["kinds"])
    found.parsed_files += 1
    found.broken_files += answer["broken"]
    found.long_functions += answer["long_functions"]
    found.test_functions += answer["tests"]
    _rank(found, path, answer)


def _rank(found: Functions, path: str, answer: Answer) -> None:
    for name, line, lines in answer["largest"]:
        function = Function(name=name, file=path, line=line, lines=lines, language=answer["language"])
        found.largest.add(lines, function)
