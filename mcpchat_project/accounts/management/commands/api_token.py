"""`manage.py api_token NAME`: print a token for a program that uses the API as that user."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError

from mcpchat_project.accounts.api_tokens import TooManyTokens, create_token


class Command(BaseCommand):
    help = "Print a new API token of a user. It is shown only now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")

    def handle(self, *, name: str, **options: Any) -> None:
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {name!r}.")
        try:
            self.stdout.write(create_token(user))
        except TooManyTokens as error:
            raise CommandError(str(error)) from error
