"""Which models there are: from the environment, from rows of operators, from what providers list."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from rest_framework.test import APIClient

from agents_app import model_listing, model_providers
from agents_app.models import ModelProvider
from sessions_app import lifecycle
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents.answering import answers, say
from tests.agents.anthropic_server import AnthropicServer
from tests.agents.model_server import Fails, ModelServer, says

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]
KEYS = ("OPENAI", "ANTHROPIC", "GOOGLE", "GEMINI", "OLLAMA", "OPENROUTER")


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment configures no provider."""
    for name in KEYS:
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
        monkeypatch.delenv(f"{name}_BASE_URL", raising=False)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """A server with an OpenAI-compatible API."""
    with ModelServer(says("Hello from far.")) as running:
        yield running


def _names() -> list[str]:
    return [choice.name for choice in model_providers.choices()]


def test_without_configuration_only_the_demo_model_can_be_picked() -> None:
    model_listing.refresh()
    assert _names() == ["demo"]


def test_models_of_a_provider_in_the_environment_are_listed(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "key-1")
    model_listing.refresh()
    assert _names() == ["demo", "openai:model-a", "openai:model-b"]
    assert server.keys == ["Bearer key-1"]


def test_models_of_anthropic_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    with AnthropicServer(says("Hello.")) as running:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url.removesuffix("/v1"))
        monkeypatch.setenv("ANTHROPIC_API_KEY", "key-2")
        model_listing.refresh()
    assert _names() == ["demo", "anthropic:model-a", "anthropic:model-b"]


def test_an_operators_provider_is_used_with_its_own_key_alone(
    server: ModelServer, session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-environment")
    ModelProvider.objects.create(name="lab", kind="openai", base_url=server.url, offered="big\nsmall")
    lifecycle.choose_model(session.pk, "lab:big")
    assert say(session, "Hello").state == "completed"
    assert answers(session)[0].content == "Hello from far."
    assert (server.asked[0]["model"], server.keys) == ("big", ["Bearer none"])


def test_only_what_the_operator_offers_can_be_picked(server: ModelServer) -> None:
    ModelProvider.objects.create(name="lab", kind="openai", base_url=server.url, offered="model-a")
    model_listing.refresh()
    assert _names() == ["demo", "lab:model-a"]
    with pytest.raises(Refusal, match="There is no model 'lab:model-b'"):
        model_providers.check_choice("lab:model-b")


def test_a_provider_that_is_switched_off_is_neither_offered_nor_used(
    server: ModelServer, session: ChatSession
) -> None:
    row = ModelProvider.objects.create(name="lab", kind="openai", base_url=server.url, offered="big")
    lifecycle.choose_model(session.pk, "lab:big")
    ModelProvider.objects.filter(pk=row.pk).update(enabled=False)
    assert _names() == ["demo"]
    turn = say(session, "Hello")
    assert (turn.state, (turn.error or {})["code"]) == ("failed", "model_disabled")


def test_a_provider_that_does_not_answer_says_why_and_keeps_its_list() -> None:
    row = ModelProvider(name="lab", kind="openai", base_url="http://127.0.0.1:1/v1", listed=["old"])
    row.save()
    model_listing.refresh()
    row.refresh_from_db()
    assert "Connection" in row.error
    assert _names() == ["demo", "lab:old"]


def test_a_model_is_picked_for_a_session_over_rest(
    session: ChatSession, ann: Any, client_of: Callable[[Any], APIClient], server: ModelServer
) -> None:
    client, address = client_of(ann), f"/api/sessions/{session.pk}/"
    ModelProvider.objects.create(name="lab", kind="openai", base_url=server.url, offered="big")
    listed = client.get("/api/models/").json()
    assert listed[0] == {"name": "demo", "provider": "demo", "is_default": True}
    assert client.patch(address, {"model": listed[1]["name"]}).json()["model"] == "lab:big"
    refused = client.patch(address, {"model": "lab:huge"})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_model")
    assert client.post("/api/sessions/", {"model": "lab:big"}).json()["model"] == "lab:big"
    assert client.patch(address, {"model": ""}).json()["model"] == ""


def test_the_admin_takes_a_key_and_never_shows_it(settings: Any) -> None:
    get_user_model().objects.create_superuser("root", password="x")
    admin = Client()
    admin.force_login(get_user_model().objects.get(username="root"))
    form = {"name": "lab", "kind": "openai", "base_url": "http://127.0.0.1:1/v1", "enabled": "on"}
    assert (
        admin.post("/admin/agents_app/modelprovider/add/", form | {"api_key": "secret-7"}).status_code == 302
    )
    page = "/admin/agents_app/modelprovider/lab/change/"
    assert b"secret-7" not in admin.get(page).content
    assert admin.post(page, form | {"offered": "big", "api_key": ""}).status_code == 302
    row = ModelProvider.objects.get(pk="lab")
    assert (row.api_key, row.models()) == ("secret-7", ["big"])
    admin.post(page, form | {"api_key": "", "forget_key": "on"})
    assert ModelProvider.objects.get(pk="lab").api_key == ""


def test_a_key_that_a_provider_repeats_is_not_told(session: ChatSession) -> None:
    with ModelServer(Fails(401, "Incorrect API key provided: sk-proj-12345678")) as running:
        ModelProvider.objects.create(name="lab", kind="openai", base_url=running.url, offered="big")
        lifecycle.choose_model(session.pk, "lab:big")
        turn = say(session, "Hello")
    assert "12345678" not in str(turn.error)
