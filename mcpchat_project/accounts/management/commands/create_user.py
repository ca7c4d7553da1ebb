"""`manage.py create_user NAME`: make a user and print a one-time link that logs in."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError, call_command


class Command(BaseCommand):
    help = "Make a user and print a one-time login link."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--staff", action="store_true", help="may do everything in the admin")
        parser.add_argument("--password-stdin", action="store_true", help="read a password, one line")
        parser.add_argument("--url", default="", help="the site's address, if not the one of make run")

    def handle(self, *, name: str, staff: bool, password_stdin: bool, url: str, **options: Any) -> None:
        user = User(username=name, is_staff=staff, is_superuser=staff)
        if password_stdin:
            user.set_password(_password(user, sys.stdin.readline().rstrip("\r\n")))
        else:
            user.set_unusable_password()
        try:
            user.full_clean()
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        user.save()
        call_command("login_link", name, url=url, stdout=self.stdout)


def _password(user: User, password: str) -> str:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    return password
