"""The document's Markdown: the introduction, then every kind with its fields and an example."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args, get_origin, is_typeddict

from sessions_app.close_codes import CloseCode
from sessions_app.event_document.examples import example
from sessions_app.payloads import (
    CONTROL,
    DURABLE,
    EPHEMERAL,
    MEANINGS,
    STAFF,
    DurableEvent,
)
from sessions_app.payloads.forms import Form, OneOf
from sessions_app.payloads.reading import (
    Field,
    fields_of,
    members_of_union,
    nested_contracts,
    without_annotations,
)

_INTRODUCTION = Path(__file__).with_name("introduction.md")
_GROUPS = (
    ("Durable events", "Stored and numbered: replayed in order, none missing, none twice.", DURABLE),
    (
        "Ephemeral events",
        "Not stored, so without `seq` and not in lists by REST: safe to miss.",
        EPHEMERAL,
    ),
    ("Events for staff", "On `/ws/staff/` only, without `session_id` and `seq`: safe to miss.", STAFF),
    ("Control events", "What a feed tells one client about itself: `kind` and `payload` alone.", CONTROL),
)
_NAMES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    Any: "anything",
}


def render() -> str:
    """Return the whole document; the same text for the same contract."""
    groups = (line for group in _GROUPS for line in _group(*group))
    return "\n".join([_introduction(), *groups, *_nested_types()])


def _introduction() -> str:
    codes = [f"| {code.value} | {code.sentence} |" for code in CloseCode]
    text = _INTRODUCTION.read_text(encoding="utf-8")
    text = text.replace(
        "<!-- close codes -->", "\n".join(["| code | what it means |", "| --- | --- |", *codes])
    )
    return text.replace("<!-- envelope -->", "\n".join(_fields(DurableEvent)))


def _group(title: str, sentence: str, kinds: dict[str, type]) -> Iterable[str]:
    links = ", ".join(f"[`{kind}`](#{_anchor(kind)})" for kind in kinds)
    yield from (f"## {title}", "", sentence, "", f"{links}.", "")
    for contract in dict.fromkeys(kinds.values()):
        yield from _payload(contract, [kind for kind, other in kinds.items() if other is contract])


def _payload(contract: type, kinds: list[str]) -> Iterable[str]:
    """Describe a payload; several kinds that share it get a heading each below its own."""
    about = (_summary(contract), "", *_fields(contract))
    if len(kinds) == 1:
        yield from (f"### `{kinds[0]}`", "", *about, *_shown(kinds[0]))
        return
    yield from (f"### {_title(contract)}", "", *about)
    for kind in kinds:
        yield from (f"#### `{kind}`", "", MEANINGS[kind], "", *_shown(kind))


def _shown(kind: str) -> Iterable[str]:
    yield from ("```json", json.dumps(example(kind), indent=2, ensure_ascii=False), "```", "")


def _nested_types() -> Iterable[str]:
    contracts = [contract for _, _, kinds in _GROUPS for contract in kinds.values()]
    nested = dict.fromkeys(inner for contract in contracts for inner in nested_contracts(contract))
    yield from ("## Types inside payloads", "")
    for contract in nested:
        yield from (f"### {_title(contract)}", "", _summary(contract), "", *_fields(contract))


def _fields(contract: type) -> list[str]:
    fields = fields_of(contract)
    if not fields:
        return []
    rows = [f"| `{field.name}` | {_type_of(field)} | {field.sentence} |" for field in fields]
    return ["| field | type | meaning |", "| --- | --- | --- |", *rows, ""]


def _type_of(field: Field) -> str:
    return _words(field.hint) + ("" if field.required else ", may be left out")


def _words(hint: Any) -> str:
    """Return a type in words."""
    plain, notes = without_annotations(hint)
    for note in notes:
        if isinstance(note, OneOf):
            return _either([f"`{word}`" for word in note.words])
        if isinstance(note, Form):
            return note.name
    if members := members_of_union(plain):
        return _either([_words(member) for member in members])
    if is_typeddict(plain):
        return f"[{_title(plain)}](#{_anchor(_title(plain))})"
    return _NAMES.get(plain) or _words_of_container(plain)


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _words_of_container(plain: Any) -> str:
    inner = get_args(plain)[-1]
    if get_origin(plain) is list:
        return f"array; each value: {_words(inner)}"
    return "object" if inner is Any else f"object; each value: {_words(inner)}"


def _summary(contract: type) -> str:
    return " ".join((contract.__doc__ or "").split())


def _title(contract: type) -> str:
    return contract.__name__.removesuffix("Payload")


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return heading.lower().replace(".", "")
