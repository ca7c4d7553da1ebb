"""The part of a report that is about dependencies."""

from collections.abc import Iterable, Sequence

from agents_app.codebase.declarations import Declarations, Declared
from agents_app.codebase.dependencies.constraints import ANY
from agents_app.codebase.dependencies.model import DEV, OPTIONAL, PEER, RUNTIME
from agents_app.codebase.result import Analysis
from agents_app.wording.escaping import escape, middle, name
from agents_app.wording.tables import amount, more, table

_ECOSYSTEMS = {
    "pypi": "Python (PyPI)",
    "npm": "JavaScript (npm)",
    "golang": "Go modules",
    "cargo": "Rust (crates.io)",
    "maven": "Java (Maven)",
    "gem": "Ruby (RubyGems)",
    "composer": "PHP (Packagist)",
}
_SCOPES = (RUNTIME, PEER, OPTIONAL, DEV)


def dependencies(analysis: Analysis, rows: int) -> str:
    """Return the section: figures by ecosystem, what is outdated, what is unpinned, what is declared."""
    found = analysis.declarations
    if found is None or not (found.total or found.locked):
        return ""
    parts = [_by_ecosystem(found), _outdated(found, rows), _unpinned(found, rows)]
    for ecosystem, declared in found.by_ecosystem.most_common():
        declaring = [row for row in found.dependencies if row.ecosystem == ecosystem]
        parts.append(_declared(_title(ecosystem), declaring, declared, rows))
    return "## Dependencies\n\n" + "\n\n".join(part for part in parts if part)


def _by_ecosystem(found: Declarations) -> str:
    outdated, unknown = found.outdated, found.unknown
    ecosystems = found.by_ecosystem | found.locked
    lines = [
        (
            _title(ecosystem),
            *(f"{figures[ecosystem]:,}" for figures in (found.by_ecosystem, found.locked, outdated, unknown)),
        )
        for ecosystem, _count in ecosystems.most_common()
    ]
    return table(("Ecosystem", "Declared", "Transitive", "Outdated", "Unknown"), lines, _unanswered(found))


def _unanswered(found: Declarations) -> str:
    if not found.unanswered:
        return ""
    silent = ", ".join(_title(ecosystem) for ecosystem in found.unanswered)
    packages = amount(found.unanswered.total(), "package")
    return (
        f"For {packages} the registry gave no answer ({silent}), so it is unknown whether they are outdated."
    )


def _outdated(found: Declarations, rows: int) -> str:
    """Return a table of what is outdated, one row for all manifests that use the same version."""
    using: dict[tuple[str, str, str, str], list[Declared]] = {}
    for row in _by_scope(row for row in found.dependencies if row.outdated):
        key = (row.ecosystem, row.name, row.locked or row.version, row.latest)
        using.setdefault(key, []).append(row)
    lines = [
        (name(package, 60), name(used, 40), name(latest, 40), declaring[0].scope, _manifests(declaring))
        for (_ecosystem, package, used, latest), declaring in list(using.items())[:rows]
    ]
    headers = ("Package", "Used", "Latest", "Scope", "Declared in")
    below = more(len(using), rows)
    return _titled("Outdated", len(using), table(headers, lines, below)) if lines else ""


def _manifests(declaring: Sequence[Declared]) -> str:
    others = f" and {len(declaring) - 1:,} more" if len(declaring) > 1 else ""
    return name(middle(declaring[0].manifest, 60)) + others


def _unpinned(found: Declarations, rows: int) -> str:
    unpinned = [row for row in found.dependencies if _takes_any_version(row)]
    lines = [(name(row.name, 60), name(middle(row.manifest, 60))) for row in unpinned[:rows]]
    below = more(found.unpinned, len(lines))
    return (
        _titled("Unpinned at run time", found.unpinned, table(("Package", "Declared in"), lines, below))
        if lines
        else ""
    )


def _takes_any_version(row: Declared) -> bool:
    return row.scope == RUNTIME and row.version.lower() in ANY and not row.locked


def _declared(title: str, found: Iterable[Declared], declared: int, rows: int) -> str:
    lines = [
        (
            name(row.name, 60),
            name(row.version, 40) or "any",
            name(row.locked, 40),
            row.scope,
            name(middle(row.manifest, 60)),
        )
        for row in _by_scope(found)[:rows]
    ]
    headers = ("Package", "Version", "Locked", "Scope", "Declared in")
    return f"### {title}: {declared:,} declared\n\n" + table(headers, lines, more(declared, len(lines)))


def _titled(title: str, count: int, text: str) -> str:
    return f"### {title}: {count:,}\n\n{text}"


def _title(ecosystem: str) -> str:
    return _ECOSYSTEMS.get(ecosystem, escape(ecosystem))


def _by_scope(found: Iterable[Declared]) -> list[Declared]:
    return sorted(found, key=lambda row: _SCOPES.index(row.scope))
