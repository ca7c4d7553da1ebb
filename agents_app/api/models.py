"""REST: language models."""

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app import model_providers
from agents_app.model_providers import Choice


class ModelSerializer(serializers.Serializer[Choice]):
    """A model that can be picked for a session."""

    name = serializers.CharField(help_text="`provider:model`: what a session's `model` is set to")
    provider = serializers.CharField()
    is_default = serializers.BooleanField(help_text="whether sessions without a model of their own use it")


class ModelsView(APIView):
    """The language models."""

    @extend_schema(responses=ModelSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the models that can be picked, the server's own choice first."""
        return Response([asdict(choice) for choice in model_providers.choices()])
