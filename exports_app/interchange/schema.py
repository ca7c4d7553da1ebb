"""The schemas of exported JSON documents: what is written has the newest, older ones are read."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from sessions_app.errors import Refusal

SCHEMA_VERSION = 2
VERSIONS = (1, 2)


@cache
def validator(version: int) -> jsonschema.Draft202012Validator:
    """Return what checks a document of a version of the schema, which is one of `VERSIONS`."""
    path = Path(__file__).with_name(f"session-{version}.schema.json")
    return jsonschema.Draft202012Validator(json.loads(path.read_text()))


def require_valid(document: object) -> dict[str, Any]:
    """Return a document that its schema allows. Raises `Refusal`: `unknown_version`, `invalid_document`."""
    if not isinstance(document, dict):
        raise invalid("It is no JSON object.")
    version = document.get("schema_version")
    if type(version) is not int or version not in VERSIONS:
        known = " and ".join(map(str, VERSIONS))
        raise Refusal("unknown_version", f"Its schema_version is not one that is read here: {known}.")
    # The first flaw is enough: looking for the best one reads all of a document that is wrong throughout.
    flaw = next(validator(version).iter_errors(document), None)
    if flaw is not None:
        raise invalid(f"{flaw.json_path[:200]}: {_shortly(flaw)}.")
    return document


def invalid(detail: str) -> Refusal:
    """Return the refusal of a document that is not an exported chat."""
    return Refusal("invalid_document", f"This is not an exported chat. {detail}")


def _shortly(flaw: jsonschema.ValidationError) -> str:
    """Return what is wrong; a message of the validator's may have the whole document in it."""
    return flaw.message if len(flaw.message) <= 200 else f"it does not fit {flaw.validator!r} of the schema"
