import io
import sys

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from knox.auth import TokenAuthentication

from mcpchat_project.accounts.login_links import use_link
from mcpchat_project.accounts.models import LoginLink

pytestmark = pytest.mark.django_db


def output_of(*command: str) -> str:
    """Run a management command and return what it printed."""
    printed = io.StringIO()
    call_command(*command, stdout=printed)
    return printed.getvalue()


def user_of(link: str) -> User | None:
    """Use a printed link."""
    return use_link(link.strip().rstrip("/").rpartition("/")[2])


def test_a_new_user_gets_a_link_and_no_password() -> None:
    link = output_of("create_user", "gina", "--url", "https://chat.example.org/")
    user = User.objects.get()
    assert link.startswith("https://chat.example.org/login/link/")
    assert user_of(link) == user
    assert (user.username, user.is_staff, user.is_superuser) == ("gina", False, False)
    assert not user.has_usable_password()


def test_staff_may_do_everything_in_the_admin() -> None:
    output_of("create_user", "gina", "--staff")
    assert User.objects.filter(is_staff=True, is_superuser=True).exists()


def test_a_password_is_read_from_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery staple\n"))
    output_of("create_user", "gina", "--password-stdin")
    assert User.objects.get().check_password("correct horse battery staple")


def test_a_poor_password_makes_no_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("gina\n"))
    with pytest.raises(CommandError, match="too short"):
        output_of("create_user", "gina", "--password-stdin")
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["", "two words", "x" * 151, "<b>"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(CommandError):
        output_of("create_user", name)


def test_a_name_is_given_once() -> None:
    output_of("create_user", "gina")
    with pytest.raises(CommandError, match="already exists"):
        output_of("create_user", "gina")


def test_a_link_for_nobody_says_how_to_make_somebody() -> None:
    with pytest.raises(CommandError, match=r"no user 'gina'; make one: manage\.py create_user gina"):
        output_of("login_link", "gina")
    with pytest.raises(CommandError, match=r"no administrator"):
        output_of("login_link")


def test_a_link_for_a_user_who_was_switched_off_is_refused() -> None:
    User.objects.create_user("gina", is_active=False)
    with pytest.raises(CommandError, match="switched off"):
        output_of("login_link", "gina")
    assert not LoginLink.objects.exists()


def test_without_a_name_the_first_administrator_gets_the_link() -> None:
    User.objects.create_user("gina")
    first = User.objects.create_superuser("hugo")
    User.objects.create_superuser("ida")
    assert user_of(output_of("login_link")) == first


def test_the_first_user_is_an_administrator_without_a_password_and_is_made_once() -> None:
    output_of("first_user")
    output_of("first_user")
    user = User.objects.get()
    assert (user.username, user.is_staff, user.is_superuser) == ("admin", True, True)
    assert not user.has_usable_password()


def test_where_there_are_users_no_first_one_is_made() -> None:
    User.objects.create_user("gina")
    output_of("first_user")
    assert User.objects.count() == 1


def test_an_api_token_is_all_that_is_printed_and_it_works() -> None:
    user = User.objects.create_user("gina")
    token = output_of("api_token", "gina")
    assert TokenAuthentication().authenticate_credentials(token.strip().encode())[0] == user


def test_an_api_token_for_nobody_is_refused() -> None:
    with pytest.raises(CommandError, match="no active user 'gina'"):
        output_of("api_token", "gina")


def test_the_admin_shows_links_without_their_hash_and_changes_none(client: Client) -> None:
    admin = User.objects.create_superuser("admin")
    output_of("login_link", "admin")
    link = LoginLink.objects.get()
    client.force_login(admin)
    pages = ["/admin/accounts/loginlink/", f"/admin/accounts/loginlink/{link.pk}/change/"]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200
        assert link.token_hash not in answer.content.decode()
    assert client.get("/admin/accounts/loginlink/add/").status_code == 403
    assert client.post(pages[1], {"used_at_0": ""}).status_code == 403
    assert client.post(f"/admin/accounts/loginlink/{link.pk}/delete/", {"post": "yes"}).status_code == 403
