"""Reads the contract at run time: the fields of a TypedDict and what their annotations say."""

import types
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a TypedDict; `hint` is its type with annotations, `sentence` what its name does not say."""

    name: str
    hint: Any
    required: bool
    sentence: str


def fields_of(contract: type) -> list[Field]:
    """Return the fields of a TypedDict in the order in which they are written."""
    hints = get_type_hints(contract, include_extras=True)
    required: frozenset[str] = getattr(contract, "__required_keys__")  # noqa: B009  # mypy knows of none
    return [_field(name, hint, name in required) for name, hint in hints.items()]


def without_annotations(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return a type without its outermost annotations, and those."""
    if get_origin(hint) is Annotated:
        return hint.__origin__, hint.__metadata__
    return hint, ()


def members_of_union(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union; nothing if the type is none."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else ()


def nested_contracts(contract: type) -> list[type]:
    """Return the TypedDicts that the fields of `contract` are made of, each once, in order."""
    found: dict[type, None] = {}
    for field in fields_of(contract):
        for part in _parts(field.hint):
            if is_typeddict(part):
                found |= dict.fromkeys([part, *nested_contracts(part)])
    return list(found)


def _field(name: str, hint: Any, required: bool) -> Field:
    if get_origin(hint) is NotRequired:
        (hint,) = get_args(hint)
    sentences = [note for note in without_annotations(hint)[1] if isinstance(note, str)]
    # An alias may bring a sentence of its own; the one written last is the field's.
    return Field(name=name, hint=hint, required=required, sentence=sentences[-1] if sentences else "")


def _parts(hint: Any) -> list[Any]:
    """Return a type and all that it is made of."""
    plain, _ = without_annotations(hint)
    return [plain, *(inner for part in get_args(plain) for inner in _parts(part))]
