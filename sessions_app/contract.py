"""Serializers whose shape is a TypedDict of the event contract: REST and events show rows alike."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import resolve_type_hint
from rest_framework import serializers


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
        """Return the schema of the contract."""
        return dict(resolve_type_hint(self.target.contract))

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:
        """Return the component's name."""
        return str(self.target.contract.__name__.removesuffix("Payload"))
