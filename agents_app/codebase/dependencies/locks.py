"""What lock files have chosen, and which of it a manifest asked for itself."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from agents_app.codebase.dependencies.constraints import allows

MAX_PACKAGES = 50_000


@dataclass(frozen=True, kw_only=True)
class Locked:
    """A package at the version that the file `lock` names."""

    ecosystem: str
    name: str
    version: str
    lock: str


class Locks:
    """Collects the packages of all lock files; each package of a folder is kept once.

    `left_out` counts those beyond `MAX_PACKAGES`.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._packages: dict[tuple[str, str, str], dict[str, Locked]] = {}
        self._count = 0
        self._direct: set[tuple[str, str, str, str]] = set()

    def add(self, package: Locked) -> None:
        """Keep `package` unless its folder has it at that version already."""
        place = _place(posixpath.dirname(package.lock), package.ecosystem, package.name)
        versions = self._packages.setdefault(place, {}) if self._count < MAX_PACKAGES else None
        if versions is None:
            self.left_out += 1
        elif package.version not in versions:
            versions[package.version] = package
            self._count += 1

    def version(self, manifest: str, ecosystem: str, name: str, constraint: str) -> str:
        """Return the version that is locked for what `manifest` asks for, or nothing.

        The lock beside the manifest counts, else the nearest one above it (of a workspace) if what it has
        fits. The package is taken for a direct dependency from then on.
        """
        folder, beside = posixpath.dirname(manifest), True
        while True:
            place = _place(folder, ecosystem, name)
            chosen = _chosen(list(self._packages.get(place, ())), ecosystem, constraint, any_will_do=beside)
            if chosen:
                self._direct.add((*place, chosen))
                return chosen
            if not folder:
                return ""
            folder, beside = posixpath.dirname(folder), False

    def transitive(self) -> Iterator[Locked]:
        """Yield the packages that no manifest asked for."""
        for place, versions in self._packages.items():
            for version, package in versions.items():
                if (*place, version) not in self._direct:
                    yield package


def _chosen(versions: list[str], ecosystem: str, constraint: str, *, any_will_do: bool) -> str:
    fitting = (version for version in versions if allows(ecosystem, constraint, version) is not False)
    return next(fitting, versions[0] if versions and any_will_do else "")


def _place(folder: str, ecosystem: str, name: str) -> tuple[str, str, str]:
    return folder, ecosystem, canonicalize_name(name) if ecosystem == "pypi" else name
