"""The part of a report that is about dependencies."""

from collections.abc import Iterable

from agents_app.codebase.declarations import Declarations, Declared
from agents_app.codebase.dependencies.constraints import ANY
from agents_app.codebase.dependencies.model import DEV, OPTIONAL, PEER, RUNTIME
from agents_app.codebase.escaping import escape, middle, name
from agents_app.codebase.result import Analysis
from agents_app.codebase.tables import amount, more, table

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
    outdated = _by_scope(row for row in found.dependencies if row.outdated)
    lines = [
        (
            name(row.name, 60),
            name(row.locked or row.version, 40),
            name(row.latest, 40),
            row.scope,
            name(middle(row.manifest, 60)),
        )
        for row in outdated[:rows]
    ]
    headers = ("Package", "Used", "Latest", "Scope", "Declared in")
    return (
        _titled("Outdated", len(outdated), table(headers, lines, more(len(outdated), rows))) if lines else ""
    )


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
