"""Serializers whose shape is a TypedDict of the event contract: REST and events show rows alike."""

from typing import Any, get_args, is_typeddict

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import resolve_type_hint
from rest_framework import serializers

from sessions_app.payloads.forms import Form, OneOf
from sessions_app.payloads.reading import Field, fields_of, members_of_union, without_annotations


class PayloadSerializer(serializers.BaseSerializer[Any]):
    """Shows a row as `contract` says; subclasses name the TypedDict and the function that fills it."""

    contract: type

    def to_internal_value(self, data: object) -> object:
        """Refuse: payloads are only shown."""
        raise NotImplementedError(f"{type(self).__name__} only shows rows")


class PayloadSchema(OpenApiSerializerExtension):
    """Writes the TypedDict into the OpenAPI schema."""

    target_class = PayloadSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """Return the schema of the contract with what its annotations say."""
        schema = dict(resolve_type_hint(self.target.contract))
        _annotate(schema, self.target.contract)
        return schema

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:
        """Return the component's name."""
        return str(self.target.contract.__name__.removesuffix("Payload"))


def _annotate(schema: dict[str, Any], hint: Any) -> None:
    """Add to the `schema` of a type what its annotations say: drf-spectacular passes them over."""
    plain, notes = without_annotations(hint)
    members = members_of_union(plain)
    if is_typeddict(plain):
        _annotate_fields(schema, fields_of(plain))
    elif members:
        for member in members:
            _annotate(schema, member)
    elif arguments := get_args(plain):  # of a list or of a dict
        _annotate(schema.get("items") or schema.get("additionalProperties") or {}, arguments[-1])
    for note in notes:
        schema.update(_said_by(note))


def _annotate_fields(schema: dict[str, Any], fields: list[Field]) -> None:
    # drf-spectacular takes them from a set, in another order each time.
    schema["required"] = [field.name for field in fields if field.required]
    for field in fields:
        _annotate(schema["properties"][field.name], field.hint)


def _said_by(note: object) -> dict[str, Any]:
    match note:
        case Form(openapi_format=name):
            return {"format": name}
        case OneOf(words=words):
            return {"enum": list(words)}
        case _:
            return {"description": str(note)}
