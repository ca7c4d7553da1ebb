import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from knox.models import AuthToken

from mcpchat_project.accounts.api_tokens import TOKENS_PER_USER

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "a staple battery horse"


@pytest.fixture
def emma(db: None) -> User:
    """A user without a password."""
    return User.objects.create_user("emma")


@pytest.fixture
def page(client: Client, emma: User) -> Client:
    """A browser in which emma is logged in."""
    client.force_login(emma)
    return client


def new_token(page: Client) -> str:
    """Make a token on the page and return it."""
    html = page.post("/account/tokens/").content.decode()
    found = re.search(r'data-testid="new-token">([0-9a-f]+)<', html)
    assert found
    return found[1]


@pytest.mark.parametrize("path", ["", "name/", "password/", "tokens/", "tokens/delete/"])
def test_a_stranger_is_sent_to_the_login(client: Client, path: str, db: None) -> None:
    for send in (client.get, client.post):
        assert send(f"/account/{path}")["Location"].startswith("/login/?next=")


def test_a_token_is_shown_once_and_works_on_the_api(page: Client, client: Client) -> None:
    token = new_token(page)
    assert token not in page.get("/account/").content.decode()
    assert token[:8] in page.get("/account/").content.decode()
    page.logout()
    assert client.get("/api/sessions/", headers={"Authorization": f"Token {token}"}).status_code == 200


def test_a_deleted_token_works_no_more(page: Client, client: Client) -> None:
    token = new_token(page)
    page.post("/account/tokens/delete/", {"key": AuthToken.objects.get().token_key})
    page.logout()
    assert client.get("/api/sessions/", headers={"Authorization": f"Token {token}"}).status_code == 401


def test_nobody_deletes_the_token_of_another(page: Client, db: None) -> None:
    AuthToken.objects.create(user=User.objects.create_user("frank"))
    page.post("/account/tokens/delete/", {"key": AuthToken.objects.get().token_key})
    assert AuthToken.objects.count() == 1


def test_the_number_of_tokens_is_limited(page: Client, emma: User) -> None:
    for _ in range(TOKENS_PER_USER):
        AuthToken.objects.create(user=emma)
    answer = page.post("/account/tokens/")
    assert answer.status_code == 409
    assert "which is the limit" in answer.content.decode()
    assert AuthToken.objects.count() == TOKENS_PER_USER


def test_a_first_password_is_set_without_an_old_one_and_the_login_stays(page: Client, emma: User) -> None:
    answer = page.post("/account/password/", {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert answer["Location"] == "/account/"
    assert page.get("/account/").status_code == 200
    emma.refresh_from_db()
    assert emma.check_password(PASSWORD)


def test_another_password_needs_the_old_one_and_ends_other_logins(page: Client, emma: User) -> None:
    emma.set_password(PASSWORD)
    emma.save()
    page.force_login(emma)
    elsewhere = Client()
    elsewhere.force_login(emma)
    form = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert page.post("/account/password/", form).status_code == 400
    assert page.post("/account/password/", form | {"old_password": "wrong"}).status_code == 400
    assert page.post("/account/password/", form | {"old_password": PASSWORD}).status_code == 302
    assert page.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


def test_a_poor_password_is_refused_with_the_reason(page: Client) -> None:
    answer = page.post("/account/password/", {"new_password1": "1234", "new_password2": "1234"})
    assert answer.status_code == 400
    assert "too short" in answer.content.decode()


def test_a_name_is_kept_and_its_markup_is_text(page: Client, emma: User) -> None:
    assert page.post("/account/name/", {"first_name": "<b>Emma</b>", "last_name": ""}).status_code == 302
    assert "&lt;b&gt;Emma" in page.get("/account/").content.decode()
    assert page.post("/account/name/", {"first_name": "x" * 151}).status_code == 400


def test_a_form_cannot_change_more_than_it_shows(page: Client, emma: User) -> None:
    page.post("/account/name/", {"first_name": "Emma", "is_superuser": "1", "username": "root"})
    emma.refresh_from_db()
    assert (emma.username, emma.is_superuser) == ("emma", False)


def test_the_page_is_not_cached(page: Client) -> None:
    assert "no-store" in page.get("/account/")["Cache-Control"]
