"""An example event of each kind: built from the types, with the values of a story where it has some."""

from typing import Any, get_origin, is_typeddict

from sessions_app.event_document.story import NUMBERS, OF_KIND, OF_PAYLOAD, an_id, moment
from sessions_app.payloads import CONTROL, DURABLE, EPHEMERAL, STAFF
from sessions_app.payloads.forms import Form, OneOf
from sessions_app.payloads.reading import fields_of, members_of_union, without_annotations

_PLAIN: dict[Any, Any] = {str: "", int: 1, float: 1.0, bool: False}


def example(kind: str) -> dict[str, Any]:
    """Return an event of this kind as a client gets it; the same one each time."""
    contract = (DURABLE | EPHEMERAL | STAFF | CONTROL)[kind]
    number = NUMBERS.get(kind, 0)
    event: dict[str, Any] = {}
    if kind in DURABLE | EPHEMERAL:
        event["session_id"] = an_id("session_id")
    if kind in DURABLE:
        event["seq"] = number
    event |= {
        "kind": kind,
        "payload": _filled(contract, OF_PAYLOAD.get(contract, {}) | OF_KIND.get(kind, {})),
    }
    return event if kind in CONTROL else event | {"created_at": moment(number)}


def _filled(contract: type, values: dict[str, Any]) -> dict[str, Any]:
    """Return a payload with these values, without the optional fields that have none."""
    return {
        field.name: values.get(field.name, _plain_value(field.name, field.hint))
        for field in fields_of(contract)
        if field.required or field.name in values
    }


def _plain_value(name: str, hint: Any) -> Any:
    """Return the value that a field has where the story says nothing: null if it may be."""
    plain, notes = without_annotations(hint)
    for note in notes:
        if isinstance(note, OneOf):
            return note.words[0]
        if isinstance(note, Form):
            return an_id(name) if note.name == "UUID" else moment(0)
    if type(None) in members_of_union(plain):
        return None
    if is_typeddict(plain):
        return _filled(plain, {})
    return _PLAIN[plain] if plain in _PLAIN else (get_origin(plain) or plain)()
