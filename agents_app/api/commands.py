"""REST: slash commands."""

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents_app.commands import HELP, Help


class CommandSerializer(serializers.Serializer[Help]):
    """A message that begins with `/name` and is carried out without asking a model."""

    name = serializers.CharField()
    arguments = serializers.CharField(help_text="what may follow the name; empty if nothing does")
    description = serializers.CharField(help_text="Markdown, one line")


class CommandsView(APIView):
    """The slash commands."""

    @extend_schema(responses=CommandSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the commands that a message may begin with."""
        return Response([asdict(one) for one in HELP])
