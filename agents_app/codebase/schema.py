"""The JSON Schema of an analysis's JSON document, and the table of its fields for people.

Later versions may add fields; one that takes away or changes any has another `schema_version`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_Schema = dict[str, Any]


def _object(description: str, fields: Mapping[str, _Schema], optional: tuple[str, ...] = ()) -> _Schema:
    required = [name for name in fields if name not in optional]
    return {"type": "object", "description": description, "properties": dict(fields), "required": required}


def _list(description: str, items: _Schema) -> _Schema:
    return {"type": "array", "description": description, "items": items}


def _counts(description: str) -> _Schema:
    return {
        "type": "object",
        "description": description,
        "additionalProperties": {"type": "integer", "minimum": 0},
    }


def _count(description: str) -> _Schema:
    return {"type": "integer", "minimum": 0, "description": description}


def _text(description: str, *choices: str) -> _Schema:
    return {"type": "string", "description": description} | ({"enum": list(choices)} if choices else {})


def _flag(description: str) -> _Schema:
    return {"type": "boolean", "description": description}


_LINES = {
    "files": _count("files counted"),
    "lines": _count("all lines"),
    "code": _count("lines of code"),
    "comments": _count("lines of comments"),
    "blanks": _count("blank lines"),
    "complexity": _count("branches, as scc counts them"),
}
_REPOSITORY = _object(
    "what was analyzed",
    {
        "name": _text("its name"),
        "url": _text("where it was cloned from, without credentials"),
        "path": _text("the folder that was read"),
        "file": _text("the name of the uploaded archive"),
        "ref": _text("the branch or tag that was asked for"),
        "subfolder": _text("the folder of the code base that was looked at alone; empty for all of it"),
        "commit": _text("the commit's hash; empty if there is none"),
        "branch": _text("the branch; empty if not known"),
        "committed_at": _text("when the commit was made, ISO 8601; empty if not known"),
        "analyzed_at": _text("when the analysis began, ISO 8601"),
    },
    optional=("url", "path", "file", "ref"),
)
_TOTALS = _object(
    "figures of all files",
    {**_LINES, "files": _count("all files"), "counted_files": _count("files whose lines were counted")}
    | {"bytes": _count("bytes of all files")},
    optional=("counted_files", "lines", "code", "comments", "blanks", "complexity"),
)
_LANGUAGE = _object(
    "",
    {"name": _text("the language"), **_LINES, "percent": {"type": "number", "description": "of all code"}},
)
_FILE = _object(
    "",
    {
        "path": _text("below the root"),
        "language": _text("its language"),
        "lines": _count("all its lines"),
        "code": _count("its lines of code"),
        "complexity": _count("its branches"),
    },
)
_SYMBOL_COUNTS = {
    "functions": _count("functions outside of classes"),
    "methods": _count("functions in classes"),
    "classes": _count("classes and what is like them"),
    "kinds": _counts("what these are: class, interface, struct, union, enum, record, trait, module"),
    "files": _count("files that were read"),
}
_SYMBOLS = _object(
    "functions and classes",
    {
        **_SYMBOL_COUNTS,
        "long_functions": _count("functions of over 100 lines"),
        "languages": _list(
            "the same by language", _object("", {"name": _text("the language"), **_SYMBOL_COUNTS})
        ),
    },
)
_FUNCTION = _object(
    "",
    {
        "name": _text("its name"),
        "file": _text("where it is"),
        "line": _count("where it begins, from 1"),
        "lines": _count("how long it is"),
        "language": _text("its language"),
    },
)
_CHANGES = {"commits": _count("commits"), "added": _count("lines added"), "removed": _count("lines removed")}
_ACTIVITY = _object(
    "git's history as far as it was read; absent if there is none",
    {
        "commits": _count("commits that were read"),
        "authors": _count("different addresses of authors"),
        "first_at": _text("the oldest commit, ISO 8601; empty if there is none"),
        "last_at": _text("the newest commit, ISO 8601; empty if there is none"),
        "shallow": _flag("whether there is older history that was not read"),
        "months": _list(
            "months with commits, oldest first, at most 240",
            _object("", {"month": _text("YYYY-MM"), **_CHANGES, "authors": _count("different authors")}),
        ),
        "top_authors": _list(
            "most commits first, at most 20", _object("", {"name": _text("the author's name"), **_CHANGES})
        ),
    },
)
_DUPLICATES = _object(
    "files of 64 bytes or more with the same content",
    {
        "groups": _count("different contents that are there more than once"),
        "files": _count("files in these groups"),
        "bytes": _count("what all but one of each group take"),
        "largest": _list(
            "the largest groups, at most 20",
            _object(
                "",
                {
                    "bytes": _count("what all but one take"),
                    "files": _count("how many there are"),
                    "paths": {
                        "type": "array",
                        "description": "the first of them, at most 10",
                        "items": {"type": "string"},
                    },
                },
            ),
        ),
    },
)
_DEPENDENCY = _object(
    "",
    {
        "ecosystem": _text("the type in package URLs: pypi, npm, golang, cargo, maven, gem, composer"),
        "name": _text("the package"),
        "version": _text("the constraint as declared, or the version in a lock file"),
        "scope": _text(
            "what it is for; transitive if only a lock file names it (or go.mod, as indirect)",
            *("runtime", "dev", "optional", "peer", "transitive"),
        ),
        "manifest": _text("the file that names it"),
        "locked": _text("the version that a lock file has chosen; empty if none"),
        "purl": _text("package URL, with a version where one is pinned"),
        "source": _text("which kind of file", "manifest", "lock"),
        "latest": _text("the newest version in the registry; empty if not known"),
        "outdated": {
            "type": ["boolean", "null"],
            "description": "whether there is a newer one than it takes; null if not known",
        },
    },
)
_DEPENDENCY_TOTALS = _object(
    "figures of all dependencies",
    {
        "declared": _count("in manifests"),
        "packages": _count("different packages of these"),
        "runtime": _count("declared for run time"),
        "unpinned": _count("of these, which take any version and are not locked"),
        "outdated": _count("declared ones that are outdated"),
        "unknown": _count("declared ones of which that is not known"),
        "locked": _count("transitive ones, beside the declared"),
        "manifests": _count("manifests, without lock files"),
        "by_ecosystem": _counts("declared ones by ecosystem"),
    },
)
_PARTS: dict[str, _Schema] = {
    "totals": _TOTALS,
    "languages": _list("most code first, at most 60", _LANGUAGE),
    "largest_files": _list("most lines first, at most 20", _FILE),
    "most_complex_files": _list("most branches first, at most 20", _FILE),
    "symbols": _SYMBOLS,
    "largest_functions": _list("longest first, at most 20", _FUNCTION),
    "tests": _object(
        "by the usual names",
        {"files": _count("files of tests"), "functions": _count("functions that are tests")},
    ),
    "duplicates": _DUPLICATES,
    "activity": _ACTIVITY,
    "dependencies": _list("declared ones first, at most 1,000", _DEPENDENCY),
    "dependency_totals": _DEPENDENCY_TOTALS,
    "manifests_unreadable": _list(
        "at most 50", _object("", {"path": _text("the manifest"), "reason": _text("why it was not read")})
    ),
    "licences": _list(
        "licence files",
        _object("", {"path": _text("the file"), "licence": _text("SPDX identifier, or unknown")}),
    ),
}
SCHEMA: _Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Analysis of a code base",
    **_object(
        "Parts that were not reached are absent; a complete document has all, `activity` if there is any.",
        {
            "schema_version": {"const": 1, "description": "the version of this schema"},
            "complete": _flag("false in what is kept of an analysis that did not finish"),
            "repository": _REPOSITORY,
            **_PARTS,
            "not_analyzed": {
                "type": "object",
                "description": "what was left out, by reason: how often, or a sentence on what failed",
                "additionalProperties": {"type": ["integer", "string", "object"]},
            },
            "truncated": _counts(
                "lists that were shortened, such as `duplicates.largest`: their full length"
            ),
            "duration_seconds": {
                "type": "object",
                "description": "by stage, and `total`",
                "additionalProperties": {"type": "number", "minimum": 0},
            },
        },
        optional=tuple(_PARTS),
    ),
    "if": {"properties": {"complete": {"const": True}}},
    "then": {"required": [name for name in _PARTS if name != "activity"]},
}


def table() -> str:
    """Return the fields of the document as a table in Markdown."""
    rows = [f"| `{path}` | {kind} | {description} |" for path, kind, description in _fields(SCHEMA, "")]
    return "\n".join(("| Field | Type | Meaning |", "| --- | --- | --- |", *rows))


def _fields(schema: _Schema, prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in schema.get("properties", {}).items():
        path, inner = prefix + name, field
        if field.get("type") == "array":
            path, inner = f"{path}[]", field["items"]
        yield path, _kind(field), field["description"]
        yield from _fields(inner, f"{path}.")


def _kind(field: _Schema) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    kind = field["type"]
    return " or ".join(kind) if isinstance(kind, list) else kind
