"""Whether an event is what the contract says: its envelope, its payload, every field of it."""

import json
import re
from typing import Any, get_args, get_origin, is_typeddict

from sessions_app.payloads import (
    CONTROL,
    DURABLE,
    EPHEMERAL,
    PAYLOAD_MAX_BYTES,
    STAFF,
    ControlEvent,
    DurableEvent,
    EphemeralEvent,
    StaffEvent,
)
from sessions_app.payloads.forms import Form, OneOf
from sessions_app.payloads.reading import fields_of, members_of_union, without_annotations

_ENVELOPES: list[tuple[dict[str, type], type]] = [
    (DURABLE, DurableEvent),
    (EPHEMERAL, EphemeralEvent),
    (STAFF, StaffEvent),
    (CONTROL, ControlEvent),
]
# JSON's own types; that true is no number is what `type` tells apart and `isinstance` does not.
_JSON: dict[Any, set[type]] = {
    str: {str},
    bool: {bool},
    int: {int},
    float: {int, float},
    type(None): {type(None)},
}


def assert_conforms(event: dict[str, Any]) -> None:
    """Fail with every flaw of an event."""
    assert flaws(event) == [], event


def flaws(event: dict[str, Any]) -> list[str]:
    """Return what is wrong with an event, each flaw with the path to it; nothing if it conforms."""
    for kinds, envelope in _ENVELOPES:
        if (kind := event.get("kind")) in kinds:
            return [
                *_flaws(envelope, event, kind),
                *_flaws(kinds[kind], event.get("payload"), f"{kind}.payload"),
                *_size(event),
            ]
    return [f"{event.get('kind')!r} is no known kind"]


def _size(event: dict[str, Any]) -> list[str]:
    size = len(json.dumps(event.get("payload"), separators=(",", ":"), ensure_ascii=False).encode())
    return [f"{event['kind']}.payload has {size} bytes"] if size > PAYLOAD_MAX_BYTES else []


def _flaws(hint: Any, value: Any, path: str) -> list[str]:
    plain, notes = without_annotations(hint)
    if members := members_of_union(plain):
        found = [_flaws(member, value, path) for member in members]
        # The longest tells most: what is wrong inside an object, not only that it is not null.
        return [] if [] in found else max(found, key=len)
    if is_typeddict(plain):
        return _flaws_of_object(plain, value, path)
    if get_origin(plain) in (list, dict):
        return _flaws_inside(plain, value, path)
    if plain is not Any and type(value) not in _JSON[plain]:
        return [f"{path} is {value!r}, not {plain.__name__}"]
    return [flaw for note in notes if (flaw := _flaw_of_text(note, value, path))]


def _flaws_of_object(contract: type, value: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path} is {value!r}, no object"]
    fields = {field.name: field for field in fields_of(contract)}
    missing = [
        f"{path} lacks {name}" for name, field in fields.items() if field.required and name not in value
    ]
    extra = [f"{path} has the unknown {name}" for name in value.keys() - fields.keys()]
    present = [fields[name] for name in value.keys() & fields.keys()]
    inner = [
        flaw for field in present for flaw in _flaws(field.hint, value[field.name], f"{path}.{field.name}")
    ]
    return sorted(missing + extra + inner)


def _flaws_inside(plain: Any, value: Any, path: str) -> list[str]:
    container, inner = get_origin(plain), get_args(plain)[-1]
    if type(value) is not container:
        return [f"{path} is {value!r}, not {container.__name__}"]
    items = value.items() if container is dict else enumerate(value)
    return [flaw for key, item in items for flaw in _flaws(inner, item, f"{path}.{key}")]


def _flaw_of_text(note: object, value: str, path: str) -> str:
    if isinstance(note, Form) and not re.fullmatch(note.pattern, value):
        return f"{path} is {value!r}, no {note.name}"
    if isinstance(note, OneOf) and value not in note.words:
        return f"{path} is {value!r}, not one of {', '.join(note.words)}"
    return ""
