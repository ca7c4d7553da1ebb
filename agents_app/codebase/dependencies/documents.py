"""Documents in the formats that manifests and lock files are written in."""

import json
import tomllib

import yaml

from agents_app.codebase.dependencies.model import Unreadable, text

_YAML_DEPTH_MAX = 50
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def json_document(data: bytes) -> dict[str, object]:
    """Return a JSON object; raises `Unreadable` for anything else."""
    try:
        document = json.loads(text(data))
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    if not isinstance(document, dict):
        raise Unreadable("not a JSON object")
    return document


def toml_document(data: bytes) -> dict[str, object]:
    """Return a TOML document; raises `Unreadable` for anything else."""
    try:
        return tomllib.loads(text(data))
    except (ValueError, RecursionError):
        raise Unreadable("not TOML") from None


def yaml_document(data: bytes) -> dict[str, object]:
    """Return a YAML mapping of plain data; raises `Unreadable` for anything else.

    Aliases are refused: a few of them that name each other stand for more than any memory holds.
    """
    content = text(data)
    try:
        _guard(content)
        document = yaml.load(content, Loader=_LOADER)  # noqa: S506 - a safe loader, the quick one if there
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        raise Unreadable("not YAML") from None
    if not isinstance(document, dict):
        raise Unreadable("not a YAML mapping")
    return {str(key): value for key, value in document.items()}


def _guard(content: str) -> None:
    depth = 0
    for event in yaml.parse(content, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable("it has aliases")
        if depth > _YAML_DEPTH_MAX:
            raise Unreadable("too deeply nested")
