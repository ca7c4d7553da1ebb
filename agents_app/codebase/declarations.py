"""What a code base declares: its dependencies, what lock files make of them, and its licences."""

import posixpath
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from agents_app.codebase import licences
from agents_app.codebase.dependencies import manifests
from agents_app.codebase.dependencies.constraints import ANY
from agents_app.codebase.dependencies.locks import Locked, Locks
from agents_app.codebase.dependencies.model import PEER, RUNTIME, TRANSITIVE
from agents_app.codebase.files import Listing, SourceFile, steadily
from agents_app.codebase.inspection import LICENCE, MANIFEST, Answer, Task, inspect
from agents_app.codebase.source import Source
from agents_app.context import ToolContext
from agents_app.stages import Stage

MAX_MANIFESTS = 500
MAX_DEPENDENCIES = 1_000
MAX_UNREADABLE = 50
_INCLUDES_DEEP = 5
_LISTED_PART = 0.9


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A dependency as one file names it.

    `version` is the constraint as it is declared, or the version in a lock file; `locked` is the version that
    a lock file has chosen for a declared one (of a peer whoever provides it chooses); `lock` says whether the
    file is a lock file. `latest` and `outdated` are what a registry knows, empty and None until it was asked.
    """

    ecosystem: str
    name: str
    version: str
    scope: str
    manifest: str
    locked: str = ""
    lock: bool = False
    latest: str = ""
    outdated: bool | None = None


@dataclass
class Declarations:
    """What was found. `dependencies` are the first `MAX_DEPENDENCIES` that manifests declare, `transitive`
    as many of those that only lock files (or go.mod, as indirect ones) name; the counts are of all.

    `names` are different packages (ecosystem and name) of the declared ones, `runtime` and `unpinned` count
    runtime dependencies and those of them that take any version and that no lock file pins; `locked` counts
    the transitive ones by ecosystem. `unanswered` counts the packages, by ecosystem, whose registry was asked
    in vain.
    """

    dependencies: list[Declared] = field(default_factory=list)
    transitive: list[Declared] = field(default_factory=list)
    by_ecosystem: Counter[str] = field(default_factory=Counter)
    locked: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    names: set[tuple[str, str]] = field(default_factory=set)
    runtime: int = 0
    unpinned: int = 0
    manifests: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unread_manifests: int = 0
    unkept_packages: int = 0
    licences: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many dependencies all manifests declare together."""
        return self.by_ecosystem.total()

    @property
    def outdated(self) -> Counter[str]:
        """How many declared dependencies are outdated, by ecosystem."""
        return Counter(row.ecosystem for row in self.dependencies if row.outdated)

    @property
    def unknown(self) -> Counter[str]:
        """Of how many declared dependencies it is not known whether they are outdated, by ecosystem."""
        known = Counter(row.ecosystem for row in self.dependencies if row.outdated is not None)
        return self.by_ecosystem - known


def scan(context: ToolContext, stage: Stage, source: Source, listing: Listing) -> Declarations:
    """Read the manifests, lock and licence files in `listing`; progress is bytes read. Raises `Stopped`."""
    return _Scan(context, stage, source, listing).found


class _Scan:
    """Reads lock files before manifests, so that what these declare is known by its locked version."""

    def __init__(self, context: ToolContext, stage: Stage, source: Source, listing: Listing) -> None:
        self.found = Declarations()
        self._context, self._source, self._listing = context, source, listing
        self._locks = Locks()
        self._read: set[str] = set()
        self._included: set[str] = set()
        files = list(steadily(context, listing.files))
        licensing = [file for file in files if licences.is_licence(file.path)][: licences.MAX_FILES]
        self._inspect(
            stage.part(0, _LISTED_PART),
            [
                *(Task(LICENCE, file) for file in licensing),
                *self._chosen(file for file in files if manifests.is_lock(file.path)),
                *self._chosen(file for file in files if manifests.is_manifest(file.path)),
            ],
        )
        self._inspect_included(stage.part(_LISTED_PART, 1))
        self._keep_transitive()

    def _chosen(self, files: Iterable[SourceFile]) -> list[Task]:
        # The files nearest to the root tell most about the code base itself.
        nearest = sorted(files, key=lambda file: (file.path.count("/"), file.path))
        self.found.unread_manifests += max(0, len(nearest) - MAX_MANIFESTS)
        return [Task(MANIFEST, file) for file in nearest[:MAX_MANIFESTS]]

    def _inspect(self, stage: Stage, tasks: list[Task]) -> None:
        self._read |= {task.file.path for task in tasks}
        root = self._source.folder
        self.found.unread_manifests += inspect(self._context, stage, root, tasks, self._receive)

    def _inspect_included(self, stage: Stage) -> None:
        """Read what requirements files include under names by which it was not known for one of them."""
        for _depth in range(_INCLUDES_DEEP):
            wanted = self._included - self._read
            if not wanted:
                break
            files = (file for file in steadily(self._context, self._listing.files) if file.path in wanted)
            self._inspect(stage, self._chosen(files))
            self._read |= wanted
        stage.at(1.0)

    def _receive(self, task: Task, answer: Answer) -> None:
        found, path = self.found, task.file.path
        if task.kind == LICENCE:
            found.licences.append((path, answer.get("licence", "unknown")))
            return
        found.manifests += not manifests.is_lock(path)
        reason = answer.get("failed") or answer["unreadable"]
        if task.file.size > manifests.max_bytes(path):
            reason = f"larger than {manifests.max_bytes(path) // 1024:,} KiB"
        if reason:
            found.unreadable.append((path, reason))
        self._included.update(answer.get("includes", ()))
        for ecosystem, name, version, scope in answer.get("dependencies", ()):
            if scope == TRANSITIVE:
                self._locks.add(Locked(ecosystem=ecosystem, name=name, version=version, lock=path))
            else:
                self._declare(ecosystem, name, version, scope, path)

    def _declare(self, ecosystem: str, name: str, version: str, scope: str, path: str) -> None:
        found = self.found
        locked = self._locks.version(path, ecosystem, name, version)
        if scope == PEER:  # The lock only has what it is developed with.
            locked = ""
        found.by_ecosystem[ecosystem] += 1
        found.names.add((ecosystem, name))
        if len(found.dependencies) < MAX_DEPENDENCIES:
            found.dependencies.append(
                Declared(
                    ecosystem=ecosystem, name=name, version=version, scope=scope, manifest=path, locked=locked
                )
            )
        if scope == RUNTIME:
            found.runtime += 1
            found.unpinned += version.lower() in ANY and not locked

    def _keep_transitive(self) -> None:
        self.found.unkept_packages = self._locks.left_out
        for package in self._locks.transitive():
            self.found.locked[package.ecosystem] += 1
            if len(self.found.transitive) < MAX_DEPENDENCIES:
                self.found.transitive.append(_transitive(package))


def _transitive(package: Locked) -> Declared:
    return Declared(
        ecosystem=package.ecosystem,
        name=package.name,
        version=package.version,
        scope=TRANSITIVE,
        manifest=package.lock,
        lock=manifests.is_lock(posixpath.basename(package.lock)),
    )
