"""REST: chat sessions, their messages and events."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from sessions_app import branches, lifecycle, messages, plain, snapshot
from sessions_app.contract import PayloadSerializer
from sessions_app.errors import Refusal, not_found
from sessions_app.models import ChatSession, Event, Message
from sessions_app.negotiation import AnyAccept
from sessions_app.pagination import InOrder, MostRecentlyActive
from sessions_app.payloads import MessagePayload
from sessions_app.querysets import within

EVENTS_A_PAGE = 500
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="at most 100 characters; the same key again does nothing twice",
)


class SessionSerializer(serializers.ModelSerializer[ChatSession]):
    """A chat session as lists show it."""

    title = serializers.CharField(required=False, allow_blank=True, max_length=lifecycle.TITLE_MAX_CHARACTERS)
    model = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="`provider:model`, one of `GET /api/models/`; empty for the server's own choice",
    )

    class Meta:
        model = ChatSession
        fields = [
            "id", "title", "state", "model", "message_count", "last_seq", "created_at", "last_activity_at",
        ]  # fmt: skip
        read_only_fields = [
            "id",
            "state",
            "message_count",
            "last_seq",
            "created_at",
            "last_activity_at",
        ]


class MessageSerializer(PayloadSerializer):
    """A message with its Markdown and its sanitised HTML."""

    contract = MessagePayload

    def to_representation(self, instance: Message) -> dict[str, Any]:
        """Return the payload of the event contract."""
        return dict(messages.payload(instance))


class PostMessageSerializer(serializers.Serializer[Any]):
    """What a user says."""

    content = serializers.CharField(trim_whitespace=False, allow_blank=True)


class EventSerializer(serializers.ModelSerializer[Event]):
    """A durable event."""

    class Meta:
        model = Event
        fields = ["session_id", "seq", "kind", "payload", "created_at"]


def owned_session(request: Request, session_id: UUID | str) -> ChatSession:
    """Return the caller's session; another user's looks like none. Raises `Refusal` (`not_found`)."""
    session = ChatSession.objects.owned_by(request.user).filter(pk=session_id).first()
    if session is None:
        raise not_found("session")
    return session


def idempotency_key(request: Request) -> str:
    """Return the caller's `Idempotency-Key` or an empty string; raise `Refusal` for one that is too long."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > 100:
        raise Refusal("invalid_idempotency_key", "An Idempotency-Key has at most 100 characters.")
    return key


class SessionViewSet(
    mixins.ListModelMixin, viewsets.GenericViewSet[ChatSession]
):  # The verbs are written out: each calls the function of that name in `lifecycle`.
    """Chat sessions of the caller."""

    serializer_class = SessionSerializer
    pagination_class = MostRecentlyActive
    queryset = ChatSession.objects.none()
    filterset_fields = ["state"]
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[ChatSession]:
        """Return the caller's sessions, those whose title contains `search` if that is given."""
        sessions = ChatSession.objects.owned_by(self.request.user)
        search = plain.text(self.request.GET.get("search", ""), 200).strip()
        return sessions.filter(title__icontains=search) if search else sessions

    @extend_schema(parameters=[OpenApiParameter("search", str, description="text in the title")])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the caller's sessions, the one last talked in first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(parameters=[IDEMPOTENCY_KEY])
    def create(self, request: Request) -> Response:
        """Start a session."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wish = serializer.validated_data
        session = lifecycle.start(
            request.user,
            wish.get("title", ""),
            wish.get("model", ""),
            idempotency_key=idempotency_key(request),
        )
        return Response(snapshot.summary(session), status=201)

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """Return the snapshot: the session with its messages, tool calls, subagents, exports and turn."""
        return Response(snapshot.read(owned_session(request, pk).pk))

    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Rename the session, or have its next answers made by another model."""
        session = owned_session(request, pk)
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        if "title" in serializer.validated_data:
            lifecycle.rename(session.pk, serializer.validated_data["title"])
        if "model" in serializer.validated_data:
            lifecycle.choose_model(session.pk, serializer.validated_data["model"])
        return self._summary(pk)

    def destroy(self, request: Request, pk: UUID) -> Response:
        """Delete the session and all that belongs to it."""
        lifecycle.delete(owned_session(request, pk).pk)
        return Response(status=204)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: UUID) -> Response:
        """Put the session away."""
        lifecycle.archive(owned_session(request, pk).pk)
        return self._summary(pk)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: UUID) -> Response:
        """Take an archived session back."""
        lifecycle.restore(owned_session(request, pk).pk)
        return self._summary(pk)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: UUID) -> Response:
        """End the session and its work."""
        lifecycle.stop(owned_session(request, pk).pk)
        return self._summary(pk)

    def _summary(self, session_id: UUID) -> Response:
        return Response(snapshot.summary(ChatSession.objects.get(pk=session_id)))


class EventsView(APIView):
    """Durable events of one session."""

    # Who would rather have a stream gets one: see `event_stream`.
    content_negotiation_class = AnyAccept

    @extend_schema(
        parameters=[
            OpenApiParameter("after", int, description="events that follow this seq"),
            OpenApiParameter("wait", float, description="seconds to wait for one, at most 30"),
        ],
        responses=EventSerializer(many=True),
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        """List up to 500 durable events after `after`, in order; wait for one if there is none.

        With `Accept: text/event-stream` they come as server-sent events, those that are not stored too.
        """
        after = _after(request)
        session = owned_session(request, session_id)
        oldest, newest = session.kept_seqs()
        if after > newest:
            raise Refusal("invalid_after", f"The newest event of this session is {newest}.")
        if after < oldest - 1:
            raise Refusal(
                "events_pruned",
                "Those events were removed. Load the session and go on after its last_seq.",
                status=410,
                last_seq=newest,
            )
        return Response(EventSerializer(session.events.after(after)[:EVENTS_A_PAGE], many=True).data)


def _after(request: Request) -> int:
    text = request.GET.get("after", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refusal("invalid_after", "after is the seq of an event, or 0.")
    return int(text)


class MessageViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Message]):
    """Messages of one session."""

    serializer_class = MessageSerializer
    pagination_class = InOrder
    queryset = Message.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Message]:
        """Return the messages of the session in the address, if it is the caller's."""
        return owned_session(self.request, self.kwargs["session_id"]).messages.in_order()

    @extend_schema(
        parameters=[OpenApiParameter("branch", UUID, description="of this branch instead of the current one")]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the messages of the current branch in order, or of another."""
        return super().list(request, *args, **kwargs)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Leave those of a branch, in lists; the address of a message finds it in any."""
        found = super().filter_queryset(queryset)
        if self.action != "list":
            return found
        session = owned_session(self.request, self.kwargs["session_id"])
        wanted = self.request.GET.get("branch")
        ranges = branches.find(session, wanted).ranges if wanted else branches.current(session)
        return found.filter(within(ranges))

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY], request=PostMessageSerializer, responses={201: MessageSerializer}
    )
    def create(self, request: Request, session_id: UUID) -> Response:
        """Say something; the main agent answers in a turn of its own."""
        session = owned_session(request, session_id)
        serializer = PostMessageSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        message = messages.post(session.pk, serializer.validated_data["content"], idempotency_key(request))
        return Response(messages.payload(message), status=201)

    def retrieve(self, request: Request, session_id: UUID, pk: UUID) -> Response:
        """Return one message whole."""
        message = self.get_queryset().filter(pk=pk).first()
        if message is None:
            raise not_found("message")
        return Response(messages.payload(message))
