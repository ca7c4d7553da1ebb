from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from mcpchat_project.accounts import throttle
from mcpchat_project.accounts.models import LoginAttempt

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def dora(db: None) -> User:
    """A user with a password, who may use the admin."""
    return User.objects.create_superuser("dora", password=PASSWORD)


def log_in(
    client: Client, password: str, *, name: str = "dora", path: str = "/login/", ip: str = "192.0.2.1"
) -> str:
    """Send the login form; return the page, or where it leads to."""
    answer = client.post(path, {"username": name, "password": password}, REMOTE_ADDR=ip)
    return str(answer.headers.get("Location", "")) or answer.content.decode()


def test_the_right_password_logs_in_and_a_wrong_one_does_not(client: Client) -> None:
    assert "correct username and password" in log_in(client, "wrong")
    assert log_in(client, PASSWORD) == "/"


def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(client: Client) -> None:
    for _ in range(throttle.ATTEMPTS_ON_USER):
        log_in(client, "wrong")
    assert "Too many attempts" in log_in(client, PASSWORD)
    assert "Too many attempts" in log_in(client, PASSWORD, name="DORA")


def test_the_admin_is_no_way_around(client: Client) -> None:
    for _ in range(throttle.ATTEMPTS_ON_USER):
        log_in(client, "wrong", path="/admin/login/")
    assert "Too many attempts" in log_in(client, PASSWORD, path="/admin/login/")
    assert "Too many attempts" in log_in(client, PASSWORD)


def test_another_address_is_not_locked_out(client: Client) -> None:
    for _ in range(throttle.ATTEMPTS_ON_USER + 1):
        log_in(client, "wrong")
    assert log_in(client, PASSWORD, ip="192.0.2.2") == "/"


def test_one_address_cannot_try_many_users(client: Client) -> None:
    for number in range(throttle.ATTEMPTS_FROM_ADDRESS):
        assert throttle.admit(f"user{number}", "192.0.2.1")
    assert "Too many attempts" in log_in(client, PASSWORD)


def test_the_wait_ends_however_often_one_tried_meanwhile(client: Client) -> None:
    for _ in range(throttle.ATTEMPTS_ON_USER):
        log_in(client, "wrong")
    LoginAttempt.objects.update(created_at=timezone.now() - throttle.WINDOW + timedelta(seconds=60))
    assert "Too many attempts" in log_in(client, PASSWORD)
    LoginAttempt.objects.update(created_at=timezone.now() - throttle.WINDOW)
    assert log_in(client, PASSWORD) == "/"


def test_success_forgets_the_wrong_attempts(client: Client) -> None:
    log_in(client, "wrong")
    log_in(client, PASSWORD)
    assert not LoginAttempt.objects.exists()


def test_an_endless_name_is_a_wrong_name(client: Client) -> None:
    assert "<form" in log_in(client, "wrong", name="x" * 10_000)
    assert "<form" in log_in(client, "wrong", name="")


def test_logging_in_leads_to_no_other_site(client: Client) -> None:
    form = {"username": "dora", "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/login/", form)["Location"] == "/"


def test_logging_out_needs_a_post(client: Client, dora: User) -> None:
    client.force_login(dora)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert "_auth_user_id" not in client.session
