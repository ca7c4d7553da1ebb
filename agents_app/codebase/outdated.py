"""Which declared dependencies are outdated, as the registries of their ecosystems tell."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from agents_app.codebase.declarations import Declarations, Declared
from agents_app.codebase.dependencies.constraints import exact, outdated, parse
from agents_app.codebase.dependencies.lookups import Newest, Package, look_up
from agents_app.codebase.dependencies.model import DEV, OPTIONAL, PEER, RUNTIME
from agents_app.codebase.dependencies.ordering import key
from agents_app.context import ToolContext
from agents_app.stages import Stage

MAX_LOOK_UPS = 200
# Addresses and paths have a slash; the words are npm's for folders and for packages of other names.
_PLACE = re.compile(r".*/|=>|(?:workspace|file|link|portal|npm|git|github):")
_SCOPES = (RUNTIME, OPTIONAL, PEER, DEV)


@dataclass(frozen=True)
class Registries:
    """The address of the registry of each ecosystem that may be asked, and the names (with wildcards `*`)
    of packages that no registry is told of."""

    addresses: Mapping[str, str]
    private: Sequence[str] = ()

    def may_be_asked_for(self, dependency: Declared) -> bool:
        """Say whether a registry can know `dependency`: one from a folder or repository it cannot."""
        private = any(fnmatchcase(dependency.name, pattern) for pattern in self.private)
        if private or dependency.ecosystem not in self.addresses or _PLACE.match(dependency.version):
            return False
        return bool(dependency.locked) or parse(dependency.ecosystem, dependency.version) is not None


def compare(context: ToolContext, stage: Stage, found: Declarations, registries: Registries) -> None:
    """Fill in `latest` and `outdated` of the declared dependencies in `found`. Raises `Stopped`.

    At most `MAX_LOOK_UPS` packages are looked up, those needed at run time first. A dependency is outdated if
    its locked version (else the one exact version it asks for) is older than the newest stable one; of a
    range, if the newest lies above all that it allows. Who uses a pre-release is compared with pre-releases.
    """
    asked = [row for row in found.dependencies if registries.may_be_asked_for(row)]
    asked.sort(key=lambda row: _SCOPES.index(row.scope))
    packages = list(dict.fromkeys((row.ecosystem, row.name) for row in asked))[:MAX_LOOK_UPS]
    newest = look_up(context, stage, packages, registries.addresses)
    found.unanswered.update(package[0] for package in packages if package not in newest)
    may_know = {id(row) for row in asked}
    found.dependencies = [
        _compared(row, newest) if id(row) in may_know else row for row in found.dependencies
    ]


def _compared(row: Declared, newest: Mapping[Package, Newest]) -> Declared:
    known = newest.get((row.ecosystem, row.name), Newest())
    used = key(row.ecosystem, row.locked or exact(row.ecosystem, row.version))
    latest = known.of_all if (used and not used.stable) or not known.stable else known.stable
    if not latest:
        return row
    return replace(row, latest=latest, outdated=outdated(row.ecosystem, row.version, row.locked, latest))
