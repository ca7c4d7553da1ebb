"""What a code base declares: its dependencies and its licences."""

from collections import Counter
from dataclasses import dataclass, field

from agents_app.codebase import licences
from agents_app.codebase.dependencies import manifests
from agents_app.codebase.dependencies.model import RUNTIME
from agents_app.codebase.files import Listing, steadily
from agents_app.codebase.inspection import LICENCE, MANIFEST, Answer, Task, inspect
from agents_app.codebase.source import Source
from agents_app.codebase.stages import Stage
from agents_app.context import ToolContext

MAX_MANIFESTS = 500
MAX_DEPENDENCIES = 1_000
MAX_UNREADABLE = 50
_ANY_VERSION = {"", "*", "x", "latest"}


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A dependency as one manifest declares it."""

    ecosystem: str
    name: str
    version: str
    scope: str
    manifest: str


@dataclass
class Declarations:
    """What was found. `dependencies` are the first `MAX_DEPENDENCIES`, the counts are of all.

    `names` are different packages (ecosystem and name), `runtime` and `unpinned` count runtime
    dependencies and those of them that take any version.
    """

    dependencies: list[Declared] = field(default_factory=list)
    by_ecosystem: Counter[str] = field(default_factory=Counter)
    names: set[tuple[str, str]] = field(default_factory=set)
    runtime: int = 0
    unpinned: int = 0
    manifests: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unread_manifests: int = 0
    licences: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many dependencies all manifests declare together."""
        return self.by_ecosystem.total()


def scan(context: ToolContext, stage: Stage, source: Source, listing: Listing) -> Declarations:
    """Read the manifests and licence files in `listing`; progress is bytes read of all. Raises `Stopped`."""
    found = Declarations()
    tasks = [
        Task(LICENCE, file) for file in steadily(context, listing.files) if licences.is_licence(file.path)
    ][: licences.MAX_FILES]
    declaring = [
        Task(MANIFEST, file) for file in steadily(context, listing.files) if manifests.is_manifest(file.path)
    ]
    # The manifests nearest to the root tell most about the code base itself.
    declaring.sort(key=lambda task: (task.file.path.count("/"), task.file.path))
    found.unread_manifests = max(0, len(declaring) - MAX_MANIFESTS)

    def receive(task: Task, answer: Answer) -> None:
        _add(found, task, answer)

    found.unread_manifests += inspect(
        context, stage, source.folder, [*tasks, *declaring[:MAX_MANIFESTS]], receive
    )
    return found


def _add(found: Declarations, task: Task, answer: Answer) -> None:
    if task.kind == LICENCE:
        found.licences.append((task.file.path, answer.get("licence", "unknown")))
        return
    found.manifests += 1
    reason = answer.get("failed") or answer["unreadable"]
    if task.file.size > manifests.MAX_BYTES:
        reason = "larger than 512 KiB"
    if reason:
        found.unreadable.append((task.file.path, reason))
    for ecosystem, name, version, scope in answer.get("dependencies", ()):
        _declare(
            found,
            Declared(ecosystem=ecosystem, name=name, version=version, scope=scope, manifest=task.file.path),
        )


def _declare(found: Declarations, dependency: Declared) -> None:
    found.by_ecosystem[dependency.ecosystem] += 1
    found.names.add((dependency.ecosystem, dependency.name))
    if len(found.dependencies) < MAX_DEPENDENCIES:
        found.dependencies.append(dependency)
    if dependency.scope == RUNTIME:
        found.runtime += 1
        found.unpinned += dependency.version.lower() in _ANY_VERSION
