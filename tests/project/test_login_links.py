from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils import timezone

from mcpchat_project.accounts.login_links import is_usable, make_link, use_link
from mcpchat_project.accounts.models import LoginLink


@pytest.fixture
def cleo(db: None) -> User:
    """A user who has no password."""
    return User.objects.create_user("cleo")


def test_a_link_logs_its_user_in_once(cleo: User) -> None:
    token = make_link(cleo)
    assert use_link(token) == cleo
    assert use_link(token) is None


def test_the_token_itself_is_not_stored(cleo: User) -> None:
    token = make_link(cleo)
    assert token not in str(LoginLink.objects.values_list().get())


def test_an_expired_link_does_not_work(cleo: User) -> None:
    token = make_link(cleo)
    LoginLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not is_usable(token)
    assert use_link(token) is None


def test_a_link_expires_after_the_time_that_is_set(cleo: User, settings: LazySettings) -> None:
    settings.LOGIN_LINK_SECONDS = 60
    make_link(cleo)
    link = LoginLink.objects.get()
    assert link.expires_at - link.created_at == pytest.approx(timedelta(seconds=60), abs=timedelta(seconds=1))


def test_a_link_of_a_user_who_was_switched_off_does_not_work(cleo: User) -> None:
    token = make_link(cleo)
    User.objects.update(is_active=False)
    assert not is_usable(token)
    assert use_link(token) is None


def test_links_are_forgotten_a_month_after_they_expired(cleo: User) -> None:
    make_link(cleo)
    LoginLink.objects.update(expires_at=timezone.now() - timedelta(days=31))
    make_link(cleo)
    assert LoginLink.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_uses_at_once_one_logs_in() -> None:
    token = make_link(User.objects.create_user("cleo"))
    at_once = Barrier(6)

    def use(_: int) -> bool:
        at_once.wait(timeout=10)
        try:
            return use_link(token) is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(use, range(6))) == 1


def test_looking_at_the_page_does_not_use_the_link_and_the_button_does(client: Client, cleo: User) -> None:
    address = f"/login/link/{make_link(cleo)}/"
    for _ in range(2):
        assert "Log in" in client.get(address).content.decode()
    answer = client.post(address)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(cleo.pk)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_does_not_work_says_how_to_get_another(client: Client, cleo: User, method: str) -> None:
    token = make_link(cleo)
    use_link(token)
    for spent in (token, "no-such-token"):
        answer = getattr(client, method)(f"/login/link/{spent}/")
        assert answer.status_code == 410
        assert "make login-link" in answer.content.decode()
        assert "_auth_user_id" not in client.session


def test_the_page_of_a_link_is_not_cached_and_its_button_needs_the_csrf_token(cleo: User) -> None:
    client = Client(enforce_csrf_checks=True)
    address = f"/login/link/{make_link(cleo)}/"
    assert "no-store" in client.get(address)["Cache-Control"]
    assert client.post(address).status_code == 403
    assert LoginLink.objects.get().used_at is None
