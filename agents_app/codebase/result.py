"""The JSON document of an analysis; `schema` says what it holds, docs/analyze_codebase.md for people.

Lists hold the first or largest of what there is. Text out of the repository is cleaned, not escaped.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from agents_app.codebase.activity import Activity
from agents_app.codebase.declarations import MAX_DEPENDENCIES, MAX_UNREADABLE, Declarations, Declared
from agents_app.codebase.dependencies.constraints import exact
from agents_app.codebase.dependencies.model import TRANSITIVE
from agents_app.codebase.dependencies.purl import purl
from agents_app.codebase.duplicates import Duplicates
from agents_app.codebase.files import Listing
from agents_app.codebase.functions import Functions
from agents_app.codebase.languages import CountedFile, Counts, Language
from agents_app.codebase.source import Source
from agents_app.wording.escaping import clean

SCHEMA_VERSION = 1
MAX_BYTES = 190_000
_MAX_LANGUAGES = 60
_PATH_CHARACTERS = 300


@dataclass
class Analysis:
    """What is known so far; parts that are not yet there are None. `analyzed_at` is ISO 8601."""

    source: Source
    analyzed_at: str
    listing: Listing | None = None
    counts: Counts | None = None
    functions: Functions | None = None
    declarations: Declarations | None = None
    duplicates: Duplicates | None = None
    activity: Activity | None = None
    duration_seconds: dict[str, float] = field(default_factory=dict)


def document(analysis: Analysis, *, complete: bool) -> dict[str, Any]:
    """Return the JSON document of what is known, at most `MAX_BYTES` long."""
    data: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "complete": complete,
        "repository": _repository(analysis),
        "not_analyzed": {},
        "truncated": {},
        "duration_seconds": analysis.duration_seconds
        | {"total": round(sum(analysis.duration_seconds.values()), 3)},
    }
    if analysis.listing:
        data["totals"] = {"files": len(analysis.listing.files), "bytes": analysis.listing.size}
    if analysis.counts:
        _add_counts(data, analysis.counts)
    if analysis.functions:
        _add_functions(data, analysis.functions)
    if analysis.duplicates:
        data["duplicates"] = _duplicates(analysis.duplicates)
    if analysis.activity and analysis.activity.commits:
        data["activity"] = _activity(analysis.activity)
    if analysis.declarations:
        _add_declarations(data, analysis.declarations)
    data["not_analyzed"] = left_out(analysis)
    return _shortened(data)


def left_out(analysis: Analysis) -> dict[str, Any]:
    """Return what was not looked at, by a name that says why; only what there is."""
    found: dict[str, Any] = {
        "submodules": analysis.source.submodules,
        "archive_members": dict(analysis.source.left_out),
    }
    if analysis.listing:
        found["symlinks"] = analysis.listing.links
        found["unreadable_folders"] = analysis.listing.unreadable_folders
        folders = analysis.listing.skipped_folders.most_common(20)
        found["folders_of_tools"] = {clean(name, 60): count for name, count in folders}
    if analysis.counts:
        found["lines_not_counted"] = analysis.counts.problem
        found["files_over_10_mib"] = analysis.counts.too_large_files
    if analysis.functions:
        found["functions_not_read"] = dict(analysis.functions.skipped)
        found["functions_not_reached"] = analysis.functions.unreached
        found["files_with_syntax_errors"] = analysis.functions.broken_files
    if analysis.duplicates:
        found["files_not_compared"] = analysis.duplicates.unreached + analysis.duplicates.unreadable
    if analysis.activity:
        found["history"] = analysis.activity.problem
    if analysis.declarations:
        found["manifests_not_read"] = analysis.declarations.unread_manifests
        found["locked_packages_not_kept"] = analysis.declarations.unkept_packages
        found["packages_whose_registry_did_not_answer"] = analysis.declarations.unanswered.total()
    return {name: value for name, value in found.items() if value}


def _repository(analysis: Analysis) -> dict[str, Any]:
    source = analysis.source
    return {
        "name": clean(source.name, 100),
        **{key: clean(str(value), 2000) for key, value in source.origin.items() if value},
        "subfolder": clean(source.subfolder, 2000),
        "commit": source.commit,
        "branch": clean(source.branch),
        "committed_at": clean(source.committed_at, 40),
        "analyzed_at": analysis.analyzed_at,
    }


def percent(part: int, whole: int) -> float:
    """Return `part` of `whole` in percent, with one digit after the point."""
    return round(100 * part / whole, 1) if whole else 0.0


def _add_counts(data: dict[str, Any], counts: Counts) -> None:
    total = counts.total()
    figures = asdict(total)
    figures.pop("name")
    data["totals"] |= figures | {"files": data["totals"]["files"], "counted_files": total.files}
    data["languages"] = [_language(language, total.code) for language in counts.by_code()[:_MAX_LANGUAGES]]
    data["largest_files"] = [_file(file) for file in counts.largest.items()]
    data["most_complex_files"] = [_file(file) for file in counts.most_complex.items()]


def _language(language: Language, code: int) -> dict[str, Any]:
    return asdict(language) | {"name": clean(language.name, 60), "percent": percent(language.code, code)}


def _file(file: CountedFile) -> dict[str, Any]:
    return asdict(file) | {"path": clean(file.path, _PATH_CHARACTERS), "language": clean(file.language, 60)}


def _add_functions(data: dict[str, Any], functions: Functions) -> None:
    data["symbols"] = {
        **{what: functions.total(what) for what in ("functions", "methods", "classes")},
        "kinds": dict(sum(functions.kinds.values(), Counter())),
        "long_functions": functions.long_functions,
        "files": functions.parsed_files,
        "languages": [_symbols(functions, language) for language in sorted(functions.languages)],
    }
    data["largest_functions"] = [
        asdict(function) | {"file": clean(function.file, _PATH_CHARACTERS)}
        for function in functions.largest.items()
    ]
    data["tests"] = {"files": functions.test_files, "functions": functions.test_functions}


def _symbols(functions: Functions, language: str) -> dict[str, Any]:
    counter = functions.languages[language]
    counts = {what: counter[what] for what in ("functions", "methods", "classes", "files")}
    return {"name": language, **counts, "kinds": dict(functions.kinds.get(language, {}))}


def _duplicates(found: Duplicates) -> dict[str, Any]:
    largest = [
        {"bytes": group.bytes, "files": group.files}
        | {"paths": [clean(path, _PATH_CHARACTERS) for path in group.paths]}
        for group in found.largest
    ]
    return {"groups": found.groups, "files": found.files, "bytes": found.bytes, "largest": largest}


def _activity(found: Activity) -> dict[str, Any]:
    figures = asdict(found)
    del figures["problem"]
    return figures


def _add_declarations(data: dict[str, Any], found: Declarations) -> None:
    _add_dependencies(data, found)
    data["manifests_unreadable"] = [
        {"path": clean(path, _PATH_CHARACTERS), "reason": clean(reason)} for path, reason in found.unreadable
    ][:MAX_UNREADABLE]
    data["licences"] = [{"path": clean(path), "licence": licence} for path, licence in found.licences]


def _add_dependencies(data: dict[str, Any], found: Declarations) -> None:
    listed = [*found.dependencies, *found.transitive][:MAX_DEPENDENCIES]
    data["dependencies"] = [_dependency(dependency) for dependency in listed]
    data["dependency_totals"] = {
        "declared": found.total,
        "packages": len(found.names),
        "runtime": found.runtime,
        "unpinned": found.unpinned,
        "outdated": found.outdated.total(),
        "unknown": found.unknown.total(),
        "locked": found.locked.total(),
        "manifests": found.manifests,
        "by_ecosystem": dict(found.by_ecosystem),
    }
    if found.total + found.locked.total() > len(listed):
        data["truncated"]["dependencies"] = found.total + found.locked.total()


def _dependency(found: Declared) -> dict[str, Any]:
    pinned = found.locked or (
        found.version if found.scope == TRANSITIVE else exact(found.ecosystem, found.version)
    )
    row = asdict(found) | {
        "manifest": clean(found.manifest, _PATH_CHARACTERS),
        "purl": purl(found.ecosystem, found.name, pinned),
        "source": "lock" if found.lock else "manifest",
    }
    del row["lock"]
    return row


def _shortened(data: dict[str, Any]) -> dict[str, Any]:
    """Halve the list that takes most until the document is small enough; `truncated` tells its length."""
    while len(json.dumps(data)) > MAX_BYTES:
        path, parent, name = max(_lists(data), key=lambda found: len(json.dumps(found[1][found[2]])))
        if not parent[name]:
            break
        data["truncated"].setdefault(path, len(parent[name]))
        parent[name] = parent[name][: len(parent[name]) // 2]
    return data


def _lists(data: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the lists in `data` and in its objects: their path, what holds them, and their name in it."""
    for name, value in data.items():
        if isinstance(value, list):
            yield prefix + name, data, name
        elif isinstance(value, dict):
            yield from _lists(value, f"{prefix}{name}.")
